import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ProtocolError } from '../../static/js/client/errors.js';
import { LinkWatch } from '../../static/js/client/link-watch.js';
import { Clock } from './clock.mjs';

let clock;
let pc;
let log;
let answer;
let watch;

beforeEach(() => {
  clock = new Clock();
  pc = Object.assign(new EventTarget(), { connectionState: 'new', iceConnectionState: 'new' });
  log = [];
  answer = async () => {};
  watch = new LinkWatch(
    pc,
    {
      restart: () => {
        log.push('restart');
        return answer();
      },
      rebuild: (why) => log.push(`rebuild ${why}`),
      disturbed: () => log.push('disturbed'),
    },
    clock,
  );
});

function turns(ice, connection = pc.connectionState) {
  Object.assign(pc, { iceConnectionState: ice, connectionState: connection });
  pc.dispatchEvent(new Event('iceconnectionstatechange'));
  pc.dispatchEvent(new Event('connectionstatechange'));
}
const done = () => log.filter((what) => what !== 'disturbed');
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a path that comes back within three seconds needs no restart, but is told at once', () => {
  turns('disconnected', 'disconnected');
  assert.equal(log[0], 'disturbed');
  clock.advance(2_999);
  turns('connected', 'connected');
  clock.advance(60_000);
  assert.deepEqual(done(), []);
});

test('a path that stays away is restarted after three seconds', () => {
  turns('disconnected', 'disconnected');
  clock.advance(3_000);
  assert.deepEqual(done(), ['restart']);
});

test('a failed path is restarted at once and once more; then a new connection is asked for, once', () => {
  turns('failed', 'failed');
  clock.advance(0);
  const moments = [];
  for (let second = 1; second <= 120; second += 1) {
    const before = done().length;
    clock.advance(1_000);
    // What a browser reports in between must not hurry the next attempt.
    turns(second % 2 ? 'checking' : 'failed');
    for (const what of done().slice(before)) moments.push(`${what} at ${second}`);
  }
  assert.deepEqual([done()[0], ...moments], ['restart', 'restart at 5', 'rebuild ice at 15']);
});

test('once it is connected, the next failure counts from the beginning', () => {
  for (let time = 0; time < 3; time += 1) {
    turns('failed', 'failed');
    clock.advance(0);
    turns('connected', 'connected');
    clock.advance(60_000);
  }
  assert.deepEqual(done(), ['restart', 'restart', 'restart']);
});

test('a path that is never found is looked for again', () => {
  turns('checking', 'connecting');
  clock.advance(15_000);
  assert.deepEqual(done(), ['restart']);
});

test('a failed DTLS over a path that works needs a new connection, not another path', () => {
  turns('connected', 'connecting');
  turns('connected', 'failed');
  clock.advance(60_000);
  assert.deepEqual(log, ['rebuild dtls']);
});

test('DTLS that failed is seen also while the path is away', () => {
  pc.getSenders = () => [{ transport: { state: 'failed' } }];
  pc.getReceivers = () => [{ transport: null }];
  turns('disconnected', 'failed');
  assert.deepEqual(done(), ['rebuild dtls']);
});

test('a handshake that hangs is given up after eight seconds, one that ends in time is not', () => {
  turns('connected', 'connecting');
  clock.advance(7_999);
  turns('completed', 'connecting');
  assert.deepEqual(done(), []);
  clock.advance(1);
  assert.deepEqual(done(), ['rebuild dtls']);
});

test('a handshake that ended is watched no more', () => {
  turns('connected', 'connecting');
  turns('connected', 'connected');
  clock.advance(60_000);
  assert.deepEqual(done(), []);
});

test('a restart that is refused for good asks for a new connection, one that comes too soon is repeated', async () => {
  answer = async () => {
    throw new ProtocolError('server.busy', '');
  };
  turns('failed', 'failed');
  clock.advance(0);
  await settled();
  assert.deepEqual(done(), ['restart']);
  answer = async () => {
    throw new ProtocolError('room.not_joined', '');
  };
  clock.advance(5_000);
  await settled();
  assert.deepEqual(done(), ['restart', 'restart', 'rebuild room.not_joined']);
});

test('another network is tried at once', () => {
  turns('disconnected', 'disconnected');
  watch.hurry();
  clock.advance(0);
  assert.deepEqual(done(), ['restart']);
});

test('a stopped watch does nothing', () => {
  turns('disconnected', 'disconnected');
  watch.stop();
  turns('failed', 'failed');
  watch.hurry();
  clock.advance(60_000);
  assert.deepEqual(done(), []);
});
