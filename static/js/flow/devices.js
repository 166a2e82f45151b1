/**
 * This person's microphone, camera and screen. Asks the browser for them, notices devices that are plugged in or out, and
 * gives the tracks to the code that sends them. Knows nothing about meetings.
 *
 * @typedef {import('../state/app.js').AppAction} AppAction
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/app.js').Problem} Problem
 * @typedef {'microphone' | 'camera'} Which
 * @typedef {Which | 'speaker'} Kind
 * @typedef {Partial<Record<Kind, import('../state/app.js').Choice>>} Found
 */

import { changesOf, problemOf, remembered } from '../state/devices.js';
import { Blur } from './blur.js';
import { audioConstraints, openDevice, videoConstraints } from './capture.js';
import { settings } from './settings.js';

const KINDS = /** @type {const} */ ({ microphone: 'audioinput', camera: 'videoinput', speaker: 'audiooutput' });
const LISTS = /** @type {const} */ ({ microphone: 'microphones', camera: 'cameras', speaker: 'speakers' });
const BOTH = /** @type {const} */ (['microphone', 'camera']);

export class Devices {
  #dispatch;
  #state;
  /** Blurs what is behind the person. */
  blur;
  /** @type {Record<Which, MediaStreamTrack | null>} */
  #tracks = { microphone: null, camera: null };
  /** @type {Set<(which: Which, track: MediaStreamTrack | null) => void>} */
  #listeners = new Set();
  /** @type {(kind: Kind, label: string | null) => void} told when a device went away and what took its place */
  onlost = () => {};
  /** @type {(found: Found) => void} told when something was plugged in; a headset is several devices at once */
  onfound = () => {};
  /** @type {(kind: Kind, label: string) => void} told when the remembered one came back and is used again */
  onback = () => {};
  /** @type {(id: string) => void} told where the sound has to come from now; empty is the system's choice */
  onspeaker = () => {};

  /**
   * @param {{dispatch: (action: AppAction) => void, get: () => AppState}} store
   */
  constructor({ dispatch, get }) {
    this.#dispatch = dispatch;
    this.#state = get;
    this.blur = new Blur({
      camera: () => this.#tracks.camera,
      tell: (change) => dispatch({ type: 'devices', devices: { blur: { ...get().devices.blur, ...change } } }),
    });
    const { microphone = '', camera = '', speaker = '' } = settings.devices;
    this.#set('microphone', { id: microphone });
    this.#set('camera', { id: camera });
    dispatch({ type: 'devices', devices: { speaker } });
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#changed());
    for (const which of BOTH) void this.#followPermission(which);
  }

  /** @param {Which} which */
  track(which) {
    return this.#tracks[which];
  }

  /**
   * The listener gets every new track, and null when a device is released.
   * @param {(which: Which, track: MediaStreamTrack | null) => void} listener
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks for the devices that are wanted, for both in one question if possible. If one fails, the other may still work.
   */
  async open() {
    const { microphone, camera } = this.#state().devices;
    const needsMicrophone = !this.#tracks.microphone;
    const needsCamera = camera.wanted && !this.#tracks.camera;
    if (!(needsMicrophone && needsCamera && (await this.#openBoth(microphone.id, camera.id)))) {
      await Promise.all([needsMicrophone && this.#acquire('microphone'), needsCamera && this.#acquire('camera')]);
    }
    await this.list();
    for (const which of BOTH) await this.#prefer(which);
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
      return true;
    } catch (error) {
      if (problemOf(error) !== 'dismissed') {
        // One of the two may still work. Asking for each alone shows which one failed, and why.
        return false;
      }
      // A person who closed the question is not asked again for each device.
      for (const which of BOTH) this.#set(which, { problem: 'dismissed', live: false, asking: false });
      return true;
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
      this.#keep(which, await openDevice(which, id));
      return null;
    } catch (error) {
      const problem = problemOf(error);
      // A phone opens only one camera at a time. The old one is released, and then the new one is asked for again.
      if (problem === 'busy' && this.#tracks[which]) {
        this.#release(which);
        return this.#acquire(which);
      }
      this.#set(which, { problem, live: this.#tracks[which] !== null, asking: false });
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
    // Only now, so that a change of devices in the call leaves no gap.
    old?.stop();
    if (which === 'camera') void this.blur.follow(track);
  }

  /** @param {Which} which @param {MediaStreamTrack} track that ended by itself: pulled out or taken away */
  async #lost(which, track) {
    if (this.#tracks[which] !== track) return;
    this.#release(which);
    this.#set(which, { id: '' });
    await this.list();
    const other = this.#state().devices[LISTS[which]][0];
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
    // The track stops only now, when its sender no longer uses it. So nobody sees a frozen last frame.
    track.stop();
  }

  /**
   * Turns the camera on or off. Off lets the device go, so that its light goes out.
   * @param {boolean} on
   * @returns {Promise<Problem | null>}
   */
  async setCamera(on) {
    this.#set('camera', { wanted: on, held: false });
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
    this.#set('microphone', { wanted: on, held: false });
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
    this.#remember(which, id);
    if (which === 'camera' && !this.#state().devices.camera.wanted) return null;
    return this.#acquire(which);
  }

  /** @param {string} id */
  chooseSpeaker(id) {
    this.#remember('speaker', id);
    this.#playOn(id);
  }

  /** @param {string} id */
  #playOn(id) {
    this.#dispatch({ type: 'devices', devices: { speaker: id } });
    this.onspeaker(id);
  }

  /** @param {Kind} kind @param {string} id */
  #remember(kind, id) {
    const label = this.#state().devices[LISTS[kind]].find((choice) => choice.id === id)?.label ?? '';
    const { devices } = settings;
    settings.devices = { ...devices, [kind]: id, names: { ...devices.names, [kind]: label } };
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
    const { speakers } = this.#state().devices;
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (/** @type {MediaDeviceKind} */ kind) =>
      all
        .filter((device) => device.kind === kind && device.deviceId !== '' && device.label !== '')
        .map(({ deviceId, label }) => ({ id: deviceId, label }));
    this.#dispatch({
      type: 'devices',
      devices: { microphones: of(KINDS.microphone), cameras: of(KINDS.camera), speakers: of(KINDS.speaker) },
    });
    this.#followSpeaker(speakers);
  }

  /**
   * The remembered speaker while it is there, else the system's choice: an element that plays on a device that is gone
   * would be silent.
   * @param {import('../state/app.js').Choice[]} before
   */
  #followSpeaker(before) {
    const { speakers, speaker } = this.#state().devices;
    // Before the first permission nobody knows what is there.
    if (speakers.length === 0 && before.length === 0) return;
    const { speaker: id, names } = settings.devices;
    const next = remembered(speakers, { id, label: names?.speaker })?.id ?? '';
    if (next !== speaker) this.#playOn(next);
  }

  /** Something was plugged in or out. A track that lost its device ends by itself; {@link #lost} handles that. */
  async #changed() {
    const before = this.#state().devices;
    await this.list();
    const after = this.#state().devices;
    const told = this.#tellSpeaker(before.speaker, after);
    for (const which of BOTH) {
      const label = await this.#prefer(which);
      if (label !== null) return this.onback(which, label);
    }
    if (told || (!this.#tracks.microphone && !this.#tracks.camera)) return;
    /** @type {Found} */
    const found = {};
    for (const kind of /** @type {Kind[]} */ (Object.keys(LISTS))) {
      const [first] = changesOf(before[LISTS[kind]], after[LISTS[kind]]).added;
      if (first) found[kind] = first;
    }
    if (Object.keys(found).length > 0) this.onfound(found);
  }

  /** @param {string} before @param {import('../state/app.js').Devices} after @returns {boolean} whether there was something to tell */
  #tellSpeaker(before, { speaker, speakers }) {
    if (speaker === before) return false;
    if (speaker === '') this.onlost('speaker', speakers[0]?.label ?? null);
    else this.onback('speaker', speakers.find(({ id }) => id === speaker)?.label ?? '');
    return true;
  }

  /**
   * Uses the remembered device again where another one had to replace it.
   * @param {Which} which
   * @returns {Promise<string | null>} what it is called; null when nothing was to be done
   */
  async #prefer(which) {
    const { devices } = this.#state();
    const { [which]: id, names } = settings.devices;
    const wanted = remembered(devices[LISTS[which]], { id, label: names?.[which] });
    if (!this.#tracks[which] || !wanted || wanted.id === devices[which].id) return null;
    this.#set(which, { id: wanted.id });
    return (await this.#acquire(which)) ? null : wanted.label;
  }

  /** The person may allow a device later, in the browser's own settings. @param {Which} which */
  async #followPermission(which) {
    try {
      const status = await navigator.permissions.query({ name: /** @type {PermissionName} */ (which) });
      status.addEventListener('change', () => {
        const { wanted, problem } = this.#state().devices[which];
        if (status.state === 'granted' && wanted && problem !== null) void this.#acquire(which).then(() => this.list());
      });
    } catch {
      // Not every browser tells of these permissions.
    }
  }

  /** Releases all devices: outside of the preview and the meeting nothing records. */
  close() {
    this.#release('microphone');
    this.#release('camera');
  }

  /** @param {Which} which @param {Partial<import('../state/app.js').Device>} device */
  #set(which, device) {
    this.#dispatch({ type: 'device', which, device });
  }
}
