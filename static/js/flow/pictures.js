/**
 * What arrives of the others: which slot carries which track, the sound of each slot, and who speaks where nobody in the
 * middle tells.
 */

import { Sinks } from './sinks.js';
import { Voices } from './voices.js';

export class Pictures {
  #sinks = new Sinks();
  #voices = new Voices();
  /** What the slots carry, by track id. @type {Map<string, {slot: string, media: MediaStreamTrack}>} */
  #media = new Map();
  /** Slot → track id. @type {Map<string, string>} */
  #slots = new Map();

  /** @type {(slot: string, track: string | null) => void} a slot turned to another track */
  onturn = () => {};
  /** @type {(speaking: string[]) => void} */
  onspeaking = () => {};
  /** @type {(blocked: boolean) => void} the browser wants a tap before it plays sound, or plays it */
  onblocked = () => {};

  constructor() {
    this.#sinks.onblocked = (blocked) => this.onblocked(blocked);
    this.#voices.onlevels = (_levels, speaking) => this.onspeaking(speaking);
  }

  /** @param {import('../client/call-base.js').SlotChange} change */
  turn({ mid, kind, track, mediaTrack, participant }) {
    // In p2p rooms every connection counts its slots from zero.
    const slot = participant === null ? mid : `${participant}/${mid}`;
    const before = this.#slots.get(slot);
    // Another slot may carry it by now: a connection that replaces one begins before that one ends.
    if (before !== undefined && this.#media.get(before)?.slot === slot) this.#media.delete(before);
    if (track !== null && mediaTrack) {
      this.#slots.set(slot, track);
      this.#media.set(track, { slot, media: mediaTrack });
    } else {
      this.#slots.delete(slot);
    }
    if (kind === 'audio') {
      this.#sinks.set(slot, mediaTrack);
      // Nobody in the middle tells who speaks: listen ourselves.
      if (participant !== null) this.#voices.set(participant, mediaTrack);
    }
    this.onturn(slot, mediaTrack ? track : null);
  }

  /** @param {string} track */
  mediaOf(track) {
    return this.#media.get(track)?.media ?? null;
  }

  /** Listens to one voice, or no more. @param {string} participant @param {MediaStreamTrack | null} track */
  listenTo(participant, track) {
    this.#voices.set(participant, track);
  }

  /** @param {string} id of an output device */
  setSpeaker(id) {
    this.#sinks.setSpeaker(id);
  }

  /** Something was tapped, which is what a browser waits for before it plays sound. */
  resume() {
    return this.#sinks.resume();
  }

  clear() {
    this.#sinks.clear();
    this.#voices.clear();
    this.#media.clear();
    this.#slots.clear();
  }
}
