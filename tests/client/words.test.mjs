/** The language files: translators and their tools read them, so that what they must hold is held here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { en, zh } from './words.mjs';

const LANGUAGES = { en, zh };
/** A key's name without its plural category, and the category. */
const parts = (key) => /^(.+?)(?:_(zero|one|two|few|many|other))?$/.exec(key).slice(1);
const names = (words) => [...new Set(Object.keys(words).map((key) => parts(key)[0]))].sort();
/** The values that any form of an entry fills in. */
const holes = (words, name) =>
  [...new Set(Object.keys(words).filter((key) => parts(key)[0] === name).flatMap((key) => words[key].match(/\{\w+\}/g) ?? []))].sort();

test('all languages have the same keys and the same values to fill in', () => {
  assert.deepEqual(names(zh), names(en));
  for (const name of names(en)) assert.deepEqual(holes(zh, name), holes(en, name), name);
});

test('an entry has all the forms that its language has, or none', () => {
  for (const [language, words] of Object.entries(LANGUAGES)) {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    const forms = new Map(names(words).map((name) => [name, []]));
    for (const key of Object.keys(words)) forms.get(parts(key)[0]).push(parts(key)[1] ?? null);
    for (const [name, found] of forms) {
      if (found[0] === null) assert.deepEqual(found, [null], `${language}: ${name}`);
      else assert.deepEqual(found.sort(), [...pluralCategories].sort(), `${language}: ${name}`);
    }
  }
});

test('every entry is a text, and its braces stand for values', () => {
  for (const [language, words] of Object.entries(LANGUAGES)) {
    for (const [key, text] of Object.entries(words)) {
      assert.ok(typeof text === 'string' && text !== '', `${language}: ${key}`);
      assert.doesNotMatch(text.replace(/\{[a-z]\w*\}/g, ''), /[{}]/, `${language}: ${key}`);
    }
  }
});
