/**
 * How far the server's clock is ahead of this one. Timers count by the server's clock. A quicker ping tells the time more
 * exactly (RFC 5905 §8: half of the round trip), so the quickest of a few pings counts. The clock is read again now and
 * then, and whenever this machine's clock was set or the machine slept.
 */

const SAMPLES = 5;
const AGAIN_MS = 5 * 60_000;
/** Between two looks the wall clock and the monotonic clock (HR-Time §4) drift apart by less than this. */
const STEP_MS = 500;

export class ServerClock {
  #io;
  #reading = false;
  #readAt = -Infinity;
  /** The wall clock minus the monotonic clock, at the last look. */
  #offset = 0;

  /**
   * @param {{ping: () => Promise<{time: string}>, tell: (skew: number) => void, now?: () => number, steady?: () => number}} io
   *   tell: the server's clock minus this one's, milliseconds
   */
  constructor({ ping, tell, now = Date.now, steady = () => performance.now() }) {
    this.#io = { ping, tell, now, steady };
    this.#offset = now() - steady();
  }

  /** Checks whether it is time to read the clock again. Call it about every second. */
  look() {
    const { now, steady } = this.#io;
    const offset = now() - steady();
    const stepped = Math.abs(offset - this.#offset) > STEP_MS;
    this.#offset = offset;
    if (stepped || steady() - this.#readAt > AGAIN_MS) void this.read();
  }

  /** Reads the clock now. @returns {Promise<void>} */
  async read() {
    if (this.#reading) return;
    this.#reading = true;
    const { ping, tell, now, steady } = this.#io;
    this.#readAt = steady();
    let quickest = Infinity;
    let skew = null;
    try {
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        const sent = steady();
        const { time } = await ping();
        const took = steady() - sent;
        if (took >= quickest) continue;
        quickest = took;
        skew = Date.parse(time) - (now() - took / 2);
      }
    } catch {
      // The samples from before the loss of the socket count. The clock is read again after the return.
    }
    this.#reading = false;
    if (skew !== null && Number.isFinite(skew)) tell(skew);
  }
}
