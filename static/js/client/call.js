import { CallBase } from './call_base.js';
import { DownLink } from './down_link.js';
import { ProtocolError } from './errors.js';
import { summarise } from './stats.js';
import { UpLink } from './up_link.js';

/**
 * @typedef {import('./call_base.js').CallOptions} CallOptions
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').Source} Source
 * @typedef {import('./protocol.d.ts').Tile} Tile
 */

/**
 * The media of a room that goes over the server (SFU): one connection that sends, one that receives.
 *
 * Events: `slot` ({@link import('./call_base.js').SlotChange}), `reason`
 * ({@link import('./call_base.js').ReasonChange}), `source`, `connection`, `error`.
 */
export class Call extends CallBase {
  /** @type {UpLink|null} */
  #up = null;
  /** @type {DownLink|null} */
  #down = null;
  /** @type {Tile[]|null} the newest wish list that is not sent yet */
  #tiles = null;
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
    this.listen('media.slots', ({ slots }) => this.#down?.update(slots));
    this.listen('media.offer', (offer) => this.#down?.answer(offer).catch((error) => this.report(error, 'media.offer')));
    this.listen('media.candidate', ({ connection, candidate }) => {
      if (connection === 'down') this.#down?.addCandidate(candidate);
    });
  }

  /** @protected @override */
  async connect() {
    /** @type {import('./up_link.js').LinkIo} */
    const io = {
      request: (type, data) => this.session.request(type, data),
      failed: (error, during) => this.report(error, during),
      timers: this.timers,
    };
    // The request for the server's offer goes out first, so that the server works while the browser prepares ours.
    const down = new DownLink(
      this.newPeerConnection(),
      io,
      (change) => this.emit('slot', change),
      (change) => this.emit('reason', change),
    );
    this.#down = down;
    const received = down.receive({ audioSlots: this.options.audioSlots, videoSlots: this.#videoSlots });
    const up = new UpLink(this.newPeerConnection(), io);
    this.#up = up;
    const published = up.publish().then(() => this.letSourcesThrough());
    this.#tellState('up', up.pc);
    this.#tellState('down', down.pc);
    const outcomes = await Promise.allSettled([received, published]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** @protected @override */
  disconnect() {
    this.#up?.close();
    this.#down?.close();
    this.#up = this.#down = null;
    this.#sentTiles = '';
  }

  /**
   * @protected
   * @override
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   */
  async send(source, media) {
    await this.#up?.send(source, media);
  }

  /**
   * The videos worth sending, with the size they are shown in (CSS pixels × device pixel ratio) and how soon each
   * is wanted. Lists that come faster than the server answers are skipped; the newest always arrives.
   *
   * @param {Tile[]} tiles
   */
  view(tiles) {
    this.#tiles = tiles.map(({ track, width, height, priority }) => ({
      track,
      width: Math.round(width),
      height: Math.round(height),
      priority,
    }));
    this.#widen(tiles.length);
    if (!this.#isSendingTiles) this.#sendTiles().catch((error) => this.report(error, 'media.view'));
  }

  /** At least twice as many slots each time: every one more would be a negotiation. @param {number} wished */
  #widen(wished) {
    const { audioSlots, videoSlots } = this.options;
    if (wished <= this.#videoSlots || this.#videoSlots >= videoSlots) return;
    this.#videoSlots = Math.min(videoSlots, Math.max(wished, 2 * this.#videoSlots));
    this.#down?.receive({ audioSlots, videoSlots: this.#videoSlots })
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
    const up = this.#up;
    const down = this.#down;
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

  /** @param {'up'|'down'} connection @param {RTCPeerConnection} pc */
  #tellState(connection, pc) {
    pc.addEventListener('connectionstatechange', () => {
      this.emit('connection', { connection, state: pc.connectionState });
    });
  }
}
