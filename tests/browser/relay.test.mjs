/**
 * The relay in browsers that may take no other way: over UDP, TCP and TLS, to the server's media and to each other. All of
 * it goes through the one port of the page and the media port.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { facts, flows, join } from './media-page.mjs';
import { makeRoom } from './rooms.mjs';

// The server has made its certificate itself. Its threads share one port.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

let stage;
before(async () => {
  stage = await openStage({ serverArgs: ['--tls-self-signed', '--media-threads', '2'], browserArgs: ['--ignore-certificate-errors'] });
});
after(() => stage?.close());

/** A page whose connections take this way alone. @param {string} way */
async function pageBy(way) {
  const page = await stage.clientPage(way);
  await page.evaluate(async (only) => {
    const ways = await import('/js/client/ways.js');
    globalThis.RTCPeerConnection = ways.only(/** @type {any} */ (only), RTCPeerConnection, { offered: false });
  }, way);
  return page;
}

/** By which way each connection of a page goes that stands. @param {import('playwright-core').Page} page */
const waysOf = (page) => page.evaluate(async () => {
  const ways = [];
  for (const pc of globalThis.me.pcs) {
    if (pc.connectionState !== 'connected') continue;
    const report = await pc.getStats();
    const transport = [...report.values()].find(({ type }) => type === 'transport');
    const pair = report.get(transport.selectedCandidatePairId);
    const { candidateType, protocol, relayProtocol } = report.get(pair.localCandidateId);
    ways.push(candidateType === 'relay' ? `relay ${relayProtocol}` : `direct ${protocol}`);
  }
  return ways;
});

test('sound and picture reach the server and come back by each way to the relay', async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const pages = [];
  // Over UDP the relay would stand at the port of media, and is not named.
  for (const [at, way] of ['turn_tcp', 'turn_tls', 'turn_tcp'].entries()) {
    const page = await pageBy(way);
    await join(page, { name: `guest ${at}`, identity });
    pages.push(page);
  }
  await Promise.all(pages.map((page) => flows(page, { video: 2, audio: 2 }, until)));
  assert.deepEqual(await Promise.all(pages.map(waysOf)), [
    ['relay tcp', 'relay tcp'],
    ['relay tls', 'relay tls'],
    ['relay tcp', 'relay tcp'],
  ]);
  const [first, ...others] = pages;
  await first.evaluate(() => {
    globalThis.me.call.close();
    return globalThis.me.session.leaveRoom();
  });
  await Promise.all(others.map((page) => flows(page, { video: 1, audio: 1 }, until)));
  for (const page of pages) assert.deepEqual((await facts(page)).errors, []);
  stage.assertQuiet();
});

test('nothing goes by the relay where datagrams reach the server', async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const pages = [];
  for (const name of ['ada', 'bo']) {
    const page = await stage.clientPage(name);
    await join(page, { name, identity });
    pages.push(page);
  }
  await Promise.all(pages.map((page) => flows(page, { video: 1, audio: 1 }, until)));
  for (const page of pages) {
    // Another way may have been found first.
    const isStraight = async () => (await waysOf(page)).join() === 'direct udp,direct udp';
    await until(isStraight, 'both connections to go by UDP and straight');
    assert.deepEqual((await facts(page)).errors, []);
  }
  stage.assertQuiet();
});

test('two people connect to each other by the relay', async () => {
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const pages = [await pageBy('turn_udp'), await pageBy('turn_tls')];
  for (const [index, page] of pages.entries()) await join(page, { name: `guest ${index}`, identity });
  await Promise.all(pages.map((page) => flows(page, { video: 1, audio: 1 }, until)));
  assert.deepEqual(await Promise.all(pages.map(waysOf)), [['relay udp'], ['relay tls']]);
  for (const page of pages) assert.deepEqual((await facts(page)).errors, []);
  stage.assertQuiet();
});
