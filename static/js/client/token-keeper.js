/**
 * @typedef {object} TokenStorage localStorage, or anything alike
 * @property {(key: string) => string|null|undefined} getItem
 * @property {(key: string, value: string) => void} setItem
 * @property {(key: string) => void} removeItem
 */

const STORAGE_KEY = 'meeting.token';
/** setTimeout counts in 32 bits; a longer delay would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const LONGEST_MARGIN_MS = 300_000;

/** The token in hand and in storage, and the moment to exchange it. */
export class TokenKeeper {
  #storage;
  #timers;
  #refresh;
  /** @type {any} */
  #timer = null;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  #clockSkew = 0;
  #expiresAt = NaN;

  /** @type {string|null} */
  token = null;

  /**
   * @param {TokenStorage|undefined} storage
   * @param {import('./timers.js').Timers} timers
   * @param {() => void} refresh called when a new token should be fetched
   */
  constructor(storage, timers, refresh) {
    this.#storage = storage;
    this.#timers = timers;
    this.#refresh = refresh;
    this.token = attempt(() => storage?.getItem(STORAGE_KEY)) ?? null;
  }

  /** @param {number} serverTime milliseconds since the epoch */
  learnClock(serverTime) {
    this.#clockSkew = serverTime - this.#timers.now() || 0;
  }

  /**
   * @param {string} token
   * @param {number} expiresAt by the server's clock, in milliseconds since the epoch
   */
  keep(token, expiresAt) {
    this.token = token;
    attempt(() => this.#storage?.setItem(STORAGE_KEY, token));
    this.goOn(expiresAt);
  }

  /** The same token is of use again. @param {number} [expiresAt] where it was kept over a reload */
  goOn(expiresAt = this.#expiresAt) {
    this.#expiresAt = expiresAt;
    this.#plan(expiresAt);
  }

  forget() {
    this.token = null;
    attempt(() => this.#storage?.removeItem(STORAGE_KEY));
    this.rest();
  }

  /** Plans no refresh until the next token. */
  rest() {
    this.#timers.clearTimeout(this.#timer);
  }

  /**
   * A refresh is due when a fifth of the token's life is left, at most five minutes before its end.
   *
   * @param {number} expiresAt
   */
  #plan(expiresAt) {
    this.rest();
    const left = expiresAt - this.#timers.now() - this.#clockSkew;
    if (!Number.isFinite(left)) return;
    const delay = Math.max(1_000, left - Math.min(left / 5, LONGEST_MARGIN_MS));
    this.#timer = this.#timers.setTimeout(() => {
      if (delay > LONGEST_TIMER_MS) this.#plan(expiresAt);
      else this.#refresh();
    }, Math.min(delay, LONGEST_TIMER_MS));
  }
}

/**
 * A browser may refuse to store (private windows, full quota); what was to be kept then lives as long as the page.
 *
 * @template T
 * @param {() => T} storing
 */
export function attempt(storing) {
  try {
    return storing();
  } catch {
    return undefined;
  }
}
