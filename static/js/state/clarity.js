/**
 * Why a picture is not as sharp as it could be, in one word; the views have a sentence for each. Pure.
 *
 * @typedef {import('./meeting.js').Meeting} Meeting
 * @typedef {'bandwidth' | 'sender' | 'server' | 'codec' | 'choice' | 'sound' | 'machine'} Cause
 *   choice: the person saves data · sound: the person chose sound only · machine: this one cannot do more
 * @typedef {{cause: Cause, still: boolean}} Why  still: there is no moving picture at all
 */

/** What the server gives as a reason while a picture comes. @type {readonly string[]} */
const TOLD = ['bandwidth', 'sender', 'server'];

/**
 * @param {Meeting} meeting
 * @param {string | undefined} track of the others
 * @param {{choice: import('./viewing.js').Choice, reduced: boolean, screen?: boolean}} viewing
 *   reduced: it is asked for smaller than it is drawn
 * @returns {Why | null} null: it comes as it should
 */
export function whyBlurry({ live, carried, strain }, track, { choice, reduced, screen = false }) {
  if (track === undefined) return null;
  if (choice === 'sound' && !screen) return { cause: 'sound', still: true };
  const slot = live[track];
  const { layer, reason } = (slot !== undefined && carried[slot]) || { layer: null, reason: null };
  if (reason === 'codec') return { cause: reason, still: true };
  // A track without layers comes as a still now and then where the line is too narrow for it, and one with layers not at all.
  if (reason === 'bandwidth' && layer === null) return { cause: reason, still: true };
  if (reason !== null && TOLD.includes(reason)) return { cause: /** @type {Cause} */ (reason), still: false };
  if (!reduced) return null;
  return { cause: strain > 0 && choice === 'best' ? 'machine' : 'choice', still: false };
}

/** The key of the sentence. @param {Why} why */
export function sentenceOf({ cause, still }) {
  return still && cause === 'bandwidth' ? 'tile.narrow' : `why.${cause}`;
}
