/** What the room says in words: mutes and the right to undo them, paths that are lost, and coming back as less. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { Emitter } from '../../static/js/client/emitter.js';
import { createGovern } from '../../static/js/flow/govern.js';
import { createGoverning } from '../../static/js/flow/governing.js';
import { GOVERN, GOVERNING, later } from '../../static/js/flow/later.js';
import { Loss } from '../../static/js/flow/loss.js';
import { cameBack, listenToRoom } from '../../static/js/flow/room-events.js';
import { setLanguage, t } from '../../static/js/i18n/index.js';
import { initialState, reduce } from '../../static/js/state/app.js';
import { createStore } from '../../static/js/state/store.js';
import { fetchFiles } from './words.mjs';

globalThis.window = globalThis;
fetchFiles();
await setLanguage('en');

const at = '2026-01-01T12:00:00.000Z';
const microphone = (muted) => ({ id: 'voice', participant: 'me', source: 'microphone', kind: 'audio', muted });
const person = (id, more = {}) => ({
  ...{ id, user: { id: `user-${id}`, kind: 'guest' }, display_name: id, role: 'member', joined_at: at, tracks: [] },
  ...{ hand_raised_at: null, connection: 'online', ...more },
});
const reply = (self, others = ['ada', 'bo']) => ({
  ...{ room: { identity: 'r', name: 'Room', topology: 'p2p', owner: null }, self, permissions: {}, actions: ['unmute', 'chat'] },
  ...{ participants: [self, ...others.map((id) => person(id))], chat: [], ice_servers: [] },
});

let session;
let store;
let said;
let announced;
let polite;
let offers;
let notified;
let isFree;
const dispatch = (action) => store.dispatch({ type: 'meeting', action });
const meeting = () => store.get().meeting;

beforeEach(() => {
  session = new Emitter();
  store = createStore(reduce, initialState({ language: 'en', theme: 'dark' }));
  said = [];
  announced = [];
  polite = [];
  offers = [];
  notified = [];
  isFree = true;
  const toast = (key, params = {}) => said.push(t(key, params));
  const toastWhenFree = (key, params, _icon, action, other) => {
    if (!isFree) return false;
    offers.push([action.name, other.name, other.data]);
    toast(key, params);
    return true;
  };
  const notify = (what) => (...given) => notified.push([what, ...given]);
  const notifier = Object.fromEntries(['message', 'joined', 'left', 'hand', 'knock'].map((what) => [what, notify(what)]));
  const announce = (words, urgent) => void (urgent ? announced : polite).push(words);
  const io = { session, meeting, dispatch, toast, toastWhenFree, notifier, announce };
  listenToRoom(io);
  // As the meeting does.
  session.on('joined', (again, { same = false }) => {
    const before = meeting();
    dispatch({ type: 'rejoined', reply: again, same });
    cameBack(io, before, same);
  });
});
const enter = (self, others) => dispatch({ type: 'joined', reply: reply(self, others), at: 0 });
const permit = (actions, role = 'member') => session.emit('permissions.changed', { role, actions, permissions: {}, lobby: [] }, {});
const mute = () => session.emit('media.track.muted', { participant: 'me', track: 'voice', muted: true, by: 'ada' }, {});

test('a screen is announced once, however often its layers change', () => {
  enter(person('me'));
  const screen = (id, participant, layers = []) => ({ id, participant, source: 'screen', kind: 'video', muted: false, layers });
  const publish = (track) => session.emit('media.track.published', { track }, {});
  publish(screen('s1', 'ada'));
  assert.deepEqual(polite, ['ada’s screen is on the stage']);
  publish(screen('s1', 'ada', [{ rid: 'f', width: 1920, height: 1080, bitrate: 1 }]));
  assert.equal(polite.length, 1);
  assert.equal(meeting().participants.ada.tracks.length, 1);
  assert.equal(meeting().participants.ada.tracks[0].layers[0].rid, 'f');
});

test('who is muted and may not undo it hears both, once', () => {
  enter(person('me', { tracks: [microphone(false)] }));
  permit(['chat']);
  assert.deepEqual(said, [], 'a person who speaks goes on until a host mutes them');
  mute();
  const words = 'ada muted you. Only hosts may unmute now. Raise your hand to speak.';
  assert.deepEqual([said, announced], [[words], [words]]);
  permit(['chat']);
  assert.equal(said.length, 1);
});

test('who was muted before hears that only hosts may change it, once', () => {
  enter(person('me', { tracks: [microphone(true)] }));
  permit(['chat']);
  permit(['chat', 'react']);
  assert.deepEqual(said, ['Only hosts may unmute now. Raise your hand to speak.']);
});

test('who is muted and may undo it hears the mute alone', () => {
  enter(person('me', { tracks: [microphone(false)] }));
  mute();
  assert.deepEqual(said, ['ada muted you']);
});

test('who became a member hears that, and not what follows from it', () => {
  enter(person('me', { role: 'cohost' }));
  permit(['chat']);
  assert.deepEqual(said, ['You are a member now']);
});

test('a host who mutes all reads what the others may do', async () => {
  const toast = (key) => said.push(t(key));
  const govern = createGovern({ session: { muteParticipant: async () => {} }, store }, toast);
  await govern.mute('all', 'microphone', true);
  await govern.mute('all', 'microphone', false);
  await govern.mute('ada', 'microphone');
  assert.deepEqual(said, ['Everyone is muted', 'Everyone is muted, and only hosts may unmute']);
});

const comesBack = (again, how = {}) => session.emit('joined', again, { again: true, ...how });

test('a person who comes back with fewer rights is told what changed, and nothing else is', () => {
  const before = person('me', { role: 'cohost', display_name: 'Bo the Great', hand_raised_at: at, tracks: [microphone(false)] });
  const same = { role: 'cohost', display_name: 'Bo the Great', hand_raised_at: at };
  const words = [
    [{ role: 'member' }, 'You are back. Your role is member now.'],
    [{ display_name: 'Bo' }, 'You are back. You are called Bo now.'],
    [{ hand_raised_at: null }, 'You are back. Your hand is down.'],
    [{ role: 'member', display_name: 'Bo', hand_raised_at: null },
      'You are back. Your role is member now. You are called Bo now. Your hand is down.'],
    [{}, null],
  ];
  for (const [change, sentence] of words) {
    said.length = announced.length = 0;
    enter(before);
    comesBack(reply(person('me2', { ...same, ...change })));
    assert.deepEqual([said, announced], sentence ? [[sentence], [sentence]] : [[], []]);
    // Once: the same again.
    comesBack(reply(person('me3', { ...same, ...change })));
    assert.equal(said.length, sentence ? 1 : 0);
  }
});

test('a person who spoke and may not any more is told so when they are back', () => {
  enter(person('me', { tracks: [microphone(false)] }));
  comesBack({ ...reply(person('me2', { display_name: 'me' })), actions: ['chat'] });
  assert.deepEqual(said, ['You are back. You are muted, and only hosts may unmute.']);
});

test('rights that went or came meanwhile are named, whether or not one is the same participant', () => {
  for (const how of [{}, { same: true }]) {
    said.length = 0;
    enter(person('me'));
    const back = (actions) => comesBack({ ...reply(person('me')), actions }, how);
    back(['unmute', 'chat']);
    assert.deepEqual(said.splice(0), []);
    back(['chat', 'screen', 'files']);
    assert.deepEqual(said.splice(0), [
      'You are back. Not allowed any more: turn on your microphone. Allowed now: share your screen and send files.',
    ]);
    // What a role may is not told right by right.
    comesBack({ ...reply(person('me', { role: 'cohost' })), actions: ['unmute', 'mute', 'admit'] }, how);
    assert.deepEqual(said, ['You are back. Your role is co-host now.']);
  }
});

test('a server that knows nothing of one any more is no less told of without a lost socket', () => {
  enter(person('me', { role: 'cohost', hand_raised_at: at }));
  comesBack(reply(person('me2', { display_name: 'me' })));
  assert.deepEqual(said, ['You are back. Your role is member now. Your hand is down.']);
});

const message = (id, more = {}) => ({
  ...{ id, participant: 'ada', user: { id: 'user-ada' }, display_name: 'ada', to: null, text: `text ${id}`, sent_at: at },
  ...more,
});
const hear = (one) => session.emit('chat.message', { message: one }, {});

test('a message is told with its name and first line while the chat is closed, once', () => {
  enter(person('me'));
  hear(message('m1', { text: 'Can you hear me?\nI think not.' }));
  hear(message('m1'));
  hear(message('m2', { to: 'me' }));
  assert.deepEqual(said, ['ada: Can you hear me?…', 'ada, privately: text m2']);
  assert.deepEqual(offers, [['chat', 'reply', ''], ['chat', 'reply', 'ada']], 'a private one is answered to its sender');
  assert.deepEqual(notified.filter(([what]) => what === 'message').length, 2);
  dispatch({ type: 'panel', panel: 'chat' });
  hear(message('m3'));
  hear(message('m4', { participant: 'me', user: { id: 'user-me' } }));
  assert.equal(said.length, 2, 'a person who reads the chat, or wrote it, is not told');
});

test('a message of a host says so, and one that has to wait for its toast is read out', () => {
  enter(person('me'));
  session.emit('participant.updated', { participant: person('ada', { role: 'host' }) }, {});
  isFree = false;
  hear(message('m1'));
  assert.deepEqual([said, polite], [[], ['ada (host): text m1']]);
});

test('what others do is notified, what one does oneself is not', () => {
  enter(person('me'));
  dispatch({ type: 'permissions.changed', role: 'host', actions: ['admit'], permissions: {}, lobby: [] });
  session.emit('participant.joined', { participant: person('cy') }, {});
  session.emit('participant.updated', { participant: person('cy', { hand_raised_at: at }) }, {});
  session.emit('participant.updated', { participant: person('me', { hand_raised_at: at }) }, {});
  session.emit('participant.left', { participant: 'cy', reason: 'left' }, {});
  session.emit('participant.left', { participant: 'bo', reason: 'replaced' }, {});
  session.emit('lobby.waiting', { participant: { id: 'w', display_name: 'Dan', user: {} } }, {});
  assert.deepEqual(notified, [['joined', 4], ['hand', 'cy', 'Room'], ['left', 3], ['knock', 'Dan', 'Room']]);
});

test('whose path is lost is away for us, whatever the server says, until it is back or they go', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  enter(person('me'));
  const loss = new Loss();
  loss.onpeer = (participant, lost) => dispatch({ type: 'path', participant, lost });
  const path = (connection, state) => loss.path({ connection, state }, 'p2p');
  const away = () => meeting().seats.filter((id) => meeting().participants[id].connection === 'reconnecting');
  path('ada', 'connected');
  path('bo', 'connected');
  path('bo', 'disconnected');
  path('bo', 'connected');
  mock.timers.tick(20_000);
  assert.deepEqual(away(), [], 'a short loss is not told');
  path('bo', 'disconnected');
  path('bo', 'failed');
  mock.timers.tick(1500);
  assert.deepEqual(away(), ['bo']);
  session.emit('participant.updated', { participant: person('bo', { hand_raised_at: at }) }, {});
  assert.deepEqual(away(), ['bo'], 'the server is not on that path');
  assert.equal(meeting().participants.bo.hand_raised_at, at);
  path('bo', 'connected');
  assert.deepEqual(away(), []);
  path('ada', 'failed');
  mock.timers.tick(1500);
  loss.left('ada');
  session.emit('participant.left', { participant: 'ada', reason: 'left' }, {});
  assert.deepEqual(meeting().cut, []);
  path('bo', 'failed');
  mock.timers.tick(1500);
  loss.clear();
  assert.deepEqual(away(), [], 'with new connections all is new');
});

test('what is loaded later is handed out by its names, and loaded once', async () => {
  const govern = createGovern({ session: {}, store: {} }, () => {});
  assert.deepEqual(Object.keys(govern).sort(), [...GOVERN].sort());
  assert.deepEqual(Object.keys(createGoverning({ session: {} })).sort(), [...GOVERNING].sort());
  let loads = 0;
  const actions = later(['double'], async () => {
    loads += 1;
    if (loads === 1) throw new Error('The network is away.');
    return { double: async (n) => 2 * n };
  });
  await assert.rejects(actions.double(1));
  assert.deepEqual(await Promise.all([actions.double(2), actions.double(3)]), [4, 6]);
  assert.equal(loads, 2, 'the first failed');
});
