/** What the preview says of the way in, state by state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doorOf } from '../../static/js/state/door.js';

const HOUR = 3_600_000;
const now = Date.parse('2026-03-01T12:00:00Z');
const owner = { id: 'u-1', kind: 'account' };
const guest = { id: 'u-2', kind: 'guest' };
const room = (change = {}) => ({
  owner: { id: 'u-1' },
  state: 'open',
  locked: false,
  has_password: false,
  lobby: false,
  participants: 0,
  max_participants: 2,
  early_ms: 600_000,
  next: null,
  ...change,
});
const stateOf = (change, visitor = {}) => doorOf(room(change), { user: guest, invited: false, now, ...visitor }).state;

test('each state of a room is one way in', () => {
  assert.equal(stateOf({}), 'open');
  assert.equal(stateOf({ lobby: true }), 'ask');
  assert.equal(stateOf({ locked: true, lobby: true }), 'locked');
  assert.equal(stateOf({ participants: 2 }), 'full');
  assert.equal(stateOf({ state: 'ended' }), 'ended');
  assert.equal(stateOf({ next: { begin_at: new Date(now + HOUR).toISOString() } }), 'early');
  assert.equal(stateOf({ next: { begin_at: new Date(now + 300_000).toISOString() } }), 'open');
});

test('the owner neither waits nor is kept out', () => {
  assert.equal(stateOf({ lobby: true, locked: true }, { user: owner }), 'open');
  assert.equal(stateOf({ next: { begin_at: new Date(now + HOUR).toISOString() } }, { user: owner }), 'open');
  assert.equal(doorOf(room({ has_password: true }), { user: owner, invited: false, now }).asksPassword, false);
});

test('an invite spares waiting and password, not the lock', () => {
  assert.equal(stateOf({ lobby: true }, { invited: true }), 'open');
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
