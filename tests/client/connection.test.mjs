import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { Connection } from '../../static/js/client/index.js';
import { Clock } from './clock.mjs';
import { FakeServer, refusal, SILENCE } from './fake-server.mjs';

let server;
let clock;
let connection;

beforeEach(async () => {
  server = await new FakeServer().listen();
  clock = new Clock();
  connection = new Connection(server.url, { WebSocket, timers: clock });
});
afterEach(async () => {
  connection.close();
  await server.stop();
});

const next = (type) => new Promise((resolve) => {
  const unsubscribe = connection.on(type, (data, info) => {
    unsubscribe();
    resolve({ data, info });
  });
});

async function signedIn() {
  await connection.open();
  await connection.request('auth.guest', { display_name: 'Ada' });
}

test('opening offers our sub-protocol and answers the hello', async () => {
  let offered;
  server.sockets.once('connection', (_, request) => {
    offered = request.headers['sec-websocket-protocol'];
  });
  const hello = await connection.open();
  assert.equal(offered, 'meeting.v1');
  assert.equal(hello.protocol, 'meeting.v1');
  assert.equal(connection.hello, hello);
});

test('a refusal rejects with its code, field and wait', async () => {
  await signedIn();
  server.handlers['room.create'] = () => {
    throw refusal('protocol.bad_field', { field: 'data.name', retry_after_ms: 250 });
  };
  await assert.rejects(connection.request('room.create', {}), {
    name: 'ProtocolError', code: 'protocol.bad_field', field: 'data.name', retryAfterMs: 250,
    message: 'Refused: protocol.bad_field.',
  });
});

test('ids rise by one, and data is left out when there is none', async () => {
  await signedIn();
  await connection.request('ping');
  await connection.request('ping', { client_time: 'now' });
  assert.deepEqual(server.requests.map(({ id }) => id), [1, 2, 3]);
  assert.deepEqual(server.requests[1].data, {});
});

test('replies find their requests in whatever order they come', async () => {
  await signedIn();
  const held = [];
  server.handlers.slow = (_, __, id) => {
    held.push(id);
    return SILENCE;
  };
  const answers = Promise.all(['a', 'b', 'c'].map((name) => connection.request('slow', { name })));
  while (held.length < 3) await server.nextRequest('slow');
  for (const id of held.toReversed()) server.peers[0].frame({ type: 'ok', re: id, data: { id } });
  assert.deepEqual((await answers).map(({ id }) => id), held);
});

test('an unanswered request times out, and its late reply disturbs nobody', async () => {
  await signedIn();
  server.handlers.ping = () => SILENCE;
  const arrived = server.nextRequest('ping');
  const refused = assert.rejects(connection.request('ping'), { code: 'client.timeout' });
  const { id } = await arrived;
  clock.advance(14_999);
  server.peers[0].event('still', {});
  await next('still');
  clock.advance(1);
  await refused;
  server.peers[0].frame({ type: 'ok', re: id, data: {} });
  server.peers[0].event('after', {});
  await next('after');
});

test('a lost socket rejects what is pending and everything later', async () => {
  await signedIn();
  server.handlers.ping = () => SILENCE;
  const arrived = server.nextRequest('ping');
  const closed = next('close');
  const refused = assert.rejects(connection.request('ping'), { code: 'client.closed', closeCode: 4408 });
  await arrived;
  server.peers[0].socket.close(4408, 'too slow');
  await refused;
  assert.deepEqual((await closed).data, { code: 4408, reason: 'too slow' });
  await assert.rejects(connection.request('ping'), { code: 'client.closed', closeCode: 4408 });
});

test('a request in the closing handshake is not sent, and learns how the socket ended', async () => {
  /** @type {any} */
  let socket;
  class Watched extends WebSocket {
    constructor(url, protocol) {
      super(url, protocol);
      socket = this;
    }

    /** A browser's only complains on its console. */
    send(...message) {
      assert.equal(this.readyState, WebSocket.OPEN);
      super.send(...message);
    }
  }
  connection = new Connection(server.url, { WebSocket: Watched, timers: clock });
  await signedIn();
  socket.close(4403);
  assert.equal(connection.isOpen, true);
  await assert.rejects(connection.request('ping'), { code: 'client.closed', closeCode: 4403 });
});

test('a server that does not listen rejects the opening', async () => {
  const gone = new Connection('ws://127.0.0.1:1/ws', { WebSocket, timers: clock });
  await assert.rejects(gone.open(), { code: 'client.closed', closeCode: 1006 });
});

test('a server that does not say hello is given up', async () => {
  const silent = new Connection('ws://unused/', { WebSocket: MuteSocket, timers: clock });
  const refused = assert.rejects(silent.open(), { code: 'client.timeout' });
  clock.advance(15_000);
  await refused;
  assert.equal(MuteSocket.closed, 1000);
});

test('events reach their handlers with seq, and `*` gets all', async () => {
  await signedIn();
  const all = [];
  connection.on('*', (data, { type, seq }) => all.push([type, seq, data]));
  const joined = next('participant.joined');
  server.peers[0].event('room.updated', { room: 1 });
  server.peers[0].frame({ type: 'speaker.active', data: { participants: [] } });
  server.peers[0].event('participant.joined', { participant: 2 });
  assert.deepEqual((await joined).info, { type: 'participant.joined', seq: 2 });
  assert.deepEqual(all, [
    ['room.updated', 1, { room: 1 }],
    ['speaker.active', undefined, { participants: [] }],
    ['participant.joined', 2, { participant: 2 }],
  ]);
});

test('a handler that throws or rejects breaks no other', async (t) => {
  const report = t.mock.method(console, 'error', () => {});
  await signedIn();
  connection.on('odd', () => {
    throw new Error('thrown');
  });
  connection.on('odd', async () => {
    throw new Error('rejected');
  });
  const seen = next('odd');
  server.peers[0].event('odd', { fine: true });
  assert.deepEqual((await seen).data, { fine: true });
  await connection.request('ping');
  assert.deepEqual(report.mock.calls.map(({ arguments: [, error] }) => error.message), ['thrown', 'rejected']);
});

test('an unsubscribed handler is not called, even from within an event', async () => {
  await signedIn();
  let calls = 0;
  const unsubscribe = connection.on('tick', () => {
    calls += 1;
    unsubscribe();
  });
  server.peers[0].event('tick', {});
  server.peers[0].event('tick', {});
  await connection.request('ping');
  assert.equal(calls, 1);
});

for (const [name, text] of [
  ['no JSON', '{'], ['a number', '7'], ['null', 'null'], ['a list', '[]'], ['a frame without a type', '{"re":1}'],
]) {
  test(`${name} from the server is an error event, and the socket stays`, async () => {
    await signedIn();
    const failed = next('error');
    server.peers[0].socket.send(text);
    assert.equal((await failed).data.code, 'protocol.bad_json');
    await connection.request('ping');
  });
}

test("an error frame that answers nothing is an event; the client's own events cannot be forged", async () => {
  await signedIn();
  const types = [];
  connection.on('*', (_, { type }) => types.push(type));
  const failed = next('error');
  server.peers[0].frame({ type: 'close', data: { code: 1 } });
  server.peers[0].frame({ type: 'open', data: {} });
  server.peers[0].frame({ type: 'error', re: null, error: { code: 'protocol.binary', message: 'No.' } });
  assert.equal((await failed).data.code, 'protocol.binary');
  assert.deepEqual(types, ['error']);
});

/** Opens and then says nothing. */
class MuteSocket {
  static closed = null;
  close(code) {
    MuteSocket.closed = code;
  }
}
