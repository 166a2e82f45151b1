/**
 * Whether what the person sends leaves, and whether what the others send arrives. A connection takes a moment, and one
 * that is lost for a moment has words of its own (flow/loss.js); here is told what lasts, and what the server refused.
 *
 * @typedef {import('../state/trouble.js').Trouble} Trouble
 * @typedef {import('../client/kept-link.js').LinkState & {connection: string}} MediaChange  connection: `up`, `down`, or
 *   somebody to whom there is a way of their own
 */

/** The first connection of a slow network is there by then, and one that was made anew as well. */
const TOLD_AFTER_MS = 8_000;

export class MediaHealth {
  #tell;
  #timers;
  /** @type {Map<string, {timer: any, told: boolean, last: MediaChange}>} what is not connected */
  #open = new Map();

  /**
   * @param {(connection: string, trouble: Trouble | null) => void} tell
   * @param {import('../client/timers.js').Timers} timers
   */
  constructor(tell, timers) {
    this.#tell = tell;
    this.#timers = timers;
  }

  /** @param {MediaChange} change */
  change(change) {
    const { connection, state } = change;
    const before = this.#open.get(connection);
    if (state === 'connected') return this.#settle(connection);
    const now = before ?? { timer: null, told: false, last: change };
    now.last = change;
    this.#open.set(connection, now);
    if (state === 'refused' || now.told) return this.#say(connection);
    now.timer ??= this.#timers.setTimeout(() => this.#say(connection), TOLD_AFTER_MS);
  }

  /** Somebody is gone, and the way to them. @param {string} connection */
  gone(connection) {
    this.#settle(connection);
  }

  /** Another meeting, or none. */
  clear() {
    for (const connection of [...this.#open.keys()]) this.#settle(connection);
  }

  /** @param {string} connection */
  #settle(connection) {
    const before = this.#open.get(connection);
    this.#open.delete(connection);
    this.#timers.clearTimeout(before?.timer);
    if (before?.told) this.#tell(connection, null);
  }

  /** @param {string} connection */
  #say(connection) {
    const now = this.#open.get(connection);
    if (!now) return;
    now.told = true;
    const { code, retryAt, state } = now.last;
    this.#tell(connection, { code: code ?? 'ice', retryAt, refused: state === 'refused' });
  }
}
