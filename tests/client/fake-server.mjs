/**
 * A stand-in for the server: it speaks the frames of `meeting.v1`, keeps rooms in memory and relays signals, so that
 * the client can be tried without the real one. It has no SFU: rooms are p2p.
 *
 * A test bends it by replacing a handler: `server.handlers['ping'] = () => …`. A handler answers the reply's data,
 * throws `refusal(code)`, or answers SILENCE for no reply at all.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

const staticDir = fileURLToPath(new URL('../../static', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml' };
// The product's policy, so that nothing is written that it would forbid.
const POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; " +
  "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

export const SILENCE = Symbol('no reply');

/** @param {string} code @param {object} [more] */
export const refusal = (code, more = {}) =>
  Object.assign(new Error(code), { body: { code, message: `Refused: ${code}.`, retry_after_ms: null, ...more } });

export const PERMISSIONS = Object.fromEntries(
  ['unmute', 'screen', 'chat', 'private_chat', 'files', 'rename', 'react'].map((key) => [key, true]),
);

export class FakeServer {
  /** Every request as it came: `{session, type, id, data}`. */
  requests = [];
  /** The sockets that are open, as Peers, oldest first. */
  peers = [];
  rooms = new Map();
  users = new Map();
  handlers = { ...HANDLERS };
  hello = {};
  /** How long lost sessions are kept; 0 for not at all. Time does not pass here: `expire` ends them. */
  resumeMs = 0;
  /** Sessions, also those whose socket is lost, by their ids. */
  sessions = new Map();
  /**
   * Is told of every frame before it is taken or sent: `('in' | 'out', frame, peer)`. When it answers false, the frame is
   * lost, and the socket with it.
   */
  passes = () => true;
  #count = 0;
  #waiting = [];

  async listen() {
    this.http = createServer(serveFile);
    this.sockets = new WebSocketServer({ server: this.http, path: '/ws' });
    this.sockets.on('connection', (socket) => this.#welcome(socket));
    await new Promise((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${this.http.address().port}`;
    this.url = `${this.origin.replace('http', 'ws')}/ws`;
    return this;
  }

  stop = async () => {
    for (const socket of this.sockets.clients) socket.terminate();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  };

  nextId(prefix) {
    this.#count += 1;
    return `${prefix}${this.#count}`;
  }

  /** The next request of that type, whenever it comes. */
  nextRequest(type) {
    return new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  /** The next socket to be opened. */
  nextPeer() {
    return new Promise((resolve) => this.#waiting.push({ type: 'socket', resolve }));
  }

  #tell(type, what) {
    const index = this.#waiting.findIndex((one) => one.type === type);
    if (index >= 0) this.#waiting.splice(index, 1)[0].resolve(what);
  }

  #welcome(socket) {
    const first = new Peer(this, socket);
    socket.peer = first;
    this.sessions.set(first.session, first);
    this.peers.push(first);
    socket.on('close', (code) => {
      const { peer } = socket;
      // One that went on over another socket.
      if (peer.socket !== socket) return;
      this.peers.splice(this.peers.indexOf(peer), 1);
      if (this.resumeMs > 0 && peer.user && code !== 1000 && code !== 1005) peer.detach();
      else this.expire(peer);
    });
    socket.on('message', (text) => {
      const { peer } = socket;
      const frame = JSON.parse(text.toString());
      if (socket.readyState !== socket.OPEN) return;
      if (!this.passes('in', frame, peer)) return socket.terminate();
      const { type, id, data = {} } = frame;
      this.requests.push({ session: peer.session, type, id, data });
      peer.answer(type, id, data);
      this.#tell(type, { type, id, data, peer });
    });
    first.frame({
      type: 'hello',
      data: {
        protocol: 'meeting.v1', server: 'fake/1', session: first.session, heartbeat_ms: 15_000,
        limits: { message_bytes: 262_144, requests_per_second: 20, burst: 60, resume_ms: this.resumeMs },
        auth: ['password', 'guest', 'register'], time: new Date().toISOString(), ...this.hello,
      },
    });
    this.#tell('socket', first);
  }

  /** The session is over. */
  expire(peer, reason = 'lost') {
    this.sessions.delete(peer.session);
    peer.leave(reason);
  }

  /** Sessions that wait for a socket. */
  get detached() {
    return [...this.sessions.values()].filter((peer) => peer.socket === null);
  }
}

/** One session, with its socket or without one. */
class Peer {
  #seq = 0;
  /** What could be replayed. */
  ring = [];
  /** By request id. */
  #answers = new Map();
  #token = null;
  #tokenBefore = null;

  constructor(server, socket) {
    this.server = server;
    this.socket = socket;
    this.session = server.nextId('s');
    this.user = null;
    this.participant = null;
    this.room = null;
  }

  get seq() {
    return this.#seq;
  }

  frame(frame) {
    if (!this.socket || this.socket.readyState !== this.socket.OPEN) return;
    if (this.server.passes('out', frame, this)) this.socket.send(JSON.stringify(frame));
    else this.socket.terminate();
  }

  event(type, data) {
    const frame = { type, seq: ++this.#seq, data };
    this.ring.push(frame);
    this.frame(frame);
  }

  /** A number is left out, as no server should. */
  skip() {
    this.#seq += 1;
  }

  nextToken() {
    return (this.#token = this.server.nextId('resume'));
  }

  detach() {
    this.socket = null;
    if (!this.room) return;
    this.participant.connection = 'reconnecting';
    this.others('participant.updated', { participant: this.participant });
  }

  /** Goes on over the socket of another, which is forgotten. */
  resume(newcomer, { resume_token: token, last_seq: lastSeq }, id) {
    const isKnown = token === this.#token || token === this.#tokenBefore;
    if (!isKnown) throw refusal('session.gone');
    if (token === this.#token) this.#tokenBefore = token;
    this.nextToken();
    const { server } = this;
    const { socket } = newcomer;
    server.sessions.delete(newcomer.session);
    server.peers.splice(server.peers.indexOf(newcomer), 1);
    const old = this.socket;
    this.socket = socket;
    socket.peer = this;
    if (old) old.close(4409);
    else server.peers.push(this);
    const missed = lastSeq === null || lastSeq === undefined ? null : this.ring.filter(({ seq }) => seq > lastSeq);
    const isWhole = missed !== null && missed.length === this.#seq - lastSeq;
    const reply = { resumed: true, replayed: isWhole ? missed.length : 0, resume_token: this.#token, user: this.user };
    if (this.room) this.participant.connection = 'online';
    const view = this.room && viewOf(this);
    this.frame({ type: 'ok', re: id, data: isWhole ? reply : { ...reply, seq: this.#seq, view } });
    if (isWhole) for (const frame of missed) this.frame(frame);
    if (this.room) this.others('participant.updated', { participant: this.participant });
  }

  answer(type, id, data) {
    if (this.#answers.has(id)) return this.frame(this.#answers.get(id));
    const reply = this.#reply(type, id, data);
    if (!reply) return;
    if (this.user) this.#answers.set(id, reply);
    this.frame(reply);
  }

  #reply(type, id, data) {
    try {
      if (type === 'session.resume') {
        const kept = this.server.sessions.get(data.session);
        if (!this.server.resumeMs || !kept || kept === this) throw refusal('session.gone');
        return kept.resume(this, data, id);
      }
      const handler = this.server.handlers[type];
      if (!handler) throw refusal('protocol.unknown_type');
      if (!this.user && !type.startsWith('auth.')) throw refusal('auth.required');
      const reply = handler(this, data, id);
      return reply === SILENCE ? null : { type: 'ok', re: id, data: structuredClone(reply ?? {}) };
    } catch (error) {
      if (!error.body) throw error;
      return { type: 'error', re: id, error: error.body };
    }
  }

  /** Everybody else in the room. */
  others(type, data) {
    for (const peer of this.server.sessions.values()) {
      if (peer !== this && peer.room && peer.room === this.room) peer.event(type, structuredClone(data));
    }
  }

  leave(reason) {
    if (!this.room) return;
    this.others('participant.left', { participant: this.participant.id, reason });
    this.room.participants.delete(this.participant.id);
    this.room = this.participant = null;
  }
}

function signIn(peer, user) {
  peer.user = user;
  const token = `token-of-${user.id}`;
  peer.server.users.set(token, user);
  return { user, token, expires_at: new Date(Date.now() + 3_600_000).toISOString(), resume_token: peer.nextToken() };
}

const newUser = (peer, kind, data) => ({
  id: peer.server.nextId('u'), kind, username: data.username ?? null,
  display_name: data.display_name ?? data.username, avatar_url: '/avatars/u.svg',
});

function viewOf({ room, participant }) {
  const { identity } = room;
  return {
    room: { identity, topology: 'p2p', name: identity }, self: participant,
    participants: [...room.participants.values()], permissions: PERMISSIONS, ice_servers: [], chat: [...room.chat],
  };
}

function relay(type) {
  return (peer, { to, ...data }) => {
    const target = [...peer.server.sessions.values()].find((one) => one.room === peer.room && one.participant?.id === to);
    if (!target || target === peer) throw refusal('participant.not_found');
    target.event(type, { ...data, connection: null, from: peer.participant.id });
  };
}

const HANDLERS = {
  'auth.register': (peer, data) => signIn(peer, newUser(peer, 'account', data)),
  'auth.login': (peer, data) => {
    if (data.password !== 'right') throw refusal('auth.bad_credentials');
    return signIn(peer, newUser(peer, 'account', data));
  },
  'auth.guest': (peer, data) => signIn(peer, newUser(peer, 'guest', data)),
  'auth.token': (peer, { token }) => {
    const user = peer.server.users.get(token);
    if (!user) throw refusal('auth.token_invalid');
    return signIn(peer, user);
  },
  'auth.refresh': (peer) => signIn(peer, peer.user),
  'auth.logout': () => {},
  'room.join': (peer, { identity }) => {
    peer.leave('left');
    if (identity === 'locked') throw refusal('room.locked');
    let room = peer.server.rooms.get(identity);
    if (!room) peer.server.rooms.set(identity, (room = { identity, participants: new Map(), chat: [] }));
    peer.participant = {
      id: peer.server.nextId('p'), user: peer.user, display_name: peer.user.display_name, role: 'member',
      joined_at: new Date().toISOString(), hand_raised_at: null, connection: 'online', audio: false, video: false, tracks: [],
    };
    peer.room = room;
    room.participants.set(peer.participant.id, peer.participant);
    peer.others('participant.joined', { participant: peer.participant });
    return viewOf(peer);
  },
  'room.leave': (peer) => peer.leave('left'),
  'participant.update': (peer, data) => {
    Object.assign(peer.participant, data);
    peer.others('participant.updated', { participant: peer.participant });
    return { participant: peer.participant };
  },
  'media.source': (peer, { source, active, muted = false }) => {
    const { tracks } = peer.participant;
    const index = tracks.findIndex((one) => one.source === source);
    if (active) {
      const track = {
        id: peer.server.nextId('t'), participant: peer.participant.id, source, muted,
        kind: source === 'microphone' || source === 'screen_audio' ? 'audio' : 'video', codec: null, layers: [],
      };
      tracks.push(track);
      peer.others('media.track.published', { track });
      return { track };
    }
    const [track] = tracks.splice(index, 1);
    peer.others('media.track.unpublished', { track: track.id, participant: peer.participant.id });
    return { track };
  },
  'signal.offer': relay('signal.offer'),
  'signal.answer': relay('signal.answer'),
  'signal.candidate': relay('signal.candidate'),
  'chat.send': (peer, { text, client_id = null }) => {
    const message = { id: peer.server.nextId('m'), participant: peer.participant.id, user: peer.user, text, to: null, client_id };
    peer.room.chat.push(message);
    peer.others('chat.message', { message });
    peer.event('chat.message', { message });
    return { message };
  },
  ping: () => ({ time: new Date().toISOString() }),
};

function serveFile(request, response) {
  const path = normalize(new URL(request.url, 'http://here').pathname);
  if (path === '/healthz') return response.writeHead(200, { 'content-type': 'text/plain', 'content-security-policy': POLICY }).end('ok');
  if (path === '/favicon.ico') return response.writeHead(204).end();
  const file = join(staticDir, path);
  if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
  createReadStream(file).pipe(response);
}
