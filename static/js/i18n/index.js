/**
 * Words in the person's language. One JSON file per language (README.md beside them says how they are written), loaded
 * when the language is first spoken. `{name}` stands for a value, and the plural rules of the language choose among
 * entries that end with `_one`, `_other` and so on.
 */

import { asset } from '../place.js';

/** @typedef {'en' | 'zh'} Language */

/** What was loaded so far. @type {Record<Language, Record<string, string>>} */
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
  date: new Intl.DateTimeFormat(tag, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }),
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
  const answer = await fetch(asset(`js/i18n/${next}.json`));
  if (!answer.ok) throw new Error(`The words of ${next} are not there (${answer.status}).`);
  WORDS[next] = await answer.json();
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
  const words = WORDS[current];
  const entry = words[key] ?? words[`${key}_${formats().plural.select(Number(values.n))}`];
  return (entry ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
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

/** Sentences after each other. @param {string[]} parts */
export function sentences(parts) {
  return parts.join(current === 'zh' ? '' : ' ');
}

/** @param {number | string} at */
export function clock(at) {
  return formats().clock.format(new Date(at));
}

/** @param {number | string} at */
export function longDay(at) {
  return spaced(formats().day.format(new Date(at)));
}

/** With its year, as it may be far away. @param {string} day such as `2026-03-02` */
export function dateOf(day) {
  return spaced(formats().date.format(new Date(`${day}T00:00Z`)));
}

/** @param {string} words */
function spaced(words) {
  // Figures and Chinese words are set apart by a space, which the formatter leaves out.
  return current === 'zh'
    ? words
        .replace(/(\d+)([年月日])/g, ' $1 $2 ')
        .trim()
        .replace(/ {2,}/g, ' ')
    : words;
}

/** @param {number} index 0 is Monday @param {'long' | 'short'} length */
export function weekday(index, length) {
  // 5 January 1970 was a Monday.
  return new Intl.DateTimeFormat(locale(), { weekday: length, timeZone: 'UTC' }).format(Date.UTC(1970, 0, 5 + index));
}

/**
 * What the clocks of another place show, and what their time is called.
 * @param {number | string} at
 * @param {string} zone its IANA name
 * @param {boolean} withDay
 * @returns {{time: string, zone: string}}
 */
export function clockIn(at, zone, withDay) {
  const date = new Date(at);
  const show = (/** @type {Intl.DateTimeFormatOptions} */ what) => new Intl.DateTimeFormat(locale(), { ...what, timeZone: zone });
  const time = show({ hour: '2-digit', minute: '2-digit', hour12: false }).format(date);
  const name = show({ timeZoneName: 'longGeneric' }).formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value;
  return {
    time: withDay ? `${show({ weekday: 'long' }).format(date)} ${time}` : time,
    zone: zone === 'UTC' ? zone : (name ?? zone),
  };
}
