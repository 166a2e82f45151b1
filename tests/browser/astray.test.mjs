/** A person follows a link that leads nowhere, or to something that the server refuses. The page says so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { visit } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

/** The browser itself complains of the address that it was sent to. */
const expected = (text) => text.includes('404');

/** @param {any} t @param {string} path @param {object} [options] of visit */
async function astray(t, path, options = {}) {
  const page = await visit(stage, '/', { expected, ...options });
  t.after(() => page.context().close());
  const answer = await page.goto(stage.origin + path);
  await page.getByTestId('notice').waitFor();
  return { page, answer };
}

test('an unknown address shows the page with its notice, in both languages and themes', { timeout: 120_000 }, async (t) => {
  const backgrounds = new Set();
  for (const [locale, scheme, words, back] of [
    ['en-GB', 'light', 'There is nothing at this address', 'Back to start'],
    ['zh-CN', 'dark', '这个地址没有内容', '返回首页'],
  ]) {
    for (const path of ['/no/such/page', '/r/a/b', '/docs/gone']) {
      const { page, answer } = await astray(t, path, { locale, context: { colorScheme: scheme } });
      assert.deepEqual([answer.status(), await page.getByTestId('notice').textContent()], [404, words], path);
      assert.equal(await page.locator('main h1').count(), 1);
      const icon = await page.locator('link[rel="icon"]').evaluate((link) => fetch(link.href).then((got) => got.status));
      assert.equal(icon, 200);
      backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      // With the keyboard one finds the way back, and sees where one is.
      const home = page.getByTestId('back-home');
      assert.equal((await home.textContent()).trim(), back);
      await until(async () => {
        await page.keyboard.press('Tab');
        return home.evaluate((node) => node === document.activeElement);
      }, 'the focus');
      const outline = await home.evaluate((node) => getComputedStyle(node).outlineStyle);
      assert.notEqual(outline, 'none');
      await page.keyboard.press('Enter');
      await page.waitForURL(`${stage.origin}/`);
    }
  }
  assert.equal(backgrounds.size, 2, 'light and dark');
  stage.assertQuiet();
});

test('a calendar file that there is not is told in words, and the next address is looked at again', { timeout: 60_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const { page, answer } = await astray(t, `/r/${identity}/calendar.ics`);
  assert.deepEqual([answer.status(), await page.getByTestId('notice').textContent()], [404, 'No time is planned']);
  await page.evaluate((path) => {
    history.pushState(null, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
  }, `/r/${identity}`);
  await page.getByTestId('room-title').filter({ hasText: 'Test room' }).waitFor();
  const none = await astray(t, `/r/${'x'.repeat(20)}/calendar.ics`, { locale: 'zh-CN' });
  assert.equal(none.answer.status(), 404);
  await none.page.getByTestId('notice').filter({ hasText: '找不到这个房间' }).waitFor();
  stage.assertQuiet();
});
