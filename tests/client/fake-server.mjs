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
    const peer = new Peer(this, socket);
    this.peers.push(peer);
    socket.on('close', () => {
      this.peers.splice(this.peers.indexOf(peer), 1);
      peer.leave('lost');
    });
    socket.on('message', (text) => {
      const { type, id, data = {} } = JSON.parse(text.toString());
      this.requests.push({ session: peer.session, type, id, data });
      peer.answer(type, id, data);
      this.#tell(type, { type, id, data, peer });
    });
    peer.frame({
      type: 'hello',
      data: {
        protocol: 'meeting.v1', server: 'fake/1', session: peer.session, heartbeat_ms: 15_000,
        limits: { message_bytes: 262_144, requests_per_second: 20, burst: 60 },
        auth: ['password', 'guest', 'register'], time: new Date().toISOString(), ...this.hello,
      },
    });
    this.#tell('socket', peer);
  }
}

class Peer {
  #seq = 0;

  constructor(server, socket) {
    this.server = server;
    this.socket = socket;
    this.session = server.nextId('s');
    this.user = null;
    this.participant = null;
    this.room = null;
  }

  frame(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  event(type, data) {
    this.frame({ type, seq: ++this.#seq, data });
  }

  answer(type, id, data) {
    try {
      const handler = this.server.handlers[type];
      if (!handler) throw refusal('protocol.unknown_type');
      if (!this.user && !type.startsWith('auth.')) throw refusal('auth.required');
      const reply = handler(this, data, id);
      if (reply !== SILENCE) this.frame({ type: 'ok', re: id, data: reply ?? {} });
    } catch (error) {
      if (!error.body) throw error;
      this.frame({ type: 'error', re: id, error: error.body });
    }
  }

  /** Everybody else in the room. */
  others(type, data) {
    for (const peer of this.server.peers) {
      if (peer !== this && peer.room && peer.room === this.room) peer.event(type, data);
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
  return { user, token, expires_at: new Date(Date.now() + 3_600_000).toISOString(), resume_token: peer.server.nextId('resume') };
}

const newUser = (peer, kind, data) => ({
  id: peer.server.nextId('u'), kind, username: data.username ?? null,
  display_name: data.display_name ?? data.username, avatar_url: '/avatars/u.svg',
});

function relay(type) {
  return (peer, { to, ...data }) => {
    const target = peer.server.peers.find((one) => one.room === peer.room && one.participant?.id === to);
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
    if (!room) peer.server.rooms.set(identity, (room = { identity, participants: new Map() }));
    peer.participant = {
      id: peer.server.nextId('p'), user: peer.user, display_name: peer.user.display_name, role: 'member',
      joined_at: new Date().toISOString(), hand_raised_at: null, connection: 'online', audio: false, video: false, tracks: [],
    };
    peer.room = room;
    room.participants.set(peer.participant.id, peer.participant);
    peer.others('participant.joined', { participant: peer.participant });
    return {
      room: { identity, topology: 'p2p', name: identity }, self: peer.participant,
      participants: [...room.participants.values()], permissions: PERMISSIONS, ice_servers: [], chat: [],
    };
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
