/**
 * A server that was told no address follows the interfaces of its machine. A network that is plugged in after the start is
 * announced to people who come then, and somebody there, who reaches no other address, is seen and heard. Once it is
 * unplugged it is announced no more.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CHROMIUM, openStage, startServer, until } from '../browser/harness.mjs';
import { facts, flows } from '../browser/media-page.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { openPerson } from './people.mjs';
import { lay, run } from './walls.mjs';

const id = `meet${process.pid % 1_000_000}`;
const [serverPlace, laterPlace, outer] = [`${id}s`, `${id}l`, `${id}h`];
const net = `10.215.${process.pid % 250}`;
/** The server's, at the start and later. */
const [first, later] = [`${net}.2`, `${net}.5`];

let folder;
let server;
let chromium;
before(async () => {
  process.once('exit', remove);
  for (const name of [serverPlace, laterPlace]) {
    run('ip', ['netns', 'add', name]);
    run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  }
  lay({ device: outer, at: `${net}.1` }, { netns: serverPlace, device: 'first', at: first });
  folder = mkdtempSync(join(tmpdir(), 'meeting-interfaces-'));
  chromium = join(folder, 'chromium');
  writeFileSync(chromium, `#!/bin/sh\nexec ip netns exec ${laterPlace} ${CHROMIUM} "$@"\n`, { mode: 0o755 });
  const where = { before: ['ip', 'netns', 'exec', serverPlace], host: '0.0.0.0', mediaIp: null };
  server = await startServer(['--turn', 'off', '--media-threads', '1'], where);
});
after(async () => {
  await server?.stop();
  remove();
  process.removeListener('exit', remove);
});

function remove() {
  for (const args of [['link', 'del', outer], ['netns', 'del', serverPlace], ['netns', 'del', laterPlace]]) {
    try {
      run('ip', args);
    } catch {
      // It was not made, or is gone already.
    }
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
}

/** How often the server has noticed that its addresses changed. */
const changes = () => server.log.filter((line) => line.includes('this machine has other addresses')).length;

/** At which addresses a page was told to send. @param {import('playwright-core').Page} page */
const told = (page) => page.evaluate(() => {
  const descriptions = globalThis.me.pcs.map((pc) => pc.remoteDescription.sdp).join('');
  return [...new Set([...descriptions.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+)/gm)].map(([, ip]) => ip))].sort();
});

test('an interface that comes after the start is announced, carries media, and is forgotten when it goes', { timeout: 120_000 }, async () => {
  const stages = [];
  const open = async (address, browser = {}) => {
    const at = (url) => url.replace('0.0.0.0', address);
    const here = { ...server, origin: at(server.origin), socket: at(server.socket), stop: async () => {} };
    // Browsers give cameras and microphones to pages of this machine alone, and to those that are named.
    const stage = await openStage({ server: here, browserArgs: [`--unsafely-treat-insecure-origin-as-secure=${here.origin}`], ...browser });
    stages.push(stage);
    return stage;
  };
  try {
    const home = await open(first);
    const identity = await makeRoom(home, { topology: 'sfu' });
    const early = await openPerson(home, { name: 'early', identity });
    assert.deepEqual(await told(early.page), [first]);

    lay({ netns: serverPlace, device: 'later', at: later }, { netns: laterPlace, device: 'out', at: `${net}.6` });
    await until(() => changes() === 1, 'the new address to be noticed');
    const visitor = await openPerson(await open(later, { chromium }), { name: 'visitor', identity });
    await Promise.all([early, visitor].map(({ page }) => flows(page, { video: 1, audio: 1 }, until)));
    assert.deepEqual(await told(visitor.page), [first, later]);
    for (const { page } of [early, visitor]) assert.deepEqual((await facts(page)).errors, []);
    for (const stage of stages) stage.assertQuiet();
    await visitor.page.close();

    run('ip', ['-n', serverPlace, 'link', 'del', 'later']);
    await until(() => changes() === 2, 'the address to be gone');
    const last = await openPerson(home, { name: 'last', identity });
    await flows(early.page, { video: 1, audio: 1 }, until);
    assert.deepEqual(await told(last.page), [first]);
  } finally {
    await Promise.all(stages.map((stage) => stage.close()));
  }
});
