import { Connection } from './connection.js';
import { codeOf, ProtocolError } from './errors.js';
import { Heartbeat } from './heartbeat.js';
import { Requests } from './requests.js';
import { systemTimers } from './timers.js';
import { TokenKeeper } from './token_keeper.js';

/**
 * @typedef {import('./protocol.d.ts').Authenticated} Authenticated
 * @typedef {import('./protocol.d.ts').Hello} Hello
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').User} User
 *
 * @typedef {'connecting'|'online'|'reconnecting'|'closed'} SessionState
 *
 * @typedef {object} SessionOwnOptions
 * @property {import('./token_keeper.js').TokenStorage} [storage] where the token stays between visits; nowhere when left out
 * @property {() => number} [random] 0 ≤ n < 1, spreads the reconnects of many clients
 * @typedef {import('./connection.js').ConnectionOptions & SessionOwnOptions} SessionOptions
 *
 * @typedef {{identity: string, password?: string, invite?: string, display_name?: string}} JoinRequest
 */

/** Coming back after these would repeat what the server just ended: PROTOCOL.md §3, close codes. */
const FINAL_CLOSE_CODES = new Set([1000, 4401, 4403, 4404, 4409]);
/** Refusals that only mean "later". */
const RETRYABLE = new Set(['rate.limited', 'server.busy']);
const DEFAULT_RETRY_MS = 1_000;
/** A longer wait is the caller's decision, not something to hide in a promise. */
const LONGEST_RETRY_MS = 10_000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;

/**
 * One person's stay with the server, over as many sockets as it takes.
 *
 * It authenticates, keeps the token, comes back by itself after a lost socket and re-joins the room it was in.
 *
 * Events: every event of the wire by its type; `state` with `{state, code?, attempt?}`; `joined` with the
 * {@link Joined} and `{again: boolean}`; `rejoin.failed` with the error when a session that came back is not
 * let into its room any more.
 */
export class Session extends Requests {
  #url;
  #options;
  #timers;
  #random;
  /** @type {Connection|null} */
  #connection = null;
  /** @type {JoinRequest|null} the room to come back to */
  #room = null;
  #tokens;
  /** @type {any} */
  #reconnectTimer = null;
  /** The attempt that waits for its turn, 0 while none does. */
  #nextAttempt = 0;
  /** @type {Heartbeat|null} */
  #heartbeat = null;

  /** @type {SessionState} */
  state = 'closed';
  /** @type {User|null} */
  user = null;
  /** @type {Hello|null} what the server last said of itself: limits, ways to authenticate */
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
    // A refresh that fails is not lost: the next authentication plans a new one, and a token that
    // expired meanwhile is answered at the next reconnect with `closed` and 4401.
    this.#tokens = new TokenKeeper(options.storage, this.#timers, () => this.refresh().catch(() => {}));
  }

  /** The signed token that is the account's or guest's key; null while nobody is signed in. */
  get token() {
    return this.#tokens.token;
  }

  /**
   * Signs in with the stored token.
   *
   * @returns {Promise<User|null>} null when there is no token, or the server takes it no more; `hello` is known then
   * @throws {ProtocolError} client.closed, client.timeout, server.*
   */
  async connect() {
    if (this.state === 'online') return this.user;
    this.#setState('connecting');
    try {
      await this.#establish(this.token ? { type: 'auth.token', data: { token: this.token } } : null);
    } catch (error) {
      if (!isAuthRefusal(error)) throw error;
      this.#forgetToken();
    }
    return this.user;
  }

  /** @param {{username: string, password: string, display_name?: string}} data */
  register(data) {
    return this.#authenticate('auth.register', data);
  }

  /** @param {{username: string, password: string}} data */
  login(data) {
    return this.#authenticate('auth.login', data);
  }

  /** @param {{display_name: string}} data */
  guest(data) {
    return this.#authenticate('auth.guest', data);
  }

  /** @param {string} token */
  withToken(token) {
    return this.#authenticate('auth.token', { token });
  }

  /** Exchanges the token for a fresh one. The session does so by itself before the old one expires. */
  async refresh() {
    this.#accept(await this.request('auth.refresh'));
  }

  /** Revokes the token, forgets it and closes the socket, whatever the server says. */
  async logout() {
    try {
      if (this.state === 'online') await this.request('auth.logout');
    } finally {
      this.#forgetToken();
      this.close();
    }
  }

  /**
   * A new password voids every token; the session gets a fresh one at once.
   *
   * @param {{display_name?: string, current_password?: string, new_password?: string}} data
   * @returns {Promise<{user: User}>}
   */
  async updateAccount(data) {
    const reply = await this.request('account.update', data);
    this.user = reply.user;
    if (data.new_password !== undefined) await this.refresh();
    return reply;
  }

  /**
   * Enters a room, by identity or number, and remembers it for a lost socket.
   *
   * @param {JoinRequest} data
   * @returns {Promise<Joined>}
   */
  async joinRoom(data) {
    const reply = /** @type {Joined} */ (await this.request('room.join', data));
    // Tries by number are limited per address; the identity is not.
    this.#room = { ...data, identity: reply.room.identity };
    this.emit('joined', reply, { again: false });
    return reply;
  }

  async leaveRoom() {
    this.#room = null;
    return this.request('room.leave');
  }

  /** Ends the meeting for everybody; the host's right. */
  async endRoom() {
    const reply = await this.request('room.end');
    this.#room = null;
    return reply;
  }

  /**
   * Any request of the wire. One that comes too soon (`rate.limited`, `server.busy`) is sent once more after the
   * wait the server asks for, under a new id, because the old id is answered with the old refusal.
   *
   * @param {string} type
   * @param {object} [data]
   * @returns {Promise<any>}
   * @throws {ProtocolError}
   */
  async request(type, data) {
    try {
      return await this.#send(type, data);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !RETRYABLE.has(error.code)) throw error;
      const wait = error.retryAfterMs ?? DEFAULT_RETRY_MS;
      if (wait > LONGEST_RETRY_MS) throw error;
      await new Promise((resolve) => this.#timers.setTimeout(() => resolve(null), wait));
      return this.#send(type, data);
    }
  }

  /**
   * To be called when the network may be back, or the machine woke up: a waiting reconnect happens now, and an open
   * socket is asked whether it still lives.
   */
  wake() {
    if (this.#nextAttempt > 0) {
      this.#timers.clearTimeout(this.#reconnectTimer);
      this.#reconnect(this.#nextAttempt);
    } else if (this.state === 'online') {
      this.#heartbeat?.beat();
    }
  }

  /** Closes the socket and stays away. The token stays for the next visit. */
  close() {
    this.#drop();
    this.#end(1000);
  }

  /** @param {string} type @param {object} [data] */
  #send(type, data) {
    const connection = this.#connection;
    return connection
      ? connection.request(type, data)
      : Promise.reject(new ProtocolError('client.closed', 'The session has no socket.'));
  }

  /** @param {string} type @param {object} data @returns {Promise<User>} */
  async #authenticate(type, data) {
    // Whoever signs in anew does not come back to the room of who was here before.
    this.#room = null;
    this.#setState('connecting');
    await this.#establish({ type, data });
    return /** @type {User} */ (this.user);
  }

  /**
   * Opens a socket and authenticates on it. Without `auth` it only learns the hello: the server closes a socket
   * that does not authenticate within 10 s, and people fill in forms more slowly.
   *
   * @param {{type: string, data: object}|null} auth
   */
  async #establish(auth) {
    this.#drop();
    const connection = new Connection(this.#url, this.#options);
    this.#connection = connection;
    // A socket that was replaced meanwhile has nothing more to say.
    const isCurrent = () => this.#connection === connection;
    connection.on('*', (data, { type, ...info }) => {
      if (isCurrent() && type !== 'open' && type !== 'close') this.#relay(type, data, info);
    });
    try {
      this.hello = await connection.open();
      this.#tokens.learnClock(Date.parse(this.hello.time));
      if (auth) this.#accept(await connection.request(auth.type, auth.data));
      else this.user = null;
      if (!isCurrent()) throw new ProtocolError('client.closed', 'Another attempt took over.');
    } catch (error) {
      // A socket that is still open was opened in vain: its authentication was refused.
      const code = connection.closeCode ?? 4401;
      connection.close();
      if (isCurrent()) {
        this.#connection = null;
        if (this.state === 'connecting') this.#setState('closed', { code });
      }
      throw error;
    }
    if (!auth) {
      this.#drop();
      this.#setState('closed', { code: 4401 });
      return;
    }
    connection.on('close', ({ code }) => {
      if (isCurrent()) this.#lost(code);
    });
    this.#heartbeat = new Heartbeat(connection, this.hello.heartbeat_ms, this.#timers);
    this.#setState('online');
  }

  /** @param {Authenticated} reply */
  #accept(reply) {
    if (reply.user) this.user = reply.user;
    this.#tokens.keep(reply.token, Date.parse(reply.expires_at));
  }

  /** @param {string} type @param {any} data @param {object} info */
  #relay(type, data, info) {
    if (type === 'room.ended' || type === 'room.deleted') this.#room = null;
    this.emit(type, data, info);
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop();
    if (FINAL_CLOSE_CODES.has(code) || !this.token) this.#end(code);
    else this.#planReconnect(1);
  }

  /** @param {number} attempt counted from 1 @param {number} [atLeastMs] the wait the server asked for */
  #planReconnect(attempt, atLeastMs = 0) {
    this.#setState('reconnecting', { attempt });
    // Full jitter: after a server's restart its clients must not all come at once.
    const jitter = this.#random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
    const delay = Math.max(atLeastMs, jitter);
    this.#nextAttempt = attempt;
    this.#reconnectTimer = this.#timers.setTimeout(() => this.#reconnect(attempt), delay);
  }

  /** @param {number} attempt */
  async #reconnect(attempt) {
    this.#nextAttempt = 0;
    try {
      await this.#establish({ type: 'auth.token', data: { token: this.token } });
    } catch (error) {
      if (this.state !== 'reconnecting') return;
      const { closeCode, retryAfterMs } = error instanceof ProtocolError ? error : UNKNOWN_FAILURE;
      if (isAuthRefusal(error)) {
        this.#forgetToken();
        this.#end(4401);
      } else if (closeCode !== null && FINAL_CLOSE_CODES.has(closeCode)) {
        this.#end(closeCode);
      } else {
        this.#planReconnect(attempt + 1, retryAfterMs ?? 0);
      }
      return;
    }
    await this.#rejoin();
  }

  async #rejoin() {
    const room = this.#room;
    if (!room) return;
    try {
      this.emit('joined', await this.request('room.join', room), { again: true });
    } catch (error) {
      // The socket that broke again is already being replaced, and the room is tried again with it.
      if (codeOf(error) === 'client.closed') return;
      this.#room = null;
      this.emit('rejoin.failed', error);
    }
  }

  /** @param {number} code */
  #end(code) {
    this.#room = null;
    this.#setState('closed', { code });
  }

  /** Lets go of the socket and of every timer that belongs to it. */
  #drop() {
    const connection = this.#connection;
    this.#connection = null;
    this.#tokens.rest();
    this.#nextAttempt = 0;
    this.#timers.clearTimeout(this.#reconnectTimer);
    this.#heartbeat?.stop();
    connection?.close();
  }

  #forgetToken() {
    this.#tokens.forget();
    this.user = null;
  }

  /** @param {SessionState} state @param {{code?: number, attempt?: number}} [more] */
  #setState(state, more = {}) {
    this.state = state;
    this.emit('state', { state, ...more });
  }
}

const UNKNOWN_FAILURE = { closeCode: null, retryAfterMs: null };

/** @param {unknown} error */
function isAuthRefusal(error) {
  return codeOf(error)?.startsWith('auth.') ?? false;
}
