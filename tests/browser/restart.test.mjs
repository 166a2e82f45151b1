/** The server dies in the middle of a meeting and is started again: the pages come back by themselves. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { guest, received, seesAndHears, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

const LONGEST_MS = 20_000;

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

// A browser writes each socket that it cannot open into the console.
const expected = (text) => text.includes('WebSocket');

const tileOf = (page, name) => page.getByTestId('tile').filter({ hasText: name });
const idOf = (page, name) => tileOf(page, name).getAttribute('data-participant');
const connections = (page) => page.evaluate(() => globalThis.watchedConnections.length);

/** Whether a picture was decoded on a connection that is not one of the first `made`. */
async function seesAnew(page, made) {
  const streams = await received(page);
  return streams.some((one) => one.kind === 'video' && Number.parseInt(one.id, 10) >= made && one.frames > 0);
}

test('killed and started again, the meeting goes on with everybody in it', { timeout: 180_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const pages = [];
  for (const name of ['Ada', 'Bo']) {
    const page = await guest(stage, identity, name, { expected });
    t.after(() => page.context().close());
    pages.push(page);
  }
  const [ada, bo] = pages;
  for (const page of pages) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
  await ada.getByTestId('hand').click();
  await tileOf(bo, 'Ada').locator('.flag:not([hidden])').waitFor();
  const id = await idOf(bo, 'Ada');
  const made = await Promise.all(pages.map(connections));

  const killedAt = Date.now();
  await stage.server.kill();
  await stage.server.again();
  const listening = Date.now() - killedAt;
  const times = await Promise.all(pages.map(async (page, index) => {
    await until(() => seesAnew(page, made[index]), 'a picture over a new connection', { timeoutMs: LONGEST_MS, everyMs: 50 });
    return Date.now() - killedAt;
  }));
  t.diagnostic(`listening ${listening} ms after the kill, first decoded frames after ${times.join(' and ')} ms`);

  for (const page of pages) {
    await seesPeople(page, 2);
    await page.getByTestId('reconnecting').waitFor({ state: 'hidden' });
    await seesAndHears(page, { video: 1, audio: 1, seconds: 2 });
  }
  assert.equal(await idOf(bo, 'Ada'), id, 'the same participant');
  assert.equal(await tileOf(bo, 'Ada').locator('.flag:not([hidden])').count(), 1, 'the hand is up');
  stage.assertQuiet();
});
