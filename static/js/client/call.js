import { CallBase } from './call-base.js';
import { DownLink } from './down-link.js';
import { ProtocolError } from './errors.js';
import { KeptLink } from './kept-link.js';
import { SOURCES } from './own-source.js';
import { summarise } from './stats.js';
import { UpLink } from './up-link.js';
import { waysTried } from './ways.js';

/**
 * @typedef {import('./call-base.js').CallOptions} CallOptions
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').Source} Source
 * @typedef {import('./protocol.d.ts').Tile} Tile
 */

/** The pictures of a connection that is replaced stay for so long after the new one stands: its own need a moment. */
const LINGER_MS = 1_500;
/** And no longer than this, whatever becomes of the new one. */
const LONGEST_LINGER_MS = 10_000;

/**
 * The media of a room that goes over the server (SFU): one connection that sends, one that receives.
 *
 * Events: `slot` ({@link import('./call-base.js').SlotChange}), `reason`
 * ({@link import('./call-base.js').ReasonChange}), `source`, `connection`, `media` with
 * `{connection: 'up'|'down', …}` ({@link import('./kept-link.js').LinkState}), `error`.
 */
export class Call extends CallBase {
  /** @type {KeptLink<UpLink>} */
  #up;
  /** @type {KeptLink<DownLink>} */
  #down;
  /** What is on the wire, for a connection that takes the place of another. @type {Map<Source, MediaStreamTrack|null>} */
  #sent = new Map();
  /** What somebody watches of the own pictures, by the roster's track, as far as the server has said. @type {Map<string, string[]>} */
  #watched = new Map();
  /** The largest share of an own picture's lines that is sent. @type {Map<Source, number>} */
  #limits = new Map();
  /** Down connections that show what they have until the new one does. @type {Map<DownLink, any>} */
  #retired = new Map();
  #generation = 0;
  #upRevision = 0;
  /** @type {Tile[]|null} the newest list of tiles that is not sent yet */
  #tiles = null;
  /** @type {Tile[]|null} the newest list of tiles, for a connection that takes the place of another */
  #requestedTiles = null;
  /** How many videos the down connection is made for. */
  #videoSlots;
  #sentTiles = '';
  #isSendingTiles = false;

  /**
   * @param {import('./session.js').Session} session
   * @param {Joined} reply
   * @param {CallOptions} [options]
   */
  constructor(session, reply, options) {
    super(session, reply, options);
    const { videoSlots, videoSlotsAtFirst = videoSlots } = this.options;
    this.#videoSlots = Math.min(videoSlotsAtFirst, videoSlots);
    this.#up = this.#keptUp();
    this.#down = this.#keptDown();
    this.listen('media.slots', ({ slots }) => this.#down.link?.update(slots));
    this.listen('media.demand', ({ track, layers }) => this.#demand(track, layers));
    this.listen('media.offer', (offer) => {
      this.#down.link?.answer(offer).catch((error) => this.report(error, 'media.offer'));
    });
    this.listen('media.candidate', ({ connection, candidate }) => {
      if (connection === 'down') this.#down.link?.addCandidate(candidate);
    });
    // The server lost the room's media: what it had of ours is gone, and it asks for it anew.
    this.listen('media.failed', () => {
      if (!this.isStarted) return;
      this.#up.rebuild('server');
      this.#down.rebuild('server');
    });
  }

  /** @protected @override */
  async connect() {
    // The request for the server's offer goes out first, so that the server works while the browser prepares ours.
    const outcomes = await Promise.allSettled([this.#down.open(), this.#up.open()]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** @protected @override */
  disconnect() {
    this.#up.close();
    this.#down.close();
    for (const link of [...this.#retired.keys()]) this.#letGo(link);
  }

  /**
   * The one who came back is somebody new: the old connections are of no more use, but their last pictures stay until
   * there are new ones.
   *
   * @protected
   * @override
   */
  reconnect() {
    this.#up.close();
    const old = this.#down.link;
    this.#sent.clear();
    this.#upRevision = 0;
    this.#up = this.#keptUp();
    this.#down = this.#keptDown(old);
    return this.connect();
  }

  #keptUp() {
    /** @type {KeptLink<UpLink>} */
    const kept = new KeptLink({
      ...this.#keeping('up', 'media.publish'),
      make: (rebuild, before) => {
        this.#upRevision = Math.max(this.#upRevision, before?.revision ?? 0);
        before?.close();
        // The server counts anew what is watched of a new connection.
        this.#watched.clear();
        const up = new UpLink(this.newPeerConnection(), this.#linkIo(rebuild), this.#upRevision);
        for (const [source, share] of this.#limits) void up.limit(source, share);
        this.#tellState('up', up.pc);
        return up;
      },
      negotiate: async (up) => {
        const sent = [...this.#sent].map(([source, media]) => up.send(source, media));
        await Promise.all([up.publish(), ...sent]);
        if (kept.link === up) this.letSourcesThrough();
      },
    });
    return kept;
  }

  /** @param {DownLink|null} [before] whose pictures stay until there are new ones */
  #keptDown(before = null) {
    let old = before;
    /** @type {KeptLink<DownLink>} */
    const kept = new KeptLink({
      ...this.#keeping('down', 'media.receive'),
      make: (rebuild, replaced) => {
        this.#retire(replaced ?? old);
        old = null;
        // The first connection's slots have plain names.
        const prefix = this.#generation === 0 ? '' : `${this.#generation}:`;
        this.#generation += 1;
        const show = (/** @type {import('./call-base.js').SlotChange} */ change) => this.emit('slot', change);
        const explain = (/** @type {import('./call-base.js').ReasonChange} */ change) => this.emit('reason', change);
        const down = new DownLink(this.newPeerConnection(), this.#linkIo(rebuild), show, explain, prefix);
        this.#tellState('down', down.pc);
        return down;
      },
      negotiate: async (down) => {
        await down.receive({ audioSlots: this.options.audioSlots, videoSlots: this.#videoSlots });
        // The server may know nothing any more of what was asked for.
        this.#sentTiles = '';
        if (kept.link === down) this.#requestTiles();
      },
    });
    return kept;
  }

  /** @param {'up'|'down'} connection @param {string} during */
  #keeping(connection, during) {
    return {
      lostRoom: () => this.session.rejoin(),
      failed: (/** @type {unknown} */ error) => this.report(error, during),
      changed: (/** @type {import('./kept-link.js').LinkState} */ state) => {
        if (state.state === 'connected' && connection === 'down') this.#lingerOn(LINGER_MS);
        if (!this.isClosed) this.emit('media', { connection, ...state });
      },
      timers: this.timers,
    };
  }

  /** @param {(why: string) => void} rebuild @returns {import('./up-link.js').LinkIo} */
  #linkIo(rebuild) {
    return {
      request: (type, data) => this.session.request(type, data),
      failed: (error, during) => this.report(error, during),
      rebuild,
      disturbed: () => this.session.wake(),
      timers: this.timers,
    };
  }

  /** @param {DownLink|null} link */
  #retire(link) {
    if (!link) return;
    link.retire();
    this.#retired.set(link, this.timers.setTimeout(() => this.#letGo(link), LONGEST_LINGER_MS));
  }

  /** @param {number} ms */
  #lingerOn(ms) {
    for (const [link, timer] of this.#retired) {
      this.timers.clearTimeout(timer);
      this.#retired.set(link, this.timers.setTimeout(() => this.#letGo(link), ms));
    }
  }

  /** @param {DownLink} link */
  #letGo(link) {
    this.timers.clearTimeout(this.#retired.get(link));
    this.#retired.delete(link);
    link.close();
  }

  /** Tries what was refused or waits once more, now. */
  retry() {
    this.#up.retry();
    this.#down.retry();
    super.retry();
  }

  /** To be called when the network may be another one: nothing waits any longer. */
  hurry() {
    this.#up.hurry();
    this.#down.hurry();
  }

  /**
   * @protected
   * @override
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   * @param {import('./protocol.d.ts').Track|null} track
   */
  async send(source, media, track) {
    this.#sent.set(source, media);
    // A source that starts again begins with all its layers.
    if (media === null && track) this.#watched.delete(track.id);
    const { link } = this.#up;
    try {
      await link?.send(source, media, (track && this.#watched.get(track.id)) ?? null);
    } catch (error) {
      // A connection that was replaced meanwhile: the new one sends it.
      if (this.#up.link === link && link?.pc.signalingState !== 'closed') throw error;
    }
  }

  /**
   * @param {string} track
   * @param {string[]} layers
   */
  #demand(track, layers) {
    this.#watched.set(track, layers);
    for (const source of SOURCES) if (this.ownTrack(source)?.id === track) void this.#up.link?.watch(source, layers);
  }

  /**
   * Sends an own picture no larger than this share of its lines, 1 for all of them: 0.5 saves most of the data.
   *
   * @param {Source} source
   * @param {number} share
   */
  limit(source, share) {
    this.#limits.set(source, share);
    void this.#up.link?.limit(source, share);
  }

  /**
   * The videos worth sending, with the size they are shown in (CSS pixels × device pixel ratio) and how soon each
   * is wanted. Lists that come faster than the server answers are skipped; the newest always arrives.
   *
   * @param {Tile[]} tiles
   */
  view(tiles) {
    this.#requestedTiles = tiles.map(({ track, width, height, priority }) => ({
      track,
      width: Math.round(width),
      height: Math.round(height),
      priority,
    }));
    this.#widen(tiles.length);
    this.#requestTiles();
  }

  #requestTiles() {
    this.#tiles = this.#requestedTiles;
    if (!this.#isSendingTiles) this.#sendTiles().catch((error) => this.report(error, 'media.view'));
  }

  /** At least twice as many slots each time: every one more would be a negotiation. @param {number} wanted */
  #widen(wanted) {
    const { audioSlots, videoSlots } = this.options;
    if (wanted <= this.#videoSlots || this.#videoSlots >= videoSlots) return;
    this.#videoSlots = Math.min(videoSlots, Math.max(wanted, 2 * this.#videoSlots));
    this.#down.link?.receive({ audioSlots, videoSlots: this.#videoSlots })
      .catch((error) => this.report(error, 'media.receive'));
  }

  async #sendTiles() {
    this.#isSendingTiles = true;
    try {
      while (this.#tiles && !this.isClosed) {
        const tiles = this.#tiles;
        this.#tiles = null;
        const text = JSON.stringify(tiles);
        if (text === this.#sentTiles) continue;
        await this.session.request('media.view', { tiles });
        this.#sentTiles = text;
      }
    } finally {
      this.#isSendingTiles = false;
    }
  }

  /** @returns {Promise<import('./stats.js').CallStats>} */
  async stats() {
    const up = this.#up.link;
    const down = this.#down.link;
    if (!up || !down) return { connections: {}, tracks: [] };
    const [sent, received] = await Promise.all([up.pc.getStats(), down.pc.getStats()]);
    const above = summarise(sent);
    const below = summarise(received);
    return {
      connections: {
        up: { state: up.pc.connectionState, rttMs: above.rttMs },
        down: { state: down.pc.connectionState, rttMs: below.rttMs },
      },
      tracks: [
        ...above.tracks.map((track) => {
          const source = up.sourceOf(track.mid);
          return { ...track, source, track: source && (this.ownTrack(source)?.id ?? null) };
        }),
        ...below.tracks.map((track) => ({ ...track, source: null, track: down.trackOf(track.mid) })),
      ],
    };
  }

  /**
   * @param {string|ArrayBuffer} _data
   * @param {string} [_to]
   * @returns {number}
   * @throws {ProtocolError} client.unsupported: only p2p rooms have data channels
   */
  sendData(_data, _to) {
    throw new ProtocolError('client.unsupported', 'A room over the server has no data channels; use the chat.');
  }

  /**
   * Which ways one direction has tried, and which of them stands.
   *
   * @param {string} connection `up` or `down`
   * @returns {Promise<ReturnType<typeof waysTried>>}
   */
  async waysTried(connection) {
    const link = (connection === 'up' ? this.#up : this.#down).link;
    return link ? waysTried(await link.pc.getStats()) : {};
  }

  /** @param {'up'|'down'} connection @param {RTCPeerConnection} pc */
  #tellState(connection, pc) {
    pc.addEventListener('connectionstatechange', () => {
      this.emit('connection', { connection, state: pc.connectionState });
    });
  }
}
