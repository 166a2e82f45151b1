/** What the page says of itself: what is not sent, what is lost, what is to be noticed, what the time is. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { Loss } from '../../static/js/flow/loss.js';
import { MediaHealth } from '../../static/js/flow/media-health.js';
import { Notifier } from '../../static/js/flow/notifier.js';
import { ServerClock } from '../../static/js/flow/server-clock.js';
import { setLanguage } from '../../static/js/i18n/index.js';
import { initialState, reduce } from '../../static/js/state/app.js';
import { firstLine, titleOf } from '../../static/js/state/heed.js';
import { isOn } from '../../static/js/state/own-media.js';
import { troubleOf, whyOf } from '../../static/js/state/trouble.js';
import { Clock } from './clock.mjs';
import { en, fetchFiles } from './words.mjs';

globalThis.window = globalThis;
fetchFiles();
await setLanguage('en');
const settled = () => new Promise((resolve) => setImmediate(resolve));

const self = { id: 'me', user: { id: 'u' }, display_name: 'Bo', role: 'host', hand_raised_at: null, tracks: [] };
const room = { identity: 'r', name: 'Room', topology: 'sfu', participants: 1 };
const answer = { room, self, participants: [self], permissions: {}, actions: ['admit'], ice_servers: [], chat: [] };
let state;
const does = (action) => (state = reduce(state, { type: 'meeting', action }));

beforeEach(() => {
  state = initialState({ language: 'en', theme: 'dark' });
  for (const which of ['microphone', 'camera']) state = reduce(state, { type: 'device', which, device: { wanted: true, live: true } });
  does({ type: 'joined', reply: answer, at: 0 });
});

test('what the server does not take is off, whatever the devices give, and says why', () => {
  assert.deepEqual([on(), troubleOf(state.meeting)], [[true, true], null]);
  does({ type: 'unsent', source: 'camera', code: 'media.limit' });
  assert.deepEqual(on(), [true, false]);
  assert.deepEqual(troubleOf(state.meeting), { key: 'trouble.camera', why: 'error.media.limit', retryAt: null });
  does({ type: 'health', connection: 'up', trouble: { code: 'media.bad_sdp', retryAt: null, refused: true } });
  assert.deepEqual(on(), [false, false]);
  assert.deepEqual(troubleOf(state.meeting), { key: 'trouble.up', why: 'trouble.why.browser', retryAt: null });
  does({ type: 'health', connection: 'down', trouble: { code: 'ice', retryAt: 5, refused: false } });
  assert.equal(troubleOf(state.meeting).key, 'trouble.both');
  does({ type: 'health', connection: 'up', trouble: null });
  assert.deepEqual(troubleOf(state.meeting), { key: 'trouble.down', why: 'trouble.why.path', retryAt: 5 });
  assert.deepEqual(on(), [true, false]);
});

const comes = (id, name) => does({ type: 'participant.joined', participant: { ...self, id, display_name: name }, at: '' });
const leaves = (participant) => does({ type: 'participant.left', participant, reason: 'left', at: '' });
const on = () => ['microphone', 'camera'].map((which) => isOn(state, which));

test('somebody to whom there is no way is named, as long as they are here', () => {
  const lost = (connection, code) => does({ type: 'health', connection, trouble: { code, retryAt: null, refused: false } });
  const cut = (key, why, names) => ({ key, why, retryAt: null, names });
  comes('ada', 'Ada');
  comes('cy', 'Cy');
  comes('di', 'Di');
  lost('ada', 'ice');
  assert.deepEqual(troubleOf(state.meeting), cut('trouble.peer', 'trouble.why.path', ['Ada']));
  assert.deepEqual(on(), [true, true], 'the others hear and see');
  lost('cy', 'ice');
  assert.deepEqual(troubleOf(state.meeting), cut('trouble.peers', 'trouble.why.path', ['Ada', 'Cy']));
  lost('di', 'peer');
  assert.equal(troubleOf(state.meeting).key, 'trouble.both');
  assert.deepEqual(on(), [false, false], 'nobody is left who gets anything');
  for (const one of ['ada', 'cy']) leaves(one);
  assert.deepEqual(troubleOf(state.meeting), cut('trouble.peer', 'trouble.why.peer', ['Di']));
  leaves('di');
  assert.deepEqual([troubleOf(state.meeting), on()], [null, [true, true]], 'alone one is as one was');
});

test('what some do not get is named with them, and what nobody gets is off', () => {
  const keeps = (participant, source, code) => does({ type: 'withheld', participant, source, code });
  comes('ada', 'Ada');
  comes('cy', 'Cy');
  keeps('ada', 'camera', 'media.unsupported');
  keeps('ada', 'screen', 'media.unsupported');
  const why = 'trouble.why.unsupported';
  assert.deepEqual(troubleOf(state.meeting),
    { key: 'trouble.withheld', why, retryAt: null, names: ['Ada'], sources: ['camera', 'screen'] });
  assert.deepEqual(on(), [true, true]);
  keeps('cy', 'camera', 'browser');
  assert.deepEqual([on(), troubleOf(state.meeting)], [[true, false], { key: 'trouble.camera', why, retryAt: null }]);
  keeps('cy', 'microphone', 'browser');
  keeps('ada', 'microphone', 'browser');
  assert.deepEqual([on(), troubleOf(state.meeting).key], [[false, false], 'trouble.up']);
  for (const source of ['microphone', 'camera', 'screen']) keeps('ada', source, null);
  assert.deepEqual(on(), [true, true]);
  does({ type: 'rejoined', same: true, reply: { ...answer, participants: Object.values(state.meeting.participants) } });
  assert.deepEqual(troubleOf(state.meeting).names, ['Cy'], 'the connections stood meanwhile');
  leaves('cy');
  assert.equal(troubleOf(state.meeting), null);
});

test('every reason has its words', () => {
  for (const code of ['ice', 'dtls', 'server', 'browser', 'peer', 'room.not_joined', 'session.gone', 'media.bad_sdp', 'media.unsupported',
    'media.limit', 'media.stale', 'perm.denied', 'server.busy', 'server.internal', 'client.timeout', 'client.closed', 'rate.limited']) {
    assert.ok(whyOf(code) in en, code);
  }
});

test('a connection is told of when it takes long or is refused, and when it is there', () => {
  const clock = new Clock();
  const told = [];
  const health = new MediaHealth((connection, trouble) => told.push([connection, trouble?.code ?? null]), clock);
  const change = (connection, state, code = null) => health.change({ connection, state, code, retryAt: null });
  change('up', 'connecting');
  clock.advance(7_999);
  change('up', 'connected');
  clock.advance(60_000);
  assert.deepEqual(told, [], 'a moment is no news');
  change('up', 'waiting', 'ice');
  change('up', 'connecting', 'ice');
  clock.advance(8_000);
  change('up', 'waiting', 'dtls');
  change('up', 'connected');
  assert.deepEqual(told.splice(0), [['up', 'ice'], ['up', 'dtls'], ['up', null]]);
  change('down', 'connecting');
  change('down', 'refused', 'media.limit');
  assert.deepEqual(told.splice(0), [['down', 'media.limit']], 'a refusal at once');
  health.clear();
  assert.deepEqual(told, [['down', null]]);
});

test('a loss says what is lost; silence is told at once, because it was waited for', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const loss = new Loss();
  const told = [];
  loss.ontold = (lost) => told.push(lost);
  const path = (connection, state) => loss.path({ connection, state }, 'sfu');
  loss.silence(true);
  assert.deepEqual(told, ['silent']);
  loss.silence(false);
  loss.socket();
  mock.timers.tick(1_499);
  assert.deepEqual(told, ['silent', null]);
  mock.timers.tick(1);
  path('down', 'disconnected');
  path('down', 'connected');
  loss.clear();
  path('up', 'failed');
  mock.timers.tick(1_500);
  assert.deepEqual(told, ['silent', null, 'socket', 'all', 'socket', null, 'media']);
});

test('while only the talk with the server is lost, what was seen stays', () => {
  const track = { id: 'cam', participant: 'ada', source: 'camera', kind: 'video', muted: false };
  const ada = { ...self, id: 'ada', tracks: [track] };
  does({ type: 'participant.joined', participant: ada, at: '' });
  does({ type: 'slot', mid: '1', track: 'cam' });
  does({ type: 'link', lost: 'socket' });
  does({ type: 'rejoined', reply: { ...answer, self: { ...self, id: 'me2' }, participants: [{ ...self, id: 'me2' }, ada] } });
  assert.deepEqual(state.meeting.live, { cam: '1' }, 'until the new connection shows it');
  does({ type: 'slot', mid: '1:1', track: 'cam' });
  does({ type: 'slot', mid: '1', track: null });
  assert.deepEqual(state.meeting.live, { cam: '1:1' });
  does({ type: 'rejoined', reply: { ...answer, participants: [self] } });
  assert.deepEqual(state.meeting.live, {}, 'who left meanwhile is seen no more');
});

test('the title counts what was not read and who waits', () => {
  const message = { id: 'm', participant: 'ada', user: { id: 'a' }, display_name: 'Ada', to: null, text: 'Hi', sent_at: '' };
  assert.equal(titleOf(state.meeting), 'Room');
  does({ type: 'chat.message', message });
  does({ type: 'lobby.waiting', waiting: { id: 'w', display_name: 'Cy' } });
  assert.equal(titleOf(state.meeting), '(2) Room');
  does({ type: 'permissions.changed', role: 'member', actions: [], permissions: {}, lobby: [{ id: 'w' }] });
  assert.equal(titleOf(state.meeting), '(1) Room', 'only those are counted who can be let in');
  does({ type: 'panel', panel: 'chat' });
  assert.equal(titleOf(state.meeting), 'Room');
});

test('the first line of a message, and a sign that there is more', () => {
  assert.equal(firstLine('  Hello  '), 'Hello');
  assert.equal(firstLine('\n\nHello\nthere'), 'Hello…');
  assert.equal(firstLine('ab cd ef', 5), 'ab cd…');
  assert.equal(firstLine('👩‍👩‍👧'.repeat(2), 100), '👩‍👩‍👧'.repeat(2));
});

test('a message is a toast until the chat is opened', () => {
  const toast = { id: 1, text: 'toast.message', params: {}, icon: 'chat', action: { label: 'toast.open', name: 'chat' } };
  state = reduce(state, { type: 'toast', toast });
  does({ type: 'tick', at: 1 });
  assert.equal(state.toast?.id, 1);
  does({ type: 'panel', panel: 'people' });
  assert.equal(state.toast?.id, 1);
  does({ type: 'panel', panel: 'chat' });
  assert.equal(state.toast, null);
});

function notifierOf({ off = [], attended = false, now = () => 0 } = {}) {
  const log = [];
  const notifier = new Notifier({
    play: (tune) => log.push(tune),
    wants: (subject) => !off.includes(subject),
    attended: () => attended,
    show: (title, body) => log.push(`${title} | ${body}`),
    now,
  });
  return { notifier, log };
}

test('tones have a switch each; system notifications go only to a person who looks elsewhere', () => {
  const all = ({ notifier }) => {
    notifier.knock('Cy', 'Room');
    notifier.admitted('Room');
    notifier.joined(3);
    notifier.hand('Ada', 'Room');
    notifier.message({ name: 'Ada', text: 'Hi\nthere', isPrivate: true, seen: false });
  };
  const away = notifierOf();
  all(away);
  assert.deepEqual(away.log, [
    'knock', 'Cy waits to come in | Room', 'admitted', 'You were let in | Room', 'join', 'hand', 'Ada raised a hand | Room',
    'message', 'Ada, privately | Hi…',
  ]);
  const here = notifierOf({ attended: true });
  all(here);
  assert.deepEqual(here.log, ['knock', 'admitted', 'join', 'hand', 'message']);
  for (const key of ['knock', 'admitted', 'join', 'hand', 'message']) {
    const one = notifierOf({ attended: true, off: [key] });
    all(one);
    assert.ok(!one.log.includes(key) && one.log.length === 4, key);
  }
  const silent = notifierOf({ off: ['knock', 'admitted', 'join', 'hand', 'message'] });
  all(silent);
  assert.deepEqual(silent.log, [], 'what is switched off is not told by the system either');
});

test('in larger meetings coming and going is silent, and many at once are one tone', () => {
  let time = 0;
  const { notifier, log } = notifierOf({ now: () => time });
  notifier.joined(8);
  notifier.joined(9);
  time = 1_499;
  notifier.left(7);
  time = 1_500;
  notifier.left(7);
  notifier.left(8);
  assert.deepEqual(log, ['join', 'leave']);
});

test('a person who reads the chat hears no message, unless they look elsewhere', () => {
  const here = notifierOf({ attended: true });
  here.notifier.message({ name: 'Ada', text: 'Hi', isPrivate: false, seen: true });
  assert.deepEqual(here.log, []);
  const away = notifierOf();
  away.notifier.message({ name: 'Ada', text: 'Hi', isPrivate: false, seen: true });
  assert.deepEqual(away.log, ['message', 'Ada | Hi']);
});

test("the server's clock is read by the quickest of several pings, again every few minutes, and when this one was set", async () => {
  let wall = 1_000_000;
  let steady = 0;
  let ahead = 5_000;
  const pass = (ms) => {
    wall += ms;
    steady += ms;
  };
  // There and back in so many milliseconds; the way there takes all of it, the worst case.
  let ways = [900, 300, 20, 400, 700];
  let pings = 0;
  const told = [];
  const clock = new ServerClock({
    ping: async () => {
      const way = ways[pings % ways.length];
      pings += 1;
      pass(way);
      return { time: new Date(wall + ahead).toISOString() };
    },
    tell: (skew) => told.push(skew),
    now: () => wall,
    steady: () => steady,
  });
  await Promise.all([clock.read(), clock.read()]);
  assert.deepEqual([pings, told], [5, [5_010]], 'off by half of the quickest way at most, and read once');
  for (let second = 0; second < 290; second += 1) {
    pass(1_000);
    clock.look();
  }
  await settled();
  assert.equal(pings, 5);
  pass(20_000);
  clock.look();
  for (let n = 0; n < 12; n += 1) await settled();
  assert.equal(pings, 10, 'again after five minutes');
  ways = [0];
  // The machine slept: its steady clock did not go on. The clock was set: neither did.
  for (const step of [3_600_000, -700]) {
    wall += step;
    ahead -= step;
    clock.look();
    for (let n = 0; n < 12; n += 1) await settled();
    assert.equal(told.at(-1), ahead);
  }
});

test('a clock that cannot be read keeps what was known', async () => {
  const told = [];
  const clock = new ServerClock({ ping: () => Promise.reject(new Error('closed')), tell: (skew) => told.push(skew) });
  await clock.read();
  assert.deepEqual(told, []);
});
