/**
 * How far the server's clock is ahead of this one: timers count by the server's. A ping tells it as exactly as it is
 * quick (RFC 5905 §8: half of the way there and back), so the quickest of a few counts. It is read again now and then, and
 * whenever this machine's clock was set or slept.
 */

const SAMPLES = 5;
const AGAIN_MS = 5 * 60_000;
/** The wall's clock and the one that nobody sets (HR-Time §4) drift by less between two looks. */
const STEP_MS = 500;

export class ServerClock {
  #io;
  #reading = false;
  #readAt = -Infinity;
  /** The wall's clock less the steady one, at the last look. */
  #offset = 0;

  /**
   * @param {{ping: () => Promise<{time: string}>, tell: (skew: number) => void, now?: () => number, steady?: () => number}} io
   *   tell: the server's clock less this one's, milliseconds
   */
  constructor({ ping, tell, now = Date.now, steady = () => performance.now() }) {
    this.#io = { ping, tell, now, steady };
    this.#offset = now() - steady();
  }

  /** Looks whether it is time to read it again; to be called every second or so. */
  look() {
    const { now, steady } = this.#io;
    const offset = now() - steady();
    const stepped = Math.abs(offset - this.#offset) > STEP_MS;
    this.#offset = offset;
    if (stepped || steady() - this.#readAt > AGAIN_MS) void this.read();
  }

  /** Reads it now. @returns {Promise<void>} */
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
      // What was read until the socket was lost counts; whoever comes back reads again.
    }
    this.#reading = false;
    if (skew !== null && Number.isFinite(skew)) tell(skew);
  }
}
