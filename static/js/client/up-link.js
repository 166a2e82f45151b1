import { trickle } from './candidates.js';
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
      this.#transceivers.set(source, pc.addTransceiver(kindOf(source), { direction: 'sendonly' }));
    }
    trickle(pc, (candidate) => {
      io.request('media.candidate', { connection: 'up', candidate })
        .catch((error) => io.failed(error, 'media.candidate'));
    });
    this.#watch = new LinkWatch(pc, { ...io, restart: () => this.publish({ iceRestart: true }) }, io.timers);
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
  }

  /** @param {Source} source @param {MediaStreamTrack|null} media */
  async send(source, media) {
    await this.#transceivers.get(source)?.sender.replaceTrack(media);
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
