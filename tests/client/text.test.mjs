/** What a search compares, and where text is cut: by what people see as letters. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { cut, graphemes, initials, searchKey } from '../../static/js/state/text.js';

/** The server searches by the same table (src/store/names.rs). */
const table = JSON.parse(readFileSync(new URL('../fixtures/search.json', import.meta.url), 'utf8'));

test('what people type finds what people wrote', () => {
  assert.ok(table.same.length > 10 && table.different.length > 0);
  for (const [typed, written] of table.same) assert.equal(searchKey(typed), searchKey(written), `${typed} ${written}`);
  for (const [one, other] of table.different) assert.notEqual(searchKey(one), searchKey(other), `${one} ${other}`);
});

test('initials are whole letters, flags and faces', () => {
  const cases = [
    ['🇩🇪🇫🇷', '🇩🇪', false],
    ['🇩🇪🇫🇷 team', '🇩🇪T', false],
    ['👨‍👩‍👧‍👦 Bo', '👨‍👩‍👧‍👦B', false],
    ['👍🏽👎🏽', '👍🏽', false],
    ['n̈ona x̂i', 'N̈X̂', false],
    ['नियति', 'नि', false],
    ['1️⃣ team', '1️⃣T', false],
    ['山葛\u{e0100}', '葛\u{e0100}', true],
  ];
  for (const [name, text, han] of cases) assert.deepEqual(initials(name), { text, han }, name);
});

test('a text is not cut through what people see as one', () => {
  assert.deepEqual(graphemes('a🇩🇪é'), ['a', '🇩🇪', 'é']);
  assert.equal(cut('Ada’s meeting', 64), 'Ada’s meeting');
  assert.equal(cut('aaa🇩🇪🇫🇷', 6), 'aaa🇩🇪');
  assert.equal(cut('Ada 👨‍👩‍👧‍👦', 6), 'Ada');
  assert.equal(cut('n̈n̈', 3), 'n̈');
  // Where a cut by UTF-16 would leave half of a letter.
  assert.ok(cut('🙂'.repeat(40), 33).isWellFormed());
  assert.equal([...cut('🙂'.repeat(80), 64)].length, 64);
});
