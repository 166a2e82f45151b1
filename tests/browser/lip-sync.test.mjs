/** The sound and the picture of one person stay together where the pictures take longer on their way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { flows, join } from './media-page.mjs';
import { openRelay, sendThrough } from './relay.mjs';
import { makeRoom } from './rooms.mjs';

/** Pictures come so much later than sound. */
const LATER_MS = 300;
/** Sound that is so much too early, or too late, nobody notices (ITU-R BT.1359-1: 45 and 125 ms); a look takes a moment. */
const EARLY_MS = 60;
const LATE_MS = 125;

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

/** By so much the sound that is played is ahead of the picture that is shown, and the payload type of sound. */
const heard = (page) => page.evaluate(async () => {
  const report = await globalThis.me.pcs.at(-1).getStats();
  const incoming = [...report.values()].filter(({ type, estimatedPlayoutTimestamp: at }) => type === 'inbound-rtp' && at);
  const [sound, picture] = ['audio', 'video'].map((kind) => incoming.find((one) => one.kind === kind));
  if (!sound || !picture) return null;
  return {
    skew: sound.estimatedPlayoutTimestamp - picture.estimatedPlayoutTimestamp,
    payloadType: report.get(sound.codecId).payloadType,
  };
});

test('sound waits for a picture that comes later', async () => {
  const identity = await makeRoom(stage);
  const sender = await stage.clientPage('sender');
  await join(sender, { name: 'sender', identity });
  const receiver = await stage.clientPage('receiver', (page) => sendThrough(page, relay));
  await join(receiver, { name: 'receiver', identity, sources: [] });
  await flows(receiver, { video: 1, audio: 1, steps: 4 }, until);
  const { payloadType } = await until(() => heard(receiver), 'both on one clock');

  // RFC 7983 §7: media begins with 128 to 191; RFC 5761 §4: what is 64 to 95 as a payload type is RTCP.
  relay.late((bytes) => {
    const type = bytes[1] & 0x7f;
    const isMedia = bytes[0] >= 128 && bytes[0] <= 191 && (type < 64 || type > 95);
    return isMedia && type !== payloadType ? LATER_MS : 0;
  });
  await until(async () => (await heard(receiver)).skew > LATER_MS / 2, 'sound to be ahead', { everyMs: 100 });

  let inARow = 0;
  const seen = [];
  await until(async () => {
    const { skew } = await heard(receiver);
    seen.push(Math.round(skew));
    inARow = skew < EARLY_MS && skew > -LATE_MS ? inARow + 1 : 0;
    return inARow >= 6;
  }, 'sound to wait', { everyMs: 500 }).catch((error) => assert.fail(`${error.message} ahead by ${seen.join(', ')} ms`));
  console.log(`# sound ahead of the picture, every half second, milliseconds: ${seen.join(', ')}`);
});
