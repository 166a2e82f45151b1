/** Rooms over the SFU, at the level of the client library: real media, no views. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { facts, flows, join, received, shareScreen } from './media-page.mjs';
import { closeAfter, guest } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

/** Five seconds in halves: sound and picture must move on in each. */
const FIVE_SECONDS = 10;
/** Longer than any machine takes to join, and shorter than the first time-out of the client. */
const STUCK_MS = 12_000;

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

test('people in a room see and hear each other, share, leave, and come late', async (t) => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const names = ['ada', 'bo', 'cy'];
  const pages = [];
  for (const name of names) pages.push(await stage.clientPage(name));
  const ids = [];
  for (const [index, page] of pages.entries()) ids.push(await join(page, { name: names[index], identity }));
  const [ada, bo, cy] = pages;

  await t.test('three see and hear each other for five seconds', async () => {
    await Promise.all(pages.map((page) => flows(page, { video: 2, audio: 2, steps: FIVE_SECONDS }, until)));
    for (const page of pages) {
      const tracks = await received(page);
      const lost = tracks.reduce((sum, { packetsLost }) => sum + packetsLost, 0);
      const packets = tracks.reduce((sum, one) => sum + one.packets, 0);
      assert.ok(lost <= packets / 100, `${lost} of ${packets} packets were lost on this machine's own network`);
    }
  });

  await t.test('a screen comes beside the camera, under its own track id', async () => {
    const screen = await shareScreen(ada);
    await Promise.all([bo, cy].map((page) => flows(page, { video: 3, audio: 2 }, until)));
    assert.ok((await facts(bo)).tracks.includes(screen));
    await ada.evaluate(() => globalThis.me.call.setSource('screen', null));
    await until(async () => !(await facts(bo)).tracks.includes(screen), 'the screen to go');
  });

  await t.test('a camera that is switched off and on comes back', async () => {
    await ada.evaluate(() => globalThis.me.call.setSource('camera', null));
    await flows(bo, { video: 1, audio: 2 }, until);
    await ada.evaluate(() => globalThis.me.call.setSource('camera', globalThis.me.media.camera));
    await flows(bo, { video: 2, audio: 2 }, until);
  });

  await t.test('only what is asked for is sent', async () => {
    const camera = await cy.evaluate(() => globalThis.me.call.ownTrack('camera').id);
    await bo.evaluate((track) => globalThis.me.call.view([{ track, width: 640, height: 360, priority: 1 }]), camera);
    await flows(bo, { video: 1, audio: 2 }, until);
    assert.ok((await facts(bo)).tracks.includes(camera));
  });

  await t.test('who leaves is gone for the others', async () => {
    await cy.evaluate(() => {
      globalThis.me.call.close();
      return globalThis.me.session.leaveRoom();
    });
    await until(async () => (await facts(ada)).left.includes(ids[2]), 'Ada to notice');
    await flows(ada, { video: 1, audio: 1 }, until);
  });

  await t.test('who comes late sees the others at once', async () => {
    const dee = await stage.clientPage('dee');
    pages.push(dee);
    await join(dee, { name: 'dee', identity });
    await flows(dee, { video: 2, audio: 2 }, until);
    const { firstFrame } = await facts(dee);
    assert.ok(firstFrame > 0, 'a first frame was seen');
  });

  await t.test('a connection with one slot gets more once more is asked for', async () => {
    const eve = await stage.clientPage('eve');
    pages.push(eve);
    await join(eve, { name: 'eve', identity, slots: { videoSlots: 9, videoSlotsAtFirst: 1 } });
    await flows(eve, { video: 1, audio: 3 }, until);
    await eve.evaluate(() => {
      const { call, reply } = globalThis.me;
      const others = reply.participants.filter(({ id }) => id !== reply.self.id);
      const pictures = others.flatMap(({ tracks }) => tracks).filter(({ kind }) => kind === 'video');
      call.view(pictures.map(({ id }) => ({ track: id, width: 320, height: 180, priority: 0 })));
    });
    await flows(eve, { video: 3, audio: 3 }, until);
    const kinds = await eve.evaluate(() =>
      globalThis.me.pcs.map((pc) => pc.getTransceivers().filter(({ receiver }) => receiver.track.kind === 'video').length));
    assert.deepEqual(kinds.toSorted(), [2, 3], 'the same two connections, one of them with more m-lines');
  });

  const failures = [];
  for (const page of pages) failures.push(...(await facts(page)).errors);
  assert.deepEqual(failures, []);
  stage.assertQuiet();
});

test('a page that came first shows the cameras of all who come after', { timeout: 240_000 }, async (t) => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const page = await guest(stage, identity, 'Ada');
  const crowd = await stage.clientPage('crowd');
  closeAfter(t, page, crowd);
  const mids = () =>
    page.evaluate(() => globalThis.watchedConnections.map((pc) => pc.getTransceivers().length).toSorted((a, b) => a - b));
  assert.ok((await mids()).at(-1) < 6 + 4, 'it has no slots for six pictures and four voices yet');
  // Six people with a camera each, in one page.
  await crowd.evaluate(async (room) => {
    const { Session, createCall } = globalThis.client;
    const [camera] = (await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180, frameRate: 10 } })).getTracks();
    globalThis.crowd = [];
    for (const name of ['Bo', 'Cy', 'Dee', 'Eve', 'Fay', 'Gus']) {
      const session = new Session(`${location.origin.replace('http', 'ws')}/ws`);
      await session.guest({ display_name: name });
      const call = createCall(session, await session.joinRoom({ identity: room }), { videoSlots: 1 });
      globalThis.crowd.push(call);
      await call.start();
      await call.setSource('camera', camera.clone());
    }
  }, identity);
  const moving = () =>
    page.evaluate(() => [...document.querySelectorAll('[data-testid="tile"]:not(.me) video')].filter((video) => video.videoWidth > 0).length);
  await until(async () => (await moving()) === 6, 'six pictures', { timeoutMs: 60_000 });
  assert.ok((await mids()).at(-1) >= 6 + 4);
});

test('the time from join to the first remote frame', async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const host = await stage.clientPage('sender');
  await join(host, { name: 'sender', identity });
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    const guest = await stage.clientPage(`guest ${round}`);
    await join(guest, { name: 'guest', identity, sources: [] });
    times.push(await until(async () => (await facts(guest)).firstFrame, 'the first frame'));
    await guest.context().close();
  }
  times.sort((a, b) => a - b);
  console.log(`sfu: join to first remote frame, median of ${times.length}: ${Math.round(times[2])} ms ` +
    `(${times.map(Math.round).join(', ')})`);
  // The goal, 500 ms, is a figure to read here: a busy machine is no reason to fail, a retry after a time-out is one.
  assert.ok(times[2] < STUCK_MS, `joined after ${times[2]} ms`);
  stage.assertQuiet();
});
