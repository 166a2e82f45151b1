/** Rooms without the SFU: two pages connect to each other. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { facts, flows, join, shareScreen } from './media-page.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

test('two people in a p2p room see and hear each other and exchange data', async () => {
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const [ada, bo] = await Promise.all([stage.clientPage('ada'), stage.clientPage('bo')]);
  const adaId = await join(ada, { name: 'Ada', identity });
  const boId = await join(bo, { name: 'Bo', identity });
  await Promise.all([flows(ada, { video: 1, audio: 1 }, until), flows(bo, { video: 1, audio: 1 }, until)]);

  await until(() => ada.evaluate(() => globalThis.me.call.sendData('hello') === 1), 'the data channel');
  await bo.evaluate((to) => globalThis.me.call.sendData(new Uint8Array([1, 2, 3]).buffer, to), adaId);
  await until(async () => (await facts(bo)).data.length === 1, "Ada's message");
  assert.deepEqual((await facts(bo)).data, [{ from: adaId, data: 'hello' }]);
  const bytes = await until(
    () => ada.evaluate(() => globalThis.me.data[0] && { ...globalThis.me.data[0], data: [...new Uint8Array(globalThis.me.data[0].data)] }),
    "Bo's message",
  );
  assert.deepEqual(bytes, { from: boId, data: [1, 2, 3] });

  const screen = await shareScreen(ada);
  await flows(bo, { video: 2, audio: 1 }, until);
  assert.ok((await facts(bo)).tracks.includes(screen), 'the screen shows under its own track id');

  // Off and on again: the sender stays, its track gets a new name.
  await ada.evaluate(() => globalThis.me.call.setSource('camera', null));
  await flows(bo, { video: 1, audio: 1 }, until);
  const camera = await ada.evaluate(async () => {
    await globalThis.me.call.setSource('camera', globalThis.me.media.camera);
    return globalThis.me.call.ownTrack('camera').id;
  });
  await flows(bo, { video: 2, audio: 1 }, until);
  assert.ok((await facts(bo)).tracks.includes(camera));

  await ada.evaluate(() => globalThis.me.session.leaveRoom());
  await until(async () => (await facts(bo)).tracks.length === 0, 'the slots of who left to empty');
  assert.deepEqual((await facts(bo)).left, [adaId]);
  const { firstFrame, errors } = await facts(bo);
  console.log(`p2p: join to first remote frame ${Math.round(firstFrame)} ms`);
  assert.deepEqual([errors, (await facts(ada)).errors], [[], []]);
  stage.assertQuiet();
});

test('three people whose offers cross all end up with everything', async () => {
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const pages = await Promise.all(['ada', 'bo', 'cy'].map((name) => stage.clientPage(name)));
  // All at once: every pair negotiates while the others do.
  await Promise.all(pages.map((page, index) => join(page, { name: `guest ${index}`, identity })));
  await Promise.all(pages.map((page) => flows(page, { video: 2, audio: 2 }, until)));
  await Promise.all(pages.map((page) => shareScreen(page)));
  await Promise.all(pages.map((page) => flows(page, { video: 4, audio: 2 }, until)));
  for (const page of pages) assert.deepEqual((await facts(page)).errors, []);
  stage.assertQuiet();
});
