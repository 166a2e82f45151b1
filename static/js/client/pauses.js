/**
 * How long a client waits before it tries again. Jitter spreads clients that would act at the same moment: after the restart
 * of a server, or when a crowd arrives, they must not all come at once.
 */

const FIRST_MS = 500;
/** A person sits before the page and waits, so a server that is back is found again within this time. */
const LONGEST_AT_FIRST_MS = 5_000;
/** That holds for this first time after the loss. */
const AT_FIRST_MS = 60_000;
const LONGEST_MS = 30_000;
/** A random part of this always lies between two attempts, to spread the attempts of a crowd. */
const LEAST_PAUSE_MS = 1_000;
/** A connection may have become slower by this factor. */
const SLOWER = 3;

const DEFAULT_RETRY_MS = 1_000;
/** The caller decides about a longer wait; a promise must not hide it. */
const LONGEST_RETRY_MS = 10_000;
const LONGEST_RETRY_JITTER_MS = 5_000;

/**
 * The pause before the next attempt to come back. It doubles, with full jitter.
 *
 * @param {number} attempt counted from 1
 * @param {number} sinceMs how long it has been away
 * @param {number} random 0 ≤ n < 1
 * @param {number} [atLeastMs] the wait that the server asked for; jitter comes on top
 * @returns {number} milliseconds
 */
export function pauseBefore(attempt, sinceMs, random, atLeastMs = 0) {
  const longest = sinceMs < AT_FIRST_MS ? LONGEST_AT_FIRST_MS : LONGEST_MS;
  // 2^20 half seconds are longer than any pause. A larger power would only lose precision.
  return atLeastMs + random * Math.min(longest, FIRST_MS * 2 ** Math.min(20, attempt - 1));
}

/**
 * How long an attempt to come back may wait for the server's first message before the next attempt begins. Nobody answers
 * packets that are lost, and the browser would wait for minutes. A connection that was slow before gets more time.
 *
 * @param {number} sinceMs how long it has been away
 * @param {number} usualMs how long the server took the last time
 * @returns {number} milliseconds; Infinity where the usual time holds
 */
export function patienceFor(sinceMs, usualMs) {
  return sinceMs < AT_FIRST_MS ? Math.max(LONGEST_AT_FIRST_MS - LEAST_PAUSE_MS, usualMs * SLOWER) : Infinity;
}

/**
 * The rest of a pause after a failed attempt that took some time. Some jitter stays, because clients that lost the server at
 * the same moment also give up at the same moment.
 *
 * @param {number} pauseMs
 * @param {number} spentMs
 * @param {number} random 0 ≤ n < 1
 */
export function pauseAfter(pauseMs, spentMs, random) {
  return Math.max(pauseMs - spentMs, Math.min(pauseMs, random * LEAST_PAUSE_MS));
}

/**
 * The pause before a request that came too soon is sent again: the time that the server asked for, plus jitter that doubles.
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
