/**
 * Where everybody sits: how many tiles fit, how large, on which page. Pure geometry.
 *
 * @typedef {{x: number, y: number, w: number, h: number}} Box
 * @typedef {{id: string, x: number, y: number, w: number, h: number, float?: boolean}} Seat
 * @typedef {{per: number, cols: number, boxes: Box[]}} Grid
 * @typedef {{
 *   seats: string[], self: string, width: number, height: number, gap: number, tileMin: number, strip: number,
 *   phone: boolean, page: number, presenter: string | null, prefer: string | null,
 * }} StageInput  seats: the others in their stable order; presenter: set while a screen is shared;
 *   prefer: who should be seen when only one other person fits
 * @typedef {{tiles: Seat[], share: Box | null, page: number, pages: number}} StageLayout
 */

const WIDEST = 16 / 9;
const PER_PAGE = 25;
const PER_PAGE_PHONE = 8;
/** Height kept free for the page buttons, so that they never cover a name. */
const PAGER = 52;
/** Below this height (a panel is open on a phone) only the speaker and oneself are shown. */
const LOW_STAGE = 300;
/** The presenter's line stands under a shared screen, never on it. */
const SHARE_LINE = 40;

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
 * The whole stage: shared screen with its strip, the phone's picture-in-picture, or the paged grid.
 * Your own tile is the last one of every page.
 * @param {StageInput} input
 * @returns {StageLayout}
 */
export function stageLayout(input) {
  const { seats, self, width, height, phone } = input;
  if (width <= 0 || height <= 0) return { tiles: [], share: null, page: 0, pages: 1 };
  if (input.presenter !== null) return shareLayout(input, input.presenter);
  if (seats.length === 0) return single(input);
  if (phone && height < LOW_STAGE) return lowStage(input);
  if (phone && seats.length === 1) {
    return {
      tiles: [
        { id: seats[0], x: 0, y: 0, w: width, h: height },
        { id: self, x: width - 118, y: 12, w: 106, h: 142, float: true },
      ],
      share: null,
      page: 0,
      pages: 1,
    };
  }
  return pagedGrid(input);
}

/** @param {StageInput} input @returns {StageLayout} */
function single({ self, width, height, gap, phone }) {
  const box = phone ? { x: 0, y: 0, w: width, h: height } : grid(1, width, height, gap, 0).boxes[0];
  return { tiles: [{ id: self, ...box }], share: null, page: 0, pages: 1 };
}

/** @param {StageInput} input @returns {StageLayout} */
function lowStage({ seats, self, width, height, gap, prefer }) {
  const other = prefer !== null && seats.includes(prefer) ? prefer : seats[0];
  const { boxes } = grid(2, width, height, gap, 0);
  return {
    tiles: [
      { id: other, ...boxes[0] },
      { id: self, ...boxes[1] },
    ],
    share: null,
    page: 0,
    pages: 1,
  };
}

/** @param {StageInput} input @returns {StageLayout} */
function pagedGrid({ seats, self, width, height, gap, tileMin, phone, page }) {
  const all = seats.length + 1;
  const most = phone ? PER_PAGE_PHONE : PER_PAGE;
  let whole = grid(all, width, height, gap, tileMin, most);
  if (whole.per < all) whole = grid(all, width, height - PAGER, gap, tileMin, most);
  const others = Math.max(1, whole.per - 1);
  const pages = Math.ceil(seats.length / others);
  const at = Math.min(Math.max(page, 0), pages - 1);
  const here = [...seats.slice(at * others, (at + 1) * others), self];
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
  const { seats, self, width, height, gap, strip, phone, page } = input;
  const first = seats.includes(presenter) ? [presenter, self] : [self];
  const rest = seats.filter((id) => id !== presenter);

  /** @type {Box} */
  let share;
  /** @type {Box[]} */
  let places;
  if (width >= 980) {
    const ideal = (strip * 9) / 16;
    const n = Math.max(1, Math.floor((height + gap) / (ideal + gap)));
    const h = (height - gap * (n - 1)) / n;
    share = { x: 0, y: 0, w: width - strip - gap, h: height };
    places = range(n).map((k) => ({ x: width - strip, y: k * (h + gap), w: strip, h }));
  } else {
    const n = Math.max(2, Math.round(width / (phone ? 122 : 180)));
    const w = (width - gap * (n - 1)) / n;
    const ideal = w * (phone ? 1 : 9 / 16);
    const shareHeight = Math.max(0, Math.min(height - ideal - gap, (width * 9) / 16 + SHARE_LINE));
    const left = height - shareHeight;
    const wanted = Math.ceil((first.length + rest.length) / n);
    const rows = Math.min(wanted, Math.max(1, Math.floor(left / (ideal + gap))));
    const h = Math.min((left - gap * rows) / rows, w * 1.1);
    share = { x: 0, y: 0, w: width, h: shareHeight };
    places = range(n * rows).map((k) => ({
      x: (k % n) * (w + gap),
      y: shareHeight + gap + Math.floor(k / n) * (h + gap),
      w,
      h,
    }));
  }
  const kept = first.slice(0, places.length);
  const others = Math.max(1, places.length - kept.length);
  const pages = Math.max(1, places.length > kept.length ? Math.ceil(rest.length / others) : 1);
  const at = Math.min(Math.max(page, 0), pages - 1);
  const here = [...kept, ...rest.slice(at * others, (at + 1) * others)].slice(0, places.length);
  return { tiles: here.map((id, k) => ({ id, ...places[k] })), share, page: at, pages };
}

/** @param {number} n */
function range(n) {
  return Array.from({ length: n }, (_, k) => k);
}
