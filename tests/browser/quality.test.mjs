/** How the page shows what it gets: pictures that stand still, weak connections, lost paths; and the small window. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { closeAfter, guest, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

/** What the server says of everybody's connection, as if it were worse: `quality` in place of the measured figures. */
function worse() {
  globalThis.quality = { score: 2, rtt_ms: 412, loss: 0.0625 };
  const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
  Object.defineProperty(MessageEvent.prototype, 'data', {
    get() {
      const data = get.call(this);
      if (typeof data !== 'string' || !data.includes('"quality.update"')) return data;
      const frame = JSON.parse(data);
      return JSON.stringify({ ...frame, data: { ...frame.data, ...globalThis.quality } });
    },
  });
}

const tileOf = (page, name) => page.getByTestId('tile').filter({ hasText: name });
const label = (tile) => tile.getAttribute('aria-label');
const has = async (tile, name) => ((await tile.getAttribute('class')) ?? '').split(' ').includes(name);

test('a picture that stands still is said to, and a weak connection has its bars and its numbers', { timeout: 240_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const ada = await guest(stage, identity, 'Ada', { init: [worse] });
  const bo = await guest(stage, identity, 'Bo');
  closeAfter(t, ada, bo);
  const tile = tileOf(ada, 'Bo');
  await until(() => has(tile, 'seen'), "Bo's picture");

  await t.test('bars on the tile, words for who listens, numbers by keyboard', async () => {
    await until(async () => (await label(tile))?.includes('weak connection'), 'the words');
    await tile.locator('.bars.q2').waitFor();
    await ada.getByTestId('mic').focus();
    await ada.keyboard.press('F6');
    const focused = () => ada.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);
    const keys = ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown'];
    await until(async () => {
      if ((await focused())?.startsWith('Bo')) return true;
      keys.push(keys.shift());
      await ada.keyboard.press(keys[0]);
      return (await focused())?.startsWith('Bo');
    }, "Bo's tile");
    await ada.keyboard.press('Enter');
    await ada.getByRole('menu').waitFor();
    await until(async () => {
      if ((await focused()) === 'Connection') return true;
      await ada.keyboard.press('ArrowDown');
      return (await focused()) === 'Connection';
    }, 'the entry of the menu');
    await ada.keyboard.press('Enter');
    const card = ada.getByRole('dialog', { name: 'Connection of Bo' });
    await card.waitFor();
    const facts = () => card.locator('dl').evaluate((list) =>
      Object.fromEntries([...list.querySelectorAll('dt')].map((term) => [term.textContent, term.nextElementSibling.textContent])));
    await until(async () => /^[1-9]\d* kbit\/s$/.test((await facts())['Data rate'] ?? ''), 'the data rate');
    const { Connection, 'Round trip': rtt, Loss, Picture } = await facts();
    assert.deepEqual([Connection, rtt, Loss], ['weak', '412 ms', '6.3 %']);
    assert.match(Picture, /^\d+ × \d+$/);
    await ada.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    await until(async () => (await focused())?.startsWith('Bo'), 'the focus on the tile again');
    await ada.evaluate(() => (globalThis.quality = { score: 3 }));
    await until(async () => !(await label(tile))?.includes('weak'), 'a good connection');
    // A good one is silent.
    await tile.locator('.bars').waitFor({ state: 'hidden' });
  });

  await t.test('a picture without frames, and its return', async () => {
    await bo.evaluate(async () => {
      globalThis.held = globalThis.watchedConnections
        .flatMap((one) => one.getSenders())
        .filter(({ track }) => track?.kind === 'video')
        .map((sender) => ({ sender, track: sender.track }));
      // Nobody is told: not the page, not the server.
      for (const { sender } of globalThis.held) await sender.replaceTrack(null);
    });
    await until(() => has(tile, 'frozen'), 'the dimmed picture');
    assert.match((await label(tile)) ?? '', /picture stands still/);
    await tile.locator('.bars.q1').waitFor();
    await bo.evaluate(() => Promise.all(globalThis.held.map(({ sender, track }) => sender.replaceTrack(track))));
    await until(async () => !(await has(tile, 'frozen')), 'the picture to move again');
    assert.doesNotMatch((await label(tile)) ?? '', /stands still/);
    await tile.locator('.bars').waitFor({ state: 'hidden' });
  });
});

for (const topology of ['sfu', 'p2p']) {
  test(`media that lose their way are said to, and nothing vanishes (${topology})`, { timeout: 120_000 }, async (t) => {
    const identity = await makeRoom(stage, { topology });
    const ada = await guest(stage, identity, 'Ada');
    const bo = await guest(stage, identity, 'Bo');
    closeAfter(t, ada, bo);
    await until(() => has(tileOf(ada, 'Bo'), 'seen'), "Bo's picture");
    const turn = (state) => ada.evaluate((value) => {
      for (const one of globalThis.watchedConnections) {
        if (value) Object.defineProperty(one, 'connectionState', { value, configurable: true });
        else delete one.connectionState;
        one.dispatchEvent(new Event('connectionstatechange'));
      }
    }, state);
    await turn('disconnected');
    await ada.getByTestId('reconnecting').waitFor();
    assert.match((await ada.locator('[aria-live="assertive"]').textContent()) ?? '', /interrupted/);
    await seesPeople(ada, 2);
    await turn(null);
    await ada.getByTestId('reconnecting').waitFor({ state: 'hidden' });
    // Lost together with the socket: that one comes back by itself, and the loss is said until media are back as well.
    await turn('disconnected');
    await ada.getByTestId('reconnecting').waitFor();
    const sockets = await ada.evaluate(() => globalThis.watchedSockets.length);
    await ada.evaluate(() => globalThis.watchedSockets.at(-1).close(4000));
    await until(() => ada.evaluate((before) => globalThis.watchedSockets.length > before && globalThis.watchedSockets.at(-1).readyState === 1, sockets), 'another socket');
    assert.ok(await ada.getByTestId('reconnecting').isVisible());
    await turn(null);
    await ada.getByTestId('reconnecting').waitFor({ state: 'hidden' });
    await seesPeople(ada, 2);
    await until(() => has(tileOf(ada, 'Bo'), 'seen'), "Bo's picture again");
  });
}

test('a small window over other work shows somebody, mutes, and closes with the meeting', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await guest(stage, identity, 'Bo');
  const ada = await guest(stage, identity, 'Ada');
  closeAfter(t, ada, bo);
  await until(() => has(tileOf(ada, 'Bo'), 'seen'), "Bo's picture");
  const open = async () => {
    await ada.getByTestId('more').click();
    await ada.getByTestId('more-pip').click();
  };
  const inside = (read) => ada.evaluate(read);
  await open();
  await until(() => inside(() => documentPictureInPicture.window?.document.querySelector('video')?.videoWidth > 0), 'the picture');
  assert.equal(await inside(() => documentPictureInPicture.window.document.querySelector('.nm').textContent), 'Bo');
  await until(() => inside(() => {
    const { document, getComputedStyle } = documentPictureInPicture.window;
    return getComputedStyle(document.querySelector('.pip')).position === 'fixed';
  }), 'the page’s own styles');
  const microphone = () => inside(() => documentPictureInPicture.window.document.querySelector('.pipbar button').getAttribute('aria-label'));
  assert.equal(await microphone(), 'Turn off microphone');
  await inside(() => documentPictureInPicture.window.document.querySelector('.pipbar button').click());
  await until(async () => (await microphone()) === 'Turn on microphone', 'the words of the button');
  assert.equal(await ada.getByTestId('mic').getAttribute('aria-pressed'), 'false');
  // Without a picture the person is shown as on their tile.
  await bo.getByTestId('camera').click();
  await until(() => inside(() => documentPictureInPicture.window.document.querySelector('.tile').classList.contains('off')), 'the avatar');
  await bo.getByTestId('camera').click();
  await until(() => inside(() => !documentPictureInPicture.window.document.querySelector('.tile').classList.contains('off')), 'the picture again');
  await inside(() => documentPictureInPicture.window.document.querySelector('.pipbar .leave').click());
  await ada.getByTestId('notice').waitFor();
  await until(() => inside(() => documentPictureInPicture.window === null), 'the window to close');

  // Where a document has no window of its own, the browser's one for videos.
  await ada.addInitScript(() => Reflect.deleteProperty(globalThis, 'documentPictureInPicture'));
  await ada.goto(`${stage.origin}/r/${identity}`);
  await ada.getByTestId('name').fill('Ada');
  await ada.getByTestId('join').click();
  await until(() => has(tileOf(ada, 'Bo'), 'seen'), "Bo's picture");
  await open();
  await until(() => inside(() => document.pictureInPictureElement?.videoWidth > 0), 'the video window');
  await ada.getByTestId('leave').click();
  await ada.getByTestId('notice').waitFor();
  await until(() => inside(() => document.pictureInPictureElement === null), 'the video window to close');
});
