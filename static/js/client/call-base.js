import { Emitter } from './emitter.js';
import { ProtocolError } from './errors.js';
import { OwnSource, SOURCES } from './own-source.js';
import { systemTimers } from './timers.js';

/**
 * @typedef {import('./protocol.d.ts').IceServer} IceServer
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').Source} Source
 * @typedef {import('./protocol.d.ts').Track} Track
 * @typedef {import('./session.js').Session} Session
 *
 * @typedef {object} CallOptions
 * @property {typeof RTCPeerConnection} [RTCPeerConnection] the constructor to use; the global one when left out
 * @property {typeof MediaStream} [MediaStream]
 * @property {import('./timers.js').Timers} [timers]
 * @property {number} [audioSlots] how many voices to hear at once (SFU)
 * @property {number} [videoSlots] how many videos to see at once (SFU)
 * @property {number} [videoSlotsAtFirst] fewer connect sooner: as many as there are videos to begin with. More come as
 *   `view` asks for them, up to `videoSlots`, which is what it is when left out (SFU)
 * @property {boolean} [returns] the page was loaded anew, and the others have connections to the one before: they will not
 *   offer (p2p)
 *
 * @typedef {object} SlotChange
 * @property {string} mid names the slot within the call
 * @property {'audio'|'video'} kind
 * @property {string|null} track the roster's track id, null when the slot went empty
 * @property {MediaStreamTrack|null} mediaTrack null when the slot went empty
 * @property {string|null} participant who sends, in p2p rooms; null in SFU rooms
 *
 * @typedef {object} ReasonChange
 * @property {string} mid names the slot within the call
 * @property {string|null} layer which of the track's layers comes; null when none does, or the only one
 * @property {string|null} reason why what it carries comes otherwise than asked for: `bandwidth`: this line is too narrow, so
 *   that a smaller layer comes, or without a layer now and then a still, or nothing · `sender`: no larger one is sent ·
 *   `server`: the server has too much to do · `codec`: this browser cannot decode it. Null: it comes as asked for (SFU)
 */

/**
 * The part that both topologies share: own sources, the return after a lost socket, the events.
 *
 * @abstract
 */
export class CallBase extends Emitter {
  /** @type {Map<Source, OwnSource>} */
  #sources = new Map();
  /** @type {(() => void)[]} */
  #unsubscribe = [];
  #gate = new Gate();
  /** @type {Set<RTCPeerConnection>} */
  #connections = new Set();
  #started = false;
  #closed = false;

  /**
   * @param {Session} session
   * @param {Joined} reply
   * @param {CallOptions} [options]
   */
  constructor(session, reply, options = {}) {
    super();
    /** @protected */
    this.session = session;
    /** @protected */
    this.reply = reply;
    /** @protected */
    this.options = { audioSlots: 4, videoSlots: 9, ...options };
    /** @protected */
    this.timers = options.timers ?? systemTimers;
    for (const name of SOURCES) {
      this.#sources.set(name, new OwnSource(name, {
        request: (type, data) => session.request(type, data),
        ready: () => this.#gate.passed,
        send: (source, media, track) => this.send(source, media, track),
        changed: (change) => this.emit('source', change),
        refused: (error) => this.emit('refused', { source: name, error }),
        timers: this.timers,
        failed: (error, during) => this.report(error, during),
      }));
    }
    this.listen('joined', (again, { mediaLost }) => this.#rejoined(again, mediaLost));
    this.listen('relays', (servers) => {
      this.reply = { ...this.reply, ice_servers: servers };
      this.#useRelays();
    });
    this.listen('media.track.muted', ({ track, muted }) => {
      for (const source of this.#sources.values()) if (source.track?.id === track) source.mutedByServer(muted);
    });
    this.listen('media.track.unpublished', ({ track }) => this.#unpublished(track));
  }

  /** @param {string} track that the server took away */
  #unpublished(track) {
    for (const source of this.#sources.values()) if (source.track?.id === track) source.stoppedByServer();
  }

  get isClosed() {
    return this.#closed;
  }

  /** @protected */
  get isStarted() {
    return this.#started;
  }

  /** Sends the sources again that the server did not accept, if they are still wanted. */
  retry() {
    for (const [name, source] of this.#sources) {
      source.retry().catch((error) => this.report(error, `media.source ${name}`));
    }
  }

  /** To be called when the network may have changed: tries now what waits for its next attempt. */
  hurry() {}

  /**
   * Connects. Sources set before are sent as soon as the server can take them.
   *
   * @returns {Promise<void>} settles when everything is negotiated, before media flows
   * @throws {ProtocolError} the refusal of either direction; the other one goes on
   */
  async start() {
    if (this.#started || this.#closed) throw new Error('A call starts once.');
    this.#started = true;
    await this.connect();
  }

  /**
   * Sends a source, replaces what it sends, or stops it with null. The caller owns the media track and stops it.
   *
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   * @returns {Promise<void>} settles when the server knows; before `start` that is after it
   * @throws {ProtocolError} perm.denied where the room forbids it; the source is off again then
   */
  setSource(source, media) {
    return this.#source(source).set(media);
  }

  /**
   * Silences at once, then tells the others. A muted microphone stays published; to let the camera's light go out
   * use `setSource('camera', null)`.
   *
   * @param {'microphone'|'camera'} source
   * @param {boolean} muted
   * @returns {Promise<void>}
   */
  setMuted(source, muted) {
    return this.#source(source).setMuted(muted);
  }

  /**
   * The roster's track of an own source, null while it is off.
   *
   * @param {Source} source
   * @returns {Track|null}
   */
  ownTrack(source) {
    return this.#source(source).track;
  }

  /** Ends all media of this call. It leaves the room to the session and the media tracks to the caller. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const source of this.#sources.values()) source.close();
    this.#gate.shut();
    this.disconnect();
  }

  /** @protected @returns {Promise<void>} */
  connect() {
    return Promise.reject(new Error('Each topology connects in its own way.'));
  }

  /** @protected */
  disconnect() {}

  /** The server no longer knows this call's media. @protected @returns {Promise<void>} */
  reconnect() {
    this.disconnect();
    return this.connect();
  }

  /** Events were missed. The reply has the room's present state, the connections remain, `media.slots` follows. @protected */
  catchUp() {}

  /**
   * @protected
   * @param {Source} _source
   * @param {MediaStreamTrack|null} _media
   * @param {Track|null} _track
   */
  async send(_source, _media, _track) {}

  /** Lets the sources through: from now on the server can accept `media.source`. @protected */
  letSourcesThrough() {
    this.#gate.open();
  }

  /**
   * Subscribes to the session until the call closes.
   *
   * @protected
   * @param {string} type
   * @param {import('./emitter.js').Handler} handler
   */
  listen(type, handler) {
    this.#unsubscribe.push(this.session.on(type, handler));
  }

  /**
   * Reports a failure that no caller waits for.
   *
   * @protected
   * @param {unknown} error
   * @param {string} during
   */
  report(error, during) {
    if (!this.#closed) this.emit('error', { error, during });
  }

  /** @protected @returns {RTCPeerConnection} */
  newPeerConnection() {
    const PeerConnection = this.options.RTCPeerConnection ?? globalThis.RTCPeerConnection;
    const pc = new PeerConnection({ bundlePolicy: 'max-bundle', iceServers: this.reply.ice_servers.map(toRtc) });
    for (const old of this.#connections) if (old.connectionState === 'closed') this.#connections.delete(old);
    this.#connections.add(pc);
    return pc;
  }

  /** A connection that lost its path gathers new candidates with these relays. */
  #useRelays() {
    const iceServers = this.reply.ice_servers.map(toRtc);
    for (const pc of this.#connections) {
      if (pc.connectionState !== 'closed') pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
    }
  }

  /** @param {Source} name */
  #source(name) {
    const source = this.#sources.get(name);
    if (!source) throw new TypeError(`No such source: ${name}.`);
    return source;
  }

  /**
   * The session came back. As the same participant it goes on with the media that it has. As another participant, or when
   * the server closed the media, nothing is left at the server.
   *
   * @param {Joined} reply
   * @param {boolean} mediaLost
   */
  #rejoined(reply, mediaLost) {
    const isSame = reply.self.id === this.reply.self.id && !mediaLost;
    if (reply === this.reply || reply.room.identity !== this.reply.room.identity) return;
    this.reply = reply;
    if (!this.#started) return;
    if (isSame) {
      this.#useRelays();
      return this.#wentOn(reply.self.tracks);
    }
    this.#gate.shut();
    this.#gate = new Gate();
    this.reconnect().catch((error) => this.report(error, 'rejoin'));
    for (const [name, source] of this.#sources) {
      source.restart().catch((error) => this.report(error, `media.source ${name}`));
    }
  }

  /** @param {Track[]} tracks one's own, as the server has them */
  #wentOn(tracks) {
    for (const source of this.#sources.values()) {
      const known = tracks.find(({ id }) => id === source.track?.id);
      if (known) source.mutedByServer(known.muted);
      else if (source.track) source.stoppedByServer();
    }
    this.catchUp();
  }
}

/** Callers wait here until the gate opens. When it is shut, their promise is rejected. */
class Gate {
  /** @type {() => void} */
  #resolve = () => {};
  /** @type {(error: Error) => void} */
  #reject = () => {};
  /** @type {Promise<void>} */
  passed = new Promise((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor() {
    // If nobody waits when it is shut, the rejection must not count as unhandled.
    this.passed.catch(() => {});
  }

  open() {
    this.#resolve();
  }

  shut() {
    this.#reject(new ProtocolError('client.closed', 'The call closed.'));
  }
}

/** @param {IceServer} server @returns {RTCIceServer} */
function toRtc({ urls, username, credential }) {
  return { urls, ...(username && { username }), ...(credential && { credential }) };
}
