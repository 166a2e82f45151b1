import { codeOf, meansLater } from './errors.js';
import { pauseBefore } from './pauses.js';

/**
 * One direction of the media, and the connections that carry it one after another: a link that fails for good is made anew,
 * and the one before it stays until the new one stands.
 */

/**
 * How one direction of the media fares.
 *
 * @typedef {object} LinkState
 * @property {'connecting'|'connected'|'waiting'|'refused'} state waiting: tried again by itself at `retryAt` · refused: the
 *   server said no, and only {@link KeptLink.retry} tries again
 * @property {string|null} code of the refusal or of what went wrong: the wire's, or `ice`, `dtls`, `server`
 * @property {number|null} retryAt milliseconds since the epoch
 *
 * @typedef {{pc: RTCPeerConnection, hurry: () => void, close: () => void}} Link
 */

/** Of the server's refusals these say that it does not know of our being in the room. */
const NOT_IN = new Set(['room.not_joined', 'session.gone']);
/** What a browser refuses may be a passing state; after so many times it is not. */
const MOST_BROWSER_FAILURES = 3;
/** A connection that held for so long starts to count from the beginning. */
const STEADY_MS = 20_000;

/**
 * One direction of a call over the server, over as many connections as it takes: one that fails for good is made anew,
 * with growing pauses (the server puts the new one in the place of the one before).
 *
 * @template {Link} L
 */
export class KeptLink {
  #io;
  /** @type {L|null} */
  #link = null;
  #attempt = 0;
  #browserFailures = 0;
  #failingSince = 0;
  /** @type {any} */
  #timer = null;
  /** @type {any} */
  #steadyTimer = null;
  #closed = false;
  /** @type {LinkState} */
  state = { state: 'connecting', code: null, retryAt: null };

  /**
   * @param {{
   *   make: (rebuild: (why: string) => void, before: L|null) => L,
   *   negotiate: (link: L) => Promise<unknown>,
   *   lostRoom: () => void,
   *   failed: (error: unknown) => void,
   *   changed: (state: LinkState) => void,
   *   timers: import('./timers.js').Timers,
   *   random?: () => number,
   * }} io  make: also lets go of the link before · negotiate: settles when both sides agree · lostRoom: the server does
   *   not know that we are in the room
   */
  constructor(io) {
    this.#io = io;
  }

  /** @returns {L|null} */
  get link() {
    return this.#link;
  }

  /** Connects, and again after every failure. @returns {Promise<void>} of the first try @throws its refusal */
  async open() {
    const error = await this.#try();
    if (error) throw error;
  }

  /** It will not come back. @param {string} why */
  rebuild(why) {
    if (this.#closed) return;
    this.#plan(why, null);
  }

  /** Somebody asks for another try now. */
  retry() {
    this.#attempt = 0;
    this.#browserFailures = 0;
    if (!this.#closed && this.state.state !== 'connected') void this.#try();
  }

  /** The network may be another one now: what waits is tried at once. */
  hurry() {
    if (this.state.state === 'waiting') void this.#try();
    else this.#link?.hurry();
  }

  close() {
    this.#closed = true;
    this.#rest();
    this.#link?.close();
    this.#link = null;
  }

  /** @returns {Promise<unknown>} the error; null when both sides agreed */
  async #try() {
    this.#rest();
    this.#tell('connecting', this.state.code, null);
    const { make, negotiate } = this.#io;
    const link = make((why) => this.#link === link && this.rebuild(why), this.#link);
    this.#link = link;
    link.pc.addEventListener('connectionstatechange', () => this.#follow(link));
    try {
      await negotiate(link);
      return null;
    } catch (error) {
      if (this.#link === link && !this.#closed) this.#refused(error);
      return error;
    }
  }

  /** @param {L} link */
  #follow(link) {
    if (this.#link !== link || link.pc.connectionState !== 'connected') return;
    this.#browserFailures = 0;
    this.#tell('connected', null, null);
    this.#io.timers.clearTimeout(this.#steadyTimer);
    this.#steadyTimer = this.#io.timers.setTimeout(() => (this.#attempt = 0), STEADY_MS);
  }

  /** @param {unknown} error */
  #refused(error) {
    const code = codeOf(error);
    this.#io.failed(error);
    if (code !== null && NOT_IN.has(code)) {
      this.#io.lostRoom();
      return this.#plan(code, error);
    }
    if (code === null) this.#browserFailures += 1;
    const again = code === null ? this.#browserFailures < MOST_BROWSER_FAILURES : meansLater(error) || code === 'media.stale';
    if (again) this.#plan(code ?? 'browser', error);
    else this.#tell('refused', code ?? 'browser', null);
  }

  /** @param {string} why @param {unknown} error */
  #plan(why, error) {
    this.#rest();
    const { timers, random = Math.random } = this.#io;
    if (this.#attempt === 0) this.#failingSince = timers.now();
    this.#attempt += 1;
    const asked = /** @type {any} */ (error)?.retryAfterMs ?? 0;
    const pause = pauseBefore(this.#attempt, timers.now() - this.#failingSince, random(), asked);
    this.#timer = timers.setTimeout(() => void this.#try(), pause);
    this.#tell('waiting', why, timers.now() + pause);
  }

  #rest() {
    this.#io.timers.clearTimeout(this.#timer);
    this.#io.timers.clearTimeout(this.#steadyTimer);
  }

  /** @param {LinkState['state']} state @param {string|null} code @param {number|null} retryAt */
  #tell(state, code, retryAt) {
    this.state = { state, code, retryAt };
    this.#io.changed(this.state);
  }
}
