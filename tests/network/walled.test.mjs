/**
 * Somebody behind a firewall that drops all UDP and lets TCP to the page's port pass alone, and somebody whom nothing is
 * kept from, call each other by a server behind a NAT: sound and picture come by ICE-TCP, and by the relay over TCP where
 * the server takes no media by TCP.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from '../browser/harness.mjs';
import { facts, flows } from '../browser/media-page.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { openPerson } from './people.mjs';
import { openWalls } from './walls.mjs';

/** @type {import('./walls.mjs').Walls} */
let walls;
before(() => {
  walls = openWalls();
});
after(() => walls?.close());

/** What carries the connections of a page, and at which addresses it was told to send. @param {import('playwright-core').Page} page */
const ways = (page) => page.evaluate(async () => {
  const carriers = [];
  const told = new Set();
  for (const pc of globalThis.me.pcs) {
    for (const [, ip] of pc.remoteDescription.sdp.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+)/gm)) told.add(ip);
    const report = await pc.getStats();
    const transport = [...report.values()].find(({ type }) => type === 'transport');
    const pair = report.get(transport?.selectedCandidatePairId);
    if (!pair) continue;
    const { candidateType, protocol, relayProtocol } = report.get(pair.localCandidateId);
    carriers.push(candidateType === 'relay' ? `relay ${relayProtocol}` : `direct ${protocol}`);
  }
  return { carriers, told: [...told] };
});

/** With each way: what takes the others away, and what carries the connections of who is free, and of who is not. */
for (const { name, args, free: freely, walled: narrowly } of [
  { name: 'ICE-TCP', args: ['--turn', 'off'], free: /^direct udp$/, walled: /^direct tcp$/ },
  { name: 'the relay over TCP', args: ['--media-tcp-port', 'off'], free: /^direct udp$/, walled: /^relay tcp$/ },
]) {
  test(`behind a firewall and behind a NAT people see and hear each other by ${name}`, { timeout: 120_000 }, async () => {
    const server = await walls.serve(args);
    const stages = [];
    try {
      // Browsers give cameras and microphones to pages of this machine alone, and to those that are named.
      const browserArgs = [`--unsafely-treat-insecure-origin-as-secure=${server.origin}`];
      const kept = { ...server, stop: async () => {} };
      for (const chromium of Object.values(walls.chromium)) stages.push(await openStage({ server: kept, browserArgs, chromium }));
      const identity = await makeRoom(stages[0], { topology: 'sfu' });
      const before = walls.dropped();
      const [free, walled] = await Promise.all(stages.map((stage, at) => openPerson(stage, { name: ['free', 'walled'][at], identity })));
      await Promise.all([free, walled].map(({ page }) => flows(page, { video: 1, audio: 1 }, until)));
      for (const [{ name: who, page }, expected] of [[free, freely], [walled, narrowly]]) {
        // A better way may be found after the first.
        const { told } = await until(async () => {
          const seen = await ways(page);
          return seen.carriers.length === 2 && seen.carriers.every((carrier) => expected.test(carrier)) && seen;
        }, `${who} to be carried by ${expected}`);
        assert.deepEqual(told, [walls.publicAddress], who);
      }
      assert.ok(walls.dropped() > before, 'UDP was tried, and dropped');
      for (const { page } of [free, walled]) assert.deepEqual((await facts(page)).errors, []);
      for (const stage of stages) stage.assertQuiet();
    } finally {
      await Promise.all(stages.map((stage) => stage.close()));
      await server.stop();
    }
  });
}
