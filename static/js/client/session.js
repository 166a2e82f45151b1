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

/** The credentials for relays are valid for an hour. Connections that are made later need newer ones. */
const RENEW_MS = 40 * 60_000;
/** They are asked for again after this time if there was no answer. */
const RENEW_AGAIN_MS = 60_000;

/**
 * One person's session with the server, over as many sockets as needed.
 *
 * It authenticates, keeps the token, and comes back by itself after a lost socket: it resumes its session. If the server no
 * longer keeps that, it signs in with its token and joins its room again. Requests without an answer wait meanwhile, and are
 * sent again.
 *
 * Events: every event of the wire by its type, each once and in order; `state` with
 * `{state, code?, attempt?, retryAt?, resumed?}`, where `retryAt` is when the next attempt begins (milliseconds since the
 * epoch) and `resumed` says that the session was resumed; `silence` with `{silent: boolean}` when an open socket gives no
 * answer, and gives one again; `joined` with the {@link Joined} and `{again, same, mediaLost}`: again: it replaces what was
 * known of the room · same: this person still is the same participant · mediaLost: the participant is the same, but the
 * server no longer knows their media; `rejoin.waiting` with `{attempt, retryAt, code}` when a session came back and its room
 * does not accept it yet; it asks again by itself; `rejoin.failed` with the error when the room refused; `relays` with a list of
 * {@link IceServer} that replaces that of the reply before its credentials expire.
 */
export class Session extends KeptSession {
  #timers;
  /** @type {JoinRequest|null} the room to come back to */
  #roomNow = null;
  /** The room of a session that was resumed after a reload, until `joinRoom` asks for it. @type {View} */
  #view = null;
  /** This person's participant id in the room, as the server last sent it. @type {string|null} */
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

  /** In a room every message is needed soon. */
  set #room(room) {
    this.#roomNow = room;
    this.watch(room !== null);
  }

  /**
   * Resumes the session of this tab after a reload, or signs in with the stored token.
   *
   * @param {{room?: string|null}} [options] room: the room to which the caller goes back with `joinRoom`, in the same
   *   turn. A session that was in another room leaves it
   * @returns {Promise<User|null>} null when there is no token, or the server no longer accepts it; `hello` is known then
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
   * Enters a room, by identity or number, and remembers it for a lost socket. A session that was resumed in this room answers
   * at once.
   *
   * @param {JoinRequest} data
   * @returns {Promise<Joined>}
   */
  async joinRoom(data) {
    const reply = this.#takeView(data.identity) ?? (await this.#join(data));
    // The server limits attempts by number per address, but not attempts by identity.
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
      // The join may still succeed without anybody noticing. The server handles requests in order, so this undoes it.
      if (code === 'client.timeout') this.send('room.leave').catch(() => {});
      if (!this.#room && code !== 'room.waiting') this.ticket.unstore();
      throw error;
    }
  }

  /**
   * Joins the room of this session again, as it does by itself after a lost socket. It is for the case that the server
   * answers that the session is in no room.
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
    // The page was reloaded, and asks for the room when it is ready.
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

  /** The server answers a join from somebody who is already in with the present state. @param {IceServer[]} old */
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
      // A client that comes back after a lost socket gets newer ones anyway.
      if (this.#room === room && this.#sessionCount === count) this.#planRenewal(old, RENEW_AGAIN_MS);
    }
  }

  /**
   * Joins the room again after the session came back. As long as the refusal means "later", or no answer came, it asks the
   * room again: such a person is not shut out.
   *
   * @param {number} attempt counted from 1
   */
  async #rejoin(attempt) {
    const room = this.#room;
    const count = this.#sessionCount;
    if (!room || this.state !== 'online') return;
    // A person may leave or go to another room after this request, and that counts. A new session sends its own request.
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
        // A lost socket must come back first.
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
