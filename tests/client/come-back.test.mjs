/** A reload that lands in the waiting room: nothing that the server says right behind its refusal is missed. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { createEntry } from '../../static/js/flow/entry.js';
import { settings } from '../../static/js/flow/settings.js';
import { initialState, reduce } from '../../static/js/state/app.js';
import { createStore } from '../../static/js/state/store.js';
import { FakeServer, SILENCE, refusal } from './fake-server.mjs';

const kept = new Map();
const storage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
};
Object.assign(globalThis, {
  // What the page looks at now and then does not keep the tests running.
  window: { setTimeout: (run, ms) => setTimeout(run, ms).unref() },
  localStorage: storage,
  sessionStorage: storage,
  document: { title: '' },
  location: { pathname: '/r/room' },
  history: { pushState() {}, replaceState() {} },
});

const request = { identity: 'room', display_name: 'Bo', password: 'word' };
let server;
let session;
let store;
let entry;
before(async () => {
  server = await new FakeServer().listen();
});
after(() => server.stop());

beforeEach(async () => {
  kept.clear();
  server.requests.length = 0;
  session = new Session(server.url, { WebSocket });
  await session.guest({ display_name: 'Bo' });
  store = createStore(reduce, initialState({ language: 'en', theme: 'dark' }));
  const devices = { subscribe() {}, open: async () => {}, close() {}, setCamera: async () => null, setMicrophone: async () => null };
  const meeting = { left: null, prepare: async () => {}, join: (asked) => session.joinRoom(asked) };
  entry = createEntry({ session, store, devices, meeting }, () => {});
  settings.rejoin = { ...request, microphone: true, camera: false };
});

const joins = () => server.requests.filter(({ type }) => type === 'room.join').map(({ data }) => data);

test('a person who is admitted while the page still reads the room goes in', { timeout: 20_000 }, async (t) => {
  t.after(() => session.close());
  const { 'room.join': join } = server.handlers;
  t.after(() => (server.handlers['room.join'] = join));
  server.handlers['room.join'] = () => {
    throw refusal('room.waiting');
  };
  server.handlers['room.get'] = () => SILENCE;
  const reads = server.nextRequest('room.get');
  const opened = entry.openRoom('room');
  const { id, peer } = await reads;
  assert.equal(store.get().screen, 'waiting');
  assert.equal(settings.rejoin?.password, 'word', 'another reload goes on waiting');
  server.handlers['room.join'] = join;
  const joined = server.nextRequest('room.join');
  // Before the page has heard anything more of the room.
  peer.event('lobby.admitted', {});
  await joined;
  peer.frame({ type: 'ok', re: id, data: { room: { identity: 'room', name: 'Reading', participants: 1 } } });
  await opened;
  assert.deepEqual(joins(), [request, request]);
  assert.equal(store.get().preview.room?.name, 'Reading');
  assert.equal(document.title, 'Reading');
});

test('a refusal that is no waiting leads to the preview, which says it', { timeout: 20_000 }, async (t) => {
  t.after(() => session.close());
  server.handlers['room.get'] = () => {
    throw refusal('room.locked');
  };
  location.pathname = '/r/locked';
  settings.rejoin = { ...request, identity: 'locked', microphone: true, camera: false };
  await entry.openRoom('locked');
  assert.deepEqual([store.get().screen, store.get().preview.error, settings.rejoin], ['preview', 'room.locked', null]);
});

test('a room that is only late is asked again after a reload, and nothing of the way back is forgotten', { timeout: 20_000 }, async (t) => {
  t.after(() => session.close());
  const { 'room.join': join } = server.handlers;
  t.after(() => (server.handlers['room.join'] = join));
  server.handlers['room.join'] = () => {
    throw refusal('server.internal', { retry_after_ms: 5 });
  };
  location.pathname = '/r/room';
  await entry.openRoom('room');
  assert.deepEqual([store.get().screen, store.get().preview.error], ['preview', 'server.internal'], 'it is said meanwhile');
  assert.equal(settings.rejoin?.password, 'word');
  server.handlers['room.join'] = join;
  await server.nextRequest('room.join');
  assert.deepEqual(joins(), [request, request]);
});

test('a preview that could not be read is read again by itself', { timeout: 20_000 }, async (t) => {
  t.after(() => session.close());
  settings.rejoin = null;
  server.handlers['room.get'] = () => {
    throw refusal('server.internal', { retry_after_ms: 5 });
  };
  location.pathname = '/r/room';
  await entry.openRoom('room');
  assert.equal(store.get().preview.error, 'server.internal');
  server.handlers['room.get'] = () => ({ room: { identity: 'room', name: 'Reading', participants: 0 } });
  await server.nextRequest('room.get');
  // The answer is on its way, and once it was drawn nothing of the trouble is left.
  for (let turn = 0; store.get().preview.error !== null && turn < 200; turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([store.get().preview.error, store.get().preview.room?.name], [null, 'Reading']);
});
