/** Sound and picture of one person are played together, also where one of them takes longer than the other. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { facts, flows, join } from './media-page.mjs';
import { makeRoom } from './rooms.mjs';

/** How much longer the pictures take. */
const LATE_MS = 300;
/** What is left between them may be heard and seen by nobody (ITU-R BT.1359: 125 ms of late sound are just noticed). */
const TOGETHER_MS = 100;

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

/** The page may make a worker of its own: there is no policy against it. @param {import('playwright-core').Page} page */
const withoutPolicy = async (page) => {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Page.setBypassCSP', { enabled: true });
};

/**
 * Each picture that the page sends waits so long after it was encoded. Browsers heed that only from a sender's
 * beginning on.
 *
 * @param {import('playwright-core').Page} page
 */
const delayPictures = (page, late) => page.evaluate((ms) => {
  const work = `onrtctransform = ({ transformer: { readable, writable } }) => readable
    .pipeThrough(new TransformStream({ transform: (frame, to) => void setTimeout(() => to.enqueue(frame), ${ms}) }))
    .pipeTo(writable);`;
  const url = URL.createObjectURL(new Blob([work], { type: 'text/javascript' }));
  const { prototype } = RTCPeerConnection;
  const add = prototype.addTransceiver;
  prototype.addTransceiver = function addSlow(...what) {
    const transceiver = add.apply(this, what);
    if (transceiver.receiver.track.kind === 'video') {
      transceiver.sender.transform = new RTCRtpScriptTransform(new Worker(url));
    }
    return transceiver;
  };
}, late);

/**
 * What a page plays of some tracks: in which slots, how far the playing picture is behind the sound, and how long sounds
 * and pictures waited since the last call.
 */
const playing = (page, tracks) => page.evaluate(async (whose) => {
  const before = globalThis.waits ?? {};
  globalThis.waits = {};
  const found = {};
  for (const pc of globalThis.me.pcs) {
    for (const entry of (await pc.getStats()).values()) {
      const slot = entry.type === 'inbound-rtp' && globalThis.me.slots.get(entry.mid);
      if (!slot || !whose.includes(slot.track)) continue;
      const key = `${entry.ssrc}`;
      globalThis.waits[key] = { delay: entry.jitterBufferDelay, count: entry.jitterBufferEmittedCount };
      const { delay = 0, count = 0 } = before[key] ?? {};
      const waited = (1000 * (entry.jitterBufferDelay - delay)) / Math.max(1, entry.jitterBufferEmittedCount - count);
      found[entry.kind] = { mid: entry.mid, at: entry.estimatedPlayoutTimestamp, waited: Math.round(waited) };
    }
  }
  const { audio, video } = found;
  const apart = audio?.at && video?.at ? Math.round(audio.at - video.at) : null;
  return { apart, audio, video };
}, tracks);

/** Waits until a page plays a sender's sound and picture together, several times in a row. Returns what was seen. */
async function playsTogether(page, sender, what) {
  const tracks = await sender.evaluate(() => ['microphone', 'camera'].map((source) => globalThis.me.call.ownTrack(source).id));
  const seen = [];
  let inARow = 0;
  try {
    await until(async () => {
      const now = await playing(page, tracks);
      seen.push(now);
      inARow = now.apart !== null && Math.abs(now.apart) <= TOGETHER_MS ? inARow + 1 : 0;
      return inARow >= 5;
    }, what, { timeoutMs: 60_000, everyMs: 1000 });
  } finally {
    const told = seen.map(({ apart, audio, video }) => `${apart} (${audio?.waited}/${video?.waited})`);
    console.log(`${what}, ms apart (sound/picture waited): ${told.join(', ')}`);
  }
  return seen;
}

test('sound waits for a picture that comes late, before and after another person is shown', { timeout: 300_000 }, async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await stage.clientPage('ada', withoutPolicy);
  const [bo, cy] = [await stage.clientPage('bo'), await stage.clientPage('cy')];
  const slots = { audioSlots: 1, videoSlots: 1 };
  await delayPictures(ada, LATE_MS);
  await join(ada, { name: 'ada', identity, slots });
  await join(cy, { name: 'cy', identity, sources: [], slots });
  await flows(cy, { video: 1, audio: 1 }, until);
  const first = await playsTogether(cy, ada, 'Ada');
  assert.ok(first.at(-1).audio.waited > LATE_MS / 2, 'the sound waits');

  const media = (page, on) => page.evaluate((is) => {
    const { call, media: sources } = globalThis.me;
    return Promise.all(['microphone', 'camera'].map((name) => call.setSource(name, is ? sources[name] : null)));
  }, on);
  await media(ada, false);
  await join(bo, { name: 'bo', identity, slots });
  await flows(cy, { video: 1, audio: 1 }, until);
  const second = await playsTogether(cy, bo, 'Bo after Ada');
  await media(bo, false);
  await media(ada, true);
  await flows(cy, { video: 1, audio: 1 }, until);
  const third = await playsTogether(cy, ada, 'Ada after Bo');
  for (const { audio } of [...first, ...second, ...third]) {
    assert.ok((audio?.waited ?? 0) < 1000, `a sound waited for ${audio?.waited} ms`);
  }
  assert.equal(second.at(-1).audio.mid, first.at(-1).audio.mid, 'in the same slot');
  for (const page of [ada, bo, cy]) assert.deepEqual((await facts(page)).errors, []);
  stage.assertQuiet();
});
