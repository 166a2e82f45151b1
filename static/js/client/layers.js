/**
 * In how many sizes an own picture is sent, pure: simulcast (RFC 8853) of up to three layers that each have half the lines of
 * the next, `q`, `h` and `f`. They are offered once, before anything is known of the camera; which of them run, in which size
 * and at what rate, follows the camera, the person's choice and what the server says is watched.
 *
 * A screen has one. Chromium sends two layers of a screen at half the frames of one, and text is of no use at half its size.
 *
 * @typedef {import('./protocol.d.ts').Source} Source
 *
 * @typedef {{width: number, height: number}} Size
 * @typedef {object} Conditions what decides over the layers
 * @property {Size|null} size of the picture, null while there is none or it is unknown
 * @property {number} share of its lines that is sent at most, 1 for all: a person's choice, or a weak machine
 * @property {string[]|null} watched the layers that somebody watches (`media.demand`); null while the server has not said
 */

/** Smallest first, which is also their order in the description. */
const RIDS = ['q', 'h', 'f'];
/**
 * The server sends fewer pictures of a layer to whoever's line does not carry all, a half or a quarter. Chromium does so for
 * VP8 in simulcast by itself; said here, it stays. Firefox has no such layers, and does not look at it.
 */
const TEMPORAL = 'L1T3';
/**
 * Chromium sends no more layers than these of pictures with fewer pixels, and leaves the last ones of the description out, not
 * the smallest: a small camera has to use the first ones, and the last of those for its whole size.
 */
const PIXELS_FOR_THREE = 960 * 540;
const PIXELS_FOR_TWO = 480 * 270;
/** The most that a picture of so many lines is worth, bit/s: more shows no difference in a talking face. */
const RATES = [
  { lines: 180, rate: 180_000 },
  { lines: 270, rate: 350_000 },
  { lines: 360, rate: 600_000 },
  { lines: 540, rate: 1_100_000 },
  { lines: 720, rate: 1_800_000 },
  { lines: 1080, rate: 3_200_000 },
];
const HIGHEST_RATE = 4_500_000;
/** A screen stands still most of the time; when it moves, its text must not blur. */
const SCREEN_RATE = 3_500_000;
/** What a camera is taken for whose size the browser does not tell. */
const USUAL = { width: 1280, height: 720 };

/**
 * The encodings of a source's m-line, as they are offered; undefined where there is one only.
 *
 * @param {Source} source
 * @returns {RTCRtpEncodingParameters[]|undefined}
 */
export function offered(source) {
  if (source !== 'camera') return undefined;
  return RIDS.map((rid, at) => {
    const scale = 2 ** (RIDS.length - 1 - at);
    return { rid, scaleResolutionDownBy: scale, maxBitrate: rateOf(USUAL.height / scale), scalabilityMode: TEMPORAL };
  });
}

/**
 * What is changed in the encodings of a sender, in their order. A browser that was answered without simulcast has a single
 * one left, and that carries the largest size that is asked for.
 *
 * @param {Source} source
 * @param {readonly {rid?: string}[]} encodings
 * @param {Conditions} conditions
 * @returns {{active: boolean, maxBitrate: number, scaleResolutionDownBy: number}[]}
 */
export function encodingsFor(source, encodings, { size, share, watched }) {
  const isWatched = watched === null || watched.length > 0;
  if (source === 'screen') {
    return encodings.map(() => ({ active: isWatched, maxBitrate: SCREEN_RATE, scaleResolutionDownBy: 1 }));
  }
  const { width, height } = size ?? USUAL;
  const lines = Math.min(width, height);
  if (encodings.length < 2) {
    return encodings.map(() => ({ active: isWatched, maxBitrate: rateOf(lines * share), scaleResolutionDownBy: 1 / share }));
  }
  const count = layersOf(width * height);
  const scaleOf = (/** @type {number} */ at) => 2 ** Math.max(0, count - 1 - at);
  // The smallest one stays, however little is asked for.
  const sent = RIDS.slice(0, count).filter((_, at) => at === 0 || 1 / scaleOf(at) <= share);
  const running = watched?.map((rid) => standIn(rid, sent)) ?? sent;
  return encodings.map(({ rid = '' }) => {
    const scale = scaleOf(RIDS.indexOf(rid));
    return { active: running.includes(rid), maxBitrate: rateOf(lines / scale), scaleResolutionDownBy: scale };
  });
}

/**
 * The server may ask for a layer that this camera does not have, or one above what is allowed: then the largest one serves.
 *
 * @param {string} rid
 * @param {string[]} sent
 */
function standIn(rid, sent) {
  return sent.includes(rid) ? rid : sent[sent.length - 1];
}

/** @param {number} pixels */
function layersOf(pixels) {
  return pixels >= PIXELS_FOR_THREE ? 3 : pixels >= PIXELS_FOR_TWO ? 2 : 1;
}

/** @param {number} lines */
function rateOf(lines) {
  return RATES.find((one) => lines <= one.lines)?.rate ?? HIGHEST_RATE;
}
