/** A lost socket and a reload are nobody's news: one stays the participant that one was, with all one had. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom } from './hosted.mjs';
import { guest, received, seesAndHears, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';
import { openProxy } from './tcp-proxy.mjs';

const CUT_MS = 3_000;

let stage;
let proxy;
before(async () => {
  stage = await openStage();
  proxy = await openProxy(stage.origin);
});
after(async () => {
  await proxy?.close();
  await stage?.close();
});

/** The same server, over the line that can be cut. */
const overProxy = () => ({ origin: proxy.origin, page: (...given) => stage.page(...given) });
const expected = (text) => text.includes('WebSocket');

/** Somebody whose socket can be cut. */
async function onTheLine(t, identity, name, options = {}) {
  t.after(() => proxy.heal());
  const page = await guest(overProxy(), identity, name, { expected, ...options });
  t.after(() => page.context().close());
  return page;
}

async function beside(t, identity, name) {
  const page = await guest(stage, identity, name);
  t.after(() => page.context().close());
  return page;
}

const tileOf = (page, name) => page.getByTestId('tile').filter({ hasText: name });
const idOf = (page, name) => tileOf(page, name).getAttribute('data-participant');
const connections = (page) => page.evaluate(() => globalThis.watchedConnections.length);

/** Every frame that was decoded so far. */
const frames = async (page) => (await received(page)).reduce((sum, one) => sum + (one.kind === 'video' ? one.frames : 0), 0);

/** Notes whatever is told of somebody's going, of a banner, and of a tile that is taken down. */
function watchNews(page, name) {
  return page.evaluate((name) => {
    const news = (globalThis.news = { left: 0, banner: 0, tile: 0 });
    const tile = [...document.querySelectorAll('[data-testid="tile"]')].find((one) => one.textContent.includes(name));
    const look = () => {
      const banner = document.querySelector('[data-testid="reconnecting"]');
      if (banner && !banner.hidden) news.banner += 1;
      if (!tile.isConnected) news.tile += 1;
      if (document.body.textContent.includes(`${name} left`)) news.left += 1;
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true, characterData: true });
  }, name);
}
const news = (page) => page.evaluate(() => globalThis.news);

for (const topology of ['sfu', 'p2p']) {
  test(`a socket that is cut for three seconds takes nobody out of the meeting (${topology})`, { timeout: 120_000 }, async (t) => {
    const identity = await makeRoom(stage, { topology });
    const bo = await beside(t, identity, 'Bo');
    const ada = await onTheLine(t, identity, 'Ada');
    for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
    const id = await idOf(bo, 'Ada');
    const made = [await connections(ada), await connections(bo)];
    await ada.getByTestId('hand').click();
    await tileOf(bo, 'Ada').locator('.flag:not([hidden])').waitFor();
    await ada.getByTestId('chat').click();
    await bo.getByTestId('chat').click();
    await watchNews(bo, 'Ada');

    const before = [await frames(ada), await frames(bo)];
    const cutAt = Date.now();
    proxy.cut();
    await ada.getByTestId('chat-input').fill('Written while away');
    await ada.getByTestId('chat-send').click();
    await tileOf(bo, 'Ada').getByTestId('tile-reconnecting').waitFor();
    await bo.getByTestId('chat-input').fill('And here');
    await bo.getByTestId('chat-send').click();
    await ada.getByTestId('reconnecting').waitFor();
    await until(() => Date.now() - cutAt > CUT_MS, 'three seconds to pass');
    const after = [await frames(ada), await frames(bo)];
    for (const side of [0, 1]) assert.ok(after[side] > before[side] + 10, `pictures went on: ${before} ${after}`);
    proxy.heal();

    await ada.getByTestId('reconnecting').waitFor({ state: 'hidden' });
    await tileOf(bo, 'Ada').getByTestId('tile-reconnecting').waitFor({ state: 'hidden' });
    for (const page of [ada, bo]) {
      for (const words of ['Written while away', 'And here']) {
        await page.getByTestId('messages').getByText(words).waitFor();
        assert.equal(await page.getByTestId('messages').getByText(words).count(), 1, `${words}, once`);
      }
      await seesPeople(page, 2);
    }
    assert.equal(await ada.getByTestId('chat-input').inputValue(), '');
    assert.equal(await idOf(bo, 'Ada'), id);
    assert.equal(await tileOf(bo, 'Ada').locator('.flag:not([hidden])').count(), 1, 'the hand is up');
    assert.deepEqual([await connections(ada), await connections(bo)], made, 'no new connection');
    const { left, tile } = await news(bo);
    assert.deepEqual({ left, tile }, { left: 0, tile: 0 });
    for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
    stage.assertQuiet();
  });
}

test('a socket that is back at once is not even told of', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await beside(t, identity, 'Bo');
  const ada = await onTheLine(t, identity, 'Ada');
  for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
  for (const [page, name] of [[ada, 'Bo'], [bo, 'Ada']]) await watchNews(page, name);
  const opened = proxy.opened();
  proxy.drop();
  await until(() => proxy.opened() > opened, 'another socket');
  // What is said comes through it.
  await ada.getByTestId('hand').click();
  await tileOf(bo, 'Ada').locator('.flag:not([hidden])').waitFor();
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 2 });
  for (const page of [ada, bo]) assert.deepEqual(await news(page), { left: 0, banner: 0, tile: 0 });
  stage.assertQuiet();
});

/** Notes which screens a page shows from its load on. */
const noteScreens = () => {
  const screens = (globalThis.screens = []);
  addEventListener('DOMContentLoaded', () => {
    new MutationObserver(() => {
      const { screen } = document.body.dataset;
      if (screen && screens.at(-1) !== screen) screens.push(screen);
    }).observe(document.body, { attributes: true });
  });
};

for (const topology of ['sfu', 'p2p']) {
  test(`a reload keeps the participant, the role, the hand and what was being written (${topology})`, { timeout: 120_000 }, async (t) => {
    const room = await hostedRoom(stage, { topology });
    const hanna = await host(stage, room, { init: [noteScreens] });
    t.after(() => hanna.context().close());
    const bo = await beside(t, room.identity, 'Bo');
    for (const page of [hanna, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
    const id = await idOf(bo, 'Hanna');
    await hanna.getByTestId('hand').click();
    await tileOf(bo, 'Hanna').locator('.flag:not([hidden])').waitFor();
    await hanna.getByTestId('mic').click();
    await hanna.getByTestId('chat').click();
    await hanna.getByTestId('chat-input').fill('Half a sentence');
    await watchNews(bo, 'Hanna');

    await hanna.reload();
    await hanna.getByTestId('room').waitFor();
    assert.deepEqual(await hanna.evaluate(() => globalThis.screens), ['loading', 'room'], 'straight back, over no other screen');
    await seesPeople(hanna, 2);
    assert.equal(await idOf(bo, 'Hanna'), id);
    assert.equal(await idOf(hanna, 'Hanna'), id);
    await tileOf(hanna, 'Hanna').locator('.flag:not([hidden])').waitFor();
    await hanna.getByTestId('people').click();
    await hanna.getByTestId('person').filter({ hasText: 'Hanna' }).filter({ hasText: 'owner' }).waitFor();
    await hanna.getByTestId('chat').click();
    // The page draws what it has once a frame.
    await until(async () => (await hanna.getByTestId('chat-input').inputValue()) === 'Half a sentence', 'what was being written');
    const switches = await Promise.all(['mic', 'camera'].map((tool) => hanna.getByTestId(tool).getAttribute('aria-pressed')));
    assert.deepEqual(switches, ['false', 'true']);
    await seesAndHears(hanna, { video: 1, audio: 1, seconds: 2 });
    await seesAndHears(bo, { video: 1, audio: 0, seconds: 2 });
    const { left, tile } = await news(bo);
    assert.deepEqual({ left, tile }, { left: 0, tile: 0 });
    await hanna.getByTestId('chat-send').click();
    await bo.getByTestId('chat').click();
    await bo.getByTestId('messages').getByText('Half a sentence').waitFor();
    stage.assertQuiet();
  });
}

test('nothing of a room that was left is taken up again, and no password is kept', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage, { password: 'open sesame' });
  const ada = await stage.page(`/r/${identity}`);
  t.after(() => ada.context().close());
  await ada.getByTestId('name').fill('Ada');
  await ada.getByTestId('join-password').fill('open sesame');
  await ada.getByTestId('join').click();
  await ada.getByTestId('room').waitFor();
  const stored = () => ada.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
  assert.match(await stored(), /meeting\.session/);
  assert.doesNotMatch(await stored(), /sesame/);
  // A person who is in is not asked again.
  await ada.reload();
  await ada.getByTestId('room').waitFor();
  await ada.getByTestId('leave').click();
  await ada.getByTestId('notice').waitFor();
  assert.doesNotMatch(await stored(), /meeting\.(session|rejoin|draft)/);
  await ada.reload();
  await ada.getByTestId('join-password').waitFor();
  stage.assertQuiet();
});

test('a tab that is duplicated begins anew, and the first one stays in the meeting', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const ada = await beside(t, identity, 'Ada');
  const id = await idOf(ada, 'Ada');
  const [twin] = await Promise.all([
    ada.context().waitForEvent('page'),
    // The browser copies what the tab stored, as it does for a duplicate.
    ada.evaluate(() => void window.open(location.href)),
  ]);
  await twin.getByTestId('join').waitFor();
  assert.equal(await twin.evaluate(() => sessionStorage.getItem('meeting.session')), null);
  await seesPeople(ada, 1);
  await ada.reload();
  await seesPeople(ada, 1);
  assert.equal(await idOf(ada, 'Ada'), id);
  assert.equal(await twin.getByTestId('join').isVisible(), true);
  stage.assertQuiet();
});
