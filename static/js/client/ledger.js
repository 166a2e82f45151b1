import { ProtocolError } from './errors.js';

/**
 * @typedef {object} Entry
 * @property {string} type
 * @property {string} text the frame
 * @property {boolean} outlives it is kept when the socket is lost, and sent again on the next one
 * @property {((reply: any) => void)|null} first
 * @property {(data: any) => void} resolve
 * @property {(error: ProtocolError) => void} reject
 * @property {any} timer
 *
 * @typedef {object} AskOptions
 * @property {boolean} [outlives] a lost socket does not end it: see {@link Ledger.unanswered}
 * @property {(reply: any) => void} [first] is handed the answer before anything that came behind it is read
 */

/**
 * The requests that wait for their answers. A session has one ledger for all its sockets: the server answers a request by
 * its id, also on another socket and also when it was carried out long ago, so one that was cut off is sent again as it was.
 */
export class Ledger {
  #timers;
  #patienceMs;
  #lastId;
  /** In the order of their ids. @type {Map<number, Entry>} */
  #entries = new Map();

  /**
   * @param {import('./timers.js').Timers} timers
   * @param {number} patienceMs how long a request that was sent may stay unanswered
   * @param {number} [lastId] that was used before
   */
  constructor(timers, patienceMs, lastId = 0) {
    this.#timers = timers;
    this.#patienceMs = patienceMs;
    this.#lastId = lastId;
  }

  /** What is asked for. */
  get types() {
    return [...this.#entries.values()].map(({ type }) => type);
  }

  /**
   * Enters a request that has still to be sent.
   *
   * @param {string} type
   * @param {object} [data]
   * @param {AskOptions} [options]
   * @returns {{id: number, answer: Promise<any>}}
   */
  enter(type, data, { outlives = false, first = undefined } = {}) {
    const id = ++this.#lastId;
    const text = JSON.stringify(data === undefined ? { type, id } : { type, id, data });
    const answer = new Promise((resolve, reject) => {
      this.#entries.set(id, { type, text, outlives, first: first ?? null, resolve, reject, timer: null });
    });
    return { id, answer };
  }

  /** Begins to wait. @param {number} id @returns {string} the frame to send */
  send(id) {
    const entry = /** @type {Entry} */ (this.#entries.get(id));
    this.#timers.clearTimeout(entry.timer);
    entry.timer = this.#timers.setTimeout(() => {
      this.#entries.delete(id);
      entry.reject(new ProtocolError('client.timeout', `No answer to ${entry.type} in time.`, { request: entry.type }));
    }, this.#patienceMs);
    return entry.text;
  }

  /** What a new socket has to send again, in order. @returns {string[]} */
  unanswered() {
    return [...this.#entries].filter(([, { outlives }]) => outlives).map(([id]) => this.send(id));
  }

  /** @param {any} frame a reply; one that nobody waits for any more is nothing */
  settle(frame) {
    const entry = this.#take(frame.re);
    if (!entry) return;
    if (frame.type !== 'ok') return entry.reject(ProtocolError.fromWire(frame.error ?? EMPTY_REFUSAL, entry.type));
    const data = frame.data ?? {};
    entry.first?.(data);
    entry.resolve(data);
  }

  /** Answers the oldest request of a type with what was learnt in another way. @param {string} type @param {any} data */
  answer(type, data) {
    for (const [id, entry] of this.#entries) {
      if (entry.type === type) return this.#take(id)?.resolve(data);
    }
  }

  /** The socket is lost: what does not outlive it ends, and nobody can answer the rest for now. @param {(type: string) => ProtocolError} error */
  cut(error) {
    for (const [id, entry] of [...this.#entries]) {
      this.#timers.clearTimeout(entry.timer);
      if (!entry.outlives) this.#take(id)?.reject(error(entry.type));
    }
  }

  /** Nothing is waited for any more. @param {(type: string) => ProtocolError} error */
  end(error) {
    for (const [id, { type }] of [...this.#entries]) this.#take(id)?.reject(error(type));
  }

  /** @param {number} id */
  #take(id) {
    const entry = this.#entries.get(id);
    if (entry) this.#timers.clearTimeout(entry.timer);
    this.#entries.delete(id);
    return entry;
  }
}

const EMPTY_REFUSAL = { code: 'server.internal', message: 'An empty refusal.' };
