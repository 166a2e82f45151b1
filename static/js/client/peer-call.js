import { CallBase } from './call-base.js';
import { meansLater, ProtocolError } from './errors.js';
import { pauseBefore } from './pauses.js';
import { PeerLink } from './peer-link.js';
import { summarise } from './stats.js';
import { waysTried } from './ways.js';

/**
 * @typedef {import('./call-base.js').CallOptions} CallOptions
 * @typedef {import('./call-base.js').SlotChange} SlotChange
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').Participant} Participant
 * @typedef {import('./protocol.d.ts').Source} Source
 * @typedef {import('./protocol.d.ts').Track} Track
 */

/** Signals that come before `start` are kept, up to this many. */
const MOST_EARLY_SIGNALS = 256;
/** What a browser refuses may be a passing state; after so many times it is not. */
const MOST_BROWSER_FAILURES = 3;
const NOT_TAKEN = new ProtocolError('media.unsupported', 'The peer does not take this source.');

/**
 * The media of a room whose participants connect to each other (p2p): one connection per other participant.
 *
 * Events: those of {@link import('./call.js').Call}, with the sender in each `slot` and a participant as the `connection` of
 * `media`; `withheld` with `{participant, source, error}` when a source does not get to somebody, and with null as the error
 * when it does again; `data` with `{from, data: string|ArrayBuffer}`; `channel` with `{participant, open}` when a data
 * channel opens or closes.
 */
export class PeerCall extends CallBase {
  /** @type {Map<string, PeerLink>} by participant id */
  #links = new Map();
  /** The roster's tracks by id. @type {Map<string, Track>} */
  #tracks = new Map();
  /** Stream names that were track ids once; what they named may be over. @type {Set<string>} */
  #knownStreams = new Set();
  /** What the caller was last told, by slot. @type {Map<string, SlotChange>} */
  #shown = new Map();
  /** What is being sent, for those who come later. @type {Map<Source, {media: MediaStreamTrack, trackId: string}>} */
  #sending = new Map();
  /** @type {{type: string, data: any}[]} */
  #early = [];
  #isConnected = false;
  /** Connections in vain to somebody since the last one that held. @type {Map<string, {attempt: number, since: number, timer: any}>} */
  #rebuilds = new Map();
  /** What does not get to whom. @type {Map<string, Set<Source>>} */
  #withheld = new Map();
  /** To whom there is no way, as a no was said to it. @type {Set<string>} */
  #refused = new Set();
  /** @type {Map<string, Participant>} */
  #others = new Map();

  /**
   * @param {import('./session.js').Session} session
   * @param {Joined} reply
   * @param {CallOptions} [options]
   */
  constructor(session, reply, options) {
    super(session, reply, options);
    this.#learn(reply);
    this.listen('participant.joined', ({ participant }) => this.#joined(participant));
    this.listen('participant.left', ({ participant }) => this.#left(participant));
    this.listen('media.track.published', ({ track }) => {
      this.#learnTrack(track);
      this.#show(track.participant);
    });
    this.listen('media.track.unpublished', ({ track, participant }) => {
      this.#tracks.delete(track);
      this.#show(participant);
    });
    for (const type of ['signal.offer', 'signal.answer', 'signal.candidate']) {
      this.listen(type, (data) => this.#signalled(type, data));
    }
  }

  /** @protected @override */
  async connect() {
    this.#isConnected = true;
    this.#learn(this.reply);
    for (const participant of this.#others.keys()) this.#link(participant);
    this.letSourcesThrough();
    for (const { type, data } of this.#early.splice(0)) this.#signalled(type, data);
  }

  /** @protected @override */
  disconnect() {
    this.#isConnected = false;
    for (const participant of [...this.#links.keys()]) this.#unlink(participant);
    for (const { timer } of this.#rebuilds.values()) this.timers.clearTimeout(timer);
    this.#rebuilds.clear();
    this.#sending.clear();
  }

  /** @protected @override */
  catchUp() {
    const before = [...this.#others.keys()];
    this.#learn(this.reply);
    for (const participant of before) if (!this.#others.has(participant)) this.#left(participant);
    for (const participant of this.#others.keys()) {
      this.#link(participant);
      this.#show(participant);
    }
  }

  /**
   * @protected
   * @override
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   * @param {Track|null} track
   */
  async send(source, media, track) {
    const trackId = track?.id ?? '';
    if (media) this.#sending.set(source, { media, trackId });
    else this.#sending.delete(source);
    await Promise.all([...this.#links].map(([participant, link]) => this.#sendTo(participant, link, source, media, trackId)));
  }

  /**
   * What fails on the way to one is told of that one. The others get it nevertheless.
   *
   * @param {string} participant
   * @param {PeerLink} link
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   * @param {string} trackId
   */
  async #sendTo(participant, link, source, media, trackId) {
    try {
      await link.send(source, media, trackId);
      if (!media) this.#withhold(participant, source, null);
    } catch (error) {
      if (this.#links.get(participant) !== link || link.pc.signalingState === 'closed') return;
      this.#failed(link, error, `send ${source}`);
      this.#withhold(participant, source, error);
    }
  }

  /** @param {string} participant @param {Source} source @param {unknown} error null when nothing is wrong with it */
  #withhold(participant, source, error) {
    const known = this.#withheld.get(participant) ?? new Set();
    if (known.has(source) === (error !== null)) return;
    if (error === null) known.delete(source);
    else known.add(source);
    this.#withheld.set(participant, known);
    this.emit('withheld', { participant, source, error });
  }

  /**
   * Every peer sends what it has; there is nobody to ask for less.
   *
   * @param {import('./protocol.d.ts').Tile[]} _tiles
   */
  view(_tiles) {}

  /**
   * What is sent goes to each peer by itself, and browsers fit it to each.
   *
   * @param {Source} _source
   * @param {number} _share
   */
  limit(_source, _share) {}

  /**
   * Sends over the data channels.
   *
   * @param {string|ArrayBuffer} data
   * @param {string} [to] a participant id; everybody with an open channel when left out
   * @returns {number} to how many it was handed
   * @throws {ProtocolError} client.unsupported (no open channel to `to`), client.busy (8 MiB wait to be sent)
   */
  sendData(data, to) {
    if (to !== undefined) {
      const link = this.#links.get(to);
      if (!link) throw new ProtocolError('client.unsupported', 'Nobody of that id is connected.');
      link.sendData(data);
      return 1;
    }
    const open = [...this.#links.values()].filter((link) => link.hasChannel);
    for (const link of open) link.sendData(data);
    return open.length;
  }

  /** @returns {Promise<import('./stats.js').CallStats>} */
  async stats() {
    /** @type {import('./stats.js').CallStats} */
    const stats = { connections: {}, tracks: [] };
    await Promise.all([...this.#links].map(async ([participant, link]) => {
      const { rttMs, tracks } = summarise(await link.pc.getStats());
      stats.connections[participant] = { state: link.pc.connectionState, rttMs };
      for (const track of tracks) {
        const source = track.direction === 'send' ? link.sourceOf(track.mid) : null;
        const shown = this.#shown.get(`${participant}/${track.mid}`)?.track ?? null;
        const id = track.direction === 'send' ? source && (this.ownTrack(source)?.id ?? null) : shown;
        stats.tracks.push({ ...track, source, track: id });
      }
    }));
    return stats;
  }

  /**
   * Which ways to somebody were tried, and which of them stands.
   *
   * @param {string} participant
   * @returns {Promise<ReturnType<typeof waysTried>>}
   */
  async waysTried(participant) {
    const link = this.#links.get(participant);
    return link ? waysTried(await link.pc.getStats()) : {};
  }

  /** @param {Joined} reply */
  #learn(reply) {
    this.#others.clear();
    this.#tracks.clear();
    for (const participant of reply.participants) {
      if (participant.id === reply.self.id) continue;
      this.#others.set(participant.id, participant);
      for (const track of participant.tracks) this.#learnTrack(track);
    }
  }

  /** @param {Track} track */
  #learnTrack(track) {
    this.#tracks.set(track.id, track);
    this.#knownStreams.add(track.id);
  }

  /** @param {Participant} participant */
  #joined(participant) {
    if (participant.id === this.reply.self.id) return;
    this.#others.set(participant.id, participant);
    for (const track of participant.tracks) this.#learnTrack(track);
    if (this.#isConnected) this.#link(participant.id);
  }

  /** @param {string} participant */
  #left(participant) {
    this.#others.delete(participant);
    this.timers.clearTimeout(this.#rebuilds.get(participant)?.timer);
    this.#rebuilds.delete(participant);
    for (const track of [...this.#tracks.values()]) {
      if (track.participant !== participant) continue;
      this.#tracks.delete(track.id);
      this.#knownStreams.delete(track.id);
    }
    this.#unlink(participant);
  }

  /** @param {string} type @param {any} data */
  #signalled(type, data) {
    // A file's connection has a name and is not ours; see file-transfer.js.
    if (data.connection?.startsWith('file:')) return;
    if (!this.#isConnected) {
      if (this.#early.length < MOST_EARLY_SIGNALS) this.#early.push({ type, data });
      return;
    }
    // One that has left meanwhile.
    let link = this.#links.get(data.from);
    if (!link) return;
    if (type === 'signal.candidate') return link.addCandidate(data.candidate);
    const description = { type: type === 'signal.offer' ? /** @type {const} */ ('offer') : /** @type {const} */ ('answer'), sdp: data.sdp };
    if (description.type === 'offer' && link.isFromAnother(description)) {
      // The peer gave up its connection and made a new one, which nothing of ours fits.
      this.#relink(data.from, null);
      link = /** @type {PeerLink} */ (this.#links.get(data.from));
    }
    const receiver = link;
    receiver.receive(description).catch((error) => this.#disagreed(data.from, receiver, error, type));
  }

  /** @param {string} participant @param {string|null} [code] what is wrong as long as it is not connected */
  #link(participant, code = this.#rebuilds.has(participant) ? null : 'peer') {
    if (this.#links.has(participant)) return;
    const pc = this.newPeerConnection();
    const Stream = this.options.MediaStream ?? globalThis.MediaStream;
    /** @param {string} type @param {object} data */
    const signal = (type, data) => this.session.request(type, { to: participant, ...data });
    const link = new PeerLink(pc, this.reply.self.id < participant, {
      sendDescription: (type, sdp) => signal(type, { sdp }),
      sendCandidate: (candidate) => signal('signal.candidate', { candidate }),
      tracksChanged: () => this.#show(participant),
      data: (data) => this.emit('data', { from: participant, data }),
      channel: (open) => this.emit('channel', { participant, open }),
      failed: (error, during) => {
        if (during === 'signal.candidate') this.#failed(link, error, during);
        else this.#disagreed(participant, link, error, during);
      },
      newStream: () => new Stream(),
      rebuild: () => this.#rebuild(participant, link),
      judged: (source, isTaken) => {
        if (this.#links.get(participant) === link) this.#withhold(participant, source, isTaken ? null : NOT_TAKEN);
      },
      disturbed: () => this.session.wake(),
      timers: this.timers,
    }, this.options.returns ? false : undefined);
    this.#links.set(participant, link);
    pc.addEventListener('connectionstatechange', () => {
      const state = pc.connectionState;
      if (state === 'connected') {
        this.timers.clearTimeout(this.#rebuilds.get(participant)?.timer);
        this.#rebuilds.delete(participant);
      }
      this.emit('connection', { connection: participant, state });
      if (state === 'connected') this.#tellWay(participant, 'connected');
      else if (state !== 'new' && state !== 'closed') this.#tellWay(participant, 'connecting');
    });
    // As long as nothing comes back, nobody answers; of one that was connected it is the way.
    this.#tellWay(participant, 'connecting', code);
    for (const [source, { media, trackId }] of this.#sending) void this.#sendTo(participant, link, source, media, trackId);
  }

  /**
   * @param {string} participant
   * @param {import('./kept-link.js').LinkState['state']} state
   * @param {string|null} [code]
   * @param {number|null} [retryAt]
   */
  #tellWay(participant, state, code = null, retryAt = null) {
    if (state === 'refused') this.#refused.add(participant);
    else this.#refused.delete(participant);
    this.emit('media', { connection: participant, state, code, retryAt });
  }

  /**
   * What was to be agreed with somebody did not reach them, or the browser itself failed.
   *
   * @param {string} participant
   * @param {PeerLink} link
   * @param {unknown} error
   * @param {string} during
   */
  #disagreed(participant, link, error, during) {
    this.#failed(link, error, during);
    if (this.#links.get(participant) !== link || link.pc.signalingState === 'closed') return;
    const { code, retryAfterMs } = error instanceof ProtocolError ? error : { code: 'browser', retryAfterMs: null };
    // They are leaving; or the session comes back, and all of it is begun anew.
    if (code === 'participant.not_found' || code === 'client.closed') return;
    const attempts = this.#rebuilds.get(participant)?.attempt ?? 0;
    const passes = code === 'browser' ? attempts < MOST_BROWSER_FAILURES : meansLater(error);
    const retryAt = passes ? this.#rebuild(participant, link, retryAfterMs ?? 0) : null;
    if (link.pc.connectionState !== 'connected') return this.#tellWay(participant, passes ? 'waiting' : 'refused', code, retryAt);
    // What was agreed before goes on.
    for (const source of link.unsettled) this.#withhold(participant, source, error);
  }

  /**
   * A connection that will not come back is made anew, after a pause.
   *
   * @param {string} participant
   * @param {PeerLink} link
   * @param {number} [atLeastMs]
   * @returns {number|null} when
   */
  #rebuild(participant, link, atLeastMs = 0) {
    if (this.#links.get(participant) !== link) return null;
    const now = this.timers.now();
    const { attempt, since, timer: before } = this.#rebuilds.get(participant) ?? { attempt: 0, since: now, timer: null };
    this.timers.clearTimeout(before);
    const pause = pauseBefore(attempt + 1, now - since, Math.random(), atLeastMs);
    const timer = this.timers.setTimeout(() => this.#links.get(participant) === link && this.#relink(participant), pause);
    this.#rebuilds.set(participant, { attempt: attempt + 1, since, timer });
    return now + pause;
  }

  /** @param {string} participant @param {string|null} [code] */
  #relink(participant, code) {
    this.#unlink(participant);
    this.#link(participant, code);
  }

  /** @override To be called when the network may be another one: nothing waits any longer. */
  hurry() {
    for (const link of this.#links.values()) link.hurry();
  }

  /** @override Somebody asks for another try now. */
  retry() {
    for (const [participant, { pc }] of [...this.#links]) {
      const isLost = pc.connectionState === 'failed' || pc.connectionState === 'disconnected';
      const lacks = (this.#withheld.get(participant)?.size ?? 0) > 0;
      if (isLost || lacks || this.#refused.has(participant)) this.#relink(participant);
    }
    super.retry();
  }

  /** @param {string} participant */
  #unlink(participant) {
    const link = this.#links.get(participant);
    if (!link) return;
    this.#links.delete(participant);
    for (const source of [...(this.#withheld.get(participant) ?? [])]) this.#withhold(participant, source, null);
    this.#withheld.delete(participant);
    link.close();
    this.#show(participant);
  }

  /**
   * What fails because the peer is leaving is no failure: its refusal may come before the news of it.
   *
   * @param {PeerLink} link
   * @param {unknown} error
   * @param {string} during
   */
  #failed(link, error, during) {
    const isGone = error instanceof ProtocolError && error.code === 'participant.not_found';
    if (!isGone && link.pc.signalingState !== 'closed') this.report(error, during);
  }

  /** Tells of the slots of one peer that changed. @param {string} participant */
  #show(participant) {
    const received = this.#links.get(participant)?.received ?? [];
    const named = this.#name(participant, received);
    const before = [...this.#shown.values()].filter((slot) => slot.participant === participant);
    for (const { mid, kind } of before) {
      if (!named.has(mid)) this.#tell({ mid, kind, participant, track: null, mediaTrack: null });
    }
    for (const [mid, { kind, track, mediaTrack }] of named) this.#tell({ mid, kind, participant, track, mediaTrack });
  }

  /** @param {SlotChange} slot */
  #tell(slot) {
    const before = this.#shown.get(slot.mid);
    if ((before?.track ?? null) === slot.track && (before?.mediaTrack ?? null) === slot.mediaTrack) return;
    if (slot.track === null) this.#shown.delete(slot.mid);
    else this.#shown.set(slot.mid, slot);
    this.emit('slot', slot);
  }

  /**
   * Which roster track each m-line carries: the one its stream is named after. A client that cannot name its streams
   * is helped by order, kind by kind.
   *
   * @param {string} participant
   * @param {PeerLink['received']} received
   */
  #name(participant, received) {
    const free = new Map([...this.#tracks].filter(([, track]) => track.participant === participant));
    /** @type {Map<string, {kind: 'audio'|'video', track: string, mediaTrack: MediaStreamTrack}>} */
    const named = new Map();
    const nameless = [];
    for (const line of received) {
      if (free.delete(line.stream)) named.set(`${participant}/${line.mid}`, { ...line, track: line.stream });
      else if (!this.#knownStreams.has(line.stream)) nameless.push(line);
    }
    for (const line of nameless) {
      const match = [...free.values()].find(({ kind }) => kind === line.kind);
      if (!match) continue;
      free.delete(match.id);
      named.set(`${participant}/${line.mid}`, { ...line, track: match.id });
    }
    return named;
  }
}
