/**
 * The page's words for tests outside of a browser: as they stand in their files, and for `setLanguage`, which fetches
 * them: Node's `fetch` does not read files.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

const read = (language) => JSON.parse(readFileSync(new URL(`../../static/js/i18n/${language}.json`, import.meta.url), 'utf8'));

/** @type {Record<string, string>} */
export const en = read('en');
/** @type {Record<string, string>} */
export const zh = read('zh');

/** Whether a language has words for a key, in one form or in several. */
export const has = (words, key) => key in words || `${key}_other` in words;

/** From now on files of the page can be fetched. */
export function fetchFiles() {
  const { fetch } = globalThis;
  globalThis.fetch = async (address, options) =>
    String(address).startsWith('file:') ? new Response(await readFile(new URL(String(address)))) : fetch(address, options);
}
