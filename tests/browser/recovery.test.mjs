/** What breaks on the way comes back by itself: the socket, and the path of the media; and the page says so meanwhile. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { facts, failDtls, failIce, flows, iceUser, join } from './media-page.mjs';
import { guest, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

for (const topology of ['p2p', 'sfu']) {
  test(`a lost socket comes back, and sound and picture go on (${topology})`, async () => {
    const identity = await makeRoom(stage, { topology });
    let cut;
    const ada = await stage.clientPage('ada', (page) =>
      page.routeWebSocket('**/ws', (socket) => {
        const server = socket.connectToServer();
        cut = () => Promise.all([server.close({ code: 4000 }), socket.close({ code: 4408 })]);
      }));
    const bo = await stage.clientPage('bo');
    const first = await join(ada, { name: 'Ada', identity });
    await join(bo, { name: 'Bo', identity });
    await Promise.all([ada, bo].map((page) => flows(page, { video: 1, audio: 1 }, until)));
    await ada.evaluate(() => globalThis.me.call.setMuted('camera', true));
    const made = await ada.evaluate(() => globalThis.me.pcs.length);

    await cut();
    await until(() => ada.evaluate(() => globalThis.me.session.state !== 'online'), 'the socket to be lost');
    // Said while there is none.
    await ada.evaluate(() => globalThis.me.call.setMuted('camera', false));
    assert.equal(await ada.evaluate(() => globalThis.me.session.state), 'online');
    await Promise.all([ada, bo].map((page) => flows(page, { video: 1, audio: 1 }, until)));
    assert.equal(await ada.evaluate(() => globalThis.me.reply.self.id), first);
    assert.equal(await ada.evaluate(() => globalThis.me.pcs.length), made, 'over the same connections');
    assert.deepEqual((await facts(bo)).left, [], 'nobody left');
    assert.deepEqual((await facts(bo)).errors, []);
    await Promise.all([ada, bo].map((page) => page.context().close()));
    stage.assertQuiet();
  });

  test(`a lost path is restarted without a new participant (${topology})`, async () => {
    const identity = await makeRoom(stage, { topology });
    const [ada, bo] = [await stage.clientPage('ada'), await stage.clientPage('bo')];
    await join(ada, { name: 'Ada', identity });
    await join(bo, { name: 'Bo', identity });
    await Promise.all([ada, bo].map((page) => flows(page, { video: 1, audio: 1 }, until)));
    const connections = await ada.evaluate(() => globalThis.me.pcs.length);
    assert.equal(connections, topology === 'sfu' ? 2 : 1);
    for (let index = 0; index < connections; index += 1) {
      const before = await failIce(ada, index);
      await until(async () => ![null, before].includes(await iceUser(ada, index)), 'a new ICE session');
      await Promise.all([ada, bo].map((page) => flows(page, { video: 1, audio: 1 }, until)));
    }
    for (const page of [ada, bo]) {
      assert.deepEqual((await facts(page)).errors, []);
      await page.context().close();
    }
    stage.assertQuiet();
  });
}

for (const topology of ['p2p', 'sfu']) {
  test(`a connection that fails for good is made anew, and sound and picture flow again (${topology})`, { timeout: 120_000 }, async () => {
    const identity = await makeRoom(stage, { topology });
    const [ada, bo] = [await stage.clientPage('ada'), await stage.clientPage('bo')];
    const first = await join(ada, { name: 'Ada', identity });
    await join(bo, { name: 'Bo', identity });
    await Promise.all([ada, bo].map((page) => flows(page, { video: 1, audio: 1 }, until)));
    const connections = await ada.evaluate(() => globalThis.me.pcs.length);
    for (let index = 0; index < connections; index += 1) {
      await failDtls(ada, index);
      const made = connections + index + 1;
      await until(() => ada.evaluate((n) => globalThis.me.pcs.length >= n, made), 'a new connection');
      await until(() => ada.evaluate((n) => globalThis.me.pcs[n - 1].connectionState === 'connected', made), 'it to connect');
      await Promise.all([ada, bo].map((page) => flows(page, { video: 1, audio: 1 }, until)));
    }
    assert.deepEqual((await facts(bo)).left, [], 'nobody left');
    assert.equal(await ada.evaluate(() => globalThis.me.reply.self.id), first);
    for (const page of [ada, bo]) {
      assert.deepEqual((await facts(page)).errors, []);
      await page.context().close();
    }
    stage.assertQuiet();
  });
}

test('the lost path to one person shows at their tile and their name, also without a camera', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const pages = await Promise.all(['Ada', 'Bo', 'Cy'].map((name) => guest(stage, identity, name)));
  t.after(() => Promise.all(pages.map((page) => page.context().close())));
  const [ada, ...others] = pages;
  for (const page of pages) await seesPeople(page, 3);
  for (const page of others) await page.getByTestId('camera').click();
  const paths = () => ada.evaluate(() => globalThis.watchedConnections.filter((pc) => pc.connectionState === 'connected').length);
  await until(async () => (await paths()) === 2, 'both paths');
  const away = ada.locator('.tile.away');
  const rows = ada.getByTestId('person').filter({ hasText: 'reconnecting' });
  assert.equal(await away.count(), 0);
  await ada.getByTestId('people').click();
  await ada.evaluate(() => {
    const pc = (globalThis.cut = globalThis.watchedConnections.find((one) => one.connectionState === 'connected'));
    Object.defineProperty(pc, 'connectionState', { value: 'disconnected', configurable: true });
    pc.dispatchEvent(new Event('connectionstatechange'));
  });
  await away.waitFor();
  await rows.waitFor();
  const name = await away.locator('.nm').textContent();
  assert.match((await rows.textContent()) ?? '', new RegExp(`${name}.*reconnecting`));
  assert.equal(await away.count(), 1, 'the other path stands');
  assert.match((await away.getAttribute('aria-label')) ?? '', /reconnecting/);
  await away.locator('.bars.q0').waitFor();
  assert.equal(await ada.getByTestId('reconnecting').isVisible(), false, 'it is not the own connection');
  await ada.evaluate(() => {
    delete globalThis.cut.connectionState;
    globalThis.cut.dispatchEvent(new Event('connectionstatechange'));
  });
  await away.waitFor({ state: 'detached' });
  await rows.waitFor({ state: 'detached' });
  stage.assertQuiet();
});
