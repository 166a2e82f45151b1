import { RemoteCandidates, trickle } from './candidates.js';
import { LinkWatch } from './link-watch.js';
import { newestPacket, StallWatch } from './stall-watch.js';

/**
 * @typedef {import('./call-base.js').SlotChange} SlotChange
 * @typedef {import('./protocol.d.ts').Slot} Slot
 */

/**
 * The connection from the SFU: a set of slots, on each of which the server forwards now this track, now that. The
 * server always offers; `media.slots` says what a slot carries, so that paging and coming and going need no SDP.
 */
export class DownLink {
  #io;
  #prefix;
  #watch;
  #stall;
  #candidates;
  #onSlot;
  #onReason;
  #revision = 0;
  #isRetired = false;
  /** Offers are answered one after the other. @type {Promise<void>} */
  #work = Promise.resolve();
  /** Slots are asked for one time after the other. @type {Promise<void>|null} */
  #asked = null;
  /** What the server last said, by mid. @type {Map<string, Slot>} */
  #slots = new Map();
  /** What the caller was last told, by mid. @type {Map<string, SlotChange>} */
  #shown = new Map();
  /** How a slot's track comes, and why otherwise than asked for, as the caller was last told, by mid. @type {Map<string, string>} */
  #reasons = new Map();

  /**
   * @param {RTCPeerConnection} pc
   * @param {import('./up-link.js').LinkIo} io
   * @param {(change: SlotChange) => void} onSlot
   * @param {(change: import('./call-base.js').ReasonChange) => void} onReason
   * @param {string} [prefix] goes before the names of its slots, so that those of two connections are told apart
   */
  constructor(pc, io, onSlot, onReason, prefix = '') {
    this.pc = pc;
    this.#io = io;
    this.#prefix = prefix;
    this.#onSlot = onSlot;
    this.#onReason = onReason;
    this.#candidates = new RemoteCandidates(pc, (error) => io.failed(error, 'media.candidate'));
    trickle(pc, (candidate) => {
      io.request('media.candidate', { connection: 'down', candidate })
        .catch((error) => io.failed(error, 'media.candidate'));
    });
    this.#watch = new LinkWatch(
      pc,
      { ...io, restart: () => io.request('media.restart', { connection: 'down' }) },
      io.timers,
    );
    this.#stall = new StallWatch(() => newestPacket(pc), io.disturbed, io.timers);
  }

  /**
   * Asks for slots, and again for more than there are.
   *
   * @param {{audioSlots: number, videoSlots: number}} wanted
   */
  receive(wanted) {
    // The first time at once: somebody waits for a picture.
    const asked = this.#asked?.then(() => this.#ask(wanted)) ?? this.#ask(wanted);
    this.#asked = asked.catch(() => {});
    return asked;
  }

  /** @param {{audioSlots: number, videoSlots: number}} wanted */
  async #ask({ audioSlots, videoSlots }) {
    if (this.#isRetired) return;
    const offer = await this.#io.request('media.receive', { audio_slots: audioSlots, video_slots: videoSlots });
    await this.answer(offer);
  }

  /**
   * @param {{revision: number, sdp: string, slots?: Slot[]}} offer
   * @returns {Promise<void>}
   */
  answer(offer) {
    // An event may have told more of a slot than the offer, which lists them as they were when it was written.
    for (const slot of offer.slots ?? []) if (!this.#slots.has(slot.mid)) this.#slots.set(slot.mid, slot);
    const work = this.#work.then(() => this.#answer(offer));
    this.#work = work.catch(() => {});
    return work;
  }

  /** @param {{revision: number, sdp: string}} offer */
  async #answer({ revision, sdp }) {
    if (revision <= this.#revision || this.#isRetired) return;
    this.#revision = revision;
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    this.#candidates.flush();
    this.#show();
    await this.pc.setLocalDescription();
    try {
      await this.#io.request('media.answer', { revision, sdp: this.pc.localDescription?.sdp });
    } catch (error) {
      // A newer offer is on its way, and its answer will say it all.
      if (/** @type {any} */ (error)?.code !== 'media.stale') throw error;
    }
  }

  /** @param {Slot[]} changed */
  update(changed) {
    if (this.#isRetired) return;
    for (const slot of changed) this.#slots.set(slot.mid, slot);
    this.#show();
  }

  /** @param {RTCIceCandidateInit|string|null} candidate */
  addCandidate(candidate) {
    this.#candidates.add(candidate);
  }

  /** @param {string|null} mid */
  trackOf(mid) {
    return (mid !== null && this.#slots.get(mid)?.track) || null;
  }

  /** The network may be another one now. */
  hurry() {
    this.#watch.hurry();
  }

  /** What it shows stays as it is, until it is closed: another connection takes its place. */
  retire() {
    this.#watch.stop();
    this.#stall.stop();
    this.#isRetired = true;
  }

  close() {
    this.retire();
    this.pc.close();
    for (const slot of this.#slots.values()) slot.track = null;
    this.#show();
  }

  #show() {
    const media = new Map(this.pc.getTransceivers().map(({ mid, receiver }) => [mid, receiver.track]));
    for (const { mid, kind, track, layer, reason } of this.#slots.values()) {
      const mediaTrack = (track !== null && media.get(mid)) || null;
      // A slot named before its m-line is there shows once it is.
      const shown = { mid: this.#prefix + mid, kind, track: mediaTrack && track, mediaTrack, participant: null };
      if ((this.#shown.get(mid)?.track ?? null) !== shown.track) {
        this.#shown.set(mid, shown);
        this.#onSlot(shown);
      }
      const known = shown.track !== null;
      this.#explain(mid, (known && layer) || null, (known && reason) || null);
    }
  }

  /** @param {string} mid @param {string|null} layer @param {string|null} reason */
  #explain(mid, layer, reason) {
    const told = `${layer ?? ''} ${reason ?? ''}`;
    if ((this.#reasons.get(mid) ?? ' ') === told) return;
    this.#reasons.set(mid, told);
    this.#onReason({ mid: this.#prefix + mid, layer, reason });
  }
}
