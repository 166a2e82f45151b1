/** Media over TCP, where no UDP passes: browsers connect to the port of the page. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openFirefox, ownAddress } from './firefox.mjs';
import { openStage, startServer, until } from './harness.mjs';
import { closeAfter, guest, seesAndHears, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
let firefox;
before(async () => {
  // Firefox connects to no loopback address, so that the page's port has to be reached at another one.
  const server = await startServer(['--media-ip', ownAddress()], { host: '0.0.0.0' });
  const here = (url) => url.replace('0.0.0.0', '127.0.0.1');
  stage = await openStage({ server: { ...server, origin: here(server.origin), socket: here(server.socket) } });
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

/** As behind a firewall that lets no UDP pass: the page does not learn of it. Runs in the page. */
function withoutUdp() {
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function narrowed({ type, sdp }) {
    const left = sdp.replace(/^a=candidate:\S+ \d+ udp .*\r\n/gim, '');
    return setRemoteDescription.call(this, { type, sdp: left });
  };
}

/** What the connections of a page are carried by. */
const carriers = (page) => page.evaluate(async () => {
  const found = [];
  for (const pc of globalThis.watchedConnections) {
    if (pc.connectionState !== 'connected') continue;
    const stats = await pc.getStats();
    const pairs = [...stats.values()].filter(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
    found.push(...pairs.map(({ remoteCandidateId }) => stats.get(remoteCandidateId).protocol));
  }
  return found;
});

test('Firefox and Chromium see and hear each other and somebody with UDP', { timeout: 180_000 }, async (t) => {
  const identity = await makeRoom(stage, { name: 'Behind a firewall' });
  const init = [withoutUdp];
  const [fox] = closeAfter(t, await guest(firefox, identity, 'Fox', { init }));
  const [ada] = closeAfter(t, await guest(stage, identity, 'Ada', { init }));
  const [bo] = closeAfter(t, await guest(stage, identity, 'Bo'));
  const pages = [fox, ada, bo];
  await Promise.all(pages.map((page) => seesPeople(page, 3)));
  await Promise.all(pages.map((page) => seesAndHears(page, { video: 2, audio: 2, seconds: 3 })));
  for (const [page, carrier] of [[fox, 'tcp'], [ada, 'tcp'], [bo, 'udp']]) {
    await until(async () => (await carriers(page)).length >= 2, 'both connections to be carried');
    assert.deepEqual([...new Set(await carriers(page))], [carrier]);
  }
});
