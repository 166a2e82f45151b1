/** The client guide's programs for Node.js and Python run as they are shown, against a server and its limits. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { root, startServer, until } from '../browser/harness.mjs';
import { openProxy } from '../browser/tcp-proxy.mjs';

const examples = join(root, 'static/docs/examples');
const python = process.env.FOREIGN_PYTHON ?? join(root, 'tests/.venv/bin/python');

let server;
/** Where `node.mjs` finds the package `ws`, as it would in a folder of its author's. */
let folder;
before(async () => {
  server = await startServer();
  folder = await mkdtemp(join(root, 'tests/.guide-'));
  await copyFile(join(examples, 'node.mjs'), join(folder, 'node.mjs'));
});
after(async () => {
  await server?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const programs = [
  { name: 'Node.js', command: () => [process.execPath, join(folder, 'node.mjs')] },
  { name: 'Python', command: () => [python, join(examples, 'client.py')] },
];

/** An account in a room of its own. @param {import('node:test').TestContext} t @param {object} [settings] */
async function host(t, settings = {}) {
  const session = new Session(server.socket, { WebSocket });
  t.after(() => session.close());
  await session.register({ username: `host-${crypto.randomUUID().slice(0, 8)}`, password: `pass-${crypto.randomUUID()}`, display_name: 'Ada' });
  const { room } = await session.createRoom({ name: 'Guided tour', ...settings });
  await session.joinRoom({ identity: room.identity });
  const heard = [];
  session.on('chat.message', ({ message }) => heard.push(message.text));
  return { session, identity: room.identity, heard };
}

/** @param {import('node:test').TestContext} t @param {string[]} command */
function run(t, [program, ...args]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = [];
  const complaints = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const exited = new Promise((resolve) => child.once('close', resolve));
  return { child, lines, complaints, exited };
}

for (const { name, command } of programs) {
  test(`${name}: enters, says hello, prints what is said, and ends with the meeting`, async (t) => {
    const { session, identity, heard } = await host(t);
    const robot = run(t, [...command(), server.socket, identity, 'Robo']);
    await until(() => heard.includes('Hello, this is Robo.'), `the robot's greeting; ${robot.complaints}`);
    await session.sendChat({ text: 'Welcome.' });
    await until(() => robot.lines.includes('Ada: Welcome.'), 'the robot to print our message');
    for (const line of ['joined "Guided tour"', 'here: Ada (host)', 'here: Robo (member)']) {
      assert.ok(robot.lines.includes(line), `${line} is missing in ${robot.lines}`);
    }
    await session.request('room.end');
    assert.equal(await robot.exited, 0, robot.complaints.join('\n'));
  });

  test(`${name}: waits until a host lets it in`, async (t) => {
    const { session, identity, heard } = await host(t, { lobby: true });
    session.on('lobby.waiting', () => void session.request('lobby.admit', { participants: 'all' }));
    const robot = run(t, [...command(), server.socket, identity, 'Robo']);
    await until(() => heard.includes('Hello, this is Robo.'), `the robot's greeting; ${robot.complaints}`);
    assert.ok(robot.lines.includes('waiting to be let in'));
    const left = [];
    session.on('participant.left', ({ reason }) => left.push(reason));
    robot.child.kill('SIGINT');
    assert.equal(await robot.exited, 0, robot.complaints.join('\n'));
    await until(() => left.length === 1, 'the robot to leave');
    assert.deepEqual(left, ['left']);
  });

  test(`${name}: ends with the code of a refusal`, async (t) => {
    const robot = run(t, [...command(), server.socket, 'noSuchRoomAaBbCcDdEeFf', 'Robo']);
    assert.equal(await robot.exited, 1);
    assert.match(robot.complaints.join('\n'), /room\.not_found: /);
  });
}

test('lasting.py: comes back after a lost socket, misses nothing, and nobody sees it go', async (t) => {
  const { session, identity, heard } = await host(t);
  const proxy = await openProxy(server.origin);
  t.after(() => proxy.close());
  const robot = run(t, [python, '-B', join(examples, 'lasting.py'), `${proxy.origin.replace('http', 'ws')}/ws`, identity, 'Robo']);
  await until(() => heard.includes('Hello, this is Robo.'), `the robot's greeting; ${robot.complaints}`);
  const seen = [];
  session.on('participant.updated', ({ participant }) => seen.push(participant.connection));
  for (const kind of ['participant.left', 'participant.joined']) session.on(kind, () => seen.push(kind));
  for (const round of ['first', 'second']) {
    proxy.cut();
    await until(() => seen.at(-1) === 'reconnecting', 'the robot to be lost');
    await session.sendChat({ text: `The ${round} time.` });
    proxy.heal();
    await until(() => robot.lines.includes(`Ada: The ${round} time.`), `what was said meanwhile; ${robot.complaints}`);
    await until(() => seen.at(-1) === 'online', 'the robot to be back');
  }
  await session.sendChat({ text: 'Welcome.' });
  await until(() => robot.lines.includes('Ada: Welcome.'), 'the robot to print our message');
  assert.deepEqual(robot.lines.filter((line) => line.startsWith('Ada:')), ['Ada: The first time.', 'Ada: The second time.', 'Ada: Welcome.']);
  assert.deepEqual(seen, ['reconnecting', 'online', 'reconnecting', 'online']);
  await session.request('room.end');
  assert.equal(await robot.exited, 0, robot.complaints.join('\n'));
});
