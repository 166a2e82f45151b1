import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { Clock } from './clock.mjs';
import { FakeServer, refusal, SILENCE } from './fake-server.mjs';

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

test('the pauses between attempts double, with jitter: five seconds at most in the first minute, then thirty', async () => {
  await session.guest({ display_name: 'Ada' });
  const lost = reaches('reconnecting');
  server.handlers['auth.token'] = () => {
    throw refusal('server.internal');
  };
  server.peers[0].socket.terminate();
  let change = await lost;
  const began = clock.now();
  const pauses = [];
  const late = [];
  while (late.length < 2) {
    const pause = change.retryAt - clock.now();
    (clock.now() - began < 60_000 ? pauses : late).push(pause);
    const again = reaches('reconnecting');
    clock.advance(pause);
    change = await again;
  }
  // The first attempt at once, then half of 500, 1000, 2000, … because `random` answers one half.
  assert.deepEqual(pauses.slice(0, 7), [0, 250, 500, 1_000, 2_000, 2_500, 2_500]);
  assert.ok(pauses.every((pause) => pause <= 2_500));
  assert.deepEqual(late, [15_000, 15_000]);
});

test('the wait that the server asks for is kept, and jitter spreads those who were all told the same', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['auth.token'] = () => {
    throw refusal('rate.limited', { retry_after_ms: 7_777 });
  };
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const again = reaches('reconnecting');
  clock.advance(250);
  const { retryAt } = await again;
  assert.equal(retryAt - clock.now(), 7_777 + 250);
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

for (const code of ['server.busy', 'rate.limited', 'server.internal', 'server.draining']) {
  test(`a room that answers ${code} is asked again until it takes us`, async () => {
    await session.guest({ display_name: 'Ada' });
    await session.joinRoom({ identity: 'room' });
    const { 'room.join': join } = server.handlers;
    server.handlers['room.join'] = () => {
      throw refusal(code, { retry_after_ms: 20_000 });
    };
    const lost = reaches('reconnecting');
    server.peers[0].socket.terminate();
    await lost;
    const waits = next('rejoin.waiting');
    clock.advance(250);
    const { data } = await waits;
    assert.deepEqual([data.code, data.attempt, data.retryAt - clock.now()], [code, 1, 20_250]);
    server.handlers['room.join'] = join;
    const again = next('joined');
    session.on('rejoin.failed', () => assert.fail('given up'));
    // A caller that does not want to wait can try at once.
    session.wake();
    assert.equal((await again).info.again, true);
  });
}

test('a rejoin without an answer is sent again, and the room takes the same one once', async () => {
  await session.guest({ display_name: 'Ada' });
  await session.joinRoom({ identity: 'room' });
  const { 'room.join': join } = server.handlers;
  let asked = 0;
  server.handlers['room.join'] = (...given) => {
    asked += 1;
    const reply = join(...given);
    return asked === 1 ? SILENCE : reply;
  };
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const joining = server.nextRequest('room.join');
  const waits = next('rejoin.waiting');
  const again = next('joined');
  clock.advance(250);
  await joining;
  clock.advance(15_000);
  assert.equal((await waits).data.code, 'client.timeout');
  clock.advance(5_000);
  assert.equal((await again).info.again, true);
  assert.equal(server.rooms.get('room').participants.size, 1, 'no ghost');
});

test('a person who leaves while the room is asked again is not brought back', async () => {
  await session.guest({ display_name: 'Ada' });
  await session.joinRoom({ identity: 'room' });
  server.handlers['room.join'] = () => {
    throw refusal('server.busy');
  };
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const waits = next('rejoin.waiting');
  clock.advance(250);
  await waits;
  await session.leaveRoom();
  const joins = server.requests.filter(({ type }) => type === 'room.join').length;
  clock.advance(5_000);
  session.wake();
  await session.ping();
  assert.equal(server.requests.filter(({ type }) => type === 'room.join').length, joins);
});

test('a join that was given up is undone, in case it succeeds late', { timeout: 10_000 }, async () => {
  await session.guest({ display_name: 'Ada' });
  const { 'room.join': join } = server.handlers;
  server.handlers['room.join'] = (...given) => {
    join(...given);
    return SILENCE;
  };
  const asked = server.nextRequest('room.join');
  const joined = assert.rejects(session.joinRoom({ identity: 'room' }), { code: 'client.timeout', request: 'room.join' });
  await asked;
  const left = server.nextRequest('room.leave');
  clock.advance(15_000);
  await joined;
  await left;
  assert.equal(server.rooms.get('room').participants.size, 0);
});

test('a session that the server does not know to be in the room asks for it, once', async () => {
  await session.guest({ display_name: 'Ada' });
  session.rejoin();
  await session.joinRoom({ identity: 'room' });
  const again = next('joined');
  session.rejoin();
  session.rejoin();
  assert.equal((await again).info.again, true);
  await session.ping();
  assert.equal(server.requests.filter(({ type }) => type === 'room.join').length, 2);
});

test('an attempt over a network that is gone is given up for a new one when the network changed', async () => {
  await session.guest({ display_name: 'Ada' });
  server.handlers['auth.token'] = () => SILENCE;
  const lost = reaches('reconnecting');
  server.peers[0].socket.terminate();
  await lost;
  const first = server.nextRequest('auth.token');
  clock.advance(250);
  await first;
  session.wake();
  clock.advance(2_001);
  const second = server.nextRequest('auth.token');
  session.wake();
  await second;
  assert.equal(server.requests.filter(({ type }) => type === 'auth.token').length, 2);
  assert.equal(states.at(-1), 'reconnecting 1', 'the one that was given up says no more');
});

test('a silent server is told, and told again when it speaks', async () => {
  await session.guest({ display_name: 'Ada' });
  const { ping } = server.handlers;
  server.handlers.ping = () => SILENCE;
  const asked = server.nextRequest('ping');
  session.wake();
  const { id, peer } = await asked;
  const silent = next('silence');
  clock.advance(1_500);
  assert.deepEqual((await silent).data, { silent: true });
  server.handlers.ping = ping;
  const speaks = next('silence');
  peer.frame({ type: 'ok', re: id, data: ping() });
  assert.deepEqual((await speaks).data, { silent: false });
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
  test(`${code} is tried again by itself, each time under a new id and later`, async () => {
    await session.guest({ display_name: 'Ada' });
    const ids = [];
    server.handlers['room.list'] = (_, __, id) => {
      ids.push(id);
      if (ids.length <= 3) throw refusal(code, { retry_after_ms: 800 });
      return { rooms: [], total: 0 };
    };
    const listed = session.listRooms();
    // What was asked for, and half of 800, 1600, 3200, because `random` answers one half.
    for (const pause of [1_200, 1_600, 2_400]) {
      await clock.timerOf(pause);
      clock.advance(pause);
    }
    assert.deepEqual(await listed, { rooms: [], total: 0 });
    assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b));
  });
}

test('a minute of refusals, a long wait and any other refusal go to the caller', async () => {
  await session.guest({ display_name: 'Ada' });
  let asked = 0;
  let told = () => {};
  server.handlers['room.list'] = () => {
    asked += 1;
    throw refusal('rate.limited', { retry_after_ms: 5_000 });
  };
  const given = assert.rejects(session.listRooms(), { code: 'rate.limited' }).then(() => (told = null));
  // In steps of the longest pause; the heartbeat gets its answers meanwhile.
  for (let step = 0; told && step < 30; step += 1) {
    clock.advance(7_500);
    await session.ping();
  }
  await given;
  assert.ok(asked > 5 && asked < 12, `${asked} tries`);
  server.handlers['room.list'] = () => {
    throw refusal('rate.limited', { retry_after_ms: 60_000 });
  };
  await assert.rejects(session.listRooms(), { code: 'rate.limited', retryAfterMs: 60_000, request: 'room.list' });
  await assert.rejects(session.joinRoom({ identity: 'locked' }), { code: 'room.locked' });
});

test('a crowd that arrives at once is let in bit by bit, whatever each is told', async () => {
  let free = 3;
  const { 'auth.guest': guest } = server.handlers;
  server.handlers['auth.guest'] = (...given) => {
    if (free === 0) throw refusal('server.busy', { retry_after_ms: 100 });
    free -= 1;
    return guest(...given);
  };
  const crowd = Array.from({ length: 8 }, (_, n) => {
    const made = new Session(server.url, { WebSocket, timers: clock, random: () => n / 8 });
    return { made, signedIn: made.guest({ display_name: `N${n}` }).then(() => true) };
  });
  let inside = 0;
  for (const one of crowd) void one.signedIn.then(() => (inside += 1));
  for (let step = 0; inside < 8 && step < 100; step += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    free = 1;
    clock.advance(100);
  }
  assert.equal(inside, 8);
  for (const { made } of crowd) made.close();
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
