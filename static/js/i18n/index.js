/**
 * Words in the person's language. One file per language with the same keys, loaded when the language is first
 * spoken; `{name}` stands for a value, and an entry with forms is chosen by the plural rules of the language.
 */

/**
 * @typedef {'en' | 'zh'} Language
 * @typedef {string | {one: string, other: string}} Entry
 */

/** Named one by one, so that whoever reads the files finds them. */
const FILES = { en: () => import('./en.js'), zh: () => import('./zh.js') };
/** What was loaded so far. @type {Record<Language, Record<string, Entry>>} */
const WORDS = { en: {}, zh: {} };
/** Locales for dates and numbers. @type {Record<Language, string>} */
const LOCALES = { en: 'en-GB', zh: 'zh-CN' };

/** @type {Language} */
let current = 'en';

/** They take longer to make than to use. @type {Partial<Record<Language, ReturnType<typeof makeFormats>>>} */
const FORMATS = {};

/** @param {string} tag */
const makeFormats = (tag) => ({
  plural: new Intl.PluralRules(tag),
  list: new Intl.ListFormat(tag, { type: 'conjunction' }),
  clock: new Intl.DateTimeFormat(tag, { hour: '2-digit', minute: '2-digit', hour12: false }),
  day: new Intl.DateTimeFormat(tag, { weekday: 'long', day: 'numeric', month: 'long' }),
});

const formats = () => (FORMATS[current] ??= makeFormats(locale()));

export function language() {
  return current;
}

/**
 * Speaks a language from now on; until its words are there the page goes on in the one before.
 * @param {Language} next
 */
export async function setLanguage(next) {
  WORDS[next] = (await FILES[next]()).default;
  current = next;
}

/** @returns {string} a BCP 47 tag */
export function locale() {
  return LOCALES[current];
}

/**
 * The first language of the browser that the page speaks.
 * @param {readonly string[]} wanted
 * @returns {Language}
 */
export function pickLanguage(wanted) {
  for (const tag of wanted) {
    const name = tag.toLowerCase().split('-')[0];
    if (name === 'zh' || name === 'en') return name;
  }
  return 'en';
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values] `n` also chooses the plural form
 * @returns {string}
 */
export function t(key, values = {}) {
  const entry = WORDS[current][key];
  if (entry === undefined) return key;
  const form = typeof entry === 'string' ? entry : entry[plural(Number(values.n))];
  return form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** @param {number} n @returns {'one' | 'other'} */
function plural(n) {
  return formats().plural.select(n) === 'one' ? 'one' : 'other';
}

/**
 * An error code in words; a code nobody wrote a sentence for falls back to a general one.
 * @param {string} code
 * @returns {string}
 */
export function errorText(code) {
  const key = `error.${code}`;
  return key in WORDS[current] ? t(key) : t('error.unknown');
}

/** Names as one speaks them: "Ada, Bo and Cy". @param {string[]} names */
export function list(names) {
  return current === 'zh' ? names.join('、') : formats().list.format(names);
}

/** @param {number | string} at */
export function clock(at) {
  return formats().clock.format(new Date(at));
}

/** @param {number | string} at */
export function longDay(at) {
  const date = new Date(at);
  const words = formats().day.format(date);
  // Figures and Chinese words are set apart by a space, which the formatter leaves out.
  return current === 'zh'
    ? words
        .replace(/(\d+)([月日])/g, ' $1 $2 ')
        .trim()
        .replace(/ {2,}/g, ' ')
    : words;
}
