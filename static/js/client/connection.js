import { Emitter } from './emitter.js';
import { closedError, ProtocolError } from './errors.js';
import { Ledger } from './ledger.js';
import { systemTimers } from './timers.js';

/** @typedef {import('./protocol.d.ts').Hello} Hello */

/**
 * @typedef {object} ConnectionOptions
 * @property {typeof WebSocket} [WebSocket] the constructor to use; the global one when left out
 * @property {import('./timers.js').Timers} [timers]
 * @property {number} [requestTimeoutMs] how long a request may stay unanswered
 * @property {number} [helloTimeoutMs] how long opening may take, the server's hello included
 * @property {Ledger} [ledger] of a session with several sockets; one of its own when left out
 */

export const SUBPROTOCOL = 'meeting.v1';

export const REQUEST_TIMEOUT_MS = 15_000;
export const HELLO_TIMEOUT_MS = 15_000;

/** What a browser reports when a socket ended without a closing handshake (RFC 6455 §7.1.5). */
export const CLOSED_ABNORMALLY = 1006;

/** The WebSocket's `readyState` from the first close frame on. */
const CLOSING = 2;

/**
 * One socket: requests with their replies, and events. It neither authenticates nor comes back after a loss;
 * that is the Session's work.
 *
 * Events: every event of the wire by its type (handlers get `data` and `{type, seq}`), `error` for an error frame
 * that answers no request, and once each `open` with the hello and `close` with `{code, reason}`.
 */
export class Connection extends Emitter {
  #url;
  #options;
  #timers;
  /** @type {WebSocket|null} */
  #socket = null;
  #ledger;
  /** @type {'new'|'opening'|'open'|'closed'} */
  #phase = 'new';

  /** @type {Hello|null} */
  hello = null;
  /** @type {number|null} */
  closeCode = null;

  /**
   * @param {string} url of the server's `/ws`, with the scheme ws or wss
   * @param {ConnectionOptions} [options]
   */
  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#options = { helloTimeoutMs: HELLO_TIMEOUT_MS, ...options };
    this.#timers = options.timers ?? systemTimers;
    this.#ledger = options.ledger ?? new Ledger(this.#timers, options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
  }

  get isOpen() {
    return this.#phase === 'open';
  }

  /**
   * Whether a request waits for its answer that may take seconds, as passwords are hashed for it or a room is loaded. The
   * server carries out one at a time, so the next one waits for it too.
   */
  get isAskingMuch() {
    return this.#ledger.types.some((type) => SLOW_REQUESTS.test(type));
  }

  /**
   * Opens the socket and waits for the server's hello.
   *
   * @returns {Promise<Hello>}
   * @throws {ProtocolError} client.closed, client.timeout
   */
  open() {
    if (this.#phase !== 'new') throw new Error('A Connection opens once; make a new one.');
    this.#phase = 'opening';
    const WebSocketClass = this.#options.WebSocket ?? globalThis.WebSocket;
    const socket = new WebSocketClass(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    // An error says nothing that the close event after it does not.
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => this.#finish(code, reason);

    return new Promise((resolve, reject) => {
      const timer = this.#timers.setTimeout(() => {
        reject(new ProtocolError('client.timeout', 'The server did not say hello in time.'));
        this.close();
      }, this.#options.helloTimeoutMs);
      this.on('open', (hello) => {
        this.#timers.clearTimeout(timer);
        resolve(hello);
      });
      this.on('close', ({ code, reason }) => {
        this.#timers.clearTimeout(timer);
        reject(closedError(code, reason));
      });
    });
  }

  /**
   * @param {string} type such as `room.join`
   * @param {object} [data]
   * @param {import('./ledger.js').AskOptions} [options]
   * @returns {Promise<any>} the reply's data
   * @throws {ProtocolError} the server's refusal, client.closed, client.timeout
   */
  request(type, data, options) {
    if (!this.isOpen) return Promise.reject(closedError(this.closeCode ?? CLOSED_ABNORMALLY, 'not open', type));
    const { id, answer } = this.#ledger.enter(type, data, options);
    this.#send(this.#ledger.send(id));
    return answer;
  }

  /** Sends what another socket of the session was lost with, in order and as it was. */
  repeat() {
    for (const text of this.#ledger.unanswered()) this.#send(text);
  }

  /** @param {string} text */
  #send(text) {
    const socket = this.#socket;
    // In the closing handshake nothing is sent any more; its end answers, with the code.
    if (socket && socket.readyState < CLOSING) socket.send(text);
  }

  /**
   * Closes the socket. The connection counts as closed at once, because a dead network would let the closing
   * handshake take minutes.
   *
   * @param {number} [code]
   */
  close(code = 1000) {
    if (this.#phase === 'closed') return;
    const socket = this.#socket;
    this.#finish(code, 'closed by the client');
    socket?.close(code);
  }

  /** @param {unknown} text */
  #receive(text) {
    if (this.#phase === 'closed') return;
    const frame = parseFrame(text);
    if (!frame) return this.emit('error', new ProtocolError('protocol.bad_json', 'The server sent no JSON object.'));
    if (typeof frame.re === 'number') return this.#ledger.settle(frame);
    if (frame.type === 'error' && frame.error) return this.emit('error', ProtocolError.fromWire(frame.error));
    if (frame.type === 'hello' && this.#phase === 'opening') {
      this.#phase = 'open';
      this.hello = frame.data;
      return this.emit('open', frame.data);
    }
    // The client's own names must stay its own, whatever the server calls its events.
    if (!OWN_EVENTS.has(frame.type)) this.emit(frame.type, frame.data ?? {}, { seq: frame.seq });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #finish(code, reason) {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.closeCode = code;
    this.#ledger.cut((type) => closedError(code, reason, type));
    this.emit('close', { code, reason });
  }
}

const SLOW_REQUESTS = /^(auth|account)\.|^room\.(join|create|edit)$/;
const OWN_EVENTS = new Set(['open', 'close', 'error', 'hello', '*']);

/**
 * @param {unknown} text
 * @returns {any} an object with a string `type`, or null
 */
function parseFrame(text) {
  try {
    const frame = JSON.parse(String(text));
    return frame !== null && typeof frame === 'object' && typeof frame.type === 'string' ? frame : null;
  } catch {
    return null;
  }
}
