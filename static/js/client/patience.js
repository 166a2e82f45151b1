import { ProtocolError } from './errors.js';
import { pauseForRetry } from './pauses.js';

/** Refusals of a request that came too soon: nothing was done, and the same request is taken later. */
const TOO_SOON = new Set(['rate.limited', 'server.busy']);

/**
 * Sends a request, and again while it comes too soon, each time later.
 *
 * @template T
 * @param {() => Promise<T>} send
 * @param {number} patienceMs how long, before the caller hears of it
 * @param {{timers: import('./timers.js').Timers, random: () => number}} io
 * @returns {Promise<T>}
 */
export async function patiently(send, patienceMs, { timers, random }) {
  let waited = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ProtocolError) || !TOO_SOON.has(error.code)) throw error;
      const pause = pauseForRetry(error.retryAfterMs, attempt, random());
      if (pause === null || waited + pause > patienceMs) throw error;
      waited += pause;
      await new Promise((resolve) => timers.setTimeout(() => resolve(null), pause));
    }
  }
}
