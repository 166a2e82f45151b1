/**
 * What is asked of the browser's devices: constraints, the screen, the browser's own blur.
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
 * Whether the browser or its system can blur what is behind the person (Media Capture and Streams Extensions,
 * backgroundBlur). Some systems have it always on or always off; then there is nothing to choose.
 * @param {MediaStreamTrack} track
 */
export function canBlur(track) {
  const { backgroundBlur } = /** @type {{backgroundBlur?: boolean[]}} */ (track.getCapabilities?.() ?? {});
  return Array.isArray(backgroundBlur) && backgroundBlur.includes(true) && backgroundBlur.includes(false);
}

/** @param {MediaStreamTrack} track */
export function isBlurred(track) {
  return /** @type {{backgroundBlur?: boolean}} */ (track.getSettings()).backgroundBlur === true;
}

/**
 * @param {MediaStreamTrack} track
 * @param {boolean} on
 * @returns {Promise<boolean>} whether it is on now
 */
export async function blur(track, on) {
  try {
    await track.applyConstraints({ ...track.getConstraints(), .../** @type {any} */ ({ backgroundBlur: on }) });
  } catch {
    // It stays as it was.
  }
  return isBlurred(track);
}
