/** A line that loses a datagram of a handshake. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { join } from './media_page.mjs';
import { openRelay, sendThrough } from './relay.mjs';
import { makeRoom } from './rooms.mjs';

/** So many datagrams of each direction are lost, one per run: a handshake has six, and its last is the fourth of one side. */
const LOST_PLACES = 4;
/** A loss costs a repeat or two; a handshake that hangs would take 30 s and more. */
const CONNECTED_MS = 8_000;

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
