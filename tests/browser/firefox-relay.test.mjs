/** Firefox where nothing but the relay passes: in a room over the server by TCP, between browsers by UDP. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openFirefox, ownAddress } from './firefox.mjs';
import { openStage, startServer, until } from './harness.mjs';
import { closeAfter, guest, seesAndHears, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
let firefox;
before(async () => {
  // Firefox connects to no loopback address, so that the relay has to be reached at another one.
  const server = await startServer(['--media-ip', ownAddress()], { host: '0.0.0.0' });
  const here = (url) => url.replace('0.0.0.0', '127.0.0.1');
  const at = { ...server, origin: here(server.origin), socket: here(server.socket) };
  stage = await openStage({ server: at });
  firefox = await openFirefox(stage);
});
after(async () => {
  await firefox?.close();
  await stage?.close();
});
afterEach(() => {
  stage.assertQuiet();
  firefox.assertQuiet();
});

/** The page's connections take no other way than the relay. It is run in the page. */
const RELAYED = `{
  const Connection = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(configuration) {
      super({ ...configuration, iceTransportPolicy: 'relay' });
    }
  };
}`;

/** How the connections of a page come to the relay, and whether any goes elsewhere. */
const carriers = (page) => page.evaluate(async () => {
  const found = [];
  for (const pc of globalThis.watchedConnections) {
    if (pc.connectionState !== 'connected') continue;
    const stats = await pc.getStats();
    const pairs = [...stats.values()].filter(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
    for (const { localCandidateId } of pairs) {
      const { candidateType, relayProtocol } = stats.get(localCandidateId);
      found.push(`${candidateType} ${relayProtocol}`);
    }
  }
  return found;
});

for (const [topology, expected, connections] of [['sfu', /^relay tcp$/, 2], ['p2p', /^relay (udp|tcp)$/, 1]]) {
  test(`${topology}: Firefox behind the relay and Chromium see and hear each other`, { timeout: 180_000 }, async (t) => {
    const identity = await makeRoom(stage, { topology });
    const [fox] = closeAfter(t, await guest(firefox, identity, 'Fox', { init: [RELAYED] }));
    const [ada] = closeAfter(t, await guest(stage, identity, 'Ada'));
    for (const page of [fox, ada]) await seesPeople(page, 2);
    for (const page of [fox, ada]) await seesAndHears(page, { video: 1, audio: 1, seconds: 3 });
    await until(async () => (await carriers(fox)).length >= connections, 'the connections to be carried');
    for (const carrier of await carriers(fox)) assert.match(carrier, expected);
  });
}
