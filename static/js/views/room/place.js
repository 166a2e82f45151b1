/**
 * Where tiles stand: their places, how they glide there, and the way between them by the arrow keys.
 * @typedef {import('../../state/layout.js').Seat} Seat
 */

/** @type {WeakMap<HTMLElement, Seat>} */
const places = new WeakMap();
const EASE = 'cubic-bezier(.2,.8,.2,1)';
const GLIDE_MS = 220;

/**
 * On whole pixels, because fractions let a thin line of the picture shine through beside the tab.
 * @param {Seat} seat
 * @returns {Seat}
 */
export function whole(seat) {
  const x = Math.round(seat.x);
  const y = Math.round(seat.y);
  return { ...seat, x, y, w: Math.round(seat.x + seat.w) - x, h: Math.round(seat.y + seat.h) - y };
}

/**
 * Sets size and place at once and then lets the tile glide from where it was, by transform alone.
 * @param {HTMLElement} element
 * @param {Seat} seat
 * @param {boolean} glides
 */
export function place(element, seat, glides) {
  const before = places.get(element);
  if (before && before.x === seat.x && before.y === seat.y && before.w === seat.w && before.h === seat.h) return;
  places.set(element, seat);
  const here = `translate(${seat.x}px, ${seat.y}px)`;
  element.style.width = `${seat.w}px`;
  element.style.height = `${seat.h}px`;
  element.style.transform = here;
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  if (!before) {
    const fresh = { opacity: 0, transform: `${here} scale(.96)` };
    element.animate([fresh, { opacity: 1, transform: here }], { duration: GLIDE_MS, easing: EASE });
  } else if (glides) {
    const from = `translate(${before.x}px, ${before.y}px) scale(${before.w / seat.w}, ${before.h / seat.h})`;
    element.animate([{ transform: from }, { transform: here }], { duration: GLIDE_MS, easing: EASE });
  }
}

/**
 * The tile next to another in the direction of an arrow key.
 * @param {HTMLElement[]} tiles
 * @param {HTMLElement} from
 * @param {string} key
 * @returns {HTMLElement | null}
 */
export function neighbour(tiles, from, key) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const here = middle(from);
  if (!way || !here) return null;
  let best = null;
  let least = Infinity;
  for (const tile of tiles) {
    const there = middle(tile);
    if (tile === from || !there) continue;
    const along = (there.x - here.x) * way[0] + (there.y - here.y) * way[1];
    const aside = Math.abs((there.x - here.x) * way[1]) + Math.abs((there.y - here.y) * way[0]);
    // Straight ahead counts before near.
    const distance = along + 3 * aside;
    if (along > 1 && distance < least) [best, least] = [tile, distance];
  }
  return best;
}

/** @param {HTMLElement} tile */
function middle(tile) {
  const seat = places.get(tile);
  return seat && { x: seat.x + seat.w / 2, y: seat.y + seat.h / 2 };
}
