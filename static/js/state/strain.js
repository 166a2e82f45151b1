/**
 * A machine that cannot keep up: how it is noticed, and in which steps it is relieved. Pure; numbers of the browser's own
 * reports come in.
 *
 * @typedef {import('../client/stats.js').TrackStats} TrackStats
 * @typedef {0 | 1 | 2} Level  1: the own picture goes out at half its size, and no picture is larger than 360 lines · 2: half
 *   of that
 *
 * @typedef {object} Strain
 * @property {Level} level
 * @property {number | null} hardSince since when it is too much without a break, milliseconds
 * @property {number} easySince since when it is not, or the last step down
 * @property {number} raisedAt when the level rose last
 * @property {number} easedAt when it fell last
 * @property {number} pause how long it has to be easy before the level falls
 */

/** The share of the own picture's lines that is sent, by level. */
export const SHARES = /** @type {const} */ ([1, 0.5, 0.25]);
/** The most lines of a picture that is asked for, by level. */
export const TALLEST = /** @type {const} */ ([Infinity, 360, 180]);

/** A moment of work elsewhere is no weakness. */
const HARD_MS = 6_000;
/** What was changed takes a while to show: the encoder begins anew. */
const SETTLE_MS = 10_000;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 16 * 60_000;
/** Who is overtaxed again so soon after a step back up waits twice as long before the next one. */
const RELAPSE_MS = 2 * 60_000;
/** So large a part of the frames is not shown where a machine does not get to decode or draw them. */
const BEHIND = 0.25;
/** Of fewer frames nothing can be said. */
const FEWEST_FRAMES = 20;

/** @param {number} now @returns {Strain} */
export function atEase(now) {
  return { level: 0, hardSince: null, easySince: now, raisedAt: -Infinity, easedAt: -Infinity, pause: FIRST_PAUSE_MS };
}

/**
 * Whether it is too much: the encoder says so, or frames that came are not shown.
 *
 * @param {readonly TrackStats[]} before at the last look
 * @param {readonly TrackStats[]} now
 */
export function isTooMuch(before, now) {
  if (now.some(({ direction, limitedBy }) => direction === 'send' && limitedBy === 'cpu')) return true;
  let shown = 0;
  let dropped = 0;
  for (const one of now) {
    if (one.direction !== 'receive' || one.kind !== 'video') continue;
    const old = before.find(({ direction, mid }) => direction === 'receive' && mid === one.mid);
    if (!old) continue;
    shown += Math.max(0, one.framesDecoded - old.framesDecoded);
    dropped += Math.max(0, one.framesDropped - old.framesDropped);
  }
  return shown + dropped >= FEWEST_FRAMES && dropped > BEHIND * (shown + dropped);
}

/**
 * @param {Strain} strain
 * @param {boolean} hard whether it is too much
 * @param {number} now milliseconds
 * @returns {Strain}
 */
export function weigh(strain, hard, now) {
  return hard ? bear(strain, now) : rest(strain, now);
}

/** @param {Strain} strain @param {number} now @returns {Strain} */
function bear(strain, now) {
  const { level, raisedAt, easedAt, pause } = strain;
  const hardSince = strain.hardSince ?? now;
  const isLasting = now - hardSince >= HARD_MS && now - raisedAt >= SETTLE_MS;
  if (!isLasting || level === 2) return { ...strain, hardSince, easySince: now };
  const relapsed = now - easedAt < RELAPSE_MS;
  return {
    ...strain,
    level: level === 0 ? 1 : 2,
    hardSince: null,
    easySince: now,
    raisedAt: now,
    pause: relapsed ? Math.min(LONGEST_PAUSE_MS, 2 * pause) : pause,
  };
}

/** @param {Strain} strain @param {number} now @returns {Strain} */
function rest(strain, now) {
  const { level, easySince, pause } = strain;
  const next = { ...strain, hardSince: null };
  if (now - easySince < pause) return next;
  if (level > 0) return { ...next, level: level === 2 ? 1 : 0, easySince: now, easedAt: now };
  // It held: what was learned of earlier is forgotten.
  return { ...next, pause: FIRST_PAUSE_MS };
}
