/** One direction of the media over as many connections as it takes, against connections and a server of wood. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ProtocolError } from '../../static/js/client/errors.js';
import { KeptLink } from '../../static/js/client/kept-link.js';
import { Clock } from './clock.mjs';

let clock;
let made;
let states;
let answer;
let lostRoom;
let kept;

beforeEach(() => {
  clock = new Clock();
  made = [];
  states = [];
  lostRoom = 0;
  answer = async () => {};
  kept = new KeptLink({
    make: (rebuild, before) => {
      before?.close();
      const pc = Object.assign(new EventTarget(), { connectionState: 'new' });
      const link = { pc, rebuild, open: true, hurried: 0, hurry: () => (link.hurried += 1), close: () => (link.open = false) };
      made.push(link);
      return link;
    },
    negotiate: () => answer(),
    lostRoom: () => (lostRoom += 1),
    failed: () => {},
    changed: ({ state, code, retryAt }) => states.push([state, code, retryAt === null ? null : retryAt - clock.now()]),
    timers: clock,
    random: () => 0.5,
  });
});

const refuse = (code) => {
  answer = async () => {
    throw new ProtocolError(code, '');
  };
};
function connects(link = made.at(-1)) {
  link.pc.connectionState = 'connected';
  link.pc.dispatchEvent(new Event('connectionstatechange'));
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a connection that fails for good is made anew, with growing pauses, until it holds', async () => {
  await kept.open();
  connects();
  const pauses = [];
  for (let round = 0; round < 5; round += 1) {
    made.at(-1).rebuild('ice');
    pauses.push(states.at(-1)[2]);
    clock.advance(states.at(-1)[2]);
    await settled();
  }
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 2_500]);
  assert.equal(made.length, 6);
  assert.equal(made.filter(({ open }) => open).length, 1, 'one at a time');
  connects();
  clock.advance(20_000);
  made.at(-1).rebuild('ice');
  assert.equal(states.at(-1)[2], 250, 'one that held counts from the beginning');
});

test('a connection that was replaced has nothing more to say', async () => {
  await kept.open();
  const [first] = made;
  first.rebuild('dtls');
  clock.advance(250);
  await settled();
  const before = states.length;
  first.rebuild('dtls');
  connects(first);
  clock.advance(60_000);
  assert.deepEqual([states.length, made.length], [before, 2]);
});

test('what may come later is tried again, a no is told and waits for somebody to ask', async () => {
  refuse('server.busy');
  await assert.rejects(kept.open(), { code: 'server.busy' });
  assert.deepEqual(states.at(-1), ['waiting', 'server.busy', 250]);
  refuse('media.bad_sdp');
  clock.advance(250);
  await settled();
  assert.deepEqual(states.at(-1), ['refused', 'media.bad_sdp', null]);
  clock.advance(600_000);
  await settled();
  assert.equal(made.length, 2, 'nobody asks again by themselves');
  answer = async () => {};
  kept.retry();
  await settled();
  connects();
  assert.deepEqual(states.at(-1), ['connected', null, null]);
});

test('a server that does not know of us is asked for the room again', async () => {
  refuse('room.not_joined');
  await assert.rejects(kept.open());
  assert.equal(lostRoom, 1);
  assert.equal(states.at(-1)[0], 'waiting');
});

test('what the browser itself refuses is tried three times', async () => {
  answer = async () => {
    throw new DOMException('no', 'InvalidStateError');
  };
  await assert.rejects(kept.open());
  for (const pause of [250, 500]) {
    clock.advance(pause);
    await settled();
  }
  assert.deepEqual([made.length, states.at(-1)[0]], [3, 'refused']);
});

test('another network is tried at once', async () => {
  await kept.open();
  kept.hurry();
  assert.equal(made[0].hurried, 1);
  made[0].rebuild('ice');
  kept.hurry();
  assert.equal(made.length, 2);
});

test('a closed one stays closed', async () => {
  await kept.open();
  made[0].rebuild('ice');
  kept.close();
  clock.advance(600_000);
  kept.rebuild('ice');
  kept.retry();
  assert.deepEqual([made.length, made[0].open], [1, false]);
});
