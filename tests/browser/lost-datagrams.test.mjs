/** A line that loses a datagram of a handshake, and one whose address changes in the middle of a call. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { join } from './media-page.mjs';
import { openRelay, sendThrough } from './relay.mjs';
import { makeRoom } from './rooms.mjs';

/** So many datagrams of each direction are lost, one per run: a handshake has six, and its last is the fourth of one side. */
const LOST_PLACES = 4;
/** A loss costs a repeat or two; a handshake that hangs would take 30 s and more. */
const CONNECTED_MS = 8_000;
/** How long a change of address may be heard, by the clock of the listener. */
const HEARD_AGAIN_MS = 5_000;

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

/** DTLS records of a handshake begin with 20 to 22 (RFC 7983 §7, RFC 6347 §4.1); data and alerts are no part of it. */
const isHandshake = (bytes) => bytes[0] >= 20 && bytes[0] <= 22;

/** Sound and pictures that a page has received so far. */
function received(page) {
  return page.evaluate(async () => {
    const seen = { frames: 0, packets: 0 };
    for (const pc of globalThis.me.pcs) {
      for (const report of (await pc.getStats()).values()) {
        if (report.type !== 'inbound-rtp') continue;
        if (report.kind === 'video') seen.frames += report.framesDecoded ?? 0;
        else seen.packets += report.packetsReceived ?? 0;
      }
    }
    return seen;
  });
}

/** The ICE user name fragments of a page's connections: others after a restart or a new connection. */
function fragments(page) {
  return page.evaluate(() => globalThis.me.pcs.map((pc) => /a=ice-ufrag:(\S+)/.exec(pc.localDescription?.sdp ?? '')?.[1]));
}

test('each single datagram of a handshake may be lost', { timeout: 240_000 }, async (t) => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await stage.clientPage('ada');
  await join(ada, { name: 'ada', identity });
  for (const towards of ['server', 'client']) {
    for (let place = 1; place <= LOST_PLACES; place += 1) {
      await t.test(`number ${place} towards the ${towards}`, async () => {
        const name = `${towards}-${place}`;
        let passed = 0;
        let lost = 0;
        relay.lose((bytes, way) => {
          if (way !== towards || !isHandshake(bytes)) return false;
          passed += 1;
          if (passed !== place) return false;
          lost += 1;
          return true;
        });
        const page = await stage.clientPage(name, (page) => sendThrough(page, relay));
        await join(page, { name, identity, sources: [] });
        await until(async () => (await received(page)).packets > 10, 'sound', { timeoutMs: CONNECTED_MS });
        relay.lose(null);
        assert.equal(lost, 1, `${passed} datagrams of the handshake went towards the ${towards}`);
        await page.close();
      });
    }
  }
});

test('a call goes on when the address of a listener or a speaker changes', { timeout: 120_000 }, async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await stage.clientPage('ada-moves', (page) => sendThrough(page, relay));
  const bo = await stage.clientPage('bo-stays');
  await join(ada, { name: 'ada', identity });
  await join(bo, { name: 'bo', identity });
  for (const page of [ada, bo]) {
    await until(async () => (await received(page)).frames > 5, 'the first pictures', { timeoutMs: 20_000 });
  }
  const connections = await fragments(ada);
  for (let move = 0; move < 2; move += 1) {
    const before = await Promise.all([ada, bo].map(received));
    const moved = performance.now();
    relay.roam();
    for (const [who, page] of [ada, bo].entries()) {
      const goesOn = async () => {
        const now = await received(page);
        return now.packets > before[who].packets + 25 && now.frames > before[who].frames + 5;
      };
      await until(goesOn, 'media after the move', { timeoutMs: HEARD_AGAIN_MS + 3_000 });
    }
    console.log(`# media went on ${Math.round(performance.now() - moved)} ms after the address changed`);
  }
  assert.deepEqual(await fragments(ada), connections, 'no connection was made anew or restarted');
});
