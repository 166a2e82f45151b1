/**
 * Listens to one's own microphone, muted or not, and says when something is amiss. It hears a copy of the track, which
 * never leaves this machine: the track that is sent gives nothing while it is muted.
 *
 * @typedef {import('../state/voice-watch.js').Hint} Hint
 */

import { VoiceWatch } from '../state/voice-watch.js';
import { Voices } from './voices.js';

export class OwnVoice {
  #voices = new Voices();
  #watch = new VoiceWatch();
  /** @type {MediaStreamTrack | null} */
  #source = null;
  /** @type {MediaStreamTrack | null} */
  #copy = null;
  #muted = false;

  /** @type {(hint: Hint) => boolean} answers whether it was said; what was not is offered again */
  onhint = () => false;

  constructor() {
    this.#voices.onlevels = (levels) => {
      const level = levels.get('own') ?? 0;
      const now = performance.now();
      const hint = this.#watch.hear({ level, muted: this.#muted, now });
      if (hint && this.onhint(hint)) this.#watch.said(hint, now);
    };
  }

  /**
   * @param {MediaStreamTrack | null} track null stops listening
   * @param {boolean} muted
   */
  follow(track, muted) {
    this.#muted = muted;
    if (track === this.#source) return;
    this.#source = track;
    this.#voices.set('own', null);
    this.#copy?.stop();
    this.#copy = track?.clone() ?? null;
    if (!this.#copy) return;
    this.#copy.enabled = true;
    this.#watch.reset();
    this.#voices.set('own', this.#copy);
  }
}
