import { encodingsFor } from './layers.js';

/**
 * @typedef {import('./layers.js').Conditions} Conditions
 * @typedef {import('./protocol.d.ts').Source} Source
 */

/**
 * One sender of pictures and the layers that it sends. Its parameters are changed one time after the other (W3C WebRTC 1.0
 * §5.2, setParameters: two changes at once refuse each other), and only where they differ, because a change can make the
 * encoder begin anew.
 */
export class LayeredSender {
  #sender;
  #source;
  #failed;
  /** @type {Conditions} */
  #conditions = { size: null, share: 1, watched: null };
  /** @type {Promise<void>} */
  #work = Promise.resolve();

  /**
   * @param {RTCRtpSender} sender
   * @param {Source} source
   * @param {(error: unknown) => void} failed
   */
  constructor(sender, source, failed) {
    this.#sender = sender;
    this.#source = source;
    this.#failed = failed;
  }

  /** @param {MediaStreamTrack|null} media @param {string[]|null} watched what is known of it, from before */
  async send(media, watched) {
    // First the layers, so that a small camera never sends the smallest ones of a large one.
    if (media) await this.#change({ size: sizeOf(media), watched });
    await this.#sender.replaceTrack(media);
  }

  /** @param {number} share of the lines, 1 for all */
  limit(share) {
    return this.#change({ share });
  }

  /** @param {string[]|null} watched */
  watch(watched) {
    return this.#change({ watched });
  }

  /** Looks again: what was negotiated may have fewer layers than were offered. */
  refresh() {
    return this.#change({});
  }

  /** @param {Partial<Conditions>} change */
  #change(change) {
    this.#conditions = { ...this.#conditions, ...change };
    this.#work = this.#work.then(() => this.#apply()).catch(this.#failed);
    return this.#work;
  }

  async #apply() {
    if (this.#sender.transport?.state === 'closed') return;
    const parameters = this.#sender.getParameters();
    const wanted = encodingsFor(this.#source, parameters.encodings, this.#conditions);
    const preference = this.#source === 'screen' ? 'maintain-resolution' : parameters.degradationPreference;
    const differs = wanted.some((one, at) => !isIn(one, parameters.encodings[at]));
    if (!differs && preference === parameters.degradationPreference) return;
    wanted.forEach((one, at) => Object.assign(parameters.encodings[at], one));
    if (preference !== undefined) parameters.degradationPreference = preference;
    await this.#sender.setParameters(parameters);
  }
}

/** @param {object} wanted @param {any} encoding */
function isIn(wanted, encoding) {
  return Object.entries(wanted).every(([key, value]) => encoding[key] === value);
}

/** @param {MediaStreamTrack} media */
function sizeOf(media) {
  const { width = 0, height = 0 } = media.getSettings?.() ?? {};
  return width > 0 && height > 0 ? { width, height } : null;
}
