/**
 * A server whose media thread has too much to do: pictures become smaller, everybody reads why, nobody is refused, and all comes
 * back. The load is real: voices of many others, which are never given up. In which order is a matter of src/media/seats.rs.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, test } from 'node:test';
import { findServer, openStage, until } from './harness.mjs';
import { closeAfter, guest, linesOf, strong } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

/** A busy machine needs its time for everything. */
const SOON = { timeoutMs: 90_000, everyMs: 250 };

let stage;
before(async () => {
  stage = await openStage({ serverArgs: ['--media-threads', '1'] });
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

/** Loads the server until it is stopped. */
function load() {
  const args = ['--scenario', 'audio', '--subscribers', '16', '--speakers', '4', '--rate', '1000', '--duration', '300'];
  const child = spawn(findServer(), ['bench', 'media', '--target', stage.origin, ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
}

const stepsDown = async () => (await (await fetch(`${stage.origin}/healthz`)).json()).steps_down;

/** Somebody who sends a drawn picture and no sound. */
const sendsPicture = (page, identity, name) => page.evaluate(async ({ identity, name }) => {
  const { Session, createCall } = globalThis.client;
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
  const pen = canvas.getContext('2d');
  let frame = 0;
  setInterval(() => {
    pen.fillStyle = `hsl(${(frame += 7) % 360} 60% 50%)`;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }, 200);
  const session = new Session(`${location.origin.replace('http', 'ws')}/ws`);
  await session.guest({ display_name: name });
  const call = createCall(session, await session.joinRoom({ identity }));
  call.setSource('camera', canvas.captureStream(5).getVideoTracks()[0]);
  await call.start();
  call.view([]);
}, { identity, name });

test('of a server that is busy pictures come smaller, with the reason, and large again', { timeout: 300_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const others = await stage.clientPage('the others');
  await sendsPicture(others, identity, 'Bo');
  const ada = await guest(stage, identity, 'Ada', { init: [strong], context: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 } });
  closeAfter(t, others, ada);
  await until(async () => (await linesOf(ada, 'Bo')) === 720, 'the large picture', SOON);
  assert.equal(await stepsDown(), 0);

  const stop = load();
  t.after(stop);
  const sentence = ada.getByTestId('tile').filter({ hasText: 'Bo' }).getByRole('button', { name: 'The server is busy.' });
  await sentence.waitFor({ timeout: SOON.timeoutMs });
  await stop();

  // A step lasts for longer than the load. Nobody is refused because of it.
  assert.ok((await stepsDown()) > 0);
  await sendsPicture(others, identity, 'Cy');
  await until(async () => [360, 180].includes(await linesOf(ada, 'Bo')), 'a smaller picture', { timeoutMs: 15_000, everyMs: 100 });
  await until(async () => (await stepsDown()) === 0, 'full quality', { timeoutMs: 150_000, everyMs: 500 });
  await until(async () => (await linesOf(ada, 'Bo')) === 720, 'the large picture again', SOON);
  await sentence.waitFor({ state: 'hidden' });
});
