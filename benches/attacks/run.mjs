/**
 * Attacks a server on this machine, one way after the other, and prints what a quiet visitor notices of each: the time
 * of a `ping` and the longest gap in somebody's sound. Goals: p99 of the ping under 50 ms, no gap over 200 ms.
 *
 * ```sh
 * make bench-attacks                       # all of them, some seconds each
 * make bench-attacks ATTACKS="logins http_connections" SECONDS_EACH=20
 * ```
 *
 * The server runs on the first processor with the limits that users get; attacker and visitor share the second, the
 * visitor going first. The attacker has an address of its own (127.0.0.2), as it would on the Internet. Everything goes
 * to the loopback interface, is bounded in time, and ends by itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ATTACKS } from './attacks.mjs';
import { Visitor } from './visitor.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const seconds = Number(process.env.SECONDS_EACH ?? 6);
const wanted = (process.env.ATTACKS ?? '').split(/\s+/).filter(Boolean);
const names = wanted.length ? wanted : ['nothing', ...Object.keys(ATTACKS)];
const binary = process.env.MEETING_BIN ?? here('../../target/release/meeting');

async function startServer() {
  const data = await mkdtemp(join(tmpdir(), 'meeting-attacks-'));
  const child = spawn(
    'taskset',
    ['-c', '0', binary, 'serve', '--listen', '127.0.0.1:0', '--media-ip', '127.0.0.1', '--media-port', '0', '--data-dir', data, '--log', 'error'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const origin = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /listening on (http:\/\/[^\s/]+)/.exec(line);
      if (found) resolve(found[1]);
    });
    exited.then(() => reject(new Error('the server ended at once')));
  });
  return {
    origin,
    socket: `${origin.replace('http', 'ws')}/ws`,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(force);
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Runs one attack in a process of its own, which gives way to the visitor. */
async function attack(name, server) {
  if (name === 'nothing') {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return 'ended';
  }
  const child = spawn('nice', ['-n', '15', process.execPath, here('attacks.mjs'), name, server.origin, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  const force = setTimeout(() => child.kill('SIGKILL'), (seconds + 30) * 1000);
  await once(child, 'exit');
  clearTimeout(force);
  return said.trim().split('\n').at(-1) ?? '';
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity;
const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : 'none').padStart(9);

console.log(`${'attack'.padEnd(20)} ${'ping p50'.padStart(9)} ${'ping p99'.padStart(9)} ${'gap max'.padStart(9)}  ms; what the attacker saw`);
let failures = 0;
for (const name of names) {
  const server = await startServer();
  const visitor = new Visitor(server);
  try {
    await visitor.enter();
    visitor.begin();
    const said = await attack(name, server);
    const { pings, gap } = visitor.end();
    const sorted = pings.sort((a, b) => a - b);
    const alive = server.isAlive();
    if (!alive) failures += 1;
    console.log(`${name.padEnd(20)} ${ms(quantile(sorted, 0.5))} ${ms(quantile(sorted, 0.99))} ${ms(gap)}  ${alive ? said : 'THE SERVER DIED'}`);
  } catch (error) {
    failures += 1;
    console.log(`${name.padEnd(20)} the visitor failed: ${error.message}`);
  } finally {
    visitor.close();
    await server.stop();
  }
}
process.exit(failures ? 1 : 0);
