/** Waiting to be let in, against a session and a meeting of wood. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Emitter } from '../../static/js/client/emitter.js';
import { ProtocolError } from '../../static/js/client/errors.js';
import { createWaiting } from '../../static/js/flow/waiting.js';

const kept = new Map();
globalThis.sessionStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
};
const request = { identity: 'room', display_name: 'Bo', invite: 'token' };
let session;
let answer;
let joins;
let screen;
let outcome;
let waiting;
/** What the waiting page shows. */
let preview;

beforeEach(() => {
  kept.clear();
  session = new Emitter();
  session.left = 0;
  session.leaveRoom = async () => void (session.left += 1);
  joins = [];
  outcome = [];
  screen = 'preview';
  preview = { host: null };
  answer = async () => {};
  const meeting = {
    join: async (asked) => {
      joins.push(asked);
      return answer();
    },
  };
  const store = {
    get: () => ({ devices: { microphone: { wanted: true }, camera: { wanted: false } } }),
    dispatch: (action) => {
      if (action.type === 'screen') screen = action.screen;
      if (action.type === 'preview') Object.assign(preview, action.preview);
    },
  };
  waiting = createWaiting(
    { session, store, meeting },
    {
      refuse: (error) => outcome.push(['refuse', error.code]),
      askAgain: (error) => outcome.push(['ask', error]),
      leave: (kind) => outcome.push(['leave', kind]),
    },
  );
  waiting.begin(request);
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a person who is admitted goes in with what they asked with, once', async () => {
  assert.equal(screen, 'waiting');
  session.emit('lobby.admitted', {}, {});
  session.emit('lobby.admitted', {}, {});
  await settled();
  assert.deepEqual(joins, [request]);
  session.emit('lobby.denied', { reason: 'denied' }, {});
  assert.deepEqual(outcome, []);
});

test('who waits knows whether somebody is there to let them in, from the first word to the last', () => {
  assert.equal(preview.host, null, 'before the server has said');
  for (const [hosted, reconnecting, host] of [
    [false, false, 'absent'],
    [true, false, 'here'],
    [false, true, 'away'],
    [true, false, 'here'],
  ]) {
    session.emit('lobby.updated', { hosted, reconnecting }, {});
    assert.equal(preview.host, host);
  }
  session.emit('lobby.denied', { reason: 'denied' }, {});
  assert.equal(preview.host, null, 'and nothing of it is left');
});

test('a lost socket asks again, and goes on waiting or goes in', async () => {
  answer = async () => {
    throw new ProtocolError('room.waiting', '');
  };
  session.emit('state', { state: 'reconnecting' }, {});
  session.emit('state', { state: 'online' }, {});
  await settled();
  assert.deepEqual([joins.length, outcome], [1, []]);
  answer = async () => {};
  session.emit('state', { state: 'online' }, {});
  await settled();
  assert.equal(joins.length, 2);
  session.emit('state', { state: 'online' }, {});
  await settled();
  assert.equal(joins.length, 2, 'a person who is in asks no more');
});

test('a door that shut meanwhile is told by the preview', async () => {
  answer = async () => {
    throw new ProtocolError('room.locked', '');
  };
  session.emit('state', { state: 'online' }, {});
  await settled();
  assert.deepEqual(outcome, [['refuse', 'room.locked']]);
  assert.equal(kept.size, 0, 'a reload does not come back to it');
});

test('each way to be sent away has its own words', () => {
  for (const [reason, expected] of [
    ['denied', ['leave', 'denied']],
    ['banned', ['leave', 'banned']],
    ['ended', ['leave', 'ended']],
    ['password', ['ask', 'lobby.password']],
    ['accounts_only', ['refuse', 'room.accounts_only']],
  ]) {
    outcome.length = 0;
    waiting.begin(request);
    session.emit('lobby.denied', { reason }, {});
    assert.deepEqual(outcome, [expected]);
  }
});

test('a session that is over ends the waiting', () => {
  session.emit('state', { state: 'closed', code: 4401 }, {});
  assert.deepEqual(outcome, [['leave', 'signedOut']]);
  waiting.begin(request);
  session.emit('session.replaced', {}, {});
  assert.deepEqual(outcome.at(-1), ['leave', 'replaced']);
});

test('a person who leaves is taken off the list', () => {
  waiting.stop();
  waiting.stop();
  assert.equal(session.left, 1);
  session.emit('lobby.admitted', {}, {});
  assert.deepEqual(joins, []);
});
