import { Connection } from './connection.js';
import { codeOf, meansLater, ProtocolError } from './errors.js';
import { Heartbeat } from './heartbeat.js';
import { pauseBefore, pauseForRetry } from './pauses.js';
import { Requests } from './requests.js';
import { systemTimers } from './timers.js';
import { TokenKeeper } from './token-keeper.js';

/**
 * @typedef {import('./protocol.d.ts').Authenticated} Authenticated
 * @typedef {import('./protocol.d.ts').Hello} Hello
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').User} User
 *
 * @typedef {'connecting'|'online'|'reconnecting'|'closed'} SessionState
 *
 * @typedef {object} SessionOwnOptions
 * @property {import('./token-keeper.js').TokenStorage} [storage] where the token stays between visits; nowhere when left out
 * @property {() => number} [random] 0 ≤ n < 1, spreads the reconnects of many clients
 * @typedef {import('./connection.js').ConnectionOptions & SessionOwnOptions} SessionOptions
 *
 * @typedef {{identity: string, password?: string, invite?: string, display_name?: string}} JoinRequest
 */

/** Coming back after these would repeat what the server just ended: see static/docs/protocol.md §3.6. */
const FINAL_CLOSE_CODES = new Set([1000, 4401, 4403, 4404, 4409]);
/** Refusals of a request that came too soon: nothing was done, and the same request is taken later. */
const TOO_SOON = new Set(['rate.limited', 'server.busy']);
/** How long such a request is sent again before the caller hears of it. */
const PATIENCE_MS = 60_000;
/** The server closes a socket that does not authenticate within 10 s. */
const AUTH_PATIENCE_MS = 8_000;
/** An attempt that was begun before the network changed may wait in vain; a younger one is let be. */
const YOUNG_ATTEMPT_MS = 2_000;

/**
 * One person's stay with the server, over as many sockets as it takes.
 *
 * It authenticates, keeps the token, comes back by itself after a lost socket and re-joins the room it was in.
 *
 * Events: every event of the wire by its type; `state` with `{state, code?, attempt?, retryAt?}`, where `retryAt` is when
 * the next attempt begins (milliseconds since the epoch); `silence` with `{silent: boolean}` when an open socket gives no
 * answer, and gives one again; `joined` with the {@link Joined} and `{again: boolean}`; `rejoin.waiting` with
 * `{attempt, retryAt, code}` when the room of a session that came back does not take it just now, and is asked again by
 * itself; `rejoin.failed` with the error when it said no.
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
  /** The try that waits for its turn. @type {{run: () => void, timer: any}|null} */
  #nextTry = null;
  /** The attempt to come back that is under way, 0 while none is. */
  #attempt = 0;
  #attemptBegan = 0;
  /** When the socket, or the room, was lost. */
  #lostAt = 0;
  #isRejoining = false;
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
    const reply = await this.#join(data);
    // Tries by number are limited per address; the identity is not.
    this.#room = { ...data, identity: reply.room.identity };
    this.emit('joined', reply, { again: false });
    return reply;
  }

  /**
   * @param {JoinRequest} data
   * @returns {Promise<Joined>}
   */
  async #join(data) {
    this.#stopRejoining();
    try {
      return await this.request('room.join', data);
    } catch (error) {
      // It may yet succeed, and nobody would know: requests are carried out in their order, so this undoes it.
      if (codeOf(error) === 'client.timeout') this.#send('room.leave').catch(() => {});
      throw error;
    }
  }

  /**
   * Asks for the room again that the session is in, as it does by itself after a lost socket: for when the server answers
   * that it knows nothing of that.
   */
  rejoin() {
    if (!this.#room || this.#isRejoining || this.state !== 'online') return;
    this.#lostAt = this.#timers.now();
    void this.#rejoin(1);
  }

  async leaveRoom() {
    this.#room = null;
    this.#stopRejoining();
    return this.request('room.leave');
  }

  /** While the session is online, only the room is waited for. */
  #stopRejoining() {
    this.#isRejoining = false;
    if (this.state === 'online') this.#cancelTry();
  }

  /** Ends the meeting for everybody; the host's right. */
  async endRoom() {
    const reply = await this.request('room.end');
    this.#room = null;
    return reply;
  }

  /**
   * Any request of the wire. One that comes too soon (`rate.limited`, `server.busy`) is sent again after the wait that the
   * server asks for and some more, for a minute at most, and under a new id, because the old id is answered with the old
   * refusal. A wait of more than ten seconds is the caller's to decide on.
   *
   * @param {string} type
   * @param {object} [data]
   * @returns {Promise<any>}
   * @throws {ProtocolError}
   */
  request(type, data) {
    return this.#patiently(() => this.#send(type, data), PATIENCE_MS);
  }

  /**
   * @template T
   * @param {() => Promise<T>} send
   * @param {number} patienceMs
   * @returns {Promise<T>}
   */
  async #patiently(send, patienceMs) {
    let waited = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        if (!(error instanceof ProtocolError) || !TOO_SOON.has(error.code)) throw error;
        const pause = pauseForRetry(error.retryAfterMs, attempt, this.#random());
        if (pause === null || waited + pause > patienceMs) throw error;
        waited += pause;
        await new Promise((resolve) => this.#timers.setTimeout(() => resolve(null), pause));
      }
    }
  }

  /**
   * To be called when the network may be back or is another one, the machine woke up, or the media lost their way: what
   * waits for its turn is tried now, and an open socket is asked whether it still lives.
   */
  wake() {
    if (this.#nextTry) this.#tryNow();
    else if (this.state === 'online') this.#heartbeat?.beat();
    else if (this.#attempt > 0 && this.#timers.now() - this.#attemptBegan > YOUNG_ATTEMPT_MS) {
      this.#reconnect(this.#attempt);
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
      if (auth) {
        const { type, data } = auth;
        this.#accept(await this.#patiently(() => connection.request(type, data), AUTH_PATIENCE_MS));
      }
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
    this.#heartbeat = new Heartbeat(connection, this.hello.heartbeat_ms, this.#timers, (silent) => {
      this.emit('silence', { silent });
    });
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
    this.#lostAt = this.#timers.now();
    if (FINAL_CLOSE_CODES.has(code) || !this.token) this.#end(code);
    else this.#planReconnect(1);
  }

  /** @param {number} attempt counted from 1 @param {number} [atLeastMs] the wait the server asked for */
  #planReconnect(attempt, atLeastMs = 0) {
    const retryAt = this.#planTry(attempt, () => this.#reconnect(attempt), atLeastMs);
    this.#setState('reconnecting', { attempt, retryAt });
  }

  /**
   * @param {number} attempt
   * @param {() => void} run
   * @param {number} atLeastMs
   * @returns {number} when it will be, milliseconds since the epoch
   */
  #planTry(attempt, run, atLeastMs) {
    this.#cancelTry();
    const now = this.#timers.now();
    const pause = pauseBefore(attempt, now - this.#lostAt, this.#random(), atLeastMs);
    this.#nextTry = { run, timer: this.#timers.setTimeout(() => this.#tryNow(), pause) };
    return now + pause;
  }

  #tryNow() {
    const run = this.#nextTry?.run;
    this.#cancelTry();
    run?.();
  }

  #cancelTry() {
    this.#timers.clearTimeout(this.#nextTry?.timer);
    this.#nextTry = null;
  }

  /** @param {number} attempt */
  async #reconnect(attempt) {
    const began = (this.#attemptBegan = this.#timers.now());
    try {
      const establishing = this.#establish({ type: 'auth.token', data: { token: this.token } });
      this.#attempt = attempt;
      await establishing;
    } catch (error) {
      // Another attempt, or the person, took over.
      if (this.state !== 'reconnecting' || this.#attempt !== attempt || this.#attemptBegan !== began) return;
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
    await this.#rejoin(1);
  }

  /**
   * One who comes back late is not one who may not come: as long as the refusal means "later", or nothing came, the room
   * is asked again.
   *
   * @param {number} attempt counted from 1
   */
  async #rejoin(attempt) {
    const room = this.#room;
    const connection = this.#connection;
    if (!room) return;
    // Whoever left or went elsewhere meanwhile said so after this request; a new socket asks for itself.
    const isCurrent = () => this.#room === room && this.#connection === connection;
    this.#isRejoining = true;
    try {
      const reply = await this.#send('room.join', room);
      if (!isCurrent()) return;
      this.#isRejoining = false;
      this.emit('joined', reply, { again: true });
    } catch (error) {
      if (!isCurrent()) return;
      if (meansLater(error)) {
        const { retryAfterMs } = error instanceof ProtocolError ? error : UNKNOWN_FAILURE;
        const retryAt = this.#planTry(attempt, () => this.#rejoin(attempt + 1), retryAfterMs ?? 0);
        this.emit('rejoin.waiting', { attempt, retryAt, code: codeOf(error) });
        return;
      }
      this.#isRejoining = false;
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
    this.#attempt = 0;
    this.#isRejoining = false;
    this.#cancelTry();
    this.#heartbeat?.stop();
    this.#heartbeat = null;
    connection?.close();
  }

  #forgetToken() {
    this.#tokens.forget();
    this.user = null;
  }

  /** @param {SessionState} state @param {{code?: number, attempt?: number, retryAt?: number}} [more] */
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
