import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { LipSync } from '../../static/js/client/lip-sync.js';
import { Clock } from './clock.mjs';

/** A browser that plays what its buffers hold, as far behind the sender as the way is long. */
class Player {
  receivers = { sound: { jitterBufferTarget: null }, picture: { jitterBufferTarget: null } };
  /** How long each stands in the network, milliseconds. */
  way = { sound: 20, picture: 20 };
  /** What a buffer holds by itself. */
  held = { sound: 40, picture: 30 };
  still = new Set();
  plays = true;
  #passed = { sound: { n: 0, delay: 0 }, picture: { n: 0, delay: 0 } };

  constructor(clock) {
    this.clock = clock;
  }

  holds(name) {
    return Math.max(this.held[name], this.receivers[name].jitterBufferTarget ?? 0);
  }

  /** So much sound is ahead. */
  get skew() {
    return this.way.picture + this.holds('picture') - this.way.sound - this.holds('sound');
  }

  getTransceivers() {
    return Object.entries(this.receivers).map(([mid, receiver]) => ({ mid, receiver }));
  }

  async getStats() {
    const entries = Object.keys(this.receivers).map((mid) => {
      const passed = this.#passed[mid];
      if (!this.still.has(mid)) {
        passed.n += 50;
        passed.delay += (50 * this.holds(mid)) / 1000;
      }
      const counts = mid === 'sound' ? { packetsReceived: passed.n } : { framesDecoded: passed.n };
      const playedAt = this.clock.now() - this.way[mid] - this.holds(mid);
      return {
        type: 'inbound-rtp', mid, jitterBufferDelay: passed.delay, jitterBufferEmittedCount: passed.n, ...counts,
        ...(this.plays && { estimatedPlayoutTimestamp: playedAt }),
      };
    });
    return new Map(entries.map((entry) => [entry.mid, entry]));
  }
}

let clock;
let player;
let mids;
let lips;

beforeEach(() => {
  clock = new Clock();
  player = new Player(clock);
  mids = [{ sound: 'sound', picture: 'picture' }];
  lips = new LipSync(player, () => mids, clock);
});

/** @param {number} seconds */
async function pass(seconds) {
  for (let second = 0; second < seconds; second += 1) {
    const waits = clock.timerOf(1_000);
    await waits;
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const targets = () => [player.receivers.sound.jitterBufferTarget, player.receivers.picture.jitterBufferTarget];

test('sound that is ahead of its picture waits for it', async () => {
  player.way.picture = 320;
  assert.equal(player.skew, 290);
  await pass(8);
  assert.ok(Math.abs(player.skew) <= 40, `${player.skew} ms apart`);
  assert.equal(targets()[1], null);
});

test('a picture that is ahead of its sound waits for it', async () => {
  player.way.sound = 420;
  await pass(9);
  assert.ok(player.skew >= -80 && player.skew <= 40, `${player.skew} ms apart`);
  assert.equal(targets()[0], null);
});

test('what nobody notices is left alone', async () => {
  player.way.picture = 60;
  await pass(20);
  assert.deepEqual(targets(), [null, null]);
});

test('one look alone moves nothing', async () => {
  player.way.picture = 320;
  await pass(2);
  player.way.picture = 20;
  await pass(3);
  assert.deepEqual(targets(), [null, null]);
});

test('what was held back is let go once there is no need', async () => {
  player.way.picture = 320;
  await pass(8);
  player.way.picture = 20;
  await pass(60);
  assert.ok(player.skew >= -80 && player.skew <= 40, `${player.skew} ms apart`);
  await pass(400);
  assert.deepEqual(targets(), [null, null]);
});

test('what one was held back is let go before the other waits', async () => {
  player.way.picture = 320;
  await pass(8);
  player.way = { sound: 320, picture: 20 };
  await pass(12);
  assert.ok(player.skew >= -80 && player.skew <= 40, `${player.skew} ms apart`);
  assert.equal(targets()[0], null);
  assert.ok(player.holds('picture') <= 30 + 300, `${player.holds('picture')} ms`);
});

test('a stream that stands still, a clock that is wrong and a browser that says nothing change nothing', async () => {
  player.way.picture = 320;
  player.still.add('picture');
  await pass(5);
  player.still.clear();
  player.way.picture = 9_000;
  await pass(5);
  player.way.picture = 320;
  player.plays = false;
  await pass(5);
  assert.deepEqual(targets(), [null, null]);
});

test('slots that carry somebody else begin anew', async () => {
  player.way.picture = 320;
  await pass(8);
  assert.notEqual(targets()[0], null);
  mids = [];
  await pass(1);
  assert.deepEqual(targets(), [null, null]);
});

test('nothing is asked of a browser once it is over', async () => {
  await pass(1);
  lips.stop();
  let asked = 0;
  player.getStats = async () => {
    asked += 1;
    return new Map();
  };
  clock.advance(10_000);
  assert.equal(asked, 0);
});
