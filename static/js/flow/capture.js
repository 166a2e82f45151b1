/**
 * What is asked of the browser's devices: constraints, the screen.
 *
 * @typedef {import('../state/app.js').Problem} Problem
 */

import { problemOf } from '../state/devices.js';

/** @param {string} id @returns {MediaTrackConstraints} */
export function audioConstraints(id) {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(id === '' ? {} : { deviceId: { exact: id } }),
  };
}

/** @param {string} id @returns {MediaTrackConstraints} */
export function videoConstraints(id) {
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
    ...(id === '' ? { facingMode: 'user' } : { deviceId: { exact: id } }),
  };
}

/**
 * The screen the person picks, with its sound if that is wanted and the browser offers it.
 * @param {{sound: boolean}} wanted
 * @returns {Promise<{video: MediaStreamTrack, audio: MediaStreamTrack | null} | Problem>}
 */
export async function pickScreen({ sound }) {
  if (!navigator.mediaDevices?.getDisplayMedia) return 'insecure';
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      // Voices from the meeting must not be sent back into it; music and film sound must not be "cleaned".
      audio: sound && { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      .../** @type {any} */ ({
        systemAudio: sound ? 'include' : 'exclude',
        selfBrowserSurface: 'exclude',
        surfaceSwitching: 'include',
      }),
    });
    const [video] = stream.getVideoTracks();
    video.contentHint = 'detail';
    return { video, audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    return problemOf(error);
  }
}

/**
 * The device of this id, or another one when it is not there.
 * @param {'microphone' | 'camera'} which @param {string} id @returns {Promise<MediaStreamTrack>}
 */
export async function openDevice(which, id) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(
      which === 'microphone' ? { audio: audioConstraints(id) } : { video: videoConstraints(id) },
    );
    return stream.getTracks()[0];
  } catch (error) {
    const isAbsent = id !== '' && /** @type {any} */ (error)?.name === 'OverconstrainedError';
    if (isAbsent) return openDevice(which, '');
    throw error;
  }
}
