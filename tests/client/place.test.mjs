/** The page may lie below a path of its host: no module names an address from the root, or asks where it is by itself. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { at, base, roomPath } from '../../static/js/place.js';

const js = new URL('../../static/js/', import.meta.url);

test('outside of a browser the page lies at the root', () => {
  assert.deepEqual([base, at('check'), roomPath('abc')], ['/', '/check', '/r/abc']);
});

test('below a path every address begins with it', async () => {
  const source = await readFile(new URL('place.js', js), 'utf8');
  const moved = source.replaceAll('import.meta.url', '"https://example.org/meet/js/place.js"');
  globalThis.location = /** @type {any} */ ({ origin: 'https://example.org' });
  const below = await import(`data:text/javascript,${encodeURIComponent(moved)}`);
  assert.equal(below.base, '/meet/');
  assert.equal(below.roomPath('abc'), '/meet/r/abc');
  assert.equal(below.linkAt('r/abc#invite=x'), 'https://example.org/meet/r/abc#invite=x');
});

test('no module but place.js names an address of this server', async () => {
  const own = /['"`]\/(?:r\/|r['"`]|check|ws|icons|js|css|avatars|healthz|protocol)|location\.origin\}|(?:href|src): '\//;
  const names = await readdir(js, { recursive: true });
  const found = [];
  for (const name of names.filter((name) => name.endsWith('.js') && name !== 'place.js')) {
    const text = await readFile(new URL(name, js), 'utf8');
    for (const line of text.split('\n')) {
      if (own.test(line) && !/^\s*\*/.test(line)) found.push(`${name}: ${line.trim()}`);
    }
  }
  assert.deepEqual(found, []);
});
