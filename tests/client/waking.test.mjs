/** A lost server is asked for again soon, and at once when something may have brought the network back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { onWaking } from '../../static/js/flow/waking.js';
import { pauseAfter, patienceFor } from '../../static/js/client/pauses.js';
import { Clock } from './clock.mjs';
import { FakeServer, refusal } from './fake-server.mjs';

/** When the session has noticed that its socket is lost. @param {Session} session */
const reconnecting = (session) => new Promise((resolve) => {
  const unsubscribe = session.on('state', ({ state }) => {
    if (state !== 'reconnecting') return;
    unsubscribe();
    resolve();
  });
});

test('the network, a look at the page and a page that is taken up again each cut the wait short', async (t) => {
  const server = await new FakeServer().listen();
  const clock = new Clock();
  const session = new Session(server.url, { WebSocket, timers: clock, random: () => 0.5 });
  t.after(async () => {
    session.close();
    await server.stop();
  });
  const connection = new EventTarget();
  globalThis.window = new EventTarget();
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  Object.defineProperty(globalThis, 'navigator', { value: { connection }, configurable: true });
  onWaking(() => session.wake());
  const page = (persisted) => window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }));
  const looks = (hidden) => {
    document.hidden = hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  };

  await session.guest({ display_name: 'Ada' });
  server.handlers['auth.token'] = () => {
    throw refusal('server.internal');
  };
  const waits = () => new Promise((resolve) => {
    const unsubscribe = session.on('state', ({ state, attempt }) => {
      if (state !== 'reconnecting' || attempt < 2) return;
      unsubscribe();
      resolve();
    });
  });
  let waiting = waits();
  const lost = reconnecting(session);
  server.peers[0].socket.terminate();
  await lost;
  clock.advance(0);
  await waiting;
  const tries = () => server.requests.filter(({ type }) => type === 'auth.token').length;
  assert.equal(tries(), 1);
  for (const [at, wake] of [
    () => window.dispatchEvent(new Event('online')),
    () => looks(false),
    () => page(true),
    () => connection.dispatchEvent(new Event('change')),
  ].entries()) {
    waiting = waits();
    // The clock stands still: only what woke it can have tried again.
    wake();
    await waiting;
    assert.equal(tries(), at + 2);
  }
  looks(true);
  page(false);
  waiting = waits();
  connection.dispatchEvent(new Event('change'));
  await waiting;
  assert.equal(tries(), 6, 'looking away, and loading the page, wake nothing');
});

test('a socket that nobody answers holds up the next attempt for five seconds at most, in the first minute', async (t) => {
  const server = await new FakeServer().listen();
  const clock = new Clock();
  const tries = [];
  /** Packets that vanish: neither a hello nor an end. */
  let vanish = false;
  class Line extends WebSocket {
    constructor(...given) {
      super(...given);
      if (!vanish) return;
      tries.push(clock.now());
      Object.defineProperty(this, 'onmessage', { set() {} });
    }
  }
  const session = new Session(server.url, { WebSocket: Line, timers: clock, random: () => 0.9 });
  t.after(async () => {
    session.close();
    await server.stop();
  });
  await session.guest({ display_name: 'Ada' });
  vanish = true;
  const began = clock.now();
  const lost = reconnecting(session);
  server.peers[0].socket.terminate();
  await lost;
  while (clock.now() - began < 120_000) {
    clock.advance(100);
    // What is awaited settles between two steps of the clock.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const gaps = tries.slice(1).map((at, k) => ({ since: tries[k] - began, ms: at - tries[k] }));
  const early = gaps.filter(({ since }) => since < 55_000).map(({ ms }) => ms);
  assert.ok(early.length >= 11 && early.every((ms) => ms <= 5_000), `${early}`);
  const late = gaps.filter(({ since }) => since > 60_000).map(({ ms }) => ms);
  assert.ok(late.length > 0 && late.every((ms) => ms > 15_000), `${late}`);
});

test('a line that was slow before is given its time, and a pause is shorter by what was waited in vain', () => {
  assert.deepEqual([patienceFor(0, 0), patienceFor(59_999, 1_000)], [4_000, 4_000]);
  assert.deepEqual([patienceFor(0, 4_000), patienceFor(60_000, 0)], [12_000, Infinity]);
  assert.deepEqual([pauseAfter(4_500, 4_000, 0.1), pauseAfter(4_500, 4_000, 0.9), pauseAfter(20_000, 4_000, 0.5)], [500, 900, 16_000]);
  assert.equal(pauseAfter(50, 4_000, 0.9), 50);
});

test('in a room the server is asked as soon as it falls silent, and before and after it is not', async (t) => {
  const server = await new FakeServer().listen();
  const clock = new Clock();
  const session = new Session(server.url, { WebSocket, timers: clock, random: () => 0.5 });
  t.after(async () => {
    session.close();
    await server.stop();
  });
  const pings = () => server.requests.filter(({ type }) => type === 'ping').length;
  const passes = async () => {
    clock.advance(1_500);
    await session.refresh();
  };
  await session.guest({ display_name: 'Ada' });
  await passes();
  assert.equal(pings(), 0);
  await session.joinRoom({ identity: 'room' });
  await passes();
  assert.equal(pings(), 1);
  await session.leaveRoom();
  const after = pings();
  await passes();
  assert.equal(pings(), after);
});
