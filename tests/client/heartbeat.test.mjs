/** A server that stands still is noticed: by its silence, and by what does not arrive any more. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Emitter } from '../../static/js/client/emitter.js';
import { Heartbeat } from '../../static/js/client/heartbeat.js';
import { StallWatch } from '../../static/js/client/stall-watch.js';
import { Clock } from './clock.mjs';

let clock;
let connection;
let answers;
let told;
let heartbeat;

beforeEach(() => {
  clock = new Clock();
  answers = [];
  connection = Object.assign(new Emitter(), {
    isOpen: true,
    isAskingMuch: false,
    request: () => new Promise((resolve) => answers.push(resolve)),
    close: () => {
      connection.isOpen = false;
    },
  });
  told = [];
  heartbeat = new Heartbeat(connection, 15_000, clock, (silent) => told.push(silent));
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a page that wakes up hears of a silent server after a second and a half, and gives the socket up after four', () => {
  heartbeat.beat();
  clock.advance(1_499);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, [true]);
  clock.advance(2_499);
  assert.equal(connection.isOpen, true);
  clock.advance(1);
  assert.equal(connection.isOpen, false);
});

test('a server that answers again is told, and the next ping comes in its time', async () => {
  heartbeat.beat();
  clock.advance(2_000);
  answers[0]();
  await settled();
  assert.deepEqual(told, [true, false]);
  clock.advance(14_999);
  assert.equal(answers.length, 1);
  clock.advance(1);
  assert.equal(answers.length, 2);
});

test('the ping that comes by itself is more patient, until something else is amiss', () => {
  clock.advance(15_000);
  clock.advance(2_000);
  heartbeat.beat();
  assert.equal(answers.length, 1, 'one ping at a time');
  clock.advance(1_500);
  assert.deepEqual(told, [true]);
  clock.advance(2_500);
  assert.equal(connection.isOpen, false);
});

test('whatever comes from the server shows that it lives', () => {
  heartbeat.beat();
  clock.advance(1_500);
  connection.emit('speaker.active', {});
  assert.deepEqual(told, [true, false]);
  clock.advance(3_999);
  assert.equal(connection.isOpen, true);
});

test('a request that takes long is not taken for silence', () => {
  connection.isAskingMuch = true;
  heartbeat.beat();
  clock.advance(6_000);
  heartbeat.beat();
  clock.advance(13_999);
  assert.equal(connection.isOpen, true);
  clock.advance(1);
  assert.equal(connection.isOpen, false);
});

test('in a meeting a server that stands still is told of three seconds after its last word', async () => {
  heartbeat.watch(true);
  clock.advance(1_499);
  connection.emit('speaker.active', {});
  clock.advance(1_499);
  assert.equal(answers.length, 0, 'a word of the server is an answer');
  clock.advance(1);
  assert.equal(answers.length, 1);
  clock.advance(1_499);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, [true]);
  answers[0]();
  await settled();
  assert.deepEqual(told, [true, false]);
  // Where one goes afterwards there is time again.
  heartbeat.watch(false);
  clock.advance(14_999);
  assert.equal(answers.length, 1);
});

test('a server that speaks all the time is pinged in its interval nevertheless', () => {
  heartbeat.watch(true);
  for (let second = 0; second < 20; second += 1) {
    clock.advance(1_000);
    connection.emit('speaker.active', {});
  }
  assert.equal(answers.length, 1);
});

test('on a line that is slow at all times only what is slower still is silence', async () => {
  heartbeat.watch(true);
  clock.advance(1_500);
  clock.advance(1_200);
  answers[0]();
  await settled();
  clock.advance(1_500);
  clock.advance(3_599);
  assert.deepEqual(told, [], 'three times as long as the quickest answer');
  clock.advance(1);
  assert.deepEqual(told, [true]);
});

test('a heartbeat that was stopped is still', () => {
  heartbeat.beat();
  heartbeat.stop();
  clock.advance(60_000);
  assert.deepEqual([told, connection.isOpen, answers.length], [[], true, 1]);
});

test('what stops coming is told once, and what never came is not', () => {
  let newest = -Infinity;
  let stalled = 0;
  const watch = new StallWatch(() => newest, () => (stalled += 1), clock);
  clock.advance(60_000);
  assert.equal(stalled, 0);
  for (let packet = 0; packet < 10; packet += 1) {
    newest = packet;
    clock.advance(1_000);
  }
  assert.equal(stalled, 0);
  clock.advance(1_500);
  assert.equal(stalled, 1, 'within two seconds of the last packet');
  clock.advance(60_000);
  assert.equal(stalled, 1);
  newest = 99;
  clock.advance(500);
  clock.advance(1_500);
  assert.equal(stalled, 2);
  watch.stop();
  newest = 100;
  clock.advance(60_000);
  assert.equal(stalled, 2);
});
