/**
 * A line that carries half the pictures of the smallest layer, but not all: whoever is behind it sees fewer pictures a second
 * before there is none, and each of them decodes.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from '../browser/harness.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { openBottleneck } from './bottleneck.mjs';
import { openPerson, sendNoise } from './people.mjs';
import { openRelay } from './relay.mjs';

/** Half the pictures of three temporal layers take six tenths of the rate. */
const LINE_SHARE = 0.85;
/** Of all pictures half or a quarter comes, and a busy machine drops some. */
const [LEAST, MOST] = [0.15, 0.75];
const SECONDS = 5;
const SOON = { timeoutMs: 60_000, everyMs: 200 };
const TRIES = 3;

let line;
let stage;
const relays = [];
before(async () => {
  line = await openBottleneck();
  stage = await openStage({ server: line.server });
});
after(async () => {
  await stage?.close();
  if (!stage) await line?.server.stop();
  for (const relay of relays) relay.close();
});

async function relay() {
  const one = await openRelay(line.here, line.media);
  relays.push(one);
  return one;
}

/** Notes the id of each picture before it is decoded: of VP8 it is the one that it came with. To be run in the page. */
function notePictures() {
  globalThis.pictureIds = [];
  const Connection = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(configuration) {
      super({ ...configuration, encodedInsertableStreams: true });
      this.addEventListener('track', ({ receiver }) => {
        const { readable, writable } = receiver.createEncodedStreams();
        const isVideo = receiver.track.kind === 'video';
        const noted = new TransformStream({
          transform(frame, on) {
            if (isVideo) globalThis.pictureIds.push(frame.getMetadata().frameId);
            on.enqueue(frame);
          },
        });
        readable.pipeThrough(noted).pipeTo(writable);
      });
    }
  };
}

/** What the viewer's browser says of the picture, and its ids since this was asked last. */
const seen = ({ page }) => page.evaluate(async () => {
  for (const pc of globalThis.me.pcs) {
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type === 'inbound-rtp' && entry.kind === 'video' && entry.bytesReceived > 0) {
        return { ...entry, ids: globalThis.pictureIds.splice(0) };
      }
    }
  }
  return { framesDecoded: 0, bytesReceived: 0, ids: [] };
});

/** What came within some seconds. */
async function within(person) {
  const one = await seen(person);
  await person.page.waitForTimeout(SECONDS * 1_000);
  const other = await seen(person);
  const seconds = (other.timestamp - one.timestamp) / 1_000;
  const passed = (key) => other[key] - one[key];
  const gaps = other.ids.slice(1).filter((id, at) => id !== other.ids[at] + 1).length;
  return {
    fps: passed('framesDecoded') / seconds, kbps: (passed('bytesReceived') * 8) / 1_000 / seconds,
    freezes: passed('freezeCount'), keyframes: passed('keyFramesDecoded'), pictures: other.ids.length, gaps,
  };
}

test('a narrow line shows fewer pictures a second, and all of them again without a keyframe', { timeout: 300_000 }, async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await openPerson(stage, { name: 'ada', identity, relay: await relay(), sources: ['camera'] });
  await sendNoise(ada.page);
  const bo = await openPerson(stage, { name: 'bo', identity, relay: await relay(), sources: [], init: notePictures });
  await bo.page.evaluate(() => {
    const [{ track }] = [...globalThis.me.slots.values()].filter(({ kind }) => kind === 'video');
    return globalThis.me.call.view([{ track, width: 320, height: 180, priority: 0 }]);
  });
  const told = () => bo.page.evaluate(() => globalThis.me.told.at(-1));
  await until(async () => (await seen(bo)).frameHeight === 180, 'the smallest layer', SOON);
  let wide;
  await until(async () => (wide = await within(bo)).kbps > 100, 'the sender to reach its rate', SOON);

  line.rate('down', Math.round(wide.kbps * LINE_SHARE));
  await until(async () => (await told()).reason === 'bandwidth', 'the picture to be held back', SOON);
  const fits = (one) => one.fps > wide.fps * LEAST && one.fps < wide.fps * MOST && !one.freezes && !one.gaps;
  let narrow;
  for (let tries = 0; tries < TRIES && !(narrow && fits(narrow)); tries += 1) narrow = await within(bo);
  console.log(JSON.stringify({ wide, narrow }));
  assert.ok(fits(narrow), JSON.stringify({ wide, narrow }));
  assert.ok(narrow.pictures > 0);
  assert.equal((await told()).layer, 'q');

  line.rate('down', null);
  const keyframes = (await seen(bo)).keyFramesDecoded;
  await until(async () => (await told()).reason === null, 'the picture to come as it should', SOON);
  let again;
  await until(async () => (again = await within(bo)).fps > wide.fps * MOST, 'all pictures', SOON);
  console.log(JSON.stringify({ again }));
  assert.equal((await seen(bo)).keyFramesDecoded, keyframes);
  const errors = await Promise.all([ada, bo].map(({ page }) => page.evaluate(() => globalThis.me.errors)));
  assert.deepEqual(errors, [[], []]);
});
