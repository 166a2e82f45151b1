import { codeOf } from './errors.js';

const DEFAULT_INTERVAL_MS = 15_000;
/** Only the client uses this code, on its own side: 4000-4999 are free for applications (RFC 6455 §7.4.2). */
const CLOSED_BY_SILENCE = 4000;

/**
 * Notices a network that is gone without having said so. The server's WebSocket pings are invisible to a page, so it
 * asks for itself: a `ping` without an answer closes the connection.
 */
export class Heartbeat {
  #connection;
  #intervalMs;
  #timers;
  /** @type {any} */
  #timer = null;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {number} intervalMs as the server's hello says
   * @param {import('./timers.js').Timers} timers
   */
  constructor(connection, intervalMs, timers) {
    this.#connection = connection;
    this.#intervalMs = intervalMs || DEFAULT_INTERVAL_MS;
    this.#timers = timers;
    this.#plan();
  }

  stop() {
    this.#timers.clearTimeout(this.#timer);
  }

  /** Asks now. Whoever was busy or refused us is at least alive. */
  async beat() {
    this.stop();
    try {
      await this.#connection.request('ping');
    } catch (error) {
      if (codeOf(error) === 'client.timeout') this.#connection.close(CLOSED_BY_SILENCE);
    }
    if (this.#connection.isOpen) this.#plan();
  }

  #plan() {
    this.stop();
    this.#timer = this.#timers.setTimeout(() => this.beat(), this.#intervalMs);
  }
}
