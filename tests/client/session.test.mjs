import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { Clock } from './clock.mjs';
import { FakeServer, refusal, SILENCE } from './fake_server.mjs';

let server;
let clock;
let session;
let states;
const stored = new Map();
const storage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => void stored.set(key, value),
  removeItem: (key) => void stored.delete(key),
};

beforeEach(async () => {
  server = await new FakeServer().listen();
  clock = new Clock();
  stored.clear();
  session = newSession();
});
afterEach(async () => {
  session.close();
  await server.stop();
});

function newSession(options = {}) {
  const made = new Session(server.url, { WebSocket, timers: clock, storage, random: () => 0.5, ...options });
  states = [];
  made.on('state', ({ state, code, attempt }) => states.push([state, code ?? attempt].filter((part) => part !== undefined).join(' ')));
  return made;
}

const next = (type) => new Promise((resolve) => {
  const unsubscribe = session.on(type, (data, info) => {
    unsubscribe();
    resolve({ data, info });
  });
});

/** The state event of that name. */
const reaches = (wanted) => new Promise((resolve) => {
  const unsubscribe = session.on('state', (change) => {
    if (change.state !== wanted) return;
    unsubscribe();
    resolve(change);
  });
});

test('a guest signs in, and the token brings the same user back', async () => {
  const user = await session.guest({ display_name: 'Ada' });
  assert.deepEqual([user.kind, user.display_name], ['guest', 'Ada']);
  assert.equal(stored.get('meeting.token'), session.token);
  session.close();

  session = newSession();
  assert.equal((await session.connect()).id, user.id);
  assert.deepEqual(states, ['connecting', 'online']);
});

test('without a token, connecting learns the hello and asks for a sign-in', async () => {
  assert.equal(await session.connect(), null);
  assert.deepEqual(session.hello.auth, ['password', 'guest', 'register']);
  assert.deepEqual(states, ['connecting', 'closed 4401']);
  await session.login({ username: 'ada', password: 'right' });
  assert.equal(session.state, 'online');
});

test('a token the server takes no more is forgotten', async () => {
  stored.set('meeting.token', 'old');
  session = newSession();
  assert.equal(await session.connect(), null);
  assert.deepEqual([stored.size, session.token, session.state], [0, null, 'closed']);
});

test('a server in trouble is no reason to forget the token', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['auth.token'] = () => {
    throw refusal('server.internal');
  };
  session.close();
  session = newSession();
  await assert.rejects(session.connect(), { code: 'server.internal' });
  assert.equal(stored.size, 1);
});

test('a wrong password leaves nobody signed in', async () => {
  await assert.rejects(session.login({ username: 'ada', password: 'wrong' }), { code: 'auth.bad_credentials' });
  assert.deepEqual([session.user, session.token, session.state], [null, null, 'closed']);
});

test('storage that throws costs only the next visit', async () => {
  const broken = () => {
    throw new Error('denied');
  };
  session = newSession({ storage: { getItem: broken, setItem: broken, removeItem: broken } });
  await session.guest({ display_name: 'Ada' });
  assert.ok(session.token);
});

test('a lost socket comes back with the token and re-joins the room by identity', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['room.join'] = wrap(server.handlers['room.join'], (reply) => {
    reply.room.identity = 'long-identity';
  });
  const first = await session.joinRoom({ identity: '123456789', password: 'secret' });
  const again = next('joined');
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  assert.equal((await lost).attempt, 1);
  clock.advance(250);
  const { data, info } = await again;
  assert.equal(info.again, true);
  assert.notEqual(data.self.id, first.self.id);
  assert.deepEqual(server.requests.at(-1).data, { identity: 'long-identity', password: 'secret' });
  assert.deepEqual(states, ['connecting', 'online', 'reconnecting 1', 'online']);
});

test('the pauses between attempts double, with jitter, up to a limit', async () => {
  await session.guest({ display_name: 'Ada' });
  const lost = reaches('reconnecting');
  server.handlers['auth.token'] = () => {
    throw refusal('server.busy');
  };
  server.peers[0].socket.terminate();
  await lost;
  // Half of 500, 1000, 2000, … because `random` answers one half.
  for (const pause of [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    await clock.timerOf(pause);
    const again = reaches('reconnecting');
    clock.advance(pause);
    await again;
  }
  assert.equal(states.at(-1), 'reconnecting 9');
});

test('the wait that the server asks for is kept', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['auth.token'] = () => {
    throw refusal('rate.limited', { retry_after_ms: 7_777 });
  };
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  clock.advance(250);
  await clock.timerOf(7_777);
});

for (const code of [4401, 4403, 4404, 4409]) {
  test(`a socket closed with ${code} stays closed`, async () => {
    await session.guest({ display_name: 'Ada' });
    await session.joinRoom({ identity: 'room' });
    const closed = reaches('closed');
    server.peers[0].socket.close(code);
    assert.equal((await closed).code, code);
    clock.advance(60_000);
    assert.equal(states.at(-1), `closed ${code}`);
    assert.equal(server.requests.filter(({ type }) => type === 'auth.token').length, 0);
  });
}

test('a token that ran out during the outage ends in a sign-in', async () => {
  await session.guest({ display_name: 'Ada' });
  server.users.clear();
  const lost = reaches('reconnecting');
  const closed = reaches('closed');
  server.peers[0].socket.terminate();
  await lost;
  clock.advance(250);
  assert.equal((await closed).code, 4401);
  assert.equal(session.token, null);
});

test('a room that does not let us back in is told, and not tried again', async () => {
  await session.guest({ display_name: 'Ada' });
  await session.joinRoom({ identity: 'room' });
  server.handlers['room.join'] = () => {
    throw refusal('room.ended');
  };
  const failed = next('rejoin.failed');
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  clock.advance(250);
  assert.equal((await failed).data.code, 'room.ended');
  assert.equal(session.state, 'online');
});

test('a room that was left is not joined again', async () => {
  await session.guest({ display_name: 'Ada' });
  await session.joinRoom({ identity: 'room' });
  await session.leaveRoom();
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const online = reaches('online');
  clock.advance(250);
  await online;
  await session.ping();
  assert.equal(server.requests.filter(({ type }) => type === 'room.join').length, 1);
});

test('closing while reconnecting ends the attempts', async () => {
  await session.guest({ display_name: 'Ada' });
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  session.close();
  clock.advance(60_000);
  assert.deepEqual(states.slice(-1), ['closed 1000']);
  assert.equal(server.requests.filter(({ type }) => type === 'auth.token').length, 0);
});

test('signing in while reconnecting ends the attempts of the one before', async () => {
  await session.guest({ display_name: 'Ada' });
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const user = await session.login({ username: 'bo', password: 'right' });
  clock.advance(60_000);
  assert.equal(session.user.id, user.id);
  assert.equal(server.peers.length, 1);
});

for (const code of ['rate.limited', 'server.busy']) {
  test(`${code} is tried once more, under a new id, after the wait`, async () => {
    await session.guest({ display_name: 'Ada' });
    const ids = [];
    server.handlers['room.list'] = (_, __, id) => {
      ids.push(id);
      if (ids.length === 1) throw refusal(code, { retry_after_ms: 321 });
      return { rooms: [], total: 0 };
    };
    const listed = session.listRooms();
    await clock.timerOf(321);
    clock.advance(321);
    assert.deepEqual(await listed, { rooms: [], total: 0 });
    assert.equal(new Set(ids).size, 2);
    assert.ok(ids[0] < ids[1]);
  });
}

test('a second refusal, a long wait and any other refusal go to the caller', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['room.list'] = () => {
    throw refusal('rate.limited', { retry_after_ms: 5 });
  };
  const twice = assert.rejects(session.listRooms(), { code: 'rate.limited' });
  await clock.timerOf(5);
  clock.advance(5);
  await twice;
  server.handlers['room.list'] = () => {
    throw refusal('rate.limited', { retry_after_ms: 60_000 });
  };
  await assert.rejects(session.listRooms(), { code: 'rate.limited', retryAfterMs: 60_000 });
  await assert.rejects(session.joinRoom({ identity: 'locked' }), { code: 'room.locked' });
});

test("the token is refreshed before it runs out by the server's clock", async () => {
  server.hello.time = '2031-07-01T12:00:00.000Z';
  server.handlers['auth.guest'] = wrap(server.handlers['auth.guest'], (reply) => {
    reply.expires_at = '2031-07-01T13:00:00.000Z';
  });
  await session.guest({ display_name: 'Ada' });
  await clock.timerOf(3_300_000);
  // In steps, so that the heartbeat gets its answers.
  for (let passed = 0; passed < 3_285_000; passed += 15_000) {
    clock.advance(15_000);
    await session.ping();
  }
  assert.equal(server.requests.filter(({ type }) => type === 'auth.refresh').length, 0);
  const refreshed = server.nextRequest('auth.refresh');
  clock.advance(15_000);
  await refreshed;
});

test('a new password brings a fresh token, a new name does not', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['account.update'] = (peer) => ({ user: peer.user });
  server.handlers['auth.refresh'] = wrap(server.handlers['auth.refresh'], (reply) => {
    reply.token = 'a fresh one';
  });
  const before = session.token;
  await session.updateAccount({ display_name: 'Countess' });
  assert.equal(session.token, before);
  await session.updateAccount({ current_password: 'one password', new_password: 'another one' });
  assert.equal(session.token, 'a fresh one');
  assert.deepEqual(server.requests.slice(-2).map(({ type }) => type), ['account.update', 'auth.refresh']);
});

test('a silent network is noticed by the heartbeat', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers.ping = () => SILENCE;
  const lost = reaches('reconnecting');
  const pinged = server.nextRequest('ping');
  clock.advance(15_000);
  await pinged;
  clock.advance(15_000);
  await lost;
});

test('a network that is back cuts the wait short', async () => {
  await session.guest({ display_name: 'Ada' });
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const online = reaches('online');
  session.wake();
  await online;
  clock.advance(250);
  const pinged = server.nextRequest('ping');
  session.wake();
  await pinged;
  assert.equal(server.requests.filter(({ type }) => type === 'auth.token').length, 1);
});

test('logging out forgets the token even when the server refuses', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['auth.logout'] = () => {
    throw refusal('server.internal');
  };
  await assert.rejects(session.logout(), { code: 'server.internal' });
  assert.deepEqual([session.token, session.user, stored.size, session.state], [null, null, 0, 'closed']);
});

test('events of the wire pass through, and an ended room is not joined again', async () => {
  await session.guest({ display_name: 'Ada' });
  await session.joinRoom({ identity: 'room' });
  const ended = next('room.ended');
  server.peers[0].event('room.ended', { identity: 'room', reason: 'host' });
  assert.deepEqual((await ended).data, { identity: 'room', reason: 'host' });
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const online = reaches('online');
  clock.advance(250);
  await online;
  await session.ping();
  assert.equal(server.requests.filter(({ type }) => type === 'room.join').length, 1);
});

test('requests without a socket are refused at once', async () => {
  await assert.rejects(session.listRooms(), { code: 'client.closed' });
});

/** A handler whose reply is changed before it goes out. */
function wrap(handler, change) {
  return (...given) => {
    const reply = handler(...given);
    change(reply);
    return reply;
  };
}
