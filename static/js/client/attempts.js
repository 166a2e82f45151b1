import { pauseAfter, pauseBefore } from './pauses.js';

/** What is tried again after a pause, and by somebody who does not want to wait at once. */
export class Attempts {
  #timers;
  #random;
  /** The try that waits for its turn. @type {{run: () => void, timer: any}|null} */
  #next = null;

  /** When what is tried for was lost, milliseconds since the epoch. */
  since = 0;

  /** @param {import('./timers.js').Timers} timers @param {() => number} random */
  constructor(timers, random) {
    this.#timers = timers;
    this.#random = random;
  }

  get isWaiting() {
    return this.#next !== null;
  }

  /**
   * @param {number} pauses how many came before, this one included; 0 for no pause
   * @param {() => void} run
   * @param {number} [atLeastMs] the wait that the server asked for
   * @param {number} [spentMs] how long the attempt before waited for an answer that never came
   * @returns {number} when it will be, milliseconds since the epoch
   */
  plan(pauses, run, atLeastMs = 0, spentMs = 0) {
    this.cancel();
    const now = this.#timers.now();
    const random = this.#random();
    const whole = pauses === 0 ? atLeastMs : pauseBefore(pauses, now - this.since, random, atLeastMs);
    const pause = spentMs === 0 ? whole : pauseAfter(whole, spentMs, random);
    this.#next = { run, timer: this.#timers.setTimeout(() => this.now(), pause) };
    return now + pause;
  }

  /** Does not wait. */
  now() {
    const run = this.#next?.run;
    this.cancel();
    run?.();
  }

  cancel() {
    this.#timers.clearTimeout(this.#next?.timer);
    this.#next = null;
  }
}
