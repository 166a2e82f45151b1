import { attempt } from './token-keeper.js';

/**
 * @typedef {import('./token-keeper.js').TokenStorage} TokenStorage
 *
 * @typedef {object} Stored
 * @property {string} session
 * @property {string} token
 * @property {number} expiresAt of the log-in, milliseconds since the epoch by the server's clock
 * @property {number} [page] how many pages had the session before
 */

export const TICKET_KEY = 'meeting.session';
/** No page sends so many requests. */
const IDS_OF_A_PAGE = 1e9;

/**
 * What takes a session up again: its id, the newest resume token, and how far its events were read. In a storage it
 * outlives the page, but for the events: a page that is loaded anew knows nothing of the room.
 */
export class Ticket {
  #storage;
  #isStored = false;
  #expiresAt = NaN;
  #page = 0;

  /** @type {string|null} */
  session = null;
  /** @type {string|null} */
  token = null;
  /** The number of the last event that was read; null when nothing is known. @type {number|null} */
  lastSeq = null;

  /** @param {TokenStorage|undefined} storage of this tab alone: sessionStorage */
  constructor(storage) {
    this.#storage = storage;
    const stored = read(storage);
    if (!stored) return;
    this.session = stored.session;
    this.token = stored.token;
    this.#expiresAt = stored.expiresAt;
    this.#page = (stored.page ?? 0) + 1;
    this.#isStored = true;
  }

  get isGood() {
    return this.session !== null && this.token !== null;
  }

  /** A request's id means one request for the whole session: those of this page come behind all of the pages before. */
  get lastId() {
    return this.#page * IDS_OF_A_PAGE;
  }

  get expiresAt() {
    return this.#expiresAt;
  }

  /** A session begins. @param {string} session */
  begin(session) {
    this.session = session;
    this.token = null;
    this.lastSeq = 0;
  }

  /** @param {string|undefined} token the newest @param {number} [expiresAt] of the log-in */
  renew(token, expiresAt = this.#expiresAt) {
    this.token = token ?? this.token;
    this.#expiresAt = expiresAt;
    this.#write();
  }

  /**
   * Whether an event is the next one. One that is read already is not; one that comes too early shows that another was lost.
   *
   * @param {number} seq
   * @returns {'next'|'old'|'early'}
   */
  place(seq) {
    if (this.lastSeq !== null && seq <= this.lastSeq) return 'old';
    if (this.lastSeq !== null && seq > this.lastSeq + 1) return 'early';
    this.lastSeq = seq;
    return 'next';
  }

  /** From now on a page that is loaded anew finds it. */
  store() {
    this.#isStored = true;
    this.#write();
  }

  /** And from now on it does not. */
  unstore() {
    this.#isStored = false;
    attempt(() => this.#storage?.removeItem(TICKET_KEY));
  }

  /** The session is over. */
  void() {
    this.session = null;
    this.token = null;
    this.lastSeq = null;
    this.unstore();
  }

  #write() {
    if (!this.#isStored || !this.isGood) return;
    /** @type {Stored} */
    const stored = { session: this.session ?? '', token: this.token ?? '', expiresAt: this.#expiresAt, page: this.#page };
    attempt(() => this.#storage?.setItem(TICKET_KEY, JSON.stringify(stored)));
  }
}

/** @param {TokenStorage|undefined} storage @returns {Stored|null} */
function read(storage) {
  const value = attempt(() => JSON.parse(storage?.getItem(TICKET_KEY) ?? 'null'));
  return value && typeof value.session === 'string' && typeof value.token === 'string' ? value : null;
}
