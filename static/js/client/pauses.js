/**
 * How long a client waits before it tries again. Jitter spreads what many clients do at the same moment: after a server's
 * restart, or a crowd's arrival, they must not all come at once.
 */

const FIRST_MS = 500;
/** Somebody sits before the page and waits: a server that is back is found again within this time, */
const LONGEST_AT_FIRST_MS = 5_000;
/** during the first minute. */
const AT_FIRST_MS = 60_000;
const LONGEST_MS = 30_000;
/** Between two attempts is at least some of this, to spread those of a crowd. */
const LEAST_PAUSE_MS = 1_000;
/** A line may have become slower by as much. */
const SLOWER = 3;

const DEFAULT_RETRY_MS = 1_000;
/** A longer wait is the caller's decision, not something to hide in a promise. */
const LONGEST_RETRY_MS = 10_000;
const LONGEST_RETRY_JITTER_MS = 5_000;

/**
 * Before the next attempt to come back: doubling, with full jitter.
 *
 * @param {number} attempt counted from 1
 * @param {number} sinceMs how long it has been away
 * @param {number} random 0 ≤ n < 1
 * @param {number} [atLeastMs] the wait that the server asked for; jitter comes on top
 * @returns {number} milliseconds
 */
export function pauseBefore(attempt, sinceMs, random, atLeastMs = 0) {
  const longest = sinceMs < AT_FIRST_MS ? LONGEST_AT_FIRST_MS : LONGEST_MS;
  // 2^20 halves of a second are longer than any pause; more would only lose digits.
  return atLeastMs + random * Math.min(longest, FIRST_MS * 2 ** Math.min(20, attempt - 1));
}

/**
 * How long an attempt to come back may wait for the server's first word before the next one begins: packets that vanish are
 * answered by nobody, and the browser would wait for minutes. A line that was slow before is given its time.
 *
 * @param {number} sinceMs how long it has been away
 * @param {number} usualMs how long the server took the last time
 * @returns {number} milliseconds; Infinity where the usual time holds
 */
export function patienceFor(sinceMs, usualMs) {
  return sinceMs < AT_FIRST_MS ? Math.max(LONGEST_AT_FIRST_MS - LEAST_PAUSE_MS, usualMs * SLOWER) : Infinity;
}

/**
 * What is left of a pause after an attempt that took its time in vain. Some jitter stays: whoever was cut off at the same
 * moment gives up at the same moment.
 *
 * @param {number} pauseMs
 * @param {number} spentMs
 * @param {number} random 0 ≤ n < 1
 */
export function pauseAfter(pauseMs, spentMs, random) {
  return Math.max(pauseMs - spentMs, Math.min(pauseMs, random * LEAST_PAUSE_MS));
}

/**
 * Before a request that came too soon is sent again: what the server asked for, and jitter that doubles.
 *
 * @param {number|null} askedMs null where the server named no time
 * @param {number} attempt counted from 1
 * @param {number} random 0 ≤ n < 1
 * @returns {number|null} milliseconds; null for a wait that only the caller can decide
 */
export function pauseForRetry(askedMs, attempt, random) {
  const asked = askedMs ?? DEFAULT_RETRY_MS;
  if (asked > LONGEST_RETRY_MS) return null;
  return asked + random * Math.min(LONGEST_RETRY_JITTER_MS, Math.max(asked, FIRST_MS) * 2 ** (attempt - 1));
}
