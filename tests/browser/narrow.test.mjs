/** A subscriber whose line carries less than what is sent in the room: real media through a bottleneck. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { join } from './media-page.mjs';
import { openRelay, sendThrough } from './relay.mjs';
import { makeRoom } from './rooms.mjs';

/** The line carries this share of what is sent: 1 of 1.7 Mbit/s. A busy machine's encoder sends less than it may. */
const LINE_SHARE = 1 / 1.7;
const QUEUE_MS = 300;
/** The server may send a little more than the line carries: probes, and what it takes to notice. */
const MOST_SENT_SHARE = 1.3;
const MOST_CONCEALED = 0.05;
const STEADY_S = 10;
/** The queue that was full when it was found has drained by then. */
const DRAINED_S = 2;
/** For so long a busy machine may take to send as much as it is let. */
const RISING_MS = 15_000;

let stage;
let relay;
before(async () => {
  stage = await openStage();
  relay = await openRelay();
});
after(async () => {
  await stage?.close();
  await relay?.close();
});

/** A picture that no encoder can make small: noise, 20 times a second, without the cost of drawing it. */
function sendNoise(page) {
  return page.evaluate(async () => {
    const [width, height] = [640, 360];
    const noise = Uint8Array.from({ length: 4 * width * height }, () => Math.random() * 256);
    const track = new globalThis.MediaStreamTrackGenerator({ kind: 'video' });
    const writer = track.writable.getWriter();
    setInterval(() => {
      const from = Math.floor(Math.random() * width * height * 2);
      const pixels = noise.subarray(from, from + (width * height * 3) / 2);
      const frame = new VideoFrame(pixels, {
        format: 'I420', codedWidth: width, codedHeight: height, timestamp: performance.now() * 1000,
      });
      writer.write(frame).catch(() => frame.close());
    }, 50);
    await globalThis.me.call.setSource('camera', track);
  });
}

/** What went over a page's connections so far. */
function counted(page) {
  return page.evaluate(async () => {
    const seen = { sent: 0, frames: 0, samples: 0, concealed: 0, keyframesAsked: 0 };
    for (const pc of globalThis.me.pcs) {
      for (const report of (await pc.getStats()).values()) {
        if (report.type === 'outbound-rtp' && report.kind === 'video') {
          seen.sent += report.bytesSent;
          seen.keyframesAsked += report.pliCount ?? 0;
        }
        if (report.type !== 'inbound-rtp') continue;
        if (report.kind === 'video') seen.frames += report.framesDecoded ?? 0;
        else {
          seen.samples += report.totalSamplesReceived ?? 0;
          // Silence that stands for silence is no loss.
          seen.concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
        }
      }
    }
    return seen;
  });
}

/** What happened on some pages while something lasted, and how much the relay was given, by the second. */
async function during(pages, work) {
  const start = performance.now();
  const offered = relay.offered();
  const before = await Promise.all(pages.map(counted));
  await work();
  const after = await Promise.all(pages.map(counted));
  const seconds = (performance.now() - start) / 1000;
  const kbps = ((relay.offered() - offered) * 8) / 1000 / seconds;
  const seen = after.map((now, who) =>
    Object.fromEntries(Object.entries(now).map(([name, value]) => [name, value - before[who][name]])));
  return { kbps, seconds, seen };
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

test('a line narrower than the picture keeps its sound, is not flooded, and gets the picture back', { timeout: 180_000 }, async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const [ada, cy] = [await stage.clientPage('ada'), await stage.clientPage('cy')];
  const bo = await stage.clientPage('bo', (page) => sendThrough(page, relay));
  await join(ada, { name: 'ada', identity });
  await join(bo, { name: 'bo', identity, sources: [] });
  await join(cy, { name: 'cy', identity, sources: [] });
  await sendNoise(ada);
  await bo.evaluate(() => {
    globalThis.me.reasons = [];
    globalThis.me.session.on('media.slots', ({ slots }) => {
      globalThis.me.reasons.push(...slots.filter(({ kind, track }) => kind === 'video' && track).map(({ reason }) => reason));
    });
  });
  const sends = async () => {
    const { seen: [{ sent }], seconds } = await during([ada], () => pause(2));
    return (sent * 8) / 1000 / seconds;
  };
  // As soon as it does not rise any more.
  let rate = 0;
  const enough = performance.now() + RISING_MS;
  await until(async () => {
    const before = rate;
    rate = await sends();
    return rate > (performance.now() < enough ? 1200 : 400) && rate < before * 1.1;
  }, 'the sender to reach its full rate', { timeoutMs: 40_000 });
  const line = Math.round(rate * LINE_SHARE);
  const reasons = () => bo.evaluate(() => globalThis.me.reasons);

  relay.narrow(line, QUEUE_MS);
  const found = await during([bo], () => until(async () => (await reasons()).at(-1) === 'bandwidth', 'the picture to be held back'));
  await pause(DRAINED_S);
  const steady = await during([bo, cy, ada], () => pause(STEADY_S));
  const [narrow, wide, sender] = steady.seen;
  const concealed = narrow.concealed / narrow.samples;
  const otherwise = wide.concealed / wide.samples;
  console.log(`found after ${found.seconds.toFixed(1)} s; then ${Math.round(steady.kbps)} kbit/s into ${line} of ${Math.round(rate)}, `
    + `${(concealed * 100).toFixed(2)} % of the sound concealed, ${narrow.frames} pictures; `
    + `the other one: ${wide.frames} pictures, ${(otherwise * 100).toFixed(2)} %; sender: ${Math.round((sender.sent * 8) / 1000 / steady.seconds)} kbit/s, `
    + `${sender.keyframesAsked} keyframes asked for`);
  assert.ok(steady.kbps <= line * MOST_SENT_SHARE, `${steady.kbps} kbit/s`);
  assert.ok(narrow.samples > 0 && concealed < MOST_CONCEALED, `${concealed * 100} % concealed`);
  assert.ok(narrow.frames >= 1, 'not a single picture');
  assert.ok(wide.frames >= 3 * STEADY_S, `${wide.frames} pictures of the other one`);
  assert.ok(sender.keyframesAsked <= STEADY_S / 2, `${sender.keyframesAsked} keyframes asked for`);

  relay.widen();
  const back = await during([bo], () => until(async () => (await reasons()).at(-1) === null, 'the picture to come back'));
  const { seen: [again] } = await during([bo], () => pause(2));
  console.log(`back after ${back.seconds.toFixed(1)} s: ${again.frames} pictures in 2 s`);
  assert.ok(again.frames >= 6, `${again.frames} pictures in 2 s`);
  const told = (await reasons()).filter((reason, at, all) => at === 0 || reason !== all[at - 1]);
  assert.deepEqual(told.slice(-2), ['bandwidth', null], `it was told ${told}`);
});
