/**
 * Which pictures are asked for, and how large: those that are shown, without what the person does not want or the machine
 * cannot handle. Pure.
 *
 * @typedef {import('../client/protocol.d.ts').Tile} Tile
 * @typedef {Tile & {screen: boolean}} ViewRequest  screen: somebody's screen, and no camera
 * @typedef {'best' | 'save' | 'sound'} Choice  best: as large as it is shown · save: small pictures · sound: no cameras
 *
 * @typedef {object} Demands
 * @property {Choice} choice
 * @property {boolean} hidden the page has not been visible for a while
 * @property {ViewRequest | null} apart what a small window over other work shows
 * @property {number} tallest lines that no camera's picture exceeds, for a weak machine
 */

/** @type {readonly Choice[]} */
export const QUALITIES = ['best', 'save', 'sound'];
/** With "save" no camera is larger than this. A screen keeps its size, because its text must stay readable. */
const SAVED = { width: 320, height: 180 };
/** The share of the lines of one's own picture that is sent. A person who wants sound only also saves data. */
const OWN_SHARE = { best: 1, save: 0.5, sound: 0.5 };
/** A tile that grew by less than this factor asks for nothing new. */
const NOTABLE = 1.05;

/** @param {Choice} choice */
export const ownShare = (choice) => OWN_SHARE[choice];

/**
 * @param {readonly ViewRequest[]} shown by the page, as large as it is drawn
 * @param {Demands} demands
 * @returns {Tile[]}
 */
export function asked(shown, { choice, hidden, apart, tallest }) {
  const seen = withApart(hidden ? [] : shown, apart);
  const wanted = seen.filter(({ screen }) => screen || choice !== 'sound');
  return wanted.map(({ screen, ...tile }) => {
    if (screen) return tile;
    const most = choice === 'save' ? SAVED : { width: Infinity, height: Infinity };
    return within(tile, most.width, Math.min(most.height, tallest));
  });
}

/**
 * Whether a camera that is drawn with so many lines is asked for smaller.
 * @param {number} lines
 * @param {Choice} choice
 * @param {number} tallest
 */
export function isReduced(lines, choice, tallest) {
  return lines > NOTABLE * Math.min(choice === 'save' ? SAVED.height : Infinity, tallest);
}

/** @param {readonly ViewRequest[]} shown @param {ViewRequest | null} apart @returns {readonly ViewRequest[]} */
function withApart(shown, apart) {
  if (apart === null) return shown;
  const same = shown.find(({ track }) => track === apart.track);
  if (!same) return [...shown, apart];
  const larger = same.height >= apart.height ? same : { ...apart, priority: same.priority };
  return shown.map((viewRequest) => (viewRequest === same ? larger : viewRequest));
}

/** @param {Tile} tile @param {number} width @param {number} height @returns {Tile} the same shape, no larger */
function within(tile, width, height) {
  const share = Math.min(1, width / tile.width, height / tile.height);
  if (share === 1) return tile;
  return { ...tile, width: Math.max(1, Math.round(tile.width * share)), height: Math.max(1, Math.round(tile.height * share)) };
}

/**
 * How soon the server should get a new list: at once if a picture is missing or too small, and later if there is only less
 * to send or another order, because people move windows and voices come and go.
 *
 * @param {readonly Tile[] | null} told null before the first list
 * @param {readonly Tile[]} next
 * @returns {'now' | 'later' | null} null: it knows that already
 */
export function urgency(told, next) {
  if (told === null) return next.length > 0 ? 'now' : 'later';
  const known = new Map(told.map((tile) => [tile.track, tile]));
  const grows = next.some(({ track, width, height }) => {
    const before = known.get(track);
    return !before || height > NOTABLE * before.height || width > NOTABLE * before.width;
  });
  if (grows) return 'now';
  const keys = (/** @type {Tile} */ { track, width, height, priority }) => `${track} ${width} ${height} ${priority}`;
  const same = told.length === next.length && told.every((tile, at) => keys(tile) === keys(next[at]));
  return same ? null : 'later';
}
