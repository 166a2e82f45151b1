/** Somebody comes back after a lost socket, and the room does not take them at once. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Emitter } from '../../static/js/client/emitter.js';
import { ProtocolError } from '../../static/js/client/errors.js';
import { createEntry } from '../../static/js/flow/entry.js';
import { MeetingFlow } from '../../static/js/flow/meeting.js';
import { settings } from '../../static/js/flow/settings.js';
import { initialState, reduce } from '../../static/js/state/app.js';
import { createStore } from '../../static/js/state/store.js';


const kept = new Map();
const storage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
};
const element = () => ({ dataset: {}, append() {}, replaceChildren() {} });
Object.assign(globalThis, {
  localStorage: storage,
  sessionStorage: storage,
  document: { createElement: element, body: element(), addEventListener() {} },
});

const self = { id: 'me', user: { id: 'u', display_name: 'Bo' }, display_name: 'Bo', role: 'member', tracks: [] };
const room = { identity: 'r', name: 'Room', topology: 'sfu', participants: 0 };
const answer = { room, self, participants: [self], permissions: {}, actions: [], ice_servers: [], chat: [] };
const back = { identity: 'r', display_name: 'Bo', password: 'word', microphone: false, camera: true };
let session;
let store;
let meeting;
let notices;
let joins;

beforeEach(() => {
  kept.clear();
  session = Object.assign(new Emitter(), { getRoom: () => new Promise(() => {}) });
  store = createStore(reduce, initialState({ language: 'en', theme: 'dark' }));
  const devices = { subscribe() {}, close() {}, setMicrophone: async () => null };
  meeting = new MeetingFlow({ session, store, devices });
  notices = [];
  meeting.onover = (kind) => notices.push(kind);
  joins = [];
  meeting.join = async (request) => void joins.push(request);
  createEntry({ session, store, devices, meeting }, () => {});
  store.dispatch({ type: 'meeting', action: { type: 'joined', reply: answer, at: 0 } });
  settings.rejoin = back;
});

const refuse = (code) => session.emit('rejoin.failed', new ProtocolError(code, ''), {});

test('a person who is to wait waits, still waits after a reload, and goes in once admitted', () => {
  refuse('room.waiting');
  // Right behind the refusal.
  session.emit('lobby.admitted', {}, {});
  const { screen, meeting, preview } = store.get();
  assert.deepEqual([screen, meeting, preview.room.name, preview.name], ['waiting', null, 'Room', 'Bo']);
  assert.equal(settings.rejoin.password, 'word');
  assert.deepEqual(joins, [{ identity: 'r', display_name: 'Bo', password: 'word' }]);
  assert.deepEqual(notices, []);
});

test('other refusals are told by the preview, in their own words', () => {
  for (const code of ['room.password_wrong', 'room.not_started', 'perm.denied']) {
    store.dispatch({ type: 'meeting', action: { type: 'joined', reply: answer, at: 0 } });
    refuse(code);
    assert.deepEqual([store.get().screen, store.get().meeting, store.get().preview.error], ['preview', null, code]);
  }
  assert.deepEqual([notices, settings.rejoin], [[], null]);
});

test('a room that asks for a password now is asked with one', () => {
  refuse('room.password_required');
  assert.deepEqual([store.get().screen, store.get().preview.askPassword], ['preview', true]);
});

test('an end has its screen', () => {
  const kinds = { 'room.locked': 'locked', 'room.full': 'full', 'room.banned': 'banned', 'room.ended': 'ended', 'room.not_found': 'deleted' };
  for (const [code, kind] of Object.entries(kinds)) {
    store.dispatch({ type: 'meeting', action: { type: 'joined', reply: answer, at: 0 } });
    refuse(code);
    assert.equal(notices.at(-1), kind);
  }
});

test('a person who is only late stays in the meeting, and reads when the room is asked again', () => {
  session.emit('rejoin.waiting', { attempt: 3, retryAt: 99, code: 'client.timeout' }, {});
  assert.deepEqual([store.get().screen, store.get().meeting?.room.identity, notices], ['room', 'r', []]);
  assert.equal(settings.rejoin.password, 'word', 'a reload comes back too');
});

test('a refused person is told so, a dead link is named', () => {
  refuse('room.denied');
  assert.equal(store.get().notice.kind, 'denied');
  store.dispatch({ type: 'meeting', action: { type: 'joined', reply: answer, at: 0 } });
  settings.rejoin = { ...back, invite: 'token' };
  refuse('room.denied');
  assert.deepEqual([store.get().screen, store.get().preview.error], ['preview', 'invite.dead']);
});

test('a client that is back, or gets newer relays, uses those, and reads the clock of the server again', async () => {
  let pings = 0;
  session.ping = async () => ({ time: new Date((pings += 1)).toISOString() });
  await meeting.prepare();
  const used = [];
  meeting.files.refresh = (servers) => used.push(servers);
  const renewed = [{ urls: ['turn:a'], username: '1', credential: 'x' }];
  session.emit('relays', renewed, {});
  assert.deepEqual([used.splice(0), pings], [[renewed], 0]);
  for (const same of [true, false]) {
    const read = pings;
    session.emit('joined', { ...answer, ice_servers: renewed }, { again: true, same, mediaLost: false });
    assert.deepEqual(used.splice(0), [renewed]);
    for (let n = 0; n < 12; n += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(pings > read, 'the clock');
  }
});
