/**
 * The documentation in a browser: no finding of axe in both themes, nothing wider than a narrow phone, nothing that the
 * content security policy refuses; and the guide's small browser client, which meets itself.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openStage, root, until } from './harness.mjs';
import { makeRoom } from './rooms.mjs';

const PAGES = ['', 'install', 'settings', 'operating', 'moving-in', 'permissions', 'protocol', 'reference', 'client-guide'];

let stage;
let axe;
before(async () => {
  axe = await readFile(join(root, 'tests/node_modules/axe-core/axe.min.js'), 'utf8');
  stage = await openStage();
});
after(() => stage?.close());

for (const scheme of /** @type {const} */ (['light', 'dark'])) {
  test(`every page can be read: ${scheme}, and on a narrow screen`, async () => {
    const page = await stage.page(null, { context: { colorScheme: scheme } });
    for (const name of PAGES) {
      await page.setViewportSize({ width: 1280, height: 800 });
      const answer = await page.goto(`${stage.origin}/docs/${name}`);
      assert.equal(answer.status(), 200, name);
      assert.match(await page.title(), / · Meeting$/);
      assert.equal(await page.locator('nav [aria-current]').count(), 1, name);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      const found = violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes[0].target} (${nodes.length})`);
      assert.deepEqual(found, []);
      await page.setViewportSize({ width: 320, height: 640 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 320, `${name} is ${width} px wide`);
    }
    stage.assertQuiet();
  });
}

test('links lead from page to page, to their sections and to the files', async () => {
  const page = await stage.page('/docs');
  assert.equal(page.url(), `${stage.origin}/docs/`);
  const seen = new Set();
  for (const name of PAGES) {
    await page.goto(`${stage.origin}/docs/${name}`);
    const links = await page.evaluate(() => [...document.querySelectorAll('main a')].map(({ href }) => href));
    for (const link of links.filter((href) => href.startsWith(stage.origin))) seen.add(link);
  }
  assert.ok(seen.size > 100, `only ${seen.size} links`);
  /** @type {Map<string, Set<string>>} */
  const ids = new Map();
  for (const link of seen) {
    const [address, anchor] = link.split('#');
    if (!ids.has(address)) {
      // A file that is no page would be a download.
      const answer = await page.request.get(address);
      assert.equal(answer.status(), 200, address);
      ids.set(address, new Set([...(await answer.text()).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)));
    }
    if (anchor) assert.ok(ids.get(address)?.has(decodeURIComponent(anchor)), link);
  }
  stage.assertQuiet();
});

test('the small browser client of the guide sends and shows', async () => {
  const room = await makeRoom(stage);
  const open = (name) => stage.page(`/docs/examples/browser.html?room=${room}&name=${name}`, { name });
  const pages = await Promise.all([open('Ada'), open('Bo')]);
  for (const page of pages) {
    const state = page.locator('#state');
    await until(async () => (await state.textContent()) === 'in the meeting', 'the client to come in');
    // A fake camera's picture changes: frames that are shown are frames that arrived.
    const frames = () => page.evaluate(() => {
      const shown = [...document.querySelectorAll('video')].filter((video) => !video.hidden);
      return Math.max(0, ...shown.map((video) => video.getVideoPlaybackQuality().totalVideoFrames));
    });
    await until(async () => (await frames()) > 10, "the other's picture");
    const heard = () => page.evaluate(() => [...document.querySelectorAll('audio')].some((audio) => !audio.hidden && audio.currentTime > 0));
    await until(heard, "the other's sound");
  }
  stage.assertQuiet();
});
