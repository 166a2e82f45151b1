/**
 * Every viewer gets what fits: a camera is sent in layers, each viewer gets the one that fits the tile, and what nobody
 * watches is not sent.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { closeAfter, guest, linesOf, seesPeople, strong } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

const SHARP = { init: [strong], context: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 } };
const PHONE = { init: [strong], context: { viewport: { width: 390, height: 844 } } };
/** Layers that are watched no more are stopped after two seconds, and a tab counts as left after five. */
const SOON = { timeoutMs: 90_000, everyMs: 500 };

let stage;
before(async () => {
  stage = await openStage();
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

/** Frames that each layer of the own camera was encoded in, by its name. */
const encoded = (page) => page.evaluate(async () => {
  const frames = {};
  for (const connection of globalThis.watchedConnections) {
    if (connection.connectionState === 'closed') continue;
    for (const entry of (await connection.getStats()).values()) {
      if (entry.type === 'outbound-rtp' && entry.rid) frames[entry.rid] = (frames[entry.rid] ?? 0) + entry.framesEncoded;
    }
  }
  return frames;
});

/** The layers that grew within a second. */
async function running(page) {
  const before = await encoded(page);
  await page.waitForTimeout(1_000);
  const now = await encoded(page);
  return Object.keys(now).filter((rid) => now[rid] > (before[rid] ?? 0)).sort().join('');
}

/** As if the person looked at another tab, or came back. */
const look = (page, hidden) => page.evaluate((value) => {
  Object.defineProperty(document, 'hidden', { value, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}, hidden);

async function choose(page, quality) {
  await page.getByTestId('more').click();
  await page.getByTestId('more-picture').click();
  await page.getByTestId(`picture-${quality}`).click();
}

test('a large tile gets a large picture and a small one a small one, of the same camera at once', { timeout: 480_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await guest(stage, identity, 'Bo', { init: [strong] });
  const ada = await guest(stage, identity, 'Ada', SHARP);
  const cy = await guest(stage, identity, 'Cy', PHONE);
  closeAfter(t, ada, bo, cy);
  await Promise.all([ada, bo, cy].map((page) => seesPeople(page, 3)));

  await t.test('at once', async () => {
    await until(async () => (await linesOf(ada, 'Bo')) === 720 && (await linesOf(cy, 'Bo')) === 180, '720 lines here and 180 there', SOON);
  });

  await t.test('smaller after the window was made small, and larger again', async () => {
    await ada.setViewportSize({ width: 640, height: 420 });
    await until(async () => [180, 360].includes(await linesOf(ada, 'Bo')), 'a smaller picture', SOON);
    await ada.setViewportSize({ width: 1280, height: 800 });
    await until(async () => (await linesOf(ada, 'Bo')) === 720, 'the large picture', SOON);
  });

  await t.test('what nobody watches is not sent, and is again once somebody does', async () => {
    await look(ada, true);
    await until(async () => !(await running(bo)).includes('f'), 'the largest layer to stop', SOON);
    assert.equal(await linesOf(cy, 'Bo'), 180);
    await look(cy, true);
    await until(async () => (await running(bo)) === '', 'the camera to be sent no more', SOON);
    await look(ada, false);
    await until(async () => (await linesOf(ada, 'Bo')) === 720, 'the large picture', SOON);
    await look(cy, false);
    await until(async () => (await linesOf(cy, 'Bo')) === 180, 'the small picture', SOON);
  });
});

test('in a room of two what is watched is encoded and the smallest layer, and nothing before there is a second person', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await guest(stage, identity, 'Bo', SHARP);
  closeAfter(t, bo);
  await until(async () => (await running(bo)) === '', 'nothing to be encoded for nobody', SOON);
  const ada = await guest(stage, identity, 'Ada', SHARP);
  closeAfter(t, ada);
  await until(async () => (await linesOf(ada, 'Bo')) === 720 && (await running(bo)) === 'fq', 'the largest layer and the smallest', SOON);
  // Beside a panel or in a small window.
  await ada.setViewportSize({ width: 320, height: 300 });
  await until(async () => (await linesOf(ada, 'Bo')) < 720 && !(await running(bo)).includes('f'), 'the largest layer to stop', SOON);
});

test('of a page that nobody sees, its small window goes on until it is closed', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await guest(stage, identity, 'Bo', { init: [strong] });
  const ada = await guest(stage, identity, 'Ada', PHONE);
  closeAfter(t, ada, bo);
  await until(async () => (await linesOf(ada, 'Bo')) > 0, 'a picture', SOON);
  await ada.getByTestId('more').click();
  await ada.getByTestId('more-pip').click();
  const inWindow = (read) => ada.evaluate(read);
  const lines = () => inWindow(() => documentPictureInPicture.window?.document.querySelector('video')?.videoHeight ?? 0);
  await until(async () => (await lines()) > 0, 'the small window', SOON);
  await look(ada, true);
  // Without the window the camera would be sent no more by then.
  await ada.waitForTimeout(10_000);
  assert.notEqual(await running(bo), '');
  assert.ok((await lines()) > 0);
  await inWindow(() => documentPictureInPicture.window.close());
  await until(async () => (await running(bo)) === '', 'the camera to be sent no more', SOON);
});

test('between browsers there is nothing to choose', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const ada = await guest(stage, identity, 'Ada');
  closeAfter(t, ada);
  await ada.getByTestId('more').click();
  await ada.getByTestId('more-devices').waitFor();
  assert.equal(await ada.getByTestId('more-picture').count(), 0);
  await ada.getByTestId('more-devices').click();
  await ada.getByText('In this meeting browsers send to each other directly').waitFor();
});

test('a person who saves data gets and sends small pictures, one who wants sound only gets none; screens stay', { timeout: 480_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await guest(stage, identity, 'Bo', SHARP);
  const ada = await guest(stage, identity, 'Ada', SHARP);
  closeAfter(t, ada, bo);
  await until(async () => (await linesOf(ada, 'Bo')) === 720 && (await linesOf(bo, 'Ada')) === 720, 'large pictures', SOON);

  await choose(ada, 'save');
  await until(async () => (await linesOf(ada, 'Bo')) === 180, 'a small picture', SOON);
  await until(async () => (await linesOf(bo, 'Ada')) === 360, 'half of the own picture', SOON);
  await until(async () => !(await running(ada)).includes('f'), 'the own largest layer to stop', SOON);
  const tile = ada.getByTestId('tile').filter({ hasText: 'Bo' });
  await tile.getByRole('button', { name: 'You chose to save data.' }).click();
  const card = ada.getByRole('dialog', { name: 'Connection of Bo' });
  await card.getByText('You chose to save data.').waitFor();
  await ada.keyboard.press('Escape');
  // The other one sees why, too.
  const theirs = bo.getByTestId('tile').filter({ hasText: 'Ada' });
  await theirs.getByRole('button', { name: 'Ada’s connection or device sends no more.' }).waitFor();

  await bo.getByTestId('share').click();
  await until(() => ada.evaluate(() => document.querySelector('[data-testid="screen"]')?.videoHeight === 720), 'the whole screen', SOON);
  await choose(ada, 'sound');
  // Beside the screen the tiles are small.
  await tile.getByRole('button', { name: 'You chose sound only.' }).waitFor();
  await until(async () => (await linesOf(ada, 'Bo')) === 0, 'the picture to go');
  await until(async () => (await running(bo)) === '', 'the camera to be sent no more', SOON);
  assert.equal(await ada.evaluate(() => document.querySelector('[data-testid="screen"]').videoHeight), 720);
  await bo.getByTestId('share').click();

  // It is remembered, and holds from the first picture on.
  await ada.reload();
  await ada.getByTestId('room').waitFor();
  await tile.getByText('You chose sound only.').waitFor();
  await choose(ada, 'best');
  await until(async () => (await linesOf(ada, 'Bo')) === 720, 'the large picture', SOON);
});

test('a machine that cannot keep up sends and asks for less by itself, and says so once', { timeout: 480_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const bo = await guest(stage, identity, 'Bo', SHARP);
  const ada = await guest(stage, identity, 'Ada', SHARP);
  closeAfter(t, ada, bo);
  await until(async () => (await linesOf(ada, 'Bo')) === 720 && (await linesOf(bo, 'Ada')) === 720, 'large pictures', SOON);
  await ada.evaluate(() => (globalThis.busy = true));
  const words = ada.getByText('This device is busy');
  await words.waitFor();
  await until(async () => (await linesOf(ada, 'Bo')) <= 360 && (await linesOf(bo, 'Ada')) === 360, 'half the size', SOON);
  await until(async () => (await linesOf(ada, 'Bo')) === 180 && (await linesOf(bo, 'Ada')) === 180, 'a quarter of the size', SOON);
  await words.waitFor({ state: 'hidden' });
  await ada.getByTestId('tile').filter({ hasText: 'Bo' }).getByRole('button', { name: 'This device cannot keep up' }).waitFor();
  await ada.evaluate(() => (globalThis.busy = false));
  await until(async () => (await linesOf(ada, 'Bo')) === 360, 'a step back', { timeoutMs: 90_000, everyMs: 1_000 });
});

const CROWD_FPS = 4;
/** A page asks for so many sounds, and gets the loudest: here those who came last. */
const MOST_VOICES = 4;
/** Between the mean squares of what they say and of what the others do. */
const LOUD = 0.01;

/** Somebody who sends a drawn picture and a tone and receives nothing; many fit in one page. */
const crowd = (page, identity, names) => page.evaluate(async ({ identity, names, fps, loud }) => {
  const { Session, createCall } = globalThis.client;
  const canvas = document.createElement('canvas');
  canvas.width = 1280;
  canvas.height = 720;
  const pen = canvas.getContext('2d');
  let frame = 0;
  setInterval(() => {
    pen.fillStyle = `hsl(${(frame += 7) % 360} 60% 50%)`;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }, 1_000 / fps);
  globalThis.calls = [];
  const context = new AudioContext();
  /** A tone that nobody else has. */
  const voice = () => {
    const at = globalThis.calls.length;
    const tone = new OscillatorNode(context, { frequency: 200 + 40 * at });
    const heard = new MediaStreamAudioDestinationNode(context);
    tone.connect(new GainNode(context, { gain: at < names.length - loud ? 0.02 : 0.5 })).connect(heard);
    tone.start();
    return heard.stream.getAudioTracks()[0];
  };
  for (const name of names) {
    const session = new Session(`${location.origin.replace('http', 'ws')}/ws`);
    await session.guest({ display_name: name });
    const call = createCall(session, await session.joinRoom({ identity }));
    call.setSource('camera', canvas.captureStream(fps).getVideoTracks()[0]);
    call.setSource('microphone', voice());
    await call.start();
    call.view([]);
    globalThis.calls.push(call);
  }
}, { identity, names, fps: CROWD_FPS, loud: MOST_VOICES });

test('of sixteen cameras a phone gets a page of small pictures', { timeout: 300_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const others = await stage.clientPage('the others');
  const names = Array.from({ length: 15 }, (_, at) => `P${at + 1}`);
  await crowd(others, identity, names);
  const phone = await guest(stage, identity, 'Ada', { ...PHONE, context: { ...PHONE.context, deviceScaleFactor: 2 } });
  closeAfter(t, others, phone);
  const shown = () => phone.evaluate(() =>
    [...document.querySelectorAll('[data-testid="tile"]:not(.me) video')].map((video) => (video.srcObject ? video.videoHeight : 0)));
  await until(async () => (await shown()).length === 7 && (await shown()).every((lines) => lines > 0 && lines <= 360), 'seven small pictures', { timeoutMs: 90_000, everyMs: 500 });
  // Nothing else comes, and nobody sends what is too large for everybody.
  const read = () => phone.evaluate(async () => {
    const reports = await Promise.all(globalThis.watchedConnections.map((one) => one.getStats()));
    const entries = reports.flatMap((report) => [...report.values()]).filter(({ type }) => type === 'inbound-rtp');
    return entries.map(({ id, kind, framesDecoded = 0, frameWidth = 0, frameHeight = 0, totalDecodeTime = 0, packetsReceived, totalAudioEnergy = 0 }) =>
      ({ id, kind, frames: framesDecoded, pixels: frameWidth * frameHeight, decodeS: totalDecodeTime, packets: packetsReceived, energy: totalAudioEnergy }));
  });
  const arriving = async (seconds) => {
    const before = new Map((await read()).map((one) => [one.id, one]));
    await phone.waitForTimeout(seconds * 1_000);
    const since = (await read()).map((one) => {
      const { frames = 0, packets = 0, decodeS = 0, energy = 0 } = before.get(one.id) ?? {};
      return { ...one, frames: one.frames - frames, packets: one.packets - packets, decodeS: one.decodeS - decodeS, energy: one.energy - energy };
    });
    const pictures = since.filter(({ kind, frames }) => kind === 'video' && frames > 0);
    const sum = (of) => pictures.reduce((all, one) => all + of(one), 0) / seconds;
    return {
      pictures: pictures.length,
      sounds: since.filter(({ kind, packets }) => kind === 'audio' && packets > 0).length,
      loud: since.filter(({ kind, energy }) => kind === 'audio' && energy > LOUD * seconds).length,
      fps: sum(({ frames }) => frames), pixels: sum(({ frames, pixels }) => frames * pixels), decodeS: sum(({ decodeS }) => decodeS),
    };
  };
  await until(async () => (await arriving(1.5)).pictures === 7, 'seven pictures to come, and no more', SOON);
  // Each is the smallest that is about as high as its tile.
  const misfits = () => phone.evaluate(() =>
    [...document.querySelectorAll('[data-testid="tile"]:not(.me) video')].map((video) => {
      const need = video.clientHeight * Math.min(2, devicePixelRatio);
      const { videoHeight: lines } = video;
      const fits = [180, 360, 720].find((one) => one >= need * 0.7);
      // One that fits already stays until a smaller one is nearer.
      return lines === fits || (lines === fits * 2 && fits < need * 0.85) ? '' : `${lines} lines for ${need}`;
    }).filter(Boolean));
  await until(async () => !(await misfits()).length, 'each tile to get the smallest picture that fits', SOON);
  await until(async () => (await arriving(1)).loud === MOST_VOICES, 'the loudest to be heard', SOON);
  const load = await arriving(3);
  t.diagnostic(JSON.stringify(load));
  assert.equal(load.pictures, 7);
  assert.deepEqual([load.sounds, load.loud], [MOST_VOICES, MOST_VOICES], 'the loudest are heard, and nobody else');
  assert.ok(load.pixels <= 7 * CROWD_FPS * 640 * 360 * 1.3, `${load.pixels} pixels a second`);
  const large = () => others.evaluate(async () => {
    const of = async (call) => (await call.stats()).tracks.find(({ rid }) => rid === 'f')?.framesEncoded ?? 0;
    return Promise.all(globalThis.calls.map(of));
  });
  await until(async () => {
    const before = await large();
    await others.waitForTimeout(1_500);
    return (await large()).every((frames, at) => frames === before[at]);
  }, 'everybody to stop the largest layer', SOON);
});
