/** Firefox and Chromium in one room, by the page as people use it: each must see and hear the other. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openFirefox, ownAddress } from './firefox.mjs';
import { openStage, until } from './harness.mjs';
import { closeAfter, guest, linesOf, seesAndHears, seesPeople, visit } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
let firefox;
before(async () => {
  stage = await openStage({ serverArgs: ['--media-ip', ownAddress()] });
  firefox = await openFirefox(stage);
});
after(async () => {
  await firefox?.close();
  await stage?.close();
});
afterEach(() => {
  stage.assertQuiet();
  firefox.assertQuiet();
});

for (const topology of ['sfu', 'p2p']) {
  test(`${topology}: Firefox and Chromium see and hear each other, and share a screen both ways`, { timeout: 240_000 }, async (t) => {
    const identity = await makeRoom(stage, { topology, name: `Both ${topology}` });
    const [fox] = closeAfter(t, await guest(firefox, identity, 'Fox'));
    const [ada] = closeAfter(t, await guest(stage, identity, 'Ada'));
    const pages = [fox, ada];
    await Promise.all(pages.map((page) => seesPeople(page, 2)));
    await Promise.all(pages.map((page) => seesAndHears(page, { video: 1, audio: 1, seconds: 3 })));
    for (const [sharer, viewer] of [[fox, ada], [ada, fox]]) {
      await sharer.getByTestId('share').click();
      await sharer.getByTestId('sharing').waitFor();
      await until(
        () => viewer.evaluate(() => document.querySelector('[data-testid="screen"]')?.videoWidth > 0),
        'the shared screen',
      );
      await sharer.getByTestId('share').click();
      await sharer.getByTestId('sharing').waitFor({ state: 'hidden' });
      await viewer.getByText('is presenting').waitFor({ state: 'hidden' });
    }
    // A third one, and the second goes: what Firefox sends and receives goes on.
    const [eve] = closeAfter(t, await guest(stage, identity, 'Eve'));
    await seesAndHears(fox, { video: 2, audio: 2, seconds: 2 });
    await seesAndHears(eve, { video: 2, audio: 2, seconds: 2 });
    await ada.getByTestId('leave').click();
    await seesPeople(fox, 2);
    await seesAndHears(fox, { video: 1, audio: 1, seconds: 2 });
  });
}

test('the camera of Firefox comes in the size of the tile, and so do those that Firefox shows', { timeout: 180_000 }, async (t) => {
  const identity = await makeRoom(stage, { name: 'Layers' });
  const [fox] = closeAfter(t, await guest(firefox, identity, 'Fox'));
  const [ada] = closeAfter(t, await guest(stage, identity, 'Ada', { context: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 } }));
  const [cy] = closeAfter(t, await guest(stage, identity, 'Cy', { context: { viewport: { width: 390, height: 844 } } }));
  await Promise.all([fox, ada, cy].map((page) => seesPeople(page, 3)));
  const options = { timeoutMs: 40_000, everyMs: 500 };
  await until(async () => {
    const [large, small] = [await linesOf(ada, 'Fox'), await linesOf(cy, 'Fox')];
    return small > 0 && large >= 2 * small;
  }, 'a large picture of Firefox here, and a small one there', options);
  await until(async () => (await linesOf(fox, 'Ada')) === 360, 'a picture as large as the tile in Firefox', options);
  await fox.setViewportSize({ width: 390, height: 640 });
  await until(async () => (await linesOf(fox, 'Ada')) === 180, 'a small one in a small window', options);
});

test('Firefox switches its microphone and camera, and others see it', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage, { name: 'Switches' });
  const [ada] = closeAfter(t, await guest(stage, identity, 'Ada'));
  const [fox] = closeAfter(t, await guest(firefox, identity, 'Fox'));
  await seesAndHears(ada, { video: 1, audio: 1, seconds: 2 });
  await fox.getByTestId('camera').click();
  const pictures = () => ada.evaluate(() =>
    [...document.querySelectorAll('[data-testid="tile"] video')].filter((video) => video.srcObject !== null).length);
  await until(
    async () => (await pictures()) === 1,
    'the picture of Firefox to go',
  );
  await fox.getByTestId('camera').click();
  await seesAndHears(ada, { video: 1, audio: 1, seconds: 2 });
});

test('the connection check passes in Firefox', { timeout: 120_000 }, async (t) => {
  // It tries each way by itself, also those that this server does not have; Firefox writes down each that fails.
  const expected = (text) => text.includes('ICE failed');
  const [page] = closeAfter(t, await visit(firefox, '/check', { expected }));
  await until(() => page.getByTestId('check-again').isEnabled(), 'the end of the check', { timeoutMs: 60_000 });
  const lines = await page.evaluate(() =>
    [...document.querySelectorAll('[data-testid="check-lines"] > li')].map((line) => [line.dataset.line, line.textContent]));
  const verdict = await page.evaluate(() => document.querySelector('.verdict').className);
  assert.match(verdict, /\bok\b/, JSON.stringify(lines));
  assert.equal(lines.length, 7);
});

test('the main screens work in Firefox', { timeout: 240_000 }, async (t) => {
  const [page] = closeAfter(t, await visit(firefox, '/'));
  await page.getByTestId('register-open').click();
  await page.getByTestId('display-name').fill('Fox');
  await page.getByTestId('username').fill(`fox-${crypto.randomUUID().slice(0, 8)}`);
  await page.getByTestId('password').fill(`pass-${crypto.randomUUID()}`);
  await page.getByTestId('sign-in').click();
  await page.getByTestId('home').waitFor();

  await page.getByTestId('new-room').click();
  await page.getByTestId('room-name').fill('Den');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByTestId('room-made').waitFor();
  await page.getByTestId('room-made-submit').click();
  const row = page.getByTestId('room').filter({ hasText: 'Den' });
  await row.getByTestId('enter').click();
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();

  const identity = new URL(page.url()).pathname.slice('/r/'.length);
  const [ada] = closeAfter(t, await guest(stage, identity, 'Ada'));
  await seesPeople(page, 2);
  await page.getByTestId('chat').click();
  await page.getByTestId('chat-panel').waitFor();
  await page.getByTestId('chat-input').fill('Hello from Firefox');
  await page.keyboard.press('Enter');
  await ada.getByTestId('chat').click();
  await ada.getByTestId('message-text').filter({ hasText: 'Hello from Firefox' }).waitFor();
  await page.getByTestId('people').click();
  await page.getByTestId('people-panel').waitFor();
  assert.equal(await page.getByTestId('person').count(), 2);
  for (const viewport of [{ width: 390, height: 844 }, { width: 320, height: 640 }, { width: 1280, height: 800 }]) {
    await page.setViewportSize(viewport);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wider, false, `nothing is wider than ${viewport.width} px`);
  }
  await page.getByTestId('leave').click();
});
