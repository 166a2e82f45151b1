/** Credentials of relays run out; a person who is in a room for long gets newer ones in time. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { createCall, Session } from '../../static/js/client/index.js';
import { Clock } from './clock.mjs';
import { FakeServer, refusal } from './fake-server.mjs';

const MINUTE_MS = 60_000;

let server;
let clock;
let session;
/** What the next answer to a join holds. */
let number;

beforeEach(async () => {
  server = await new FakeServer().listen();
  clock = new Clock();
  number = 0;
  const join = server.handlers['room.join'];
  let view = null;
  server.handlers['room.join'] = (peer, data) => {
    view ??= join(peer, data);
    number += 1;
    return { ...view, ice_servers: [{ urls: ['turn:192.0.2.1'], username: `u${number}`, credential: 'c' }] };
  };
  // What waits for less than a minute is no concern of these tests.
  const timers = { ...clock, setTimeout: (run, ms) => (ms < MINUTE_MS ? 0 : clock.setTimeout(run, ms)) };
  session = new Session(server.url, { WebSocket, timers });
  await session.guest({ display_name: 'Ada' });
});
afterEach(async () => {
  session.close();
  await server.stop();
});

const renewed = () => new Promise((resolve) => {
  const unsubscribe = session.on('relays', (servers) => {
    unsubscribe();
    resolve(servers[0].username);
  });
});

/** Lets what was just sent be answered. */
const settled = () => session.request('ping');

test('newer credentials are asked for before the old ones run out, again and again', async () => {
  const reply = await session.joinRoom({ identity: 'room' });
  assert.equal(reply.ice_servers[0].username, 'u1');
  for (const expected of ['u2', 'u3']) {
    clock.advance(39 * MINUTE_MS);
    await settled();
    assert.equal(`u${number + 1}`, expected, 'not yet');
    const coming = renewed();
    clock.advance(MINUTE_MS);
    assert.equal(await coming, expected);
  }
});

test('a refusal is no end, and leaving is', async () => {
  await session.joinRoom({ identity: 'room' });
  const join = server.handlers['room.join'];
  server.handlers['room.join'] = () => {
    throw refusal('server.busy');
  };
  const planned = clock.timerOf(MINUTE_MS);
  clock.advance(40 * MINUTE_MS);
  await planned;
  server.handlers['room.join'] = join;
  const coming = renewed();
  clock.advance(MINUTE_MS);
  assert.equal(await coming, 'u2');
  await session.leaveRoom();
  clock.advance(80 * MINUTE_MS);
  await settled();
  assert.equal(number, 2);
});

test('connections that stand, and those that are made later, use the newer ones', async () => {
  const made = [];
  class Fake extends EventTarget {
    connectionState = 'new';
    constructor(configuration) {
      super();
      this.configuration = configuration;
      made.push(this);
    }
    getConfiguration() {
      return this.configuration;
    }
    setConfiguration(configuration) {
      this.configuration = configuration;
    }
    createDataChannel() {
      return new EventTarget();
    }
    close() {
      this.connectionState = 'closed';
    }
  }
  const reply = await session.joinRoom({ identity: 'room' });
  const call = createCall(session, { ...reply, room: { ...reply.room, topology: 'p2p' } }, { RTCPeerConnection: Fake });
  const standing = call.newPeerConnection();
  const closed = call.newPeerConnection();
  closed.close();
  const coming = renewed();
  clock.advance(40 * MINUTE_MS);
  await coming;
  const later = call.newPeerConnection();
  const used = [standing, closed, later].map(({ configuration }) => configuration.iceServers[0].username);
  assert.deepEqual(used, ['u2', 'u1', 'u2']);
  assert.equal(standing.configuration.bundlePolicy, 'max-bundle');
  call.close();
});
