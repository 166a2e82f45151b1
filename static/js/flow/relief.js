/** Looks whether this machine keeps up, and relieves it step by step where it does not. state/strain.js decides. */

import { atEase, isTooMuch, weigh } from '../state/strain.js';

const LOOK_MS = 2_000;

export class Relief {
  #io;
  #strain;
  /** @type {import('../client/stats.js').TrackStats[]} */
  #before = [];
  /** @type {any} */
  #timer = null;
  /** Counts meetings: what was measured for one means nothing in the next. */
  #round = 0;

  /**
   * @param {{
   *   stats: () => Promise<import('../client/stats.js').CallStats | null>,
   *   hidden: () => boolean,
   *   tell: (level: import('../state/strain.js').Level) => void,
   *   timers: import('../client/timers.js').Timers,
   * }} io
   */
  constructor(io) {
    this.#io = io;
    this.#strain = atEase(io.timers.now());
  }

  start() {
    this.stop();
    this.#strain = atEase(this.#io.timers.now());
    this.#plan();
  }

  stop() {
    this.#round += 1;
    this.#before = [];
    this.#io.timers.clearTimeout(this.#timer);
  }

  #plan() {
    this.#timer = this.#io.timers.setTimeout(() => void this.#look(this.#round), LOOK_MS);
  }

  /** @param {number} round */
  async #look(round) {
    const { stats, hidden, tell, timers } = this.#io;
    const report = await stats().catch(() => null);
    if (round !== this.#round) return;
    this.#plan();
    const now = report?.tracks ?? [];
    const before = this.#before;
    // A hidden page draws nothing, which says nothing of the machine.
    this.#before = hidden() ? [] : now;
    const { level } = this.#strain;
    this.#strain = weigh(this.#strain, isTooMuch(this.#before.length > 0 ? before : [], now), timers.now());
    if (this.#strain.level !== level) tell(this.#strain.level);
  }
}
