/**
 * Where everybody sits: how many tiles fit, how large, on which page. Pure geometry.
 *
 * @typedef {{x: number, y: number, w: number, h: number}} Box
 * @typedef {{id: string, x: number, y: number, w: number, h: number, float?: boolean, main?: boolean}} Seat
 *   main: shown large on purpose
 * @typedef {{per: number, cols: number, boxes: Box[]}} Grid
 * @typedef {{
 *   seats: string[], self: string | null, width: number, height: number, gap: number, tileMin: number, strip: number,
 *   phone: boolean, page: number, presenter: string | null, mains: string[], prefer: string | null, hands: string[],
 *   speaker: string | null, screenRatio?: number,
 * }} StageInput  seats: the others in their stable order; hands: who raised a hand, the first one first; self: null when one's own tile is hidden; presenter: set while
 *   a screen is shared; mains: who is shown large; prefer: who should be seen when only one other person fits;
 *   speaker: who speaks, or spoke last; screenRatio: width by height of the shared screen, as far as it is known
 * @typedef {{tiles: Seat[], share: Box | null, page: number, pages: number}} StageLayout
 */

import { pageOrder } from './people.js';

const WIDEST = 16 / 9;
const PER_PAGE = 25;
const PER_PAGE_PHONE = 8;
/** Height kept free for the page buttons, so that they never cover a name. */
const PAGER = 52;
/** Below this height (a panel is open on a phone) only the speaker and oneself are shown, or a shared screen alone. */
const LOW_STAGE = 300;
/** Tiles below a shared screen are at least so wide: on narrow stages, and on phones. */
const SHARE_TILE = 160;
const SHARE_TILE_PHONE = 110;
/** The presenter's line stands under a shared screen, never on it. */
const SHARE_LINE = 44;
/** From this width on the strip stands beside those who are large; on low stages, which are much wider than high, from less on. */
const WIDE = 980;
const WIDE_LOW = 600;
const LOW_RATIO = 1.8;
/** Two columns of people always fit, down to tiles of this width: 320 px is a phone, and a laptop at 400 %. */
const NARROWEST_TILE = 120;

/**
 * n tiles in a width × height box: one size and n positions. The largest tile area wins, less 4 % for
 * each empty cell, so that a near tie goes to the fuller grid; an exact tie goes to more columns.
 * @param {number} n
 * @param {number} width
 * @param {number} height
 * @param {number} gap
 * @param {number} minWidth a narrower tile means fewer tiles per page
 * @param {number} [most]
 * @returns {Grid}
 */
export function grid(n, width, height, gap, minWidth, most = PER_PAGE) {
  // Upright stages may crop to 3:4, landscape ones to 4:3; nothing is wider than 16:9.
  const narrowest = width / height > 1.1 && width > 600 ? 4 / 3 : 3 / 4;

  /** @param {number} count */
  function fit(count) {
    let best = { w: 0, h: 0, cols: 1, score: 0 };
    for (let cols = 1; cols <= count; cols++) {
      const rows = Math.ceil(count / cols);
      const cellW = (width - gap * (cols - 1)) / cols;
      const cellH = (height - gap * (rows - 1)) / rows;
      if (cellW <= 0 || cellH <= 0) continue;
      const ratio = Math.min(WIDEST, Math.max(narrowest, cellW / cellH));
      const w = Math.min(cellW, cellH * ratio);
      const h = w / ratio;
      const score = w * h * (1 - 0.04 * (cols * rows - count));
      if (score >= best.score) best = { w, h, cols, score };
    }
    return best;
  }

  let per = Math.max(1, Math.min(n, most));
  let size = fit(per);
  while (per > 1 && size.w < minWidth) size = fit(--per);

  const rows = Math.ceil(per / size.cols);
  const top = (height - rows * size.h - (rows - 1) * gap) / 2;
  /** @type {Box[]} */
  const boxes = [];
  for (let k = 0; k < per; k++) {
    const row = Math.floor(k / size.cols);
    const inRow = Math.min(size.cols, per - row * size.cols);
    const left = (width - inRow * size.w - (inRow - 1) * gap) / 2;
    boxes.push({
      x: left + (k % size.cols) * (size.w + gap),
      y: top + row * (size.h + gap),
      w: size.w,
      h: size.h,
    });
  }
  return { per, cols: size.cols, boxes };
}

/**
 * The whole stage: shared screen with its strip, large tiles with theirs, the phone's picture-in-picture, or the paged
 * grid. Your own tile is the last one of every page.
 * @param {StageInput} input
 * @returns {StageLayout}
 */
export function stageLayout(input) {
  const { seats, self, width, height, phone, mains } = input;
  if (width <= 0 || height <= 0) return { tiles: [], share: null, page: 0, pages: 1 };
  if (input.presenter !== null) return shareLayout(input, input.presenter);
  if (seats.length === 0) return single(input);
  if (phone && height < LOW_STAGE) return lowStage(input);
  if (phone && seats.length === 1 && (mains.length === 0 || mains[0] === seats[0])) {
    const whole = { id: seats[0], x: 0, y: 0, w: width, h: height };
    const float = { x: width - 118, y: 12, w: 106, h: 142, float: true };
    return { tiles: [whole, ...(self === null ? [] : [{ id: self, ...float }])], share: null, page: 0, pages: 1 };
  }
  if (mains.length > 0) return speakerLayout(input);
  return pagedGrid(input);
}

/** @param {StageInput} input @returns {StageLayout} */
function single({ self, width, height, gap, phone }) {
  const box = phone ? { x: 0, y: 0, w: width, h: height } : grid(1, width, height, gap, 0).boxes[0];
  return { tiles: self === null ? [] : [{ id: self, ...box }], share: null, page: 0, pages: 1 };
}

/** @param {StageInput} input @returns {StageLayout} */
function lowStage({ seats, self, width, height, gap, prefer, speaker, mains }) {
  const first = mains[0] ?? prefer ?? speaker;
  const other = first !== null && seats.includes(first) ? first : seats[0];
  const ids = self === null ? [other] : [other, self];
  const { boxes } = grid(ids.length, width, height, gap, 0);
  return { tiles: ids.map((id, k) => ({ id, ...boxes[k] })), share: null, page: 0, pages: 1 };
}

/** @param {StageInput} input @returns {StageLayout} */
function pagedGrid({ seats, hands, self, width, height, gap, tileMin: wanted, phone, page, speaker }) {
  const tileMin = Math.min(wanted, Math.max(NARROWEST_TILE, (width - gap) / 2));
  const own = self === null ? [] : [self];
  const all = seats.length + own.length;
  const most = phone ? PER_PAGE_PHONE : PER_PAGE;
  let whole = grid(all, width, height, gap, tileMin, most);
  if (whole.per < all) whole = grid(all, width, height - PAGER, gap, tileMin, most);
  const others = Math.max(1, whole.per - own.length);
  const pages = Math.ceil(seats.length / others);
  const at = Math.min(Math.max(page, 0), pages - 1);
  const order = pages > 1 ? pageOrder(seats, hands, others, speaker) : seats;
  const here = [...order.slice(at * others, (at + 1) * others), ...own];
  // A last page with fewer people keeps the tile size of the others: nothing grows while one pages.
  const boxes =
    here.length === whole.per
      ? whole.boxes
      : whole.per === 1
        ? grid(here.length, width, height - PAGER, gap, 0).boxes
        : whole.boxes.slice(0, here.length);
  return { tiles: here.map((id, k) => ({ id, ...boxes[k] })), share: null, page: at, pages };
}

/** @param {StageInput} input @param {string} presenter @returns {StageLayout} */
function shareLayout(input, presenter) {
  const { seats, self, mains, width, height } = input;
  if (!isWide(width, height) && height < LOW_STAGE) {
    return { tiles: [], share: { x: 0, y: 0, w: width, h: height }, page: 0, pages: 1 };
  }
  const known = [presenter, ...mains, ...(self === null ? [] : [self])];
  const first = known.filter((id, k) => known.indexOf(id) === k && (id === self || seats.includes(id)));
  const { main, places } = aroundScreen(input, seats.length + 1);
  const { tiles, page, pages } = fill(input, first, places);
  return { tiles, share: main, page, pages };
}

/**
 * The place of the shared screen, with the tiles beside it or below it: whichever shows the screen larger.
 * @param {StageInput} input
 * @param {number} n how many want a place
 */
function aroundScreen(input, n) {
  const below = stripBelowScreen(input, n);
  if (input.width < WIDE_LOW) return below;
  const beside = stripBeside(input, n);
  const shown = (/** @type {{main: Box}} */ { main }) => screenArea(main, input.screenRatio ?? WIDEST);
  return shown(beside) >= shown(below) ? beside : below;
}

/** How large a screen of this shape is drawn above its line. @param {Box} box @param {number} ratio */
function screenArea({ w, h }, ratio) {
  const drawn = Math.min(w, Math.max(0, h - SHARE_LINE) * ratio);
  return (drawn * drawn) / ratio;
}

/** One to four people large, the others in a strip beside or below them. @param {StageInput} input @returns {StageLayout} */
function speakerLayout(input) {
  const { seats, self, mains, gap } = input;
  const own = self === null ? [] : [self];
  const rest = [...own, ...seats].filter((id) => !mains.includes(id));
  const whole = { x: 0, y: 0, w: input.width, h: input.height };
  const { main, places } = rest.length > 0 ? strip(input, rest.length) : { main: whole, places: [] };
  const { boxes } = grid(mains.length, main.w, main.h, gap, 0);
  const large = mains.map((id, k) => ({ id, ...boxes[k], x: main.x + boxes[k].x, y: main.y + boxes[k].y, main: true }));
  const first = own.filter((id) => !mains.includes(id));
  const { tiles, page, pages } = fill({ ...input, seats: seats.filter((id) => !mains.includes(id)) }, first, places);
  return { tiles: [...large, ...tiles], share: null, page, pages };
}

/**
 * The area of those who are large, and the places beside it, or below it where the stage is narrow.
 * @param {StageInput} input
 * @param {number} n how many want a place
 * @returns {{main: Box, places: Box[]}}
 */
function strip(input, n) {
  const { width, height, gap, phone } = input;
  if (isWide(width, height)) return stripBeside(input, n);
  const { cols, w, ideal } = rowBelow(width, gap, phone);
  const pager = cols < n ? PAGER : 0;
  const mainHeight = Math.max(0, height - ideal - gap - pager);
  const h = Math.min(height - mainHeight - pager - gap, w * 1.1);
  return {
    main: { x: 0, y: 0, w: width, h: mainHeight },
    places: range(cols).map((k) => ({ x: k * (w + gap), y: mainHeight + gap, w, h })),
  };
}

/** @param {StageInput} input @param {number} n how many want a place @returns {{main: Box, places: Box[]}} */
function stripBeside({ width, height, gap, strip: size }, n) {
  const ideal = (size * 9) / 16;
  const fits = (/** @type {number} */ high) => Math.max(1, Math.floor((high + gap) / (ideal + gap)));
  const high = fits(height) < n ? height - PAGER : height;
  const rows = fits(high);
  const h = (high - gap * (rows - 1)) / rows;
  return {
    main: { x: 0, y: 0, w: width - size - gap, h: height },
    places: range(rows).map((k) => ({ x: width - size, y: k * (h + gap), w: size, h })),
  };
}

/**
 * A shared screen leaves the rest of the stage below it to the tiles.
 * @param {StageInput} input
 * @param {number} n how many want a place
 * @returns {{main: Box, places: Box[]}}
 */
function stripBelowScreen({ width, height, gap, phone, screenRatio = WIDEST }, n) {
  const { ideal } = rowBelow(width, gap, phone);
  const mainHeight = Math.min(Math.max(0, height - ideal - gap), width / screenRatio + SHARE_LINE);
  const below = (/** @type {number} */ pager) =>
    grid(n, width, height - mainHeight - gap - pager, gap, phone ? SHARE_TILE_PHONE : SHARE_TILE);
  const all = below(0);
  const { boxes } = all.per < n ? below(PAGER) : all;
  return {
    main: { x: 0, y: 0, w: width, h: mainHeight },
    places: boxes.map((box) => ({ ...box, y: box.y + mainHeight + gap })),
  };
}

/** One row of tiles over the whole width. @param {number} width @param {number} gap @param {boolean} phone */
function rowBelow(width, gap, phone) {
  const cols = Math.max(2, Math.round(width / (phone ? 122 : 180)));
  const w = (width - gap * (cols - 1)) / cols;
  return { cols, w, ideal: w * (phone ? 1 : 9 / 16) };
}

/**
 * Seats people on the places of a strip: the first ones on every page, the others page by page, oneself last. Where only
 * the first ones would fit, one of them gives way, oneself before all others, so that everybody can be seen.
 * @param {StageInput} input
 * @param {string[]} first
 * @param {Box[]} places
 */
function fill({ seats, self, hands, page, speaker }, first, places) {
  const rest = seats.filter((id) => !first.includes(id));
  const fits = rest.length > 0 && places.length > 1 ? places.length - 1 : places.length;
  const kept = first.slice(0, fits);
  const others = Math.max(1, places.length - kept.length);
  const pages = Math.max(1, places.length > kept.length ? Math.ceil(rest.length / others) : 1);
  const at = Math.min(Math.max(page, 0), pages - 1);
  const order = pages > 1 ? pageOrder(rest, hands, others, speaker) : rest;
  const own = kept.filter((id) => id === self);
  const ahead = kept.filter((id) => id !== self);
  const before = [...ahead, ...order.slice(at * others, (at + 1) * others)].slice(0, places.length - own.length);
  const here = [...before, ...own];
  return { tiles: here.map((id, k) => ({ id, ...places[k] })), page: at, pages };
}

/** @param {number} width @param {number} height */
function isWide(width, height) {
  return width >= WIDE || (width >= WIDE_LOW && width >= height * LOW_RATIO);
}

/** @param {number} n */
function range(n) {
  return Array.from({ length: n }, (_, k) => k);
}
