import { codeOf, meansLater, ProtocolError } from './errors.js';
import { KeptSession, UNKNOWN_FAILURE } from './kept-session.js';
import { systemTimers } from './timers.js';

/**
 * @typedef {import('./kept-session.js').SessionOptions} SessionOptions
 * @typedef {import('./kept-session.js').SessionState} SessionState
 * @typedef {import('./kept-session.js').View} View
 * @typedef {import('./protocol.d.ts').IceServer} IceServer
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').User} User
 *
 * @typedef {{identity: string, password?: string, invite?: string, display_name?: string}} JoinRequest
 */

/** What is shown to relays is good for an hour, and connections that are made later need newer ones. */
const RENEW_MS = 40 * 60_000;
/** After this it is asked for again, when it was not answered. */
const RENEW_AGAIN_MS = 60_000;

/**
 * One person's session with the server, over as many sockets as it takes.
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
 * take it just now, and is asked again by itself; `rejoin.failed` with the error when it said no; `relays` with a list of
 * {@link IceServer} that takes the place of the reply's, before its credentials run out.
 */
export class Session extends KeptSession {
  #timers;
  /** @type {JoinRequest|null} the room to come back to */
  #roomNow = null;
  /** What a session was in that was taken up after a reload, until it is asked for. @type {View} */
  #view = null;
  /** Whom the server last said that one is in the room. @type {string|null} */
  #self = null;
  #isMediaLost = false;
  /** Counts the sessions at the server. */
  #sessionCount = 0;
  #isRejoining = false;
  /** @type {any} the timer of the next request for newer credentials */
  #renewal = null;

  /**
   * @param {string} url of the server's `/ws`, with the scheme ws or wss
   * @param {SessionOptions} [options]
   */
  constructor(url, options = {}) {
    super(url, options);
    this.#timers = options.timers ?? systemTimers;
  }

  get #room() {
    return this.#roomNow;
  }

  /** In a room one waits for every word. */
  set #room(room) {
    this.#roomNow = room;
    this.watch(room !== null);
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
    await this.open();
    if (this.#view && identityOf(this.#view) !== room) {
      this.#view = null;
      this.leaveRoom().catch(() => {});
    }
    return this.user;
  }

  /** @param {{username: string, password: string, display_name?: string}} data */
  register(data) {
    return this.#signIn('auth.register', data);
  }

  /** @param {{username: string, password: string}} data */
  login(data) {
    return this.#signIn('auth.login', data);
  }

  /** @param {{display_name: string}} data */
  guest(data) {
    return this.#signIn('auth.guest', data);
  }

  /** @param {string} token */
  withToken(token) {
    return this.#signIn('auth.token', { token });
  }

  /** Revokes the token, forgets it and closes the socket, whatever the server says. */
  async logout() {
    try {
      if (this.state === 'online') await this.request('auth.logout');
    } finally {
      this.forgetToken();
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
    this.ticket.store();
    try {
      return await this.request('room.join', data);
    } catch (error) {
      const code = codeOf(error);
      // It may yet succeed, and nobody would know: requests are carried out in their order, so this undoes it.
      if (code === 'client.timeout') this.send('room.leave').catch(() => {});
      if (!this.#room && code !== 'room.waiting') this.ticket.unstore();
      throw error;
    }
  }

  /**
   * Asks for the room again that the session is in, as it does by itself after a lost socket: for when the server answers
   * that it knows nothing of that.
   */
  rejoin() {
    if (!this.#room || this.#isRejoining || this.state !== 'online') return;
    this.attempts.since = this.#timers.now();
    void this.#rejoin(1);
  }

  async leaveRoom() {
    this.#room = null;
    this.#stopRenewing();
    this.ticket.unstore();
    this.#stopRejoining();
    return this.request('room.leave');
  }

  /** While the session is online, only the room is waited for. */
  #stopRejoining() {
    this.#isRejoining = false;
    if (this.state === 'online') this.attempts.cancel();
  }

  /** Ends the meeting for everybody; the host's right. */
  async endRoom() {
    const reply = await this.request('room.end');
    this.#room = null;
    this.#stopRenewing();
    this.ticket.unstore();
    return reply;
  }

  /** @param {string} type @param {object} data */
  #signIn(type, data) {
    return this.authenticate({ type, data });
  }

  /**
   * @protected
   * @override
   * @param {View|undefined} view
   * @param {boolean} knewNothing
   * @param {boolean} isJoining
   */
  wentOn(view, knewNothing, isJoining) {
    const isFirst = this.#sessionCount === 0;
    this.#sessionCount ||= 1;
    this.#isMediaLost ||= knewNothing;
    if (this.#isRejoining && !isJoining) void this.#rejoin(1);
    else if (view === undefined) return;
    // The page was loaded anew, and asks for the room in its own time.
    else if (isFirst) this.#view = view;
    else if (view === null || !('room' in view)) this.rejoin();
    else if (this.#room) this.#tellJoined(view, true);
  }

  /** @protected @override */
  began() {
    this.#sessionCount += 1;
    this.#isRejoining = false;
    this.#view = null;
  }

  /** @protected @override */
  cameBack() {
    void this.#rejoin(1);
  }

  /** @protected @override */
  ended() {
    this.#room = null;
    this.#stopRenewing();
    this.#view = null;
    this.#isRejoining = false;
  }

  /** @protected @override */
  movedOn() {
    this.#view = null;
  }

  /** @protected @override @param {string} type @param {any} data @param {{seq?: number}} info */
  relay(type, data, info) {
    if (type === 'room.ended' || type === 'room.deleted') {
      this.#room = null;
      this.#stopRenewing();
      this.ticket.unstore();
    }
    super.relay(type, data, info);
  }

  /** @param {Joined} reply @param {boolean} again */
  #tellJoined(reply, again) {
    const same = reply.self.id === this.#self;
    const mediaLost = again && same && this.#isMediaLost;
    this.#self = reply.self.id;
    this.#isMediaLost = false;
    this.#planRenewal(reply.ice_servers, RENEW_MS);
    this.emit('joined', reply, { again, same, mediaLost });
  }

  /** @param {IceServer[]} servers @param {number} ms */
  #planRenewal(servers, ms) {
    this.#stopRenewing();
    if (!servers.some(({ credential }) => credential)) return;
    this.#renewal = this.#timers.setTimeout(() => void this.#renew(servers), ms);
  }

  #stopRenewing() {
    this.#timers.clearTimeout(this.#renewal);
    this.#renewal = null;
  }

  /** Whoever is in and joins again is answered with how it is now. @param {IceServer[]} old */
  async #renew(old) {
    const room = this.#room;
    const count = this.#sessionCount;
    if (!room) return;
    try {
      const reply = await this.send('room.join', room);
      if (this.#room !== room || this.#sessionCount !== count) return;
      if (reply.self.id !== this.#self) return this.#tellJoined(reply, true);
      this.#planRenewal(reply.ice_servers, RENEW_MS);
      this.emit('relays', reply.ice_servers);
    } catch {
      // Whoever comes back after a lost socket is told newer ones anyway.
      if (this.#room === room && this.#sessionCount === count) this.#planRenewal(old, RENEW_AGAIN_MS);
    }
  }

  /**
   * One who comes back late is not one who may not come: as long as the refusal means "later", or nothing came, the room
   * is asked again.
   *
   * @param {number} attempt counted from 1
   */
  async #rejoin(attempt) {
    const room = this.#room;
    const count = this.#sessionCount;
    if (!room || this.state !== 'online') return;
    // Whoever left or went elsewhere meanwhile said so after this request; a new session asks for itself.
    const isCurrent = () => this.#room === room && this.#sessionCount === count;
    this.#isRejoining = true;
    this.ticket.store();
    try {
      const reply = await this.send('room.join', room);
      if (!isCurrent()) return;
      this.#isRejoining = false;
      this.#tellJoined(reply, true);
    } catch (error) {
      if (!isCurrent()) return;
      if (meansLater(error)) {
        // A socket that is lost comes back first.
        if (this.state !== 'online') return;
        const { retryAfterMs } = error instanceof ProtocolError ? error : UNKNOWN_FAILURE;
        const retryAt = this.attempts.plan(attempt, () => this.#rejoin(attempt + 1), retryAfterMs ?? 0);
        this.emit('rejoin.waiting', { attempt, retryAt, code: codeOf(error) });
        return;
      }
      this.#isRejoining = false;
      this.#room = null;
      this.ticket.unstore();
      this.emit('rejoin.failed', error);
    }
  }
}

/** @param {import('./protocol.d.ts').ResumedView} view */
function identityOf(view) {
  return 'room' in view ? view.room.identity : view.waiting;
}
