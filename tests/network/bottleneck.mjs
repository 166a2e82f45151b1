/**
 * A server behind a real bottleneck: it runs in a network namespace of its own, and the only way there is a pair of
 * virtual interfaces whose rate the kernel limits. Everything is taken away when it is closed, also when the process
 * ends before that.
 *
 * Pages reach it by an address of the loopback interface, where browsers let them use cameras; media and what the proxy
 * carries go through the bottleneck.
 */
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { startServer } from '../browser/harness.mjs';

const LOOPBACK = '127.0.0.1';
/** In a namespace of its own it is free. */
const MEDIA_PORT = 20_000;
/** A few packets may go at once; what would wait longer than this is dropped. */
const BURST = '6kb';
const QUEUE = '300ms';

/**
 * @typedef {'up' | 'down'} Direction
 *
 * @typedef {object} Bottleneck
 * @property {{origin: string, socket: string, log: string[], stop: () => Promise<void>}} server as `openStage` takes it
 * @property {string} here this side's address
 * @property {{address: string, port: number}} media where the server takes it
 * @property {(direction: Direction, kbps: number | null) => void} rate null: as fast as it goes
 */

/** @returns {Promise<Bottleneck>} */
export async function openBottleneck() {
  const name = `meet${process.pid % 1_000_000}`;
  const [outer, inner] = [`${name}o`, `${name}i`];
  const net = `10.213.${process.pid % 250}`;
  const [here, there] = [`${net}.1`, `${net}.2`];
  const remove = () => {
    for (const args of [['link', 'del', outer], ['netns', 'del', name]]) {
      try {
        run('ip', args);
      } catch {
        // It was not made, or is gone already.
      }
    }
  };
  process.once('exit', remove);
  try {
    run('ip', ['netns', 'add', name]);
    run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name]);
    run('ip', ['addr', 'add', `${here}/30`, 'dev', outer]);
    // An address that the system adds a second later would be a change of network to browsers, which give up what they load.
    run('ip', ['link', 'set', outer, 'addrgenmode', 'none']);
    run('ip', ['link', 'set', outer, 'up']);
    run('ip', ['-n', name, 'addr', 'add', `${there}/30`, 'dev', inner]);
    run('ip', ['-n', name, 'link', 'set', inner, 'up']);
    run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  } catch (error) {
    remove();
    throw new Error('These tests need root and the right to make network namespaces and veth interfaces: '
      + `${/** @type {any} */ (error).stderr ?? error}`);
  }
  const args = ['--media-ip', there, '--media-port', String(MEDIA_PORT), '--media-threads', '1'];
  let server;
  try {
    server = await startServer(args, { before: ['ip', 'netns', 'exec', name], host: there });
  } catch (error) {
    remove();
    throw error;
  }
  const door = await openDoor(server.origin);
  const ends = { up: { inside: [], device: outer }, down: { inside: ['-n', name], device: inner } };
  return {
    here,
    media: { address: there, port: MEDIA_PORT },
    rate: (direction, kbps) => {
      const { inside, device } = ends[direction];
      const rule = kbps === null ? ['del', 'dev', device, 'root']
        : ['replace', 'dev', device, 'root', 'tbf', 'rate', `${kbps}kbit`, 'burst', BURST, 'latency', QUEUE];
      run('tc', [...inside, 'qdisc', ...rule]);
    },
    server: {
      origin: door.origin,
      socket: `${door.origin.replace('http', 'ws')}/ws`,
      log: server.log,
      stop: async () => {
        door.close();
        await server.stop();
        remove();
        process.removeListener('exit', remove);
      },
    },
  };
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 10_000 });
}

/** Lets pages of this machine in by the loopback interface. @param {string} target */
async function openDoor(target) {
  const { hostname, port } = new URL(target);
  const open = new Set();
  const door = createServer((client) => {
    const server = connect(Number(port), hostname);
    open.add(client);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    client.on('close', () => {
      open.delete(client);
      server.destroy();
    });
    server.on('close', () => client.destroy());
    client.pipe(server).pipe(client);
  });
  await new Promise((resolve) => door.listen(0, LOOPBACK, () => resolve(undefined)));
  return {
    origin: `http://${LOOPBACK}:${/** @type {any} */ (door.address()).port}`,
    close: () => {
      for (const socket of open) socket.destroy();
      door.close();
    },
  };
}
