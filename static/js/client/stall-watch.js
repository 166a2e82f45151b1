/** How often it looks, milliseconds. This is cheap: it needs no statistics, only the time of the newest packet. */
const LOOK_MS = 500;
/** Pauses of a voice and of the network are shorter than this. */
const STALLED_MS = 1_500;

/**
 * Notices that nothing arrives any more although sound or pictures came a moment ago. Perhaps everybody is just silent, so
 * the code that is told asks the server.
 */
export class StallWatch {
  #newest;
  #stalled;
  #timers;
  /** @type {any} */
  #timer = null;
  #seen = -Infinity;
  #seenAt = 0;
  /** Nothing has come yet, or the stall was already reported. */
  #isTold = true;

  /**
   * @param {() => number} newest when the newest packet came, in any unit that rises; -Infinity before the first
   * @param {() => void} stalled
   * @param {import('./timers.js').Timers} timers
   */
  constructor(newest, stalled, timers) {
    this.#newest = newest;
    this.#stalled = stalled;
    this.#timers = timers;
    this.#look();
  }

  stop() {
    this.#timers.clearTimeout(this.#timer);
  }

  #look() {
    const now = this.#timers.now();
    const newest = this.#newest();
    if (newest > this.#seen) {
      this.#seen = newest;
      this.#seenAt = now;
      this.#isTold = false;
    } else if (!this.#isTold && now - this.#seenAt >= STALLED_MS) {
      this.#isTold = true;
      this.#stalled();
    }
    this.#timer = this.#timers.setTimeout(() => this.#look(), LOOK_MS);
  }
}

/**
 * When the newest packet of all that a connection receives was played (W3C WebRTC 1.0 §5.3,
 * RTCRtpReceiver.getSynchronizationSources).
 *
 * @param {RTCPeerConnection} pc
 * @returns {number} milliseconds by the browser's clock; -Infinity before the first
 */
export function newestPacket(pc) {
  let newest = -Infinity;
  for (const receiver of pc.getReceivers()) {
    for (const { timestamp } of receiver.getSynchronizationSources?.() ?? []) newest = Math.max(newest, timestamp);
  }
  return newest;
}
