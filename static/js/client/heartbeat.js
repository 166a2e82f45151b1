const DEFAULT_INTERVAL_MS = 15_000;
/**
 * The client gives up a socket, but not its session: the code 1000 would leave the room. The codes 4000-4999 are free for
 * applications (RFC 6455 §7.4.2).
 */
export const CLOSED_BY_CLIENT = 4000;

/**
 * How long a ping may stay unanswered before the server counts as silent, and before the socket is given up.
 *
 * @typedef {{silentMs: number, lostMs: number}} Patience
 */

/** The ping that comes by itself now and then. @type {Patience} */
const CALM = { silentMs: 3_000, lostMs: 10_000 };
/** Something else already went wrong: pictures stand still, the network changed, the machine woke up. @type {Patience} */
const URGENT = { silentMs: 1_500, lostMs: 4_000 };
/** In a meeting people should soon be told that the server does not answer. @type {Patience} */
const WATCHED = { silentMs: 1_500, lostMs: 10_000 };
/** In a meeting the server is asked as soon as nothing came for this time. */
const QUIET_MS = 1_500;
/** An answer that takes this many times longer than usual counts as missing. */
const LATE = 3;
/** A request before the ping may take long, and the ping waits for it. @type {Patience} */
const BEHIND_OTHERS = { silentMs: 5_000, lostMs: 20_000 };

/**
 * Notices when the network is gone or the server hangs, although no close arrived. A page cannot see the server's WebSocket
 * pings, so it sends its own `ping`. A `ping` without an answer is reported, and finally the connection is closed.
 */
export class Heartbeat {
  #connection;
  #intervalMs;
  #timers;
  #onSilence;
  #unsubscribe;
  /** @type {any} until the next ping */
  #timer = null;
  /** @type {any} */
  #silentTimer = null;
  /** @type {any} */
  #lostTimer = null;
  /** The ping that waits for its answer. @type {Promise<void>|null} */
  #asked = null;
  /** @type {Patience} */
  #patience = CALM;
  #isSilent = false;
  #isWatched = false;
  /** When the last ping went out, and how long the quickest answer took. */
  #askedAt;
  #usualMs = Infinity;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {number} intervalMs as the server's hello says
   * @param {import('./timers.js').Timers} timers
   * @param {(silent: boolean) => void} [onSilence] the server does not answer, and answers again
   */
  constructor(connection, intervalMs, timers, onSilence = () => {}) {
    this.#connection = connection;
    this.#intervalMs = intervalMs || DEFAULT_INTERVAL_MS;
    this.#timers = timers;
    this.#onSilence = onSilence;
    this.#askedAt = timers.now();
    // Any message shows that the connection works.
    this.#unsubscribe = connection.on('*', () => this.#heard());
    this.#plan();
  }

  /** Whether every message is needed soon, as in a meeting. @param {boolean} isWatched */
  watch(isWatched) {
    if (this.#isWatched === isWatched) return;
    this.#isWatched = isWatched;
    if (!this.#asked && this.#connection.isOpen) this.#plan();
  }

  stop() {
    this.#unsubscribe();
    this.#timers.clearTimeout(this.#timer);
    this.#rest();
    this.#tell(false);
  }

  /**
   * Sends a ping now.
   *
   * @param {{urgent?: boolean}} [how]
   * @returns {Promise<void>} settles with the answer
   */
  beat({ urgent = true } = {}) {
    const calm = this.#isWatched ? WATCHED : CALM;
    const wanted = this.#connection.isAskingMuch && !this.#asked ? BEHIND_OTHERS : urgent ? URGENT : calm;
    if (this.#asked) {
      // A ping is already on its way. From now on it may only have less time.
      if (wanted.lostMs < this.#patience.lostMs && this.#patience !== BEHIND_OTHERS) this.#wait(wanted);
      return this.#asked;
    }
    this.#timers.clearTimeout(this.#timer);
    this.#askedAt = this.#timers.now();
    this.#asked = this.#ask();
    this.#wait(wanted);
    return this.#asked;
  }

  async #ask() {
    try {
      await this.#connection.request('ping');
      this.#usualMs = Math.min(this.#usualMs, this.#timers.now() - this.#askedAt);
    } catch {
      // A server that is busy or refuses is at least alive. A closed socket is reported elsewhere.
    }
    this.#asked = null;
    this.#rest();
    this.#tell(false);
    if (this.#connection.isOpen) this.#plan();
  }

  #heard() {
    if (!this.#asked) {
      if (this.#isWatched) this.#plan();
      return;
    }
    this.#tell(false);
    this.#wait(this.#patience);
  }

  /** @param {Patience} patience */
  #wait(patience) {
    this.#rest();
    this.#patience = patience;
    const usualMs = Number.isFinite(this.#usualMs) ? this.#usualMs : 0;
    this.#silentTimer = this.#timers.setTimeout(() => this.#tell(true), Math.max(patience.silentMs, LATE * usualMs));
    this.#lostTimer = this.#timers.setTimeout(() => this.#connection.close(CLOSED_BY_CLIENT), patience.lostMs);
  }

  #rest() {
    this.#timers.clearTimeout(this.#silentTimer);
    this.#timers.clearTimeout(this.#lostTimer);
  }

  /** @param {boolean} silent */
  #tell(silent) {
    if (this.#isSilent === silent) return;
    this.#isSilent = silent;
    this.#onSilence(silent);
  }

  #plan() {
    this.#timers.clearTimeout(this.#timer);
    const left = Math.max(0, this.#askedAt + this.#intervalMs - this.#timers.now());
    const pause = this.#isWatched ? Math.min(QUIET_MS, left) : this.#intervalMs;
    this.#timer = this.#timers.setTimeout(() => this.beat({ urgent: false }), pause);
  }
}
