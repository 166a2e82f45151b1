/**
 * A network that lets no sound and picture through: the server announces an address that nobody has. The person reads which
 * way was tried and what to do, and the operator finds the same under the same code.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { findServer, openStage, until } from './harness.mjs';
import { guest } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

/** Of a range that is for documentation alone (RFC 5737). */
const NOBODY = '198.51.100.7';
const CODE = /[A-Z2-9]{4}-[A-Z2-9]{4}/;

let stage;
before(async () => {
  // The relay would lead through.
  stage = await openStage({ serverArgs: ['--media-ip', NOBODY, '--turn', 'off'] });
});
after(() => stage?.close());

test('who finds no way reads which was tried, and the log has the same', { timeout: 120_000 }, async () => {
  const ada = await guest(stage, await makeRoom(stage), 'Ada');
  const trouble = ada.getByTestId('trouble');
  await trouble.filter({ hasText: 'You are not connected to the others.' }).filter({ hasText: CODE }).waitFor();
  const told = await trouble.textContent();
  assert.match(told, /find no way through the network.* Tried: UDP.*Another network, or no VPN, often helps/);
  const [code] = CODE.exec(told);

  const lines = () => stage.server.log.filter((line) => line.includes('find no way in a meeting'));
  await until(() => lines().length > 0, 'a line of the log');
  assert.equal(lines().length, 1, 'one for both directions');
  assert.match(lines()[0], new RegExp(`WARN.*code="?${code}"?.*verdict=Blocked.*closed="UDP.*failed="?ice`));
  assert.equal(lines()[0].includes(NOBODY), false, 'no address');

  const listen = new URL(stage.origin).host;
  const { stdout } = spawnSync(findServer(), ['doctor', '--json', '--listen', listen, '--code', code], { encoding: 'utf8' });
  const found = JSON.parse(stdout).findings.filter(({ check }) => check === 'page');
  assert.ok(found.some(({ level, sentence }) => level === 'wrong' && /none of these ways is open: UDP/.test(sentence)), stdout);

  // The next try changes nothing of it.
  await ada.getByTestId('retry-media').click();
  await until(() => ada.evaluate(() => globalThis.watchedConnections.length > 2), 'another try');
  assert.match(await trouble.textContent(), new RegExp(`Tried: UDP.*${code}`));
  stage.assertQuiet();
});

test('who finds no way to somebody, without a server in the middle, reads to whom', { timeout: 120_000 }, async () => {
  /** What is heard of the other side leads to nobody. */
  const astray = () => {
    const { prototype } = RTCPeerConnection;
    const { addIceCandidate, setRemoteDescription } = prototype;
    const moved = (text) => text.replace(/(candidate:\S+ \d \S+ \d+) \S+ /g, '$1 198.51.100.7 ');
    prototype.addIceCandidate = function add(candidate) {
      if (!candidate?.candidate) return addIceCandidate.call(this, candidate);
      const { sdpMid, sdpMLineIndex } = candidate;
      return addIceCandidate.call(this, { sdpMid, sdpMLineIndex, candidate: moved(candidate.candidate) });
    };
    prototype.setRemoteDescription = function set({ type, sdp }) {
      return setRemoteDescription.call(this, { type, sdp: moved(sdp) });
    };
  };
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const before = stage.server.log.length;
  const ada = await guest(stage, identity, 'Ada', { init: [astray] });
  const bo = await guest(stage, identity, 'Bo', { init: [astray] });
  for (const [page, other] of [[ada, 'Bo'], [bo, 'Ada']]) {
    const trouble = page.getByTestId('trouble');
    await trouble.filter({ hasText: `You and ${other} do not hear or see each other.` }).filter({ hasText: CODE }).waitFor();
    const told = await trouble.textContent();
    assert.match(told, /Tried: UDP/);
    const [code] = CODE.exec(told);
    const line = await until(() => stage.server.log.slice(before).find((text) => text.includes(code)), 'a line of the log');
    assert.match(line, /find no way in a meeting.*closed="UDP/);
  }
  await bo.getByTestId('leave').click();
  await ada.getByTestId('trouble').waitFor({ state: 'hidden' });
  stage.assertQuiet();
});
