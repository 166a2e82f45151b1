/**
 * Attacks a server on this machine, one way after the other, and prints what a quiet visitor notices of each: the time
 * of a `ping`, the longest gap in somebody's sound, and how long newcomers wait. Goals: p99 of the ping under 50 ms, no gap
 * over 200 ms.
 *
 * ```sh
 * make bench-attacks                       # all of them, some seconds each
 * make bench-attacks ATTACKS="logins http_connections" SECONDS_EACH=20
 * ```
 *
 * The server runs on the first processor with the limits that users get; attacker and visitor share the second, the
 * visitor going first. The attacker has an address of its own (127.0.0.2), as it would on the Internet. Everything goes
 * to the loopback interface, is bounded in time, and ends by itself.
 *
 * A newcomer opens a connection of its own and asks for the page; the time runs until its first byte. The system makes the
 * connection by itself, so that the wait is in its queue of connections that the server has yet to take in (http.waiting
 * of the budgets): those that stand before the newcomer go first, a third of a millisecond each. Beyond the queue the
 * newcomer's first packet is dropped, and is repeated after 1, 3, 7 … seconds.
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

function quantile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity;
}

const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : 'none').padStart(9);

const columns = ['ping p50', 'ping p99', 'gap max', 'new p50', 'new p99'].map((name) => name.padStart(9)).join(' ');
console.log(`${'attack'.padEnd(20)} ${columns}  ms; what the attacker saw`);
let failures = 0;
for (const name of names) {
  const server = await startServer();
  const visitor = new Visitor(server);
  try {
    await visitor.enter();
    visitor.begin();
    const said = await attack(name, server);
    const { pings, gap, entries } = visitor.end();
    const times = [quantile(pings, 0.5), quantile(pings, 0.99), gap, quantile(entries, 0.5), quantile(entries, 0.99)];
    const alive = server.isAlive();
    if (!alive) failures += 1;
    console.log(`${name.padEnd(20)} ${times.map(ms).join(' ')}  ${alive ? said : 'THE SERVER DIED'}`);
  } catch (error) {
    failures += 1;
    console.log(`${name.padEnd(20)} the visitor failed: ${error.message}`);
  } finally {
    visitor.close();
    await server.stop();
  }
}
process.exit(failures ? 1 : 0);
