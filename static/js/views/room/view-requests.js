/**
 * The pictures that are drawn, in device pixels, and how much each matters.
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../state/layout.js').Seat} Seat
 * @typedef {import('../../state/viewing.js').ViewRequest} ViewRequest
 */

import { cameraOf } from '../../state/people.js';

/** On a phone, which is held near and whose pixels are tiny, more than twice the CSS size is not seen. */
const SHARPEST_ON_PHONE = 2;
const FIRST = 100;
const LARGE = 80;
const SPEAKS = 50;
const SEEN = 10;

/** How many device pixels a CSS pixel counts for. */
export function sharpness() {
  const all = devicePixelRatio || 1;
  return matchMedia('(pointer: coarse)').matches ? Math.min(SHARPEST_ON_PHONE, all) : all;
}

/**
 * A window that is moved to another display has other pixels, and no other size.
 * @param {() => void} changed
 */
export function watchSharpness(changed) {
  const now = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  now.addEventListener('change', () => { changed(); watchSharpness(changed); }, { once: true });
}

/**
 * The screen comes first, then who is shown large, then those who speak.
 * @param {Meeting} meeting
 * @param {Seat[]} seats
 * @param {{participant: string, track: string} | null} shown
 * @param {{w: number, h: number} | null} box in which the screen is drawn
 * @returns {ViewRequest[]}
 */
export function viewRequests(meeting, seats, shown, box) {
  const list = shown && box ? [viewRequest(shown.track, box, FIRST, true)] : [];
  for (const seat of seats) {
    const one = meeting.participants[seat.id];
    const camera = one && cameraOf(one);
    if (!camera || seat.id === meeting.self) continue;
    list.push(viewRequest(camera.id, seat, seat.main ? LARGE : meeting.speakers.includes(seat.id) ? SPEAKS : SEEN, false));
  }
  return list;
}

/**
 * What a small window over other work shows matters as much as what is shown large.
 * @param {string} track
 * @param {{w: number, h: number}} size in CSS pixels of its own window
 * @param {boolean} screen
 */
export const apart = (track, size, screen) => viewRequest(track, size, screen ? FIRST : LARGE, screen);

/**
 * @param {string} track
 * @param {{w: number, h: number}} size
 * @param {number} priority
 * @param {boolean} screen
 * @returns {ViewRequest}
 */
function viewRequest(track, { w, h }, priority, screen) {
  const pixels = (/** @type {number} */ size) => Math.max(1, Math.round(size * sharpness()));
  return { track, width: pixels(w), height: pixels(h), priority, screen };
}
