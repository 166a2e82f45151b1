import { systemTimers } from './timers.js';

/**
 * Keeps the sound and the picture of one person together.
 *
 * A browser does that by itself for tracks of one MediaStream. A slot carries now this person's track, now that one's, so
 * that slots share no stream. The server's reports put all that comes from one person on one clock (RFC 3550 §6.4.1), and
 * a browser tells where on that clock it plays (`estimatedPlayoutTimestamp`, W3C webrtc-stats §8.4). Whichever of the two
 * is ahead waits a little longer in its jitter buffer (`jitterBufferTarget`, W3C WebRTC Extensions §6.1). A browser that
 * has not both of these is left to itself.
 */

/** How often is looked, milliseconds. */
const LOOK_MS = 1_000;
/** From here on people notice that sound comes too early, or too late: ITU-R BT.1359-1 has 45 and 125 ms. */
const EARLY_MS = 40;
const LATE_MS = 80;
/** One look corrects so much at most: more at once would be seen and heard. */
const STEP_MS = 100;
/** Nobody waits longer than that for a picture; a clock that says so is wrong. */
const LONGEST_MS = 1_000;
const NONSENSE_MS = 3_000;
/** After so many looks without need what is held back becomes less, by so much. */
const CALM_LOOKS = 10;
const RELAX_MS = 20;

/**
 * @typedef {{sound: string, picture: string}} Mids m-lines that carry the microphone and the camera of one person
 *
 * @typedef {object} Seen what a browser says of one stream
 * @property {number} playedAt where it plays on the sender's clock, milliseconds
 * @property {number} heldMs how long the jitter buffer holds what passes through it now
 */

/** How long the two of one person are held back. */
export class Pair {
  sound = 0;
  picture = 0;
  /** Looks in a row with the same need: 1 when sound is ahead, -1 when the picture is. */
  #need = 0;
  #looks = 0;

  /**
   * @param {number} skew so much sound is ahead of the picture, milliseconds
   * @param {{sound: number, picture: number}} held what the buffers hold now, milliseconds
   */
  look(skew, held) {
    if (Math.abs(skew) > NONSENSE_MS) return;
    const need = skew > EARLY_MS ? 1 : skew < -LATE_MS ? -1 : 0;
    this.#looks = need === this.#need ? this.#looks + 1 : 1;
    this.#need = need;
    if (need === 0) {
      if (this.#looks >= CALM_LOOKS) this.#relax(skew);
    } else if (this.#looks >= 2) {
      if (need > 0) this.#delay('sound', 'picture', Math.min(skew, STEP_MS), held);
      else this.#delay('picture', 'sound', Math.min(-skew, STEP_MS), held);
    }
  }

  /** @param {'sound'|'picture'} ahead @param {'sound'|'picture'} behind @param {number} ms @param {{sound: number, picture: number}} held */
  #delay(ahead, behind, ms, held) {
    // What was held back before is let go first: nobody waits longer than needed.
    const less = Math.min(this[behind], ms);
    this[behind] -= less;
    if (less === ms) return;
    this[ahead] = Math.min(LONGEST_MS, Math.max(this[ahead], held[ahead]) + ms - less);
  }

  /** Only so far that nobody notices. @param {number} skew */
  #relax(skew) {
    this.#looks = 0;
    if (skew + RELAX_MS <= EARLY_MS) this.sound = Math.max(0, this.sound - RELAX_MS);
    if (skew - RELAX_MS >= -LATE_MS) this.picture = Math.max(0, this.picture - RELAX_MS);
  }
}

export class LipSync {
  #pc;
  #mids;
  #timers;
  /** @type {any} */
  #timer = null;
  #isStopped = false;
  /** By the m-lines of both. @type {Map<string, Pair>} */
  #pairs = new Map();
  /** What was seen last, by m-line. @type {Map<string, {delay: number, emitted: number, count: number}>} */
  #last = new Map();
  /** What was asked of the browser, by m-line, milliseconds. @type {Map<string, number>} */
  #asked = new Map();

  /**
   * @param {Pick<RTCPeerConnection, 'getStats'|'getTransceivers'>} pc
   * @param {() => Mids[]} mids who has both just now
   * @param {import('./timers.js').Timers} [timers]
   */
  constructor(pc, mids, timers = systemTimers) {
    this.#pc = pc;
    this.#mids = mids;
    this.#timers = timers;
    this.#wait();
  }

  stop() {
    this.#isStopped = true;
    this.#timers.clearTimeout(this.#timer);
  }

  #wait() {
    this.#timer = this.#timers.setTimeout(() => void this.#look(), LOOK_MS);
  }

  async #look() {
    const mids = this.#mids();
    try {
      if (mids.length || this.#asked.size) this.#settle(mids, this.#read(await this.#pc.getStats()));
    } catch {
      // A connection that is closed has nothing to say.
    }
    if (!this.#isStopped) this.#wait();
  }

  /** @param {Mids[]} mids @param {Map<string, Seen>} seen */
  #settle(mids, seen) {
    if (this.#isStopped) return;
    const before = this.#pairs;
    this.#pairs = new Map();
    /** @type {Map<string, number>} */
    const wanted = new Map();
    for (const { sound, picture } of mids) {
      const key = `${sound} ${picture}`;
      const pair = before.get(key) ?? new Pair();
      this.#pairs.set(key, pair);
      const [heard, shown] = [seen.get(sound), seen.get(picture)];
      if (heard && shown) pair.look(heard.playedAt - shown.playedAt, { sound: heard.heldMs, picture: shown.heldMs });
      if (pair.sound > 0) wanted.set(sound, pair.sound);
      if (pair.picture > 0) wanted.set(picture, pair.picture);
    }
    for (const { mid, receiver } of this.#pc.getTransceivers()) {
      if (mid === null) continue;
      const target = wanted.get(mid) ?? null;
      if ((this.#asked.get(mid) ?? null) === target) continue;
      /** @type {any} */ (receiver).jitterBufferTarget = target;
      if (target === null) this.#asked.delete(mid);
      else this.#asked.set(mid, target);
    }
  }

  /**
   * What moves on, by m-line. A stream that stands still says nothing of the other.
   *
   * @param {RTCStatsReport} report
   * @returns {Map<string, Seen>}
   */
  #read(report) {
    /** @type {Map<string, Seen>} */
    const seen = new Map();
    for (const entry of report.values()) {
      if (entry.type !== 'inbound-rtp' || typeof entry.estimatedPlayoutTimestamp !== 'number') continue;
      const now = {
        delay: entry.jitterBufferDelay ?? 0,
        emitted: entry.jitterBufferEmittedCount ?? 0,
        count: entry.framesDecoded ?? entry.packetsReceived ?? 0,
      };
      const last = this.#last.get(entry.mid);
      this.#last.set(entry.mid, now);
      if (!last || now.count <= last.count || now.emitted <= last.emitted) continue;
      const heldMs = (1000 * (now.delay - last.delay)) / (now.emitted - last.emitted);
      seen.set(entry.mid, { playedAt: entry.estimatedPlayoutTimestamp, heldMs });
    }
    return seen;
  }
}
