import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { IceWatch } from '../../static/js/client/ice_watch.js';
import { Clock } from './clock.mjs';

let clock;
let pc;
let restarts;
let watch;

beforeEach(() => {
  clock = new Clock();
  pc = new EventTarget();
  restarts = 0;
  watch = new IceWatch(pc, () => (restarts += 1), clock);
});

function turns(state) {
  pc.iceConnectionState = state;
  pc.dispatchEvent(new Event('iceconnectionstatechange'));
}

test('a path that comes back within three seconds needs no restart', () => {
  turns('disconnected');
  clock.advance(2_999);
  turns('connected');
  clock.advance(60_000);
  assert.equal(restarts, 0);
});

test('a path that stays away is restarted after three seconds', () => {
  turns('disconnected');
  clock.advance(3_000);
  assert.equal(restarts, 1);
});

test('a failed path is restarted at once, and again with growing pauses', () => {
  turns('failed');
  clock.advance(0);
  assert.equal(restarts, 1);
  const moments = [];
  for (let second = 1; second <= 120; second += 1) {
    const before = restarts;
    clock.advance(1_000);
    // What a browser reports in between must not hurry the next attempt.
    turns(second % 2 ? 'checking' : 'failed');
    if (restarts > before) moments.push(second);
  }
  assert.deepEqual(moments, [5, 15, 35, 65, 95]);
});

test('once it is connected, the next failure counts from the beginning', () => {
  turns('failed');
  clock.advance(0);
  turns('connected');
  clock.advance(60_000);
  assert.equal(restarts, 1);
  turns('failed');
  clock.advance(0);
  assert.equal(restarts, 2);
});

test('a stopped watch restarts nothing', () => {
  turns('disconnected');
  watch.stop();
  turns('failed');
  clock.advance(60_000);
  assert.equal(restarts, 0);
});
