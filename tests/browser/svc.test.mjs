/**
 * A camera in one stream of several layers (VP9 with `scalabilityMode`), as clients of other people's make may send it: each
 * viewer gets those that fit.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { facts, join } from './media-page.mjs';
import { makeRoom } from './rooms.mjs';

/** Chromium makes three layers of pictures no smaller than these, and the heights of all are even. */
const WIDTH = 960;
const HEIGHTS = [136, 270, 540];
/** A decoder that waits for a picture that was left out stands still for longer. */
const STILL_MS = 10_000;
const SOON = { timeoutMs: 60_000, everyMs: 200 };

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

/** From now on the page's cameras are sent so. @param {import('playwright-core').Page} page @param {string} mode */
const scalable = (page, mode) => page.evaluate(([scalabilityMode, width, height]) => {
  const { addTransceiver } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
    if (kind !== 'video') return addTransceiver.call(this, kind, init);
    const transceiver = addTransceiver.call(this, kind, { ...init, sendEncodings: [{ scalabilityMode }] });
    const { codecs } = RTCRtpSender.getCapabilities('video');
    const first = codecs.filter(({ mimeType, sdpFmtpLine = '' }) => mimeType === 'video/VP9' && sdpFmtpLine.includes('profile-id=0'));
    transceiver.setCodecPreferences([...first, ...codecs.filter(({ mimeType }) => mimeType === 'video/rtx')]);
    return transceiver;
  };
  const media = navigator.mediaDevices;
  const getUserMedia = media.getUserMedia.bind(media);
  media.getUserMedia = ({ audio }) => getUserMedia({ audio, video: { width, height, frameRate: 15 } });
}, [mode, WIDTH, HEIGHTS.at(-1)]);

/** What the browser says of the stream of this kind and direction. @param {import('playwright-core').Page} page @param {string} type */
const stream = (page, type) => page.evaluate(async (wanted) => {
  for (const pc of globalThis.me.pcs) {
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type === wanted && entry.kind === 'video' && (entry.bytesReceived ?? entry.bytesSent) > 0) return entry;
    }
  }
  return {};
}, type);

/** Notes how long the picture stood still at most. @param {import('playwright-core').Page} page */
const watchFrames = (page) => page.evaluate(() => {
  const { element } = [...globalThis.me.slots.values()].find(({ kind }) => kind === 'video');
  let last = performance.now();
  globalThis.longestStill = 0;
  const seen = () => {
    const now = performance.now();
    globalThis.longestStill = Math.max(globalThis.longestStill, now - last);
    last = now;
    element.requestVideoFrameCallback(seen);
  };
  element.requestVideoFrameCallback(seen);
});

/** Bytes a second, measured over a second and a half. @param {import('playwright-core').Page} page */
async function rate(page) {
  const one = await stream(page, 'inbound-rtp');
  await page.waitForTimeout(1_500);
  const other = await stream(page, 'inbound-rtp');
  assert.ok(other.framesDecoded > one.framesDecoded, 'the picture moves');
  return ((other.bytesReceived - one.bytesReceived) * 1_000) / (other.timestamp - one.timestamp);
}

for (const mode of ['L3T3', 'L3T3_KEY']) {
  test(`a viewer of VP9 in ${mode} gets the layers that fit`, { timeout: 180_000 }, async () => {
    const identity = await makeRoom(stage, { topology: 'sfu' });
    const [ada, bo] = await Promise.all(['ada', 'bo'].map((name) => stage.clientPage(name)));
    await scalable(ada, mode);
    await join(ada, { name: 'ada', identity });
    await join(bo, { name: 'bo', identity, sources: [] });
    const camera = await ada.evaluate(() => globalThis.me.call.ownTrack('camera').id);
    const show = (height) => bo.evaluate(([track, tall]) =>
      globalThis.me.call.view([{ track, width: Math.round((tall / 9) * 16), height: tall, priority: 0 }]), [camera, height]);
    const comes = (height) => until(async () => (await stream(bo, 'inbound-rtp')).frameHeight === height, `${height} lines`, SOON);

    await comes(HEIGHTS[2]);
    assert.equal((await stream(ada, 'outbound-rtp')).scalabilityMode, mode);
    await watchFrames(bo);
    await show(HEIGHTS[0]);
    await comes(HEIGHTS[0]);
    const small = await rate(bo);
    await show(HEIGHTS[2]);
    await comes(HEIGHTS[2]);
    const large = await rate(bo);
    await show(HEIGHTS[1]);
    await comes(HEIGHTS[1]);
    assert.ok(small * 2 < large, `${small} and ${large} bytes a second`);
    const still = await bo.evaluate(() => globalThis.longestStill);
    assert.ok(still < STILL_MS, `the picture stood still for ${still} ms`);
    assert.deepEqual((await facts(bo)).errors, []);
    await Promise.all([ada, bo].map((page) => page.context().close()));
  });
}
