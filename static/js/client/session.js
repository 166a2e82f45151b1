import { Attempts } from './attempts.js';
import { CLOSED_ABNORMALLY, Connection, REQUEST_TIMEOUT_MS } from './connection.js';
import { closedError, codeOf, meansLater, ProtocolError } from './errors.js';
import { CLOSED_BY_CLIENT, Heartbeat } from './heartbeat.js';
import { Ledger } from './ledger.js';
import { patiently } from './patience.js';
import { Requests } from './requests.js';
import { Ticket } from './ticket.js';
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
 * @property {import('./token-keeper.js').TokenStorage} [tabStorage] where the session itself stays when the page is loaded
 *   anew while it is in a room; it must belong to this page alone. Nowhere when left out
 * @property {() => number} [random] 0 ≤ n < 1, spreads the reconnects of many clients
 * @typedef {import('./connection.js').ConnectionOptions & SessionOwnOptions} SessionOptions
 *
 * @typedef {{identity: string, password?: string, invite?: string, display_name?: string}} JoinRequest
 *
 * @typedef {Joined|{waiting: string}|null} View the room that a session is in, or at whose door it waits; null for none
 * @typedef {{replayed: number, resume_token: string, user?: User, seq?: number, view?: View}} Resumption
 */

/** Coming back after these would repeat what the server just ended: see static/docs/protocol.md §3.6. */
const FINAL_CLOSE_CODES = new Set([1000, 4401, 4403, 4404, 4409]);
const LEAVING = 1000;
/** The server restarts: all come back at once if nothing spreads them. */
const GOING_AWAY = 1001;
const SPREAD_MS = 500;
/** How long a request that comes too soon is sent again before the caller hears of it. */
const PATIENCE_MS = 60_000;
/** The server closes a socket that does not authenticate within 10 s. */
const AUTH_PATIENCE_MS = 8_000;
/** An attempt that was begun before the network changed may wait in vain; a younger one is let be. */
const YOUNG_ATTEMPT_MS = 2_000;

/**
 * One person's stay with the server, over as many sockets as it takes.
 *
 * It authenticates, keeps the token, and comes back by itself after a lost socket: it takes up its session where it was, or
 * where the server keeps that no more, signs in with its token and joins its room anew. Requests without an answer wait
 * meanwhile, and are sent again.
 *
 * Events: every event of the wire by its type, each once and in order; `state` with
 * `{state, code?, attempt?, retryAt?, resumed?}`, where `retryAt` is when the next attempt begins (milliseconds since the
 * epoch) and `resumed` says that the session was taken up; `silence` with `{silent: boolean}` when an open socket gives no
 * answer, and gives one again; `joined` with the {@link Joined} and `{again, same, mediaLost}`: again: it replaces what was
 * known of the room · same: one is the participant that one was · mediaLost: though the same, the server knows nothing of
 * one's media any more; `rejoin.waiting` with `{attempt, retryAt, code}` when the room of a session that came back does not
 * take it just now, and is asked again by itself; `rejoin.failed` with the error when it said no.
 */
export class Session extends Requests {
  #url;
  #options;
  #timers;
  #random;
  #ledger;
  #ticket;
  #tokens;
  #attempts;
  /** @type {Connection|null} */
  #connection = null;
  /** @type {JoinRequest|null} the room to come back to */
  #room = null;
  /** What a session was in that was taken up after a reload, until it is asked for. @type {View} */
  #view = null;
  /** Whom the server last said that one is in the room. @type {string|null} */
  #self = null;
  #isMediaLost = false;
  /** Counts the sessions at the server. */
  #stay = 0;
  /** The attempt to come back that is under way, 0 while none is. */
  #attempt = 0;
  #attemptBegan = 0;
  #isRejoining = false;
  /** Set while requests wait for the session to be taken up. @type {any} */
  #holding = null;
  /** Behind which event some were missing. @type {number|null} */
  #gap = null;
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
    this.#ticket = new Ticket(options.tabStorage);
    this.#ledger = new Ledger(this.#timers, options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, this.#ticket.lastId);
    this.#attempts = new Attempts(this.#timers, this.#random);
    // A refresh that fails is not lost: the next authentication plans a new one, and a token that
    // expired meanwhile is answered at the next reconnect with `closed` and 4401.
    this.#tokens = new TokenKeeper(options.storage, this.#timers, () => this.refresh().catch(() => {}));
  }

  /** The signed token that is the account's or guest's key; null while nobody is signed in. */
  get token() {
    return this.#tokens.token;
  }

  /**
   * Takes up the session of this tab after a reload, or signs in with the stored token.
   *
   * @param {{room?: string|null}} [options] room: to which the caller goes back with `joinRoom`, in the same turn. A session
   *   that was in another one leaves it
   * @returns {Promise<User|null>} null when there is no token, or the server takes it no more; `hello` is known then
   * @throws {ProtocolError} client.closed, client.timeout, server.*
   */
  async connect({ room = null } = {}) {
    if (this.state === 'online') return this.user;
    this.#setState('connecting');
    try {
      await this.#establish(this.token ? { type: 'auth.token', data: { token: this.token } } : null);
    } catch (error) {
      if (!isAuthRefusal(error)) throw error;
      this.#forgetToken();
    }
    if (this.#view && identityOf(this.#view) !== room) {
      this.#view = null;
      this.leaveRoom().catch(() => {});
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
   * Enters a room, by identity or number, and remembers it for a lost socket. A session that was taken up in this room
   * answers at once.
   *
   * @param {JoinRequest} data
   * @returns {Promise<Joined>}
   */
  async joinRoom(data) {
    const reply = this.#takeView(data.identity) ?? (await this.#join(data));
    // Tries by number are limited per address; the identity is not.
    this.#room = { ...data, identity: reply.room.identity };
    this.#tellJoined(reply, false);
    return reply;
  }

  /** @param {string} room @returns {Joined|null} */
  #takeView(room) {
    const view = this.#view;
    this.#view = null;
    return view && 'room' in view && view.room.identity === room ? view : null;
  }

  /**
   * @param {JoinRequest} data
   * @returns {Promise<Joined>}
   */
  async #join(data) {
    this.#stopRejoining();
    this.#ticket.store();
    try {
      return await this.request('room.join', data);
    } catch (error) {
      const code = codeOf(error);
      // It may yet succeed, and nobody would know: requests are carried out in their order, so this undoes it.
      if (code === 'client.timeout') this.#send('room.leave').catch(() => {});
      if (!this.#room && code !== 'room.waiting') this.#ticket.unstore();
      throw error;
    }
  }

  /**
   * Asks for the room again that the session is in, as it does by itself after a lost socket: for when the server answers
   * that it knows nothing of that.
   */
  rejoin() {
    if (!this.#room || this.#isRejoining || this.state !== 'online') return;
    this.#attempts.since = this.#timers.now();
    void this.#rejoin(1);
  }

  async leaveRoom() {
    this.#room = null;
    this.#ticket.unstore();
    this.#stopRejoining();
    return this.request('room.leave');
  }

  /** While the session is online, only the room is waited for. */
  #stopRejoining() {
    this.#isRejoining = false;
    if (this.state === 'online') this.#attempts.cancel();
  }

  /** Ends the meeting for everybody; the host's right. */
  async endRoom() {
    const reply = await this.request('room.end');
    this.#room = null;
    this.#ticket.unstore();
    return reply;
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
    return patiently(() => this.#send(type, data), PATIENCE_MS, { timers: this.#timers, random: this.#random });
  }

  /**
   * To be called when the network may be back or is another one, the machine woke up, or the media lost their way: what
   * waits for its turn is tried now, and an open socket is asked whether it still lives.
   */
  wake() {
    if (this.#attempts.isWaiting) this.#attempts.now();
    else if (this.state === 'online') this.#heartbeat?.beat();
    else if (this.#attempt > 0 && this.#timers.now() - this.#attemptBegan > YOUNG_ATTEMPT_MS) {
      this.#reconnect(this.#attempt);
    }
  }

  /** Closes the socket and stays away. The token stays for the next visit. */
  close() {
    this.#drop(LEAVING);
    this.#end(LEAVING);
  }

  /** @param {string} type @param {object} [data] */
  #send(type, data) {
    // A ping asks for the way as it is now.
    const outlives = type !== 'ping';
    if (this.#connection && this.state === 'online') return this.#connection.request(type, data, { outlives });
    if (this.#holding !== null && outlives) return this.#ledger.enter(type, data, { outlives }).answer;
    return Promise.reject(new ProtocolError('client.closed', 'The session has no socket.', { request: type }));
  }

  /** @param {string} type @param {object} data @returns {Promise<User>} */
  async #authenticate(type, data) {
    // Whoever signs in anew does not come back to the room of who was here before.
    this.#room = null;
    this.#drop(LEAVING);
    this.#forgetSession(LEAVING);
    this.#setState('connecting');
    await this.#establish({ type, data });
    return /** @type {User} */ (this.user);
  }

  /**
   * Opens a socket and takes the session up on it, or authenticates. Without either it only learns the hello: the server
   * closes a socket that does not authenticate within 10 s, and people fill in forms more slowly.
   *
   * @param {{type: string, data: object}|null} auth
   * @returns {Promise<boolean>} whether the session was taken up
   */
  async #establish(auth) {
    this.#drop();
    const connection = new Connection(this.#url, { ...this.#options, ledger: this.#ledger });
    this.#connection = connection;
    // A socket that was replaced meanwhile has nothing more to say.
    const isCurrent = () => this.#connection === connection;
    connection.on('*', (data, { type, ...info }) => {
      if (isCurrent() && type !== 'open' && type !== 'close') this.#relay(type, data, info);
    });
    try {
      this.hello = await connection.open();
      this.#tokens.learnClock(Date.parse(this.hello.time));
      if (await this.#resume(connection)) return true;
      this.#beginSession(this.hello.session);
      if (auth) this.#accept(await this.#ask(connection, auth.type, auth.data));
      else this.user = null;
      if (!isCurrent()) throw new ProtocolError('client.closed', 'Another attempt took over.');
    } catch (error) {
      // A socket that is still open was opened in vain: its authentication was refused.
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

  /** @param {Connection} connection @returns {Promise<boolean>} false when the server has the session no more */
  async #resume(connection) {
    const { isGood, session, token, lastSeq } = this.#ticket;
    if (!isGood || !(Number(this.hello?.limits?.resume_ms) > 0)) return false;
    // The answer to a join tells how the room was then. What happened since must not come before it.
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
   * The session goes on, and nothing that comes behind the answer was read yet.
   *
   * @param {Connection} connection
   * @param {Resumption} reply
   * @param {boolean} knewNothing the server let go of the media
   */
  #takeUp(connection, { resume_token: token, user, seq, view }, knewNothing) {
    this.user = user ?? this.user;
    this.#ticket.renew(token);
    this.#tokens.goOn(this.#ticket.expiresAt);
    if (view !== undefined) this.#ticket.lastSeq = seq ?? null;
    this.#isMediaLost ||= knewNothing;
    const joined = view && 'room' in view ? view : null;
    const isJoining = this.#ledger.types.includes('room.join');
    if (joined && isJoining) this.#ledger.answer('room.join', joined);
    connection.repeat();
    this.#goOnline(connection, true);
    if (isJoining) return;
    if (this.#isRejoining) void this.#rejoin(1);
    else if (view === undefined) return;
    else if (this.#stay === 0) {
      // The page was loaded anew, and asks for the room in its own time.
      this.#stay = 1;
      this.#view = view;
    } else if (joined && this.#room) this.#tellJoined(joined, true);
    else this.rejoin();
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
    this.#setState('online', { resumed });
  }

  /** The server knows nothing of the session before. @param {string} session */
  #beginSession(session) {
    this.#stay += 1;
    this.#isRejoining = false;
    this.#view = null;
    this.#letGo(CLOSED_ABNORMALLY);
    this.#ticket.begin(session);
  }

  /** @param {Authenticated} reply */
  #accept(reply) {
    if (reply.user) this.user = reply.user;
    const expiresAt = Date.parse(reply.expires_at);
    this.#tokens.keep(reply.token, expiresAt);
    this.#ticket.renew(reply.resume_token, expiresAt);
  }

  /** @param {Joined} reply @param {boolean} again */
  #tellJoined(reply, again) {
    const same = reply.self.id === this.#self;
    const mediaLost = again && same && this.#isMediaLost;
    this.#self = reply.self.id;
    this.#isMediaLost = false;
    this.emit('joined', reply, { again, same, mediaLost });
  }

  /** @param {string} type @param {any} data @param {{seq?: number}} info */
  #relay(type, data, info) {
    if (typeof info.seq === 'number' && !this.#isNext(info.seq)) return;
    if (type === 'room.ended' || type === 'room.deleted') this.#room = null;
    this.emit(type, data, info);
  }

  /** @param {number} seq */
  #isNext(seq) {
    const { lastSeq, isGood } = this.#ticket;
    const place = this.#ticket.place(seq);
    if (place === 'early' && isGood && this.#holdMs > 0) {
      // What is missing is asked for; when it is missing again, the whole room is.
      if (this.#gap === lastSeq) this.#ticket.lastSeq = null;
      this.#gap = lastSeq;
      this.#connection?.close(CLOSED_BY_CLIENT);
      return false;
    }
    if (place === 'early') this.#ticket.lastSeq = seq;
    // The view of a moment ago would hide it.
    if (place !== 'old') this.#view = null;
    return place !== 'old';
  }

  /** How long the server keeps a session that lost its socket. */
  get #holdMs() {
    return this.hello?.limits?.resume_ms ?? 0;
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop();
    this.#attempts.since = this.#timers.now();
    if (FINAL_CLOSE_CODES.has(code) || !(this.token || this.#ticket.isGood)) return this.#end(code);
    if (this.#holdMs > 0 && this.#ticket.isGood) {
      this.#timers.clearTimeout(this.#holding);
      this.#holding = this.#timers.setTimeout(() => this.#letGo(code), this.#holdMs);
    } else this.#letGo(code);
    this.#planReconnect(1, code === GOING_AWAY ? this.#random() * SPREAD_MS : 0);
  }

  /** @param {number} attempt counted from 1; the first one begins at once @param {number} [atLeastMs] */
  #planReconnect(attempt, atLeastMs = 0) {
    const retryAt = this.#attempts.plan(attempt - 1, () => this.#reconnect(attempt), atLeastMs);
    this.#setState('reconnecting', { attempt, retryAt });
  }

  /** @param {number} attempt */
  async #reconnect(attempt) {
    const began = (this.#attemptBegan = this.#timers.now());
    try {
      const establishing = this.#establish(this.token ? { type: 'auth.token', data: { token: this.token } } : null);
      this.#attempt = attempt;
      if (await establishing) return;
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
    const stay = this.#stay;
    if (!room || this.state !== 'online') return;
    // Whoever left or went elsewhere meanwhile said so after this request; a new session asks for itself.
    const isCurrent = () => this.#room === room && this.#stay === stay;
    this.#isRejoining = true;
    this.#ticket.store();
    try {
      const reply = await this.#send('room.join', room);
      if (!isCurrent()) return;
      this.#isRejoining = false;
      this.#tellJoined(reply, true);
    } catch (error) {
      if (!isCurrent()) return;
      if (meansLater(error)) {
        // A socket that is lost comes back first.
        if (this.state !== 'online') return;
        const { retryAfterMs } = error instanceof ProtocolError ? error : UNKNOWN_FAILURE;
        const retryAt = this.#attempts.plan(attempt, () => this.#rejoin(attempt + 1), retryAfterMs ?? 0);
        this.emit('rejoin.waiting', { attempt, retryAt, code: codeOf(error) });
        return;
      }
      this.#isRejoining = false;
      this.#room = null;
      this.#ticket.unstore();
      this.emit('rejoin.failed', error);
    }
  }

  /** @param {number} code */
  #end(code) {
    this.#room = null;
    this.#forgetSession(code);
    this.#setState('closed', { code });
  }

  /** @param {number} code */
  #forgetSession(code) {
    this.#view = null;
    this.#isRejoining = false;
    this.#ticket.void();
    this.#letGo(code);
  }

  /** Nobody will answer what waits. @param {number} code */
  #letGo(code) {
    this.#timers.clearTimeout(this.#holding);
    this.#holding = null;
    this.#ledger.end((type) => closedError(code, '', type));
  }

  /** Lets go of the socket and of every timer that belongs to it. @param {number} [code] */
  #drop(code = CLOSED_BY_CLIENT) {
    const connection = this.#connection;
    this.#connection = null;
    this.#tokens.rest();
    this.#attempt = 0;
    this.#attempts.cancel();
    this.#heartbeat?.stop();
    this.#heartbeat = null;
    connection?.close(code);
  }

  #forgetToken() {
    this.#tokens.forget();
    this.user = null;
  }

  /** @param {SessionState} state @param {{code?: number, attempt?: number, retryAt?: number, resumed?: boolean}} [more] */
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

/** @param {Joined|{waiting: string}} view */
function identityOf(view) {
  return 'room' in view ? view.room.identity : view.waiting;
}
