/** A Wi-Fi that roams is back within this time (milliseconds); a restart then would only cost. */
const DISCONNECTED_GRACE_MS = 3_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * Restarts ICE when a connection lost its path (W3C WebRTC 1.0 §5.6.3, RFC 8445 §9), and again with growing
 * pauses until it has one.
 */
export class IceWatch {
  #pc;
  #restart;
  #timers;
  #attempts = 0;
  /** @type {any} */
  #timer = null;

  /**
   * @param {RTCPeerConnection} pc
   * @param {() => unknown} restart reports its failures itself
   * @param {import('./timers.js').Timers} timers
   */
  constructor(pc, restart, timers) {
    this.#pc = pc;
    this.#restart = restart;
    this.#timers = timers;
    pc.addEventListener('iceconnectionstatechange', () => this.#look());
  }

  stop() {
    this.#cancel();
    this.#restart = () => {};
  }

  #look() {
    const state = this.#pc.iceConnectionState;
    if (state === 'connected' || state === 'completed') {
      this.#cancel();
      this.#attempts = 0;
    } else if (this.#attempts === 0 && state === 'disconnected') {
      this.#plan(DISCONNECTED_GRACE_MS);
    } else if (this.#attempts === 0 && state === 'failed') {
      this.#plan(0);
    }
  }

  /** @param {number} ms */
  #plan(ms) {
    this.#cancel();
    this.#timer = this.#timers.setTimeout(() => {
      this.#attempts += 1;
      this.#restart();
      this.#plan(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#attempts - 1)));
    }, ms);
  }

  #cancel() {
    this.#timers.clearTimeout(this.#timer);
  }
}
