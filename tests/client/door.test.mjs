/** What the preview says of the way in, state by state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chipsOf, comesInOff, doorOf, opensLate } from '../../static/js/state/door.js';

const HOUR = 3_600_000;
const now = Date.parse('2026-03-01T12:00:00Z');
const owner = { id: 'u-1', kind: 'account' };
const guest = { id: 'u-2', kind: 'guest' };
const room = (change = {}) => ({
  owner: { id: 'u-1' },
  state: 'open',
  locked: false,
  has_password: false,
  waiting: 'nobody',
  guests: true,
  participants: 0,
  max_participants: 2,
  early_ms: 600_000,
  next: null,
  ...change,
});
const stateOf = (change, visitor = {}) => doorOf(room(change), { user: guest, invited: false, now, ...visitor }).state;

test('each state of a room is one way in', () => {
  assert.equal(stateOf({}), 'open');
  assert.equal(stateOf({ waiting: 'everyone' }), 'ask');
  assert.equal(stateOf({ locked: true, waiting: 'everyone' }), 'locked');
  assert.equal(stateOf({ participants: 2 }), 'full');
  assert.equal(stateOf({ state: 'ended' }), 'ended');
  assert.equal(stateOf({ next: { begin_at: new Date(now + HOUR).toISOString() } }), 'early');
  assert.equal(stateOf({ next: { begin_at: new Date(now + 300_000).toISOString() } }), 'open');
});

test('the owner neither waits nor is kept out', () => {
  assert.equal(stateOf({ waiting: 'everyone', locked: true }, { user: owner }), 'open');
  assert.equal(stateOf({ next: { begin_at: new Date(now + HOUR).toISOString() } }, { user: owner }), 'open');
  assert.equal(doorOf(room({ has_password: true }), { user: owner, invited: false, now }).asksPassword, false);
});

test('an invite spares waiting and password, not the lock', () => {
  assert.equal(stateOf({ waiting: 'everyone' }, { invited: true }), 'open');
  assert.equal(stateOf({ locked: true }, { invited: true }), 'locked');
  assert.equal(doorOf(room({ has_password: true }), { user: guest, invited: true, now }).asksPassword, false);
  assert.equal(doorOf(room({ has_password: true }), { user: guest, invited: false, now }).asksPassword, true);
});

test('the opening is told by this machine’s clock, and the server’s word on it counts', () => {
  const next = { begin_at: new Date(now + HOUR).toISOString() };
  const fast = doorOf(room({ next }), { user: guest, invited: false, now, skew: -60_000 });
  assert.equal(fast.opensAt, now + HOUR - 600_000 + 60_000);
  const told = doorOf(room({ next }), { user: guest, invited: true, now, refusal: 'room.not_started', opensAt: now + 5 });
  assert.deepEqual([told.state, told.opensAt], ['early', now + 5]);
  assert.equal(stateOf({ next: null }, { refusal: 'room.not_started', opensAt: now - 1 }), 'open');
});

test('a refusal tells more than the room did', () => {
  assert.equal(stateOf({}, { refusal: 'room.full' }), 'full');
  assert.equal(stateOf({}, { user: owner, refusal: 'room.ended' }), 'ended');
  assert.equal(stateOf({}, { refusal: 'room.password_wrong' }), 'open');
});

test('accounts come straight in where guests wait, and guests do not come in where only accounts do', () => {
  const account = { id: 'u-3', kind: 'account' };
  assert.equal(stateOf({ waiting: 'guests' }), 'ask');
  assert.equal(stateOf({ waiting: 'guests' }, { user: account }), 'open');
  assert.equal(stateOf({ guests: false }), 'accounts');
  assert.equal(stateOf({ guests: false }, { user: account }), 'open');
  // An invite may make more of a guest; the server says when it does not.
  assert.equal(stateOf({ guests: false }, { invited: true }), 'open');
  assert.equal(stateOf({ guests: false }, { invited: true, refusal: 'room.accounts_only' }), 'accounts');
  assert.equal(stateOf({ guests: true }, { refusal: 'room.accounts_only' }), 'open', 'overtaken');
  assert.equal(stateOf({ guests: false }, { user: account, refusal: 'room.accounts_only' }), 'open', 'signed in since');
});

test('a room is called open only when nothing stands between its link and being in it', () => {
  const account = { id: 'u-3', kind: 'account' };
  const chips = (change, user = guest, invited = false) =>
    chipsOf(room(change), doorOf(room(change), { user, invited, now }), invited).join();
  assert.equal(chips({}), 'open');
  assert.equal(chips({ has_password: true }), 'password');
  assert.equal(chips({ has_password: true }, owner), 'password', 'of the room, for every viewer');
  assert.equal(chips({ has_password: true }, guest, true), 'open', 'the link spares it');
  assert.equal(chips({ waiting: 'everyone', has_password: true }), 'ask,password');
  assert.equal(chips({ waiting: 'guests' }, account), 'guestsAsk');
  assert.equal(chips({ waiting: 'guests' }), 'ask');
  assert.equal(chips({ guests: false }, account), 'accounts');
  assert.equal(chips({ guests: false }), 'accounts');
  assert.equal(chips({ waiting: 'everyone' }, guest, true), 'open', 'the link spares this too');
  assert.equal(chips({ locked: true, has_password: true }), 'locked');
});

test('over an hour ahead nobody waits at the door', () => {
  const at = (ms) => doorOf(room({ next: { begin_at: new Date(now + ms).toISOString() } }), { user: guest, invited: false, now });
  // People may come in ten minutes before.
  assert.equal(opensLate(at(HOUR + 600_000), now), false);
  assert.equal(opensLate(at(HOUR + 600_001), now), true);
  assert.equal(opensLate(at(-HOUR), now), false);
});

test('with what one comes in is told to all but the owner', () => {
  const off = (change, user = guest) => comesInOff(room(change), doorOf(room(change), { user, invited: false, now }));
  assert.deepEqual(off({}), { microphone: false, camera: false });
  assert.deepEqual(off({ start_muted: true }), { microphone: true, camera: false });
  assert.deepEqual(off({ start_camera_off: true }), { microphone: false, camera: true });
  assert.deepEqual(off({ permissions: { camera: false, unmute: false } }), { microphone: true, camera: true });
  assert.deepEqual(off({ start_muted: true, start_camera_off: true }, owner), { microphone: false, camera: false });
});
