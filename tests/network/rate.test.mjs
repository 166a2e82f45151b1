/**
 * A line that carries half the pictures of the smallest layer, but not all: whoever is behind it sees fewer pictures a second
 * before there is none, and each of them decodes.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from '../browser/harness.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { openBottleneck } from './bottleneck.mjs';
import { openPerson, sendNoise } from './people.mjs';
import { openRelay } from './relay.mjs';

/** Half the pictures of three temporal layers take six tenths of the rate. */
const LINE_SHARE = 0.75;
/** Of a line of a few packets a second nobody can tell what it carries: the layer takes more than the page lets it. */
const RATE_KBPS = 1_000;
const RISEN = 0.8;
/** Of all pictures half or a quarter comes, and a busy machine drops some. */
const [LEAST, MOST] = [0.15, 0.75];
const SECONDS = 5;
const SOON = { timeoutMs: 90_000, everyMs: 200 };
/** What the line carries is only found by and by. */
const TRIES = 8;

let line;
let isNarrow = false;
let stage;
const relays = [];
before(async () => {
  line = await openBottleneck();
  stage = await openStage({ server: line.server });
});
afterEach(widen);
after(async () => {
  await stage?.close();
  if (!stage) await line?.server.stop();
  for (const relay of relays) relay.close();
});

/** The line is as wide as it was. */
function widen() {
  if (isNarrow) line.rate('down', null);
  isNarrow = false;
}

async function relay() {
  const one = await openRelay(line.here, line.media);
  relays.push(one);
  return one;
}

/** The page agrees to no dependency descriptors: then Chromium writes and reads VP8's own layers and ids. To be run in it. */
function withoutDescriptors() {
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function plain({ type, sdp }) {
    return setRemoteDescription.call(this, { type, sdp: sdp.replace(/^a=extmap:.*dependency-descriptor.*\r\n/gm, '') });
  };
}

/** The smallest layer takes so much. To be run in the page. @param {number} rate */
function raised(rate) {
  const { setParameters } = RTCRtpSender.prototype;
  RTCRtpSender.prototype.setParameters = function more(parameters) {
    for (const encoding of parameters.encodings) if (encoding.rid === 'q') encoding.maxBitrate = rate;
    return setParameters.call(this, parameters);
  };
}

/** What the viewer's browser says of the picture. */
const seen = ({ page }) => page.evaluate(async () => {
  for (const pc of globalThis.me.pcs) {
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type === 'inbound-rtp' && entry.kind === 'video' && entry.bytesReceived > 0) return entry;
    }
  }
  return { framesDecoded: 0, bytesReceived: 0 };
});

/** What came within some seconds. */
async function within(person) {
  const one = await seen(person);
  await person.page.waitForTimeout(SECONDS * 1_000);
  const other = await seen(person);
  const seconds = (other.timestamp - one.timestamp) / 1_000;
  const passed = (key) => other[key] - one[key];
  return {
    fps: passed('framesDecoded') / seconds, kbps: (passed('bytesReceived') * 8) / 1_000 / seconds,
    freezes: passed('freezeCount'), keyframes: passed('keyFramesDecoded'), lost: passed('packetsLost'),
  };
}

test('a narrow line shows fewer pictures a second, by dependency descriptors', { timeout: 300_000 }, () => narrow(undefined));

test('a narrow line shows fewer pictures a second, by the ids of VP8', { timeout: 300_000 }, () => narrow(withoutDescriptors));

/** One sends, and the other's line is narrow, and wide again. @param {(() => void) | undefined} init run in both pages first */
async function narrow(init) {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await openPerson(stage, { name: 'ada', identity, relay: await relay(), sources: ['camera'], init });
  await ada.page.evaluate(raised, RATE_KBPS * 1_000);
  await sendNoise(ada.page);
  const bo = await openPerson(stage, { name: 'bo', identity, relay: await relay(), sources: [], init });
  const told = () => bo.page.evaluate(() => globalThis.me.told);
  await until(async () => (await told()).length > 0, 'the camera', SOON);
  await bo.page.evaluate(() => {
    const [{ track }] = globalThis.me.told;
    return globalThis.me.call.view([{ track, width: 320, height: 180, priority: 0 }]);
  });
  await until(async () => (await seen(bo)).frameHeight === 180, 'the smallest layer', SOON);
  let wide;
  await until(async () => (wide = await within(bo)).kbps > RATE_KBPS * RISEN, 'the sender to reach its rate', SOON);

  isNarrow = true;
  line.rate('down', RATE_KBPS * LINE_SHARE);
  await until(async () => (await told()).at(-1).reason === 'bandwidth', 'the picture to be held back', SOON);
  const fits = (one) => one.fps > wide.fps * LEAST && one.fps < wide.fps * MOST && !one.freezes && !one.keyframes;
  const slow = [];
  while (slow.length < TRIES && !slow.some(fits)) slow.push(await within(bo));
  assert.ok(slow.some(fits), JSON.stringify({ wide, slow }));
  assert.ok((await told()).some(({ layer, reason }) => layer === 'q' && reason === 'bandwidth'));

  widen();
  await until(async () => (await told()).at(-1).reason === null, 'the picture to come as it should', SOON);
  let again;
  await until(async () => (again = await within(bo)).fps > wide.fps * MOST, 'all pictures', SOON);
  const errors = await Promise.all([ada, bo].map(({ page }) => page.evaluate(() => globalThis.me.errors)));
  assert.deepEqual(errors, [[], []]);
  await Promise.all([ada, bo].map(({ page }) => page.close()));
}
