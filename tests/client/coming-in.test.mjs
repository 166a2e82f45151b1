/** A room may keep devices off at its door. A person who comes in or goes away can use them again. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { comeIn } from '../../static/js/flow/arrival.js';
import { createDoorDevices } from '../../static/js/flow/coming-in.js';
import { createEntry } from '../../static/js/flow/entry.js';
import { settings } from '../../static/js/flow/settings.js';
import { Emitter } from '../../static/js/client/emitter.js';
import { ProtocolError } from '../../static/js/client/errors.js';
import { initialState, reduce } from '../../static/js/state/app.js';
import { createStore } from '../../static/js/state/store.js';

const kept = new Map();
const storage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
};
Object.assign(globalThis, {
  window: { setTimeout: (run, ms) => setTimeout(run, ms).unref() },
  localStorage: storage,
  sessionStorage: storage,
  document: { title: '' },
  location: { pathname: '/r/room' },
  history: { pushState() {}, replaceState() {} },
});

const HOUR = 3_600_000;
let store;
let devices;
let opened;
let io;
const device = (which) => store.get().devices[which];
const wanted = () => ['microphone', 'camera'].filter((which) => device(which).wanted).join();
/** As devices.js does: what the person switches is theirs. */
const sets = (which) => async (on) => void store.dispatch({ type: 'device', which, device: { wanted: on, held: false } });

beforeEach(() => {
  kept.clear();
  store = createStore(reduce, initialState({ language: 'en', theme: 'dark' }));
  opened = [];
  devices = {
    subscribe() {},
    open: async () => void opened.push(wanted()),
    close: () => opened.push('closed'),
    setCamera: sets('camera'),
    setMicrophone: sets('microphone'),
  };
  io = { store, devices, session: { updateParticipant: async () => {} } };
});

const room = (more = {}) => ({ identity: 'room', name: 'Room', topology: 'sfu', participants: 1, ...more });
const door = (more = {}) => ({ state: 'open', opensAt: null, asksPassword: false, mine: false, ...more });

/** Comes in, with a role, into a room. */
function enters(role, more = {}, { returns = false, actions = ['camera', 'unmute'] } = {}) {
  const self = { id: 'me', user: { id: 'u' }, display_name: 'Bo', role, hand_raised_at: null, tracks: [] };
  const reply = { room: room(more), self, participants: [self], permissions: {}, actions, ice_servers: [], chat: [] };
  store.dispatch({ type: 'meeting', action: { type: 'joined', reply, at: 0 } });
  comeIn(io, returns);
}

test('a co-host comes in with what the door kept off, a member without it', () => {
  for (const [role, on] of [['cohost', 'microphone,camera'], ['host', 'microphone,camera'], ['member', 'microphone']]) {
    const atDoor = createDoorDevices(io);
    atDoor.reset();
    atDoor.follow(room({ start_camera_off: true }), door(), 0);
    assert.equal(wanted(), 'microphone', 'at the door');
    opened.length = 0;
    enters(role, { start_camera_off: true });
    assert.deepEqual([wanted(), opened], [on, [on]], role);
  }
});

test('a door that was locked, or opened later, keeps nothing off for a person who is in', () => {
  for (const shut of [door({ state: 'locked' }), door({ state: 'early', opensAt: 2 * HOUR })]) {
    const atDoor = createDoorDevices(io);
    atDoor.follow(room(), shut, 0);
    assert.ok(!wanted().includes('camera'));
    opened.length = 0;
    enters('member');
    assert.deepEqual([wanted(), opened], ['microphone,camera', ['microphone,camera']]);
  }
});

test('what the person switched off themselves stays off', () => {
  const atDoor = createDoorDevices(io);
  void devices.setCamera(false);
  atDoor.follow(room({ start_camera_off: true }), door(), 0);
  opened.length = 0;
  enters('cohost', { start_camera_off: true });
  assert.deepEqual([wanted(), opened], ['microphone', []]);
});

test('a person without the right to a camera has none, and a person who comes back goes on with what they had', () => {
  createDoorDevices(io).follow(room({ permissions: { camera: false } }), door(), 0);
  enters('member', {}, { actions: ['unmute'] });
  assert.equal(wanted(), 'microphone');
  enters('member', {}, { returns: true });
  assert.equal(wanted(), 'microphone');
});

test('a reload knows what was off for the sake of the room, and what by choice', () => {
  createDoorDevices(io).follow(room({ start_camera_off: true }), door(), 0);
  settings.enter({ identity: 'room', display_name: 'Bo' }, store.get().devices);
  assert.deepEqual(settings.rejoin.held, ['camera']);
  settings.turn({ microphone: false });
  assert.deepEqual([settings.rejoin.held, settings.rejoin.microphone], [['camera'], false]);
  settings.turn({ camera: false });
  assert.deepEqual(settings.rejoin.held, []);
});

test('every way that leads away from the door gives back what it kept off', async () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  let answer;
  const session = Object.assign(new Emitter(), {
    state: 'online',
    user: { id: 'u', kind: 'guest' },
    hello: { auth: ['guest'], time: new Date().toISOString() },
    getRoom: async () => ({ room: { ...room({ locked: true, max_participants: 9, owner: { id: 'o' } }), participants: 0 } }),
    leaveRoom: async () => {},
  });
  const meeting = { left: null, prepare: async () => {}, join: async () => answer() };
  const entry = createEntry({ session, store, devices, meeting }, () => {});
  const refused = (code) => () => Promise.reject(new ProtocolError(code, 'No.'));
  const ways = {
    'somewhere else': () => entry.stopWaiting(),
    'to sign in': () => entry.signInToEnter(),
    'for good': async () => {
      answer = refused('room.banned');
      await entry.join('', 'Bo');
    },
    'a meeting that does not take one back': () => {
      enters('member', {}, { returns: true });
      meeting.onrefused(new ProtocolError('room.waiting', ''));
    },
  };
  for (const [way, go] of Object.entries(ways)) {
    await entry.openRoom('room');
    await settled();
    assert.deepEqual([wanted(), device('camera').held], ['microphone', true], `before: ${way}`);
    await go();
    assert.deepEqual([wanted(), device('camera').held], ['microphone,camera', false], way);
  }
});
