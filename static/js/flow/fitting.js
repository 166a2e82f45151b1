/**
 * What fits this person: how large the others' pictures come, how large the own one goes out. The person's choice, the page
 * as it is drawn, and the machine have a say in it.
 *
 * @typedef {import('./meeting.js').Call} Call
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('../state/viewing.js').Choice} Choice
 * @typedef {import('../state/viewing.js').ViewRequest} ViewRequest
 */

import { systemTimers } from '../client/timers.js';
import { whyBlurry } from '../state/clarity.js';
import { SHARES, TALLEST } from '../state/strain.js';
import { ownShare } from '../state/viewing.js';
import { Relief } from './relief.js';
import { Viewing } from './viewing.js';

export class Fitting {
  #io;
  #viewing;
  #relief;
  /** Whether the person was told already that this machine cannot keep up. */
  #told = false;

  /**
   * @param {{
   *   call: () => Call | null,
   *   meeting: () => Meeting | null,
   *   choice: () => Choice,
   *   dispatch: (action: import('../state/meeting.js').MeetingAction) => void,
   *   toast: (key: string) => void,
   *   timers?: import('../client/timers.js').Timers,
   * }} io
   */
  constructor({ timers = systemTimers, ...io }) {
    this.#io = io;
    this.#viewing = new Viewing((tiles) => io.call()?.view(tiles), timers);
    this.#relief = new Relief({
      stats: async () => (await io.call()?.stats()) ?? null,
      hidden: () => document.hidden,
      tell: (level) => this.#relieve(level),
      timers,
    });
    document.addEventListener('visibilitychange', () => io.meeting() && this.#viewing.hide(document.hidden));
  }

  begin() {
    this.#told = false;
    this.#viewing.begin(this.#io.choice(), document.hidden);
    this.#limit();
    // Between browsers there is nobody who could send less.
    if (this.#isServed()) this.#relief.start();
  }

  end() {
    this.#viewing.end();
    this.#relief.stop();
  }

  /** @param {readonly ViewRequest[]} viewRequests what the stage draws */
  show(viewRequests) {
    this.#viewing.show(viewRequests);
  }

  /** @param {ViewRequest | null} viewRequest what a small window over other work shows */
  standApart(viewRequest) {
    this.#viewing.standApart(viewRequest);
  }

  /** @param {Choice} choice */
  choose(choice) {
    this.#viewing.choose(choice);
    this.#limit();
  }

  /** @param {string | undefined} track @param {boolean} screen */
  whyOf(track, screen) {
    const meeting = this.#io.meeting();
    if (!meeting || track === undefined || !this.#isServed()) return null;
    return whyBlurry(meeting, track, { choice: this.#io.choice(), reduced: this.#viewing.isReduced(track), screen });
  }

  /** @param {import('../state/strain.js').Level} level */
  #relieve(level) {
    const before = this.#io.meeting()?.strain ?? 0;
    this.#io.dispatch({ type: 'strain', strain: level });
    this.#viewing.relieve(TALLEST[level]);
    this.#limit();
    if (level > before && !this.#told) this.#io.toast('toast.strain');
    this.#told = true;
  }

  #limit() {
    const share = Math.min(ownShare(this.#io.choice()), SHARES[this.#io.meeting()?.strain ?? 0]);
    this.#io.call()?.limit('camera', share);
  }

  #isServed() {
    return this.#io.meeting()?.room.topology === 'sfu';
  }
}
