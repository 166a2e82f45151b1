/**
 * The pictures that can be seen, in device pixels: what the server is asked to send.
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../state/layout.js').Seat} Seat
 * @typedef {import('../../client/protocol.d.ts').Tile} Tile
 */

import { cameraOf } from '../../state/people.js';

/** More pixels than twice the CSS size are not seen. */
const SHARPEST = 2;
const ORDER_MS = 1000;
const FIRST = 100;
const LARGE = 80;
const SPEAKS = 50;
const SEEN = 10;

/**
 * The screen comes first, then who is shown large, then those who speak.
 * @param {Meeting} meeting
 * @param {Seat[]} seats
 * @param {{participant: string, track: string} | null} shown
 * @param {{w: number, h: number} | null} box
 * @returns {Tile[]}
 */
export function wishes(meeting, seats, shown, box) {
  const sharp = Math.min(SHARPEST, devicePixelRatio || 1);
  const pixels = (/** @type {number} */ size) => Math.max(1, Math.round(size * sharp));
  /** @param {string} track @param {{w: number, h: number}} size @param {number} priority @returns {Tile} */
  const wish = (track, { w, h }, priority) => ({ track, width: pixels(w), height: pixels(h), priority });
  const list = shown && box ? [wish(shown.track, box, FIRST)] : [];
  for (const seat of seats) {
    const one = meeting.participants[seat.id];
    const camera = one && cameraOf(one);
    if (!camera || seat.id === meeting.self) continue;
    list.push(wish(camera.id, seat, seat.main ? LARGE : meeting.speakers.includes(seat.id) ? SPEAKS : SEEN));
  }
  return list;
}

/**
 * Tells the call what is wished. A new picture is wanted at once; who speaks only changes the order, and voices come
 * and go quickly.
 * @param {(tiles: Tile[]) => void} tell
 */
export function wisher(tell) {
  let wished = '';
  let later = 0;
  return (/** @type {Tile[]} */ tiles) => {
    const sizes = tiles.map(({ track, width, height }) => `${track} ${width} ${height}`).join();
    clearTimeout(later);
    if (sizes !== wished) tell(tiles);
    else later = window.setTimeout(() => tell(tiles), ORDER_MS);
    wished = sizes;
  };
}
