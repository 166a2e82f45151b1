/**
 * Small pure readings of text: initials, hues, what a search compares, room numbers, links in chat, what was typed into
 * the "link or number" field.
 */

const HAN = /\p{Script=Han}/u;
const LETTER = /[\p{L}\p{N}]/u;

/**
 * One or two letters for an avatar. A Chinese name shows its last character, the given name's.
 * @param {string} name
 * @returns {{text: string, han: boolean}}
 */
export function initials(name) {
  const trimmed = name.trim();
  const end = graphemes(trimmed).at(-1);
  if (end === undefined) return { text: '?', han: false };
  if (HAN.test(end)) return { text: end, han: true };
  const [start, ...others] = trimmed.split(/\s+/).map(graphemes);
  const letter = (/** @type {string[]} */ word) => word.find((one) => LETTER.test(one));
  const first = letter(start) ?? start[0];
  // A last word of signs alone, as in "Ada &", gives no letter.
  const last = others.map(letter).findLast(Boolean) ?? '';
  return { text: (first + last).toLocaleUpperCase(), han: HAN.test(first) };
}

/** Older browsers take text apart by code points. */
const segmenter = typeof Intl.Segmenter === 'function' ? new Intl.Segmenter('und') : null;

/**
 * What people see as characters: extended grapheme clusters (UAX #29), such as a flag or a letter with its marks.
 * @param {string} text
 * @returns {string[]}
 */
export function graphemes(text) {
  return segmenter === null ? [...text] : Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/**
 * As much of a text as fits, without cutting through a character.
 * @param {string} text
 * @param {number} most code points, as the server counts
 */
export function cut(text, most) {
  let left = most;
  let fits = '';
  for (const one of graphemes(text)) {
    left -= [...one].length;
    if (left < 0) break;
    fits += one;
  }
  return fits.trim();
}

/**
 * What a search compares, the same as the server's `search_key` (src/store/names.rs): the compatibility caseless match
 * of Unicode (chapter 3.13, D146), without the dots that tell the Turkish and the Latin i apart. JavaScript folds no
 * case. Its upper case knows the letters that become several, such as ß, and its lower case the rest.
 * @param {string} text
 */
export function searchKey(text) {
  const folded = (/** @type {string} */ part) => part.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  return folded(folded(text.normalize('NFD')).normalize('NFKD'))
    .normalize('NFKD')
    .replaceAll('ı', 'i')
    .replace(/i\u0307+/g, 'i')
    .normalize('NFC');
}

/**
 * How to greet somebody: the first name where a name has one in front, else the whole name.
 * @param {string} name
 */
export function shortName(name) {
  return HAN.test(name) ? name : name.trim().split(/\s+/)[0];
}

/**
 * The same hue for the same person on every screen.
 * @param {string} id
 * @returns {number} degrees
 */
export function hue(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  // Steps of 25° keep neighbours apart; two people with almost the same colour are worse than equal.
  return 15 + (sum % 14) * 25;
}

/**
 * @param {string | null} number nine digits; null where the room hides it
 * @returns {string} in threes; empty when hidden
 */
export function threes(number) {
  return (number ?? '').replace(/^(\d{3})(\d{3})(\d{3})$/, '$1 $2 $3');
}

/**
 * The room that a pasted link, a typed number or an identity means.
 * @param {string} typed
 * @param {string} origin of this page
 * @param {string} [base] the path of its start page
 * @returns {string | null} null when it can be none of them
 */
export function roomFrom(typed, origin, base = '/') {
  const text = typed.trim();
  const digits = text.replace(/[\s-]/g, '');
  if (/^\d{9}$/.test(digits)) return digits;
  const link = /^(?:https?:\/\/)?([^/\s]+)(\/(?:[^?#\s]*\/)?)r\/([A-Za-z0-9_-]{1,64})\/?(?:[?#]\S*)?$/.exec(text);
  if (link) return link[1] === new URL(origin).host && link[2] === base ? link[3] : null;
  // A bare identity has at least 96 random bits, which is 16 characters of base64.
  return /^[A-Za-z0-9_-]{16,64}$/.test(text) ? text : null;
}

/** Whether a room's address is its number, which people type, or the identity that links carry. @param {string} address */
export const isNumber = (address) => /^\d{9}$/.test(address);

/**
 * The token of an invite link, `/r/<identity>#invite=<token>`.
 * @param {string} text a link, or its fragment
 * @returns {string | null}
 */
export function inviteFrom(text) {
  return /#invite=([A-Za-z0-9_-]{1,128})$/.exec(text.trim())?.[1] ?? null;
}

/**
 * Cuts a message into words and links. Only http and https become links; everything else stays text.
 * @param {string} text
 * @returns {Array<{text: string, href: string | null}>}
 */
export function linkify(text) {
  /** @type {Array<{text: string, href: string | null}>} */
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"'，。；：！？、（）“”]+/giu)) {
    // Punctuation that ends a sentence does not belong to the address.
    const shown = found[0].replace(/[.,;:!?)\]}]+$/, '');
    const href = safeUrl(shown);
    if (href === null) continue;
    if (found.index > end) parts.push({ text: text.slice(end, found.index), href: null });
    parts.push({ text: shown, href });
    end = found.index + shown.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}

/** @param {string} text */
function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * How long ago something was, as a clock that runs: "2:10".
 * @param {string} at RFC 3339, by the server's clock
 * @param {number} skew the server's clock less this one's, milliseconds
 * @param {number} [now] this clock, milliseconds
 */
export function since(at, skew, now = Date.now()) {
  return clockOf(Math.max(0, now + skew - Date.parse(at)), Math.floor);
}

/** What is left of a time, rounded up so that it ends at zero: "5:00". @param {number} left milliseconds */
export function countdown(left) {
  return clockOf(Math.max(0, left), Math.ceil);
}

/** @param {number} span milliseconds @param {(seconds: number) => number} round */
function clockOf(span, round) {
  const seconds = round((Number.isFinite(span) ? span : 0) / 1000);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A file's size in the unit that fits. @param {number} bytes @param {string} locale */
export function fileSize(bytes, locale) {
  const units = /** @type {const} */ (['byte', 'kilobyte', 'megabyte', 'gigabyte']);
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  const digits = step === 0 || value >= 100 ? 0 : 1;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[step],
    // Only bytes have a plural.
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: digits,
  }).format(value);
}
