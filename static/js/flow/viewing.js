/**
 * Tells the server which pictures are seen, and in which size. This depends on how the page draws them and on what the
 * person chose. While nobody looks at the page there are none. This file decides when to tell; state/viewing.js decides what.
 *
 * @typedef {import('../client/protocol.d.ts').Tile} Tile
 * @typedef {import('../state/viewing.js').Choice} Choice
 * @typedef {import('../state/viewing.js').ViewRequest} ViewRequest
 */

import { asked, isReduced, urgency } from '../state/viewing.js';

/** While somebody resizes a window, every frame has a new list. */
const PAUSE_MS = 150;
/** A change can wait when pictures only get smaller, go or change their order: it may be undone by then. */
const LATER_MS = 1_000;
/** A person who looks at another tab only for a moment still has the pictures afterwards. */
const HIDDEN_MS = 5_000;

export class Viewing {
  #tell;
  #timers;
  /** @type {readonly ViewRequest[]} */
  #shown = [];
  /** @type {import('../state/viewing.js').Demands} */
  #demands = { choice: 'best', hidden: false, apart: null, tallest: Infinity };
  /** @type {Tile[] | null} */
  #told = null;
  #toldAt = -Infinity;
  /** @type {any} */
  #timer = null;
  #dueAt = Infinity;
  /** @type {any} */
  #hiddenTimer = null;

  /**
   * @param {(tiles: Tile[]) => void} tell
   * @param {import('../client/timers.js').Timers} timers
   */
  constructor(tell, timers) {
    this.#tell = tell;
    this.#timers = timers;
  }

  /** Another meeting begins: the server knows nothing yet. @param {Choice} choice @param {boolean} hidden */
  begin(choice, hidden) {
    this.end();
    this.#demands = { choice, hidden: false, apart: null, tallest: Infinity };
    this.hide(hidden);
  }

  end() {
    this.#rest();
    this.#timers.clearTimeout(this.#hiddenTimer);
    this.#hiddenTimer = null;
    this.#shown = [];
    this.#told = null;
    this.#toldAt = -Infinity;
  }

  /** @param {readonly ViewRequest[]} viewRequests what the page draws */
  show(viewRequests) {
    this.#shown = viewRequests;
    this.#look();
  }

  /** @param {Choice} choice */
  choose(choice) {
    this.#demand({ choice });
  }

  /** @param {number} tallest how many lines of a camera's picture the machine can handle */
  relieve(tallest) {
    this.#demand({ tallest });
  }

  /** @param {ViewRequest | null} apart what a small window over other work shows */
  standApart(apart) {
    this.#demand({ apart });
  }

  /** @param {boolean} hidden whether the page can be seen */
  hide(hidden) {
    this.#timers.clearTimeout(this.#hiddenTimer);
    this.#hiddenTimer = null;
    if (!hidden) return this.#demand({ hidden });
    this.#hiddenTimer = this.#timers.setTimeout(() => this.#demand({ hidden }), HIDDEN_MS);
  }

  /** Whether a camera's picture is asked for smaller than it is drawn. @param {string} track */
  isReduced(track) {
    const { choice, tallest } = this.#demands;
    const viewRequest = this.#shown.find((one) => one.track === track);
    return viewRequest !== undefined && !viewRequest.screen && isReduced(viewRequest.height, choice, tallest);
  }

  /** @param {Partial<import('../state/viewing.js').Demands>} change */
  #demand(change) {
    this.#demands = { ...this.#demands, ...change };
    this.#look();
  }

  #look() {
    const next = asked(this.#shown, this.#demands);
    const how = urgency(this.#told, next);
    if (how === null) return this.#rest();
    const now = this.#timers.now();
    const dueAt = how === 'now' ? Math.max(now, this.#toldAt + PAUSE_MS) : now + LATER_MS;
    // A further change does not delay the change before it.
    if (dueAt >= this.#dueAt) return;
    this.#rest();
    if (dueAt <= now) return this.#send();
    this.#dueAt = dueAt;
    this.#timer = this.#timers.setTimeout(() => this.#send(), dueAt - now);
  }

  #send() {
    this.#rest();
    this.#told = asked(this.#shown, this.#demands);
    this.#toldAt = this.#timers.now();
    this.#tell(this.#told);
  }

  #rest() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.#dueAt = Infinity;
  }
}
