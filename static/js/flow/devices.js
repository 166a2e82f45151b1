/**
 * This person's microphone, camera and screen: asks for them, follows what is plugged in and out, and
 * gives the tracks to whoever sends them. Knows nothing of meetings.
 *
 * @typedef {import('../state/app.js').AppAction} AppAction
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/app.js').Problem} Problem
 * @typedef {'microphone' | 'camera'} Which
 */

import { settings } from './settings.js';

const KINDS = /** @type {const} */ ({ microphone: 'audioinput', camera: 'videoinput' });

/** @param {unknown} error @returns {Problem} */
export function problemOf(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'unknown';
}

export class Devices {
  #dispatch;
  #state;
  /** @type {Record<Which, MediaStreamTrack | null>} */
  #tracks = { microphone: null, camera: null };
  /** @type {Set<(which: Which, track: MediaStreamTrack | null) => void>} */
  #listeners = new Set();
  /** @type {(which: Which, label: string | null) => void} told when a device went away and what took its place */
  onlost = () => {};

  /**
   * @param {{dispatch: (action: AppAction) => void, get: () => AppState}} store
   */
  constructor({ dispatch, get }) {
    this.#dispatch = dispatch;
    this.#state = get;
    const { microphone = '', camera = '', speaker = '' } = settings.devices;
    this.#set('microphone', { id: microphone });
    this.#set('camera', { id: camera });
    dispatch({ type: 'devices', devices: { speaker } });
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.list());
  }

  /** @param {Which} which */
  track(which) {
    return this.#tracks[which];
  }

  /**
   * Hears of every new track, and of null when a device is let go.
   * @param {(which: Which, track: MediaStreamTrack | null) => void} listener
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks for what is wanted, both in one question if it can. What fails fails alone.
   */
  async open() {
    const { microphone, camera } = this.#state().devices;
    const needsMicrophone = !this.#tracks.microphone;
    const needsCamera = camera.wanted && !this.#tracks.camera;
    if (needsMicrophone && needsCamera && (await this.#openBoth(microphone.id, camera.id))) return;
    await Promise.all([needsMicrophone && this.#acquire('microphone'), needsCamera && this.#acquire('camera')]);
    await this.list();
  }

  /** @param {string} microphone @param {string} camera */
  async #openBoth(microphone, camera) {
    if (!navigator.mediaDevices) return false;
    this.#set('microphone', { asking: true });
    this.#set('camera', { asking: true });
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: audioConstraints(microphone),
        video: videoConstraints(camera),
      });
      this.#keep('microphone', stream.getAudioTracks()[0]);
      this.#keep('camera', stream.getVideoTracks()[0]);
      void this.list();
      return true;
    } catch {
      // One of the two may still work; asking for each alone tells which one failed, and why.
      return false;
    }
  }

  /**
   * @param {Which} which
   * @returns {Promise<Problem | null>}
   */
  async #acquire(which) {
    if (!navigator.mediaDevices) {
      this.#set(which, { problem: 'insecure', live: false, asking: false });
      return 'insecure';
    }
    const { id } = this.#state().devices[which];
    this.#set(which, { asking: true });
    try {
      const stream = await navigator.mediaDevices.getUserMedia(
        which === 'microphone' ? { audio: audioConstraints(id) } : { video: videoConstraints(id) },
      );
      this.#keep(which, stream.getTracks()[0]);
      return null;
    } catch (error) {
      const problem = problemOf(error);
      this.#set(which, { problem, live: false, asking: false });
      return problem;
    }
  }

  /**
   * @param {Which} which
   * @param {MediaStreamTrack} track
   */
  #keep(which, track) {
    // The person may have changed their mind while the browser asked.
    if (which === 'camera' && !this.#state().devices.camera.wanted) {
      track.stop();
      this.#set('camera', { asking: false });
      return;
    }
    const old = this.#tracks[which];
    this.#tracks[which] = track;
    if (which === 'microphone') track.enabled = this.#state().devices.microphone.wanted;
    else track.contentHint = 'motion';
    track.addEventListener('ended', () => void this.#lost(which, track));
    this.#set(which, { live: true, asking: false, problem: null, id: track.getSettings().deviceId ?? '' });
    for (const listener of this.#listeners) listener(which, track);
    old?.stop();
  }

  /** @param {Which} which @param {MediaStreamTrack} track that ended by itself: pulled out or taken away */
  async #lost(which, track) {
    if (this.#tracks[which] !== track) return;
    this.#release(which);
    this.#set(which, { id: '' });
    await this.list();
    const other = this.#state().devices[which === 'microphone' ? 'microphones' : 'cameras'][0];
    const failed = other ? await this.#acquire(which) : 'missing';
    if (failed) this.#set(which, { problem: failed, wanted: false });
    this.onlost(which, failed ? null : (this.#tracks[which]?.label ?? ''));
  }

  /** @param {Which} which */
  #release(which) {
    const track = this.#tracks[which];
    if (!track) return;
    this.#tracks[which] = null;
    this.#set(which, { live: false });
    for (const listener of this.#listeners) listener(which, null);
    // Only now: whoever sent it has let go, so nobody sees a frozen last frame.
    track.stop();
  }

  /**
   * Turns the camera on or off. Off lets the device go, so that its light goes out.
   * @param {boolean} on
   * @returns {Promise<Problem | null>}
   */
  async setCamera(on) {
    this.#set('camera', { wanted: on });
    if (!on) {
      this.#release('camera');
      return null;
    }
    const problem = this.#tracks.camera ? null : await this.#acquire('camera');
    if (problem) this.#set('camera', { wanted: false });
    await this.list();
    return problem;
  }

  /**
   * Speaks or mutes. The track stays, so that unmuting is immediate.
   * @param {boolean} on
   * @returns {Promise<Problem | null>}
   */
  async setMicrophone(on) {
    this.#set('microphone', { wanted: on });
    if (on && !this.#tracks.microphone) {
      const problem = await this.#acquire('microphone');
      if (problem) this.#set('microphone', { wanted: false });
      await this.list();
      return problem;
    }
    if (this.#tracks.microphone) this.#tracks.microphone.enabled = on;
    return null;
  }

  /** @param {Which} which @param {string} id */
  async choose(which, id) {
    this.#set(which, { id });
    settings.devices = { ...settings.devices, [which]: id };
    if (which === 'camera' && !this.#state().devices.camera.wanted) return null;
    return this.#acquire(which);
  }

  /** @param {string} id */
  chooseSpeaker(id) {
    settings.devices = { ...settings.devices, speaker: id };
    this.#dispatch({ type: 'devices', devices: { speaker: id } });
  }

  /** The next camera, which on a phone is the one on its other side. */
  async flip() {
    const { cameras, camera } = this.#state().devices;
    const at = cameras.findIndex((choice) => choice.id === camera.id);
    const next = cameras[(at + 1) % cameras.length];
    return next ? this.choose('camera', next.id) : null;
  }

  /** Reads which devices there are. Their names are empty until the person has allowed one. */
  async list() {
    if (!navigator.mediaDevices) return;
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (/** @type {MediaDeviceKind} */ kind) =>
      all
        .filter((device) => device.kind === kind && device.deviceId !== '' && device.label !== '')
        .map(({ deviceId, label }) => ({ id: deviceId, label }));
    this.#dispatch({
      type: 'devices',
      devices: { microphones: of(KINDS.microphone), cameras: of(KINDS.camera), speakers: of('audiooutput') },
    });
  }

  /** Lets everything go: nothing listens or watches outside of preview and meeting. */
  close() {
    this.#release('microphone');
    this.#release('camera');
  }

  /** @param {Which} which @param {Partial<import('../state/app.js').Device>} device */
  #set(which, device) {
    this.#dispatch({ type: 'device', which, device });
  }
}

/**
 * The screen the person picks, with its sound if the browser offers it.
 * @returns {Promise<{video: MediaStreamTrack, audio: MediaStreamTrack | null} | Problem>}
 */
export async function pickScreen() {
  if (!navigator.mediaDevices?.getDisplayMedia) return 'insecure';
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      // Voices from the meeting must not be sent back into it; music and film sound must not be "cleaned".
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      .../** @type {any} */ ({ systemAudio: 'include', selfBrowserSurface: 'exclude', surfaceSwitching: 'include' }),
    });
    const [video] = stream.getVideoTracks();
    video.contentHint = 'detail';
    return { video, audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    return problemOf(error);
  }
}

/** @param {string} id @returns {MediaTrackConstraints} */
function audioConstraints(id) {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(id === '' ? {} : { deviceId: { ideal: id } }),
  };
}

/** @param {string} id @returns {MediaTrackConstraints} */
function videoConstraints(id) {
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
    ...(id === '' ? { facingMode: 'user' } : { deviceId: { ideal: id } }),
  };
}
