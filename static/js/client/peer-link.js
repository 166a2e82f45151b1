import { RemoteCandidates, trickle } from './candidates.js';
import { ProtocolError } from './errors.js';
import { LinkWatch } from './link-watch.js';
import { renameStreams, streamsByMid } from './msid.js';
import { notTaken } from './taken.js';

/**
 * @typedef {import('./protocol.d.ts').Source} Source
 *
 * @typedef {{type: 'offer'|'answer', sdp: string}} Description
 *
 * @typedef {object} PeerIo
 * @property {(type: 'signal.offer'|'signal.answer', sdp: string) => Promise<unknown>} sendDescription
 * @property {(candidate: RTCIceCandidateInit|null) => Promise<unknown>} sendCandidate
 * @property {() => void} tracksChanged
 * @property {(data: string|ArrayBuffer) => void} data
 * @property {(open: boolean) => void} channel
 * @property {(error: unknown, during: string) => void} failed
 * @property {() => MediaStream} newStream
 * @property {() => void} rebuild this connection will not come back; a new one has to be made
 * @property {() => void} disturbed the path is lost for now
 * @property {(source: Source, taken: boolean) => void} judged whether the peer takes what is sent to it
 * @property {import('./timers.js').Timers} timers
 *
 * @typedef {{sender: RTCRtpSender, streamId: string, trackId: string}} Sending
 */

const CHANNEL_LABEL = 'meeting';
/** How long the polite side leaves the first offer to the other one, milliseconds. */
const POLITE_PAUSE_MS = 1_000;
/** A peer that takes no data must not fill our memory. */
const MOST_BUFFERED_BYTES = 8 * 1024 * 1024;

/**
 * One connection to one other participant, with perfect negotiation (W3C WebRTC 1.0 §10.7).
 *
 * The pattern survives offers that cross; this class also avoids most of them. The polite side adds its media only
 * when the other's first offer is there, and sends it along with the answer: one round trip for both directions. A
 * peer that offers nothing of its own is offered to after a pause.
 */
export class PeerLink {
  #io;
  #polite;
  #watch;
  #candidates;
  #isMakingOffer = false;
  #ignoresOffer = false;
  #isSettingAnswer = false;
  #isOpen = false;
  /** @type {any} */
  #pauseTimer = null;
  /** What is to be sent, by source. @type {Map<Source, {media: MediaStreamTrack|null, trackId: string}>} */
  #wanted = new Map();
  /** @type {Map<Source, Sending>} */
  #sending = new Map();
  /** Their m-lines, which a connection forgets once the peer has refused them. @type {Map<RTCRtpSender, string>} */
  #mids = new Map();
  /** The peer's streams by mid, as of its last description. @type {Map<string, string>} */
  #streams = new Map();
  /** @type {RTCDataChannel|null} */
  #channel = null;

  /**
   * @param {RTCPeerConnection} pc
   * @param {boolean} polite
   * @param {PeerIo} io
   * @param {boolean} [waits] for the peer's offer, for a while
   */
  constructor(pc, polite, io, waits = polite) {
    this.pc = pc;
    this.#polite = polite;
    this.#io = io;
    this.#candidates = new RemoteCandidates(pc, (error) => {
      if (!this.#ignoresOffer) io.failed(error, 'signal.candidate');
    });
    pc.addEventListener('negotiationneeded', () => this.#offer().catch((error) => io.failed(error, 'signal.offer')));
    trickle(pc, (candidate) => {
      io.sendCandidate(candidate).catch((error) => io.failed(error, 'signal.candidate'));
    });
    pc.addEventListener('datachannel', ({ channel }) => {
      if (channel.label === CHANNEL_LABEL) this.#adopt(channel);
    });
    this.#watch = new LinkWatch(pc, { ...io, restart: () => pc.restartIce() }, io.timers);
    if (waits) {
      this.#pauseTimer = io.timers.setTimeout(() => {
        this.#open().catch((error) => io.failed(error, 'signal.offer'));
      }, POLITE_PAUSE_MS);
    } else {
      this.#isOpen = true;
      this.#adopt(pc.createDataChannel(CHANNEL_LABEL));
    }
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   * @param {string} trackId the roster's, which names the stream for the peer
   */
  async send(source, media, trackId) {
    this.#wanted.set(source, { media, trackId });
    if (this.#isOpen) await this.#apply(source);
  }

  /**
   * Whether an offer comes from another connection of the peer than the one that this link is connected to: each has a
   * certificate of its own, and its fingerprint never changes (RFC 8842 §4).
   *
   * @param {Description} offer
   */
  isFromAnother(offer) {
    const known = this.pc.remoteDescription?.sdp;
    return known !== undefined && fingerprintOf(known) !== fingerprintOf(offer.sdp);
  }

  /** The network may be another one now. */
  hurry() {
    this.#watch.hurry();
  }

  /** @param {Description} description */
  async receive(description) {
    const { pc } = this;
    const isOffer = description.type === 'offer';
    const isReady = !this.#isMakingOffer && (pc.signalingState === 'stable' || this.#isSettingAnswer);
    const collides = isOffer && !isReady;
    this.#ignoresOffer = !this.#polite && collides;
    if (this.#ignoresOffer) return;
    // The answer to an offer that was rolled back.
    if (!isOffer && pc.signalingState !== 'have-local-offer') return;

    this.#isSettingAnswer = !isOffer;
    try {
      await pc.setRemoteDescription(description);
    } finally {
      this.#isSettingAnswer = false;
    }
    this.#candidates.flush();
    this.#streams = streamsByMid(description.sdp);
    this.#io.tracksChanged();
    if (!isOffer) return this.#judge();
    await this.#open();
    await pc.setLocalDescription();
    await this.#tell();
    this.#judge();
  }

  /** What is to be sent, and is not agreed on. @returns {Source[]} */
  get unsettled() {
    const sends = (/** @type {Sending|undefined} */ sending) => {
      const direction = this.pc.getTransceivers().find(({ sender }) => sender === sending?.sender)?.currentDirection;
      return direction === 'sendrecv' || direction === 'sendonly';
    };
    return [...this.#wanted].flatMap(([source, { media }]) => (media && !sends(this.#sending.get(source)) ? [source] : []));
  }

  /** Says of each source whether the peer takes it, as of the negotiation that has just ended. */
  #judge() {
    const { currentLocalDescription: local, currentRemoteDescription: remote } = this.pc;
    if (!local || !remote) return;
    const refused = notTaken(local, remote);
    for (const [source, { sender }] of this.#sending) {
      const mid = this.#mids.get(sender);
      // What is not negotiated yet is judged then.
      if (mid !== undefined && this.#wanted.get(source)?.media) this.#io.judged(source, !refused.has(mid));
    }
  }

  /** @param {RTCIceCandidateInit|string|null} candidate */
  addCandidate(candidate) {
    this.#candidates.add(candidate);
  }

  /** What the peer sends: m-line, media and the stream's name. */
  get received() {
    return this.pc.getTransceivers().flatMap(({ mid, receiver }) => {
      const stream = mid === null ? undefined : this.#streams.get(mid);
      if (mid === null || stream === undefined) return [];
      return [{ mid, kind: /** @type {'audio'|'video'} */ (receiver.track.kind), stream, mediaTrack: receiver.track }];
    });
  }

  /** @param {string|null} mid @returns {Source|null} */
  sourceOf(mid) {
    for (const transceiver of this.pc.getTransceivers()) {
      if (transceiver.mid !== mid) continue;
      for (const [source, { sender }] of this.#sending) if (sender === transceiver.sender) return source;
    }
    return null;
  }

  get hasChannel() {
    return this.#channel?.readyState === 'open';
  }

  /** @param {string|ArrayBuffer} data */
  sendData(data) {
    const channel = this.#channel;
    if (!channel || channel.readyState !== 'open') {
      throw new ProtocolError('client.unsupported', 'This peer has no open data channel.');
    }
    if (channel.bufferedAmount > MOST_BUFFERED_BYTES) {
      throw new ProtocolError('client.busy', 'This peer takes data more slowly than it is sent.');
    }
    // The two overloads of RTCDataChannel.send do not take a union.
    if (typeof data === 'string') channel.send(data);
    else channel.send(data);
  }

  close() {
    this.#io.timers.clearTimeout(this.#pauseTimer);
    this.#watch.stop();
    this.pc.close();
    this.#streams.clear();
  }

  /** Begins to send. On the polite side this waits for the first offer, whose m-lines it then shares. */
  async #open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#io.timers.clearTimeout(this.#pauseTimer);
    for (const source of this.#wanted.keys()) await this.#apply(source);
  }

  /** @param {Source} source */
  async #apply(source) {
    const wanted = this.#wanted.get(source);
    if (!wanted || this.pc.signalingState === 'closed') return;
    const { media, trackId } = wanted;
    const sending = this.#sending.get(source);
    if (sending) {
      // Without a new name the switch needs no SDP; with one, setStreams asks for it.
      await sending.sender.replaceTrack(media);
      if (!media || sending.trackId === trackId) return;
      const stream = this.#io.newStream();
      sending.sender.setStreams(stream);
      this.#sending.set(source, { sender: sending.sender, streamId: stream.id, trackId });
    } else if (media) {
      const stream = this.#io.newStream();
      this.#sending.set(source, { sender: this.pc.addTrack(media, stream), streamId: stream.id, trackId });
    }
  }

  async #offer() {
    try {
      this.#isMakingOffer = true;
      await this.pc.setLocalDescription();
    } finally {
      this.#isMakingOffer = false;
    }
    await this.#tell();
  }

  async #tell() {
    const description = this.pc.localDescription;
    for (const { sender, mid } of this.pc.getTransceivers()) if (mid !== null) this.#mids.set(sender, mid);
    if (!description || this.pc.signalingState === 'closed') return;
    const sdp = renameStreams(description.sdp, this.#sending.values());
    await this.#io.sendDescription(description.type === 'offer' ? 'signal.offer' : 'signal.answer', sdp);
  }

  /** @param {RTCDataChannel} channel */
  #adopt(channel) {
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('open', () => this.#io.channel(true));
    channel.addEventListener('close', () => this.#io.channel(false));
    channel.addEventListener('message', ({ data }) => this.#io.data(data));
  }
}

/** The first one stands for all: they share a bundle. @param {string} sdp */
function fingerprintOf(sdp) {
  return /^a=fingerprint:(.*\S)/m.exec(sdp)?.[1].toLowerCase() ?? '';
}
