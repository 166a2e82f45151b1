import { trickle } from './candidates.js';
import { LayeredSender } from './layered-sender.js';
import { offered } from './layers.js';
import { LinkWatch } from './link-watch.js';
import { kindOf, SOURCES } from './own-source.js';

/**
 * @typedef {import('./protocol.d.ts').Source} Source
 *
 * @typedef {object} LinkIo
 * @property {(type: string, data?: object) => Promise<any>} request
 * @property {(error: unknown, during: string) => void} failed
 * @property {(why: string) => void} rebuild this connection will not come back; a new one has to be made
 * @property {() => void} disturbed the path is lost for now
 * @property {import('./timers.js').Timers} timers
 */

/**
 * The connection to the SFU that sends. It is negotiated once, with an m-line for every source that may ever run;
 * switching a source is `replaceTrack` and needs no SDP (W3C WebRTC 1.0 §5.2, RTCRtpSender.replaceTrack).
 */
export class UpLink {
  #io;
  #watch;
  #revision;
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #transceivers = new Map();
  /** Of pictures. @type {Map<Source, LayeredSender>} */
  #layered = new Map();

  /**
   * @param {RTCPeerConnection} pc
   * @param {LinkIo} io
   * @param {number} [revision] of the last offer of the connection before this one: they go on rising
   */
  constructor(pc, io, revision = 0) {
    this.pc = pc;
    this.#io = io;
    this.#revision = revision;
    for (const source of SOURCES) {
      this.#add(source);
    }
    trickle(pc, (candidate) => {
      io.request('media.candidate', { connection: 'up', candidate })
        .catch((error) => io.failed(error, 'media.candidate'));
    });
    this.#watch = new LinkWatch(pc, { ...io, restart: () => this.publish({ iceRestart: true }) }, io.timers);
  }

  /** @param {Source} source */
  #add(source) {
    const kind = kindOf(source);
    // Firefox takes layers here alone, and both browsers keep their order.
    const sendEncodings = offered(source);
    const transceiver = this.pc.addTransceiver(kind, { direction: 'sendonly', ...(sendEncodings && { sendEncodings }) });
    this.#transceivers.set(source, transceiver);
    if (kind !== 'video') return;
    const failed = (/** @type {unknown} */ error) => this.#io.failed(error, `layers of ${source}`);
    this.#layered.set(source, new LayeredSender(transceiver.sender, source, failed));
  }

  get revision() {
    return this.#revision;
  }

  /**
   * Offers and takes the answer.
   *
   * @param {RTCOfferOptions} [options]
   */
  async publish(options) {
    const revision = ++this.#revision;
    await this.pc.setLocalDescription(await this.pc.createOffer(options));
    const reply = await this.#io.request('media.publish', {
      revision,
      sdp: this.pc.localDescription?.sdp,
      sources: [...this.#transceivers].map(([source, { mid }]) => ({ mid, source })),
    });
    // The answer to an offer that a newer one has overtaken.
    if (revision !== this.#revision || this.pc.signalingState !== 'have-local-offer') return;
    await this.pc.setRemoteDescription({ type: 'answer', sdp: reply.sdp });
    // A server may have taken fewer layers than were offered.
    await Promise.all([...this.#layered.values()].map((sender) => sender.refresh()));
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack|null} media
   * @param {string[]|null} [watched] the layers of it that somebody watches, as far as the server has said
   */
  async send(source, media, watched = null) {
    const layered = this.#layered.get(source);
    if (layered) await layered.send(media, watched);
    else await this.#transceivers.get(source)?.sender.replaceTrack(media);
  }

  /** @param {Source} source @param {string[]} layers those that somebody watches */
  async watch(source, layers) {
    await this.#layered.get(source)?.watch(layers);
  }

  /** @param {Source} source @param {number} share of the picture's lines that is sent at most, 1 for all */
  async limit(source, share) {
    await this.#layered.get(source)?.limit(share);
  }

  /** @param {string|null} mid @returns {Source|null} */
  sourceOf(mid) {
    for (const [source, transceiver] of this.#transceivers) if (transceiver.mid === mid) return source;
    return null;
  }

  /** The network may be another one now. */
  hurry() {
    this.#watch.hurry();
  }

  close() {
    this.#watch.stop();
    this.pc.close();
  }
}
