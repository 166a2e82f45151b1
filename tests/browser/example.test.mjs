/** The client guide's program on the page's library: it enters, reads, writes and leaves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { root, startServer, until } from './harness.mjs';

const EXAMPLE = join(root, 'tests/client/example.mjs');

test('the example enters, reads, writes and leaves', async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const host = new Session(server.socket, { WebSocket });
  t.after(() => host.close());
  await host.register({ username: 'example-host', password: `pass-${crypto.randomUUID()}`, display_name: 'Ada' });
  const { room } = await host.createRoom({ name: 'Example room' });
  await host.joinRoom({ identity: room.identity });
  const heard = [];
  host.on('chat.message', ({ message }) => heard.push(message.text));
  const left = [];
  host.on('participant.left', ({ reason }) => left.push(reason));

  const robot = spawn(process.execPath, [EXAMPLE, server.socket, room.identity, 'Robo'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => robot.once('exit', resolve));
  t.after(() => robot.kill('SIGKILL'));
  const lines = [];
  createInterface({ input: robot.stdout }).on('line', (line) => lines.push(line));

  await until(() => heard.includes('Hello, this is Robo.'), "the robot's greeting");
  await host.sendChat({ text: 'Welcome.' });
  await until(() => lines.includes('Ada: Welcome.'), 'the robot to print our message');
  assert.deepEqual(lines.slice(0, 3), ['joined "Example room" as Robo', 'here: Ada (host)', 'here: Robo (member)']);

  robot.kill('SIGINT');
  assert.equal(await exited, 0);
  await until(() => left.length === 1, 'the host to see the robot leave');
  assert.deepEqual(left, ['left']);
});
