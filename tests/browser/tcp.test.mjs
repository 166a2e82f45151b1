/** Media over TCP, where no UDP passes: browsers connect to the port of the page. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, afterEach, before, test } from 'node:test';
import { openFirefox, ownAddress } from './firefox.mjs';
import { openStage, startServer, until } from './harness.mjs';
import { closeAfter, guest, seesAndHears, seesPeople } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
let firefox;
/** Takes what is sent to it, as a firewall does that lets no UDP pass, and counts it. */
let firewall;
before(async () => {
  firewall = await openFirewall();
  // Firefox connects to no loopback address, so that the page's port has to be reached at another one. Nothing is relayed.
  const server = await startServer(['--media-ip', ownAddress(), '--turn', 'off'], { host: '0.0.0.0' });
  const here = (url) => url.replace('0.0.0.0', '127.0.0.1');
  stage = await openStage({ server: { ...server, origin: here(server.origin), socket: here(server.socket) } });
  firefox = await openFirefox(stage);
});
after(async () => {
  await firefox?.close();
  await stage?.close();
  firewall?.socket.close();
});
afterEach(() => {
  stage.assertQuiet();
  firefox.assertQuiet();
});

async function openFirewall() {
  const socket = createSocket('udp4');
  const from = new Set();
  socket.on('message', (_, { port }) => from.add(port));
  socket.bind();
  await once(socket, 'listening');
  return { socket, from, port: socket.address().port };
}

/** The page's datagrams end in the firewall. It is run in the page. @param {number} port */
const behind = (port) => `{
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function walled({ type, sdp }) {
    const walled = sdp.replace(/^(a=candidate:\\S+ \\d+ udp \\d+ \\S+) \\d+/gim, '$1 ${port}');
    return setRemoteDescription.call(this, { type, sdp: walled });
  };
}`;

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
  const init = [behind(firewall.port)];
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
  assert.ok(firewall.from.size >= 4, 'both browsers have tried UDP for both connections');
});
