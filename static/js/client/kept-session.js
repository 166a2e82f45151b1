import { Attempts } from './attempts.js';
import { CLOSED_ABNORMALLY, Connection, HELLO_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './connection.js';
import { closedError, codeOf, ProtocolError } from './errors.js';
import { CLOSED_BY_CLIENT, Heartbeat } from './heartbeat.js';
import { Ledger } from './ledger.js';
import { patiently } from './patience.js';
import { patienceFor } from './pauses.js';
import { Requests } from './requests.js';
import { Ticket } from './ticket.js';
import { systemTimers } from './timers.js';
import { TokenKeeper } from './token-keeper.js';

/**
 * @typedef {import('./protocol.d.ts').Authenticated} Authenticated
 * @typedef {import('./protocol.d.ts').Hello} Hello
 * @typedef {import('./protocol.d.ts').User} User
 *
 * @typedef {'connecting'|'online'|'reconnecting'|'closed'} SessionState
 *
 * @typedef {object} SessionOwnOptions
 * @property {import('./token-keeper.js').TokenStorage} [storage] where the token stays between visits; nowhere when left out
 * @property {import('./token-keeper.js').TokenStorage} [tabStorage] where the session itself stays when the page is loaded
 *   anew while it is in a room; it must belong to this page alone. Nowhere when left out
 * @property {() => number} [random] 0 ≤ n < 1, spreads the reconnects of many clients
 * @typedef {import('./connection.js').ConnectionOptions & SessionOwnOptions} SessionOptions
 *
 * @typedef {import('./protocol.d.ts').ResumedView|null} View the room that a session is in, or at whose door it waits; null
 *   for none
 * @typedef {{type: string, data: object}} LogIn
 */

/** Coming back after these would repeat what the server just ended: see static/docs/protocol.md §3.6. */
const FINAL_CLOSE_CODES = new Set([1000, 4401, 4403, 4404, 4409]);
const LEAVING = 1000;
/** The server restarts. Without a random pause all clients would come back at once. */
const GOING_AWAY = 1001;
const SPREAD_MS = 500;
/** How long a request that comes too soon is sent again before the caller hears of it. */
const PATIENCE_MS = 60_000;
/** The server closes a socket that does not authenticate within 10 s. */
const AUTH_PATIENCE_MS = 8_000;
/** An attempt from before a change of the network may wait in vain. A younger attempt than this is not cut short. */
const YOUNG_ATTEMPT_MS = 2_000;

/**
 * One session at the server, over as many sockets as needed. After a lost socket it opens another one and resumes the
 * session there. If the server no longer keeps the session, it signs in with the token, and a new session begins.
 *
 * It knows nothing about rooms. {@link import('./session.js').Session} does, and overrides the methods that are empty here.
 *
 * @abstract
 */
export class KeptSession extends Requests {
  #url;
  #options;
  #timers;
  #random;
  #ledger;
  #tokens;
  /** @type {Connection|null} */
  #connection = null;
  /** The attempt to come back that is under way, 0 while none is. */
  #attempt = 0;
  #attemptBegan = 0;
  /** How long the server took to say hello the last time. */
  #helloMs = 0;
  /** Set while requests wait for the session to be taken up. @type {any} */
  #holding = null;
  /** The number of the event after which some were missing. @type {number|null} */
  #gap = null;
  /** @type {Heartbeat|null} */
  #heartbeat = null;
  #isWatched = false;

  /** @type {SessionState} */
  state = 'closed';
  /** @type {User|null} */
  user = null;
  /** @type {Hello|null} the server's last hello: its limits, its ways to authenticate */
  hello = null;

  /**
   * @param {string} url of the server's `/ws`, with the scheme ws or wss
   * @param {SessionOptions} [options]
   */
  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#random = options.random ?? Math.random;
    /** @protected */
    this.ticket = new Ticket(options.tabStorage);
    /** @protected */
    this.attempts = new Attempts(this.#timers, this.#random);
    this.#ledger = new Ledger(this.#timers, options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, this.ticket.lastId);
    // A refresh that fails is not lost: the next authentication plans a new one, and a token that
    // expired meanwhile is answered at the next reconnect with `closed` and 4401.
    this.#tokens = new TokenKeeper(options.storage, this.#timers, () => this.refresh().catch(() => {}));
  }

  /** The signed token that is the account's or guest's key; null while nobody is signed in. */
  get token() {
    return this.#tokens.token;
  }

  /** Exchanges the token for a fresh one. The session does so by itself before the old one expires. */
  async refresh() {
    this.#accept(await this.request('auth.refresh'));
  }

  /**
   * Any request of the wire. One that comes too soon (`rate.limited`, `server.busy`) is sent again after the wait that the
   * server asks for and some more, for a minute at most, and under a new id, because the old id is answered with the old
   * refusal. A wait of more than ten seconds is the caller's to decide on. While the socket is lost and the server keeps the
   * session, the request waits for it to be taken up.
   *
   * @param {string} type
   * @param {object} [data]
   * @returns {Promise<any>}
   * @throws {ProtocolError}
   */
  request(type, data) {
    return patiently(() => this.send(type, data), PATIENCE_MS, { timers: this.#timers, random: this.#random });
  }

  /**
   * To be called when the network may be back or has changed, when the machine woke up, or when the media lost their
   * connection. It tries now what waits for its next attempt, and sends a ping over an open socket to test it.
   */
  wake() {
    if (this.attempts.isWaiting) this.attempts.now();
    else if (this.state === 'online') this.#heartbeat?.beat();
    else if (this.#attempt > 0 && this.#timers.now() - this.#attemptBegan > YOUNG_ATTEMPT_MS) {
      this.#reconnect(this.#attempt);
    }
  }

  /** Whether every message of the server is needed soon. @protected @param {boolean} isWatched */
  watch(isWatched) {
    this.#isWatched = isWatched;
    this.#heartbeat?.watch(isWatched);
  }

  /** Closes the socket and stays away. The token stays for the next visit. */
  close() {
    this.#drop(LEAVING);
    this.#end(LEAVING);
  }

  /**
   * The session went on, on another socket.
   *
   * @protected
   * @param {View|undefined} _view what it is in; undefined when every event that was missed follows
   * @param {boolean} _knewNothing the server closed the media
   * @param {boolean} _isJoining a room is asked for
   */
  wentOn(_view, _knewNothing, _isJoining) {}

  /** Another session begins, and is in no room. @protected */
  began() {}

  /** The client is back, with another session. @protected */
  cameBack() {}

  /** There is no session any more. @protected */
  ended() {}

  /** Something happened after the view was made, so the view is outdated. @protected */
  movedOn() {}

  /** Signs in with the stored token, or resumes the session of this tab. @protected */
  async open() {
    this.#setState('connecting');
    try {
      await this.#establish(this.#logIn());
    } catch (error) {
      if (!isAuthRefusal(error)) throw error;
      this.forgetToken();
    }
  }

  /**
   * Signs in with new data, even if somebody else was signed in before.
   * @protected
   * @param {LogIn} logIn
   * @returns {Promise<User>}
   */
  async authenticate(logIn) {
    this.#drop(LEAVING);
    this.#forgetSession(LEAVING);
    this.#setState('connecting');
    await this.#establish(logIn);
    return /** @type {User} */ (this.user);
  }

  /** @returns {LogIn|null} */
  #logIn() {
    return this.token ? { type: 'auth.token', data: { token: this.token } } : null;
  }

  /** @protected @param {string} type @param {object} [data] @returns {Promise<any>} */
  send(type, data) {
    // A ping tests the present socket, so it is not sent again on another one.
    const outlives = type !== 'ping';
    if (this.#connection && this.state === 'online') return this.#connection.request(type, data, { outlives });
    if (this.#holding !== null && outlives) return this.#ledger.enter(type, data, { outlives }).answer;
    return Promise.reject(new ProtocolError('client.closed', 'The session has no socket.', { request: type }));
  }

  /**
   * Opens a socket and takes the session up on it, or authenticates. Without either it only learns the hello: the server
   * closes a socket that does not authenticate within 10 s, and people fill in forms more slowly.
   *
   * @param {LogIn|null} auth
   * @returns {Promise<boolean>} whether the session was taken up
   */
  async #establish(auth) {
    this.#drop();
    const began = this.#timers.now();
    const hurry = this.state === 'reconnecting' ? patienceFor(began - this.attempts.since, this.#helloMs) : Infinity;
    const helloTimeoutMs = Math.min(this.#options.helloTimeoutMs ?? HELLO_TIMEOUT_MS, hurry);
    const connection = new Connection(this.#url, { ...this.#options, helloTimeoutMs, ledger: this.#ledger });
    this.#connection = connection;
    // Events of a socket that was replaced meanwhile are ignored.
    const isCurrent = () => this.#connection === connection;
    connection.on('*', (data, { type, ...info }) => {
      if (isCurrent() && type !== 'open' && type !== 'close') this.relay(type, data, info);
    });
    try {
      this.hello = await connection.open();
      this.#helloMs = this.#timers.now() - began;
      this.#tokens.learnClock(Date.parse(this.hello.time));
      if (await this.#resume(connection)) return true;
      this.#beginSession(this.hello.session);
      if (auth) this.#accept(await this.#ask(connection, auth.type, auth.data));
      else this.user = null;
      if (!isCurrent()) throw new ProtocolError('client.closed', 'Another attempt took over.');
    } catch (error) {
      // If the socket is still open, the server refused the authentication.
      const code = connection.closeCode ?? 4401;
      connection.close(CLOSED_BY_CLIENT);
      if (isCurrent()) {
        this.#connection = null;
        if (this.state === 'connecting') this.#setState('closed', { code });
      }
      throw error;
    }
    if (auth) this.#goOnline(connection, false);
    else {
      this.#drop();
      this.#setState('closed', { code: 4401 });
    }
    return false;
  }

  /** @param {Connection} connection @param {string} type @param {object} data @param {(reply: any) => void} [first] */
  #ask(connection, type, data, first) {
    const io = { timers: this.#timers, random: this.#random };
    return patiently(() => connection.request(type, data, { first }), AUTH_PATIENCE_MS, io);
  }

  /** @param {Connection} connection @returns {Promise<boolean>} false when the server no longer has the session */
  async #resume(connection) {
    const { isGood, session, token, lastSeq } = this.ticket;
    if (!isGood || !(Number(this.hello?.limits?.resume_ms) > 0)) return false;
    // The answer to a join has the room's state of that moment. Later events must not come before it.
    const last_seq = this.#ledger.types.includes('room.join') ? null : lastSeq;
    try {
      await this.#ask(connection, 'session.resume', { session, resume_token: token, last_seq }, (reply) => {
        this.#takeUp(connection, reply, last_seq === null);
      });
      return true;
    } catch (error) {
      if (codeOf(error) === 'session.gone') return false;
      throw error;
    }
  }

  /**
   * The session goes on. No message after the answer has been read yet.
   *
   * @param {Connection} connection
   * @param {import('./protocol.d.ts').Resumed} reply
   * @param {boolean} knewNothing
   */
  #takeUp(connection, { resume_token: token, user, seq, view }, knewNothing) {
    this.user = user;
    this.ticket.renew(token);
    this.#tokens.goOn(this.ticket.expiresAt);
    if (view !== undefined) this.ticket.lastSeq = seq;
    const isJoining = this.#ledger.types.includes('room.join');
    if (view && 'room' in view) this.#ledger.answer('room.join', view);
    connection.repeat();
    this.#goOnline(connection, true);
    // The answer to the join itself has the state of the room.
    this.wentOn(isJoining ? undefined : view, knewNothing, isJoining);
  }

  /** @param {Connection} connection @param {boolean} resumed */
  #goOnline(connection, resumed) {
    this.#timers.clearTimeout(this.#holding);
    this.#holding = null;
    connection.on('close', ({ code }) => {
      if (this.#connection === connection) this.#lost(code);
    });
    this.#heartbeat = new Heartbeat(connection, this.hello?.heartbeat_ms ?? 0, this.#timers, (silent) => {
      this.emit('silence', { silent });
    });
    this.#heartbeat.watch(this.#isWatched);
    this.#setState('online', { resumed });
  }

  /** The server does not know the session from before. @param {string} session */
  #beginSession(session) {
    this.began();
    this.#letGo(CLOSED_ABNORMALLY);
    this.ticket.begin(session);
  }

  /** @param {Authenticated} reply */
  #accept(reply) {
    if (reply.user) this.user = reply.user;
    const expiresAt = Date.parse(reply.expires_at);
    this.#tokens.keep(reply.token, expiresAt);
    this.ticket.renew(reply.resume_token, expiresAt);
  }

  /** @protected @param {string} type @param {any} data @param {{seq?: number}} info */
  relay(type, data, info) {
    if (typeof info.seq !== 'number' || this.#isNext(info.seq)) this.emit(type, data, info);
  }

  /** @param {number} seq */
  #isNext(seq) {
    const { lastSeq, isGood } = this.ticket;
    const place = this.ticket.place(seq);
    if (place === 'early' && isGood && this.#holdMs > 0) {
      // The missing events are asked for. If they are missing again, the whole state of the room is asked for.
      if (this.#gap === lastSeq) this.ticket.lastSeq = null;
      this.#gap = lastSeq;
      this.#connection?.close(CLOSED_BY_CLIENT);
      return false;
    }
    if (place === 'early') this.ticket.lastSeq = seq;
    if (place !== 'old') this.movedOn();
    return place !== 'old';
  }

  /** How long the server keeps a session that lost its socket. */
  get #holdMs() {
    return this.hello?.limits?.resume_ms ?? 0;
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop();
    this.attempts.since = this.#timers.now();
    if (FINAL_CLOSE_CODES.has(code) || !(this.token || this.ticket.isGood)) return this.#end(code);
    if (this.#holdMs > 0 && this.ticket.isGood) {
      this.#timers.clearTimeout(this.#holding);
      this.#holding = this.#timers.setTimeout(() => this.#letGo(code), this.#holdMs);
    } else this.#letGo(code);
    this.#planReconnect(1, code === GOING_AWAY ? this.#random() * SPREAD_MS : 0);
  }

  /**
   * @param {number} attempt counted from 1; the first one begins at once
   * @param {number} [atLeastMs]
   * @param {number} [spentMs]
   */
  #planReconnect(attempt, atLeastMs = 0, spentMs = 0) {
    const retryAt = this.attempts.plan(attempt - 1, () => this.#reconnect(attempt), atLeastMs, spentMs);
    this.#setState('reconnecting', { attempt, retryAt });
  }

  /** @param {number} attempt */
  async #reconnect(attempt) {
    const began = (this.#attemptBegan = this.#timers.now());
    try {
      const establishing = this.#establish(this.#logIn());
      this.#attempt = attempt;
      if (await establishing) return;
    } catch (error) {
      // Another attempt has begun, or the person has done something else.
      if (this.state !== 'reconnecting' || this.#attempt !== attempt || this.#attemptBegan !== began) return;
      const { closeCode, retryAfterMs } = error instanceof ProtocolError ? error : UNKNOWN_FAILURE;
      if (isAuthRefusal(error)) {
        this.forgetToken();
        this.#end(4401);
      } else if (closeCode !== null && FINAL_CLOSE_CODES.has(closeCode)) {
        this.#end(closeCode);
      } else {
        const spentMs = codeOf(error) === 'client.timeout' ? this.#timers.now() - began : 0;
        this.#planReconnect(attempt + 1, retryAfterMs ?? 0, spentMs);
      }
      return;
    }
    this.cameBack();
  }

  /** @param {number} code */
  #end(code) {
    this.#forgetSession(code);
    this.#setState('closed', { code });
  }

  /** @param {number} code */
  #forgetSession(code) {
    this.ended();
    this.ticket.void();
    this.#letGo(code);
  }

  /** Rejects the waiting requests, because nobody will answer them. @param {number} code */
  #letGo(code) {
    this.#timers.clearTimeout(this.#holding);
    this.#holding = null;
    this.#ledger.end((type) => closedError(code, '', type));
  }

  /** Closes the socket and stops every timer that belongs to it. @param {number} [code] */
  #drop(code = CLOSED_BY_CLIENT) {
    const connection = this.#connection;
    this.#connection = null;
    this.#tokens.rest();
    this.#attempt = 0;
    this.attempts.cancel();
    this.#heartbeat?.stop();
    this.#heartbeat = null;
    connection?.close(code);
  }

  /** @protected */
  forgetToken() {
    this.#tokens.forget();
    this.user = null;
  }

  /** @param {SessionState} state @param {{code?: number, attempt?: number, retryAt?: number, resumed?: boolean}} [more] */
  #setState(state, more = {}) {
    this.state = state;
    this.emit('state', { state, ...more });
  }
}

/** The details of a failure that does not come from the server. */
export const UNKNOWN_FAILURE = { closeCode: null, retryAfterMs: null };

/** @param {unknown} error */
function isAuthRefusal(error) {
  return codeOf(error)?.startsWith('auth.') ?? false;
}
