import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialState, reduce } from '../../static/js/state/app.js';
import { append, blocks } from '../../static/js/state/chat.js';
import { enter, reduceMeeting } from '../../static/js/state/meeting.js';
import { hands, isMuted, leftBehind, roster, sharedScreen, sharedScreens } from '../../static/js/state/people.js';
import { daysUntil, nextMeeting, upcoming } from '../../static/js/state/schedule.js';
import { createStore } from '../../static/js/state/store.js';
import { hue, initials, linkify, roomFrom, shortName, threes } from '../../static/js/state/text.js';

const at = (second) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

function person(id, more = {}) {
  return {
    id,
    user: { id: `user-${id}`, username: id, display_name: id, avatar_url: '', kind: 'account' },
    display_name: id,
    role: 'member',
    joined_at: at(0),
    hand_raised_at: null,
    connection: 'online',
    audio: true,
    video: false,
    tracks: [],
    ...more,
  };
}

function track(id, participant, source, more = {}) {
  const kind = source === 'microphone' || source === 'screen_audio' ? 'audio' : 'video';
  return { id, participant, kind, source, muted: false, codec: null, layers: [], ...more };
}

function message(id, text, more = {}) {
  return {
    id,
    participant: 'ada',
    user: person('ada').user,
    display_name: 'ada',
    to: null,
    text,
    client_id: null,
    sent_at: at(0),
    ...more,
  };
}

function meetingOf(names, chat = []) {
  const self = person('me', { joined_at: at(59) });
  const participants = names.map((name, index) => person(name, { joined_at: at(index) }));
  const room = { identity: 'r', name: 'Room', topology: 'sfu' };
  return enter(
    { room, self, participants: [self, ...participants], permissions: { chat: true }, ice_servers: [], chat },
    0,
  );
}

const run = (state, ...actions) => actions.reduce(reduceMeeting, state);

test('seats follow the order of joining and leave oneself out', () => {
  assert.deepEqual(meetingOf(['ada', 'bo', 'cy']).seats, ['ada', 'bo', 'cy']);
});

test('who comes sits behind the others, who leaves frees the seat', () => {
  const state = run(
    meetingOf(['ada', 'bo']),
    { type: 'participant.joined', participant: person('cy'), at: at(1) },
    { type: 'participant.left', participant: 'ada', reason: 'left', at: at(2) },
  );
  assert.deepEqual(state.seats, ['bo', 'cy']);
  assert.deepEqual(
    state.log.map((entry) => [entry.kind, entry.name]),
    [
      ['joined', 'cy'],
      ['left', 'ada'],
    ],
  );
});

test('somebody replaced by a newer tab is no news', () => {
  const state = run(meetingOf(['ada']), {
    type: 'participant.left',
    participant: 'ada',
    reason: 'replaced',
    at: at(1),
  });
  assert.deepEqual(state.log, []);
});

test('from twenty people on coming and going stays out of the chat', () => {
  const many = meetingOf(Array.from({ length: 19 }, (_, k) => `p${k}`));
  assert.deepEqual(run(many, { type: 'participant.joined', participant: person('x'), at: at(1) }).log, []);
});

test('tracks come, are muted and go', () => {
  let state = run(meetingOf(['ada']), { type: 'media.track.published', track: track('t', 'ada', 'microphone') });
  assert.equal(isMuted(state.participants.ada), false);
  state = run(state, { type: 'media.track.muted', track: 't', participant: 'ada', muted: true });
  assert.equal(isMuted(state.participants.ada), true);
  state = run(state, { type: 'media.track.unpublished', track: 't', participant: 'ada' });
  assert.deepEqual(state.participants.ada.tracks, []);
});

test('events of unknown people change nothing', () => {
  const before = meetingOf(['ada']);
  const actions = [
    { type: 'participant.updated', participant: person('nobody') },
    { type: 'participant.left', participant: 'nobody', reason: 'left', at: at(1) },
    { type: 'media.track.muted', track: 't', participant: 'nobody', muted: true },
  ];
  for (const action of actions) assert.equal(reduceMeeting(before, action), before);
});

test('the screen on the stage is the one somebody else shares', () => {
  const own = run(meetingOf(['ada']), { type: 'media.track.published', track: track('s', 'me', 'screen') });
  assert.equal(sharedScreen(own), null);
  const other = run(own, { type: 'media.track.published', track: track('s2', 'ada', 'screen') });
  assert.deepEqual(sharedScreen(other), { participant: 'ada', track: 's2' });
});

test('of several screens the newest is shown, until one is chosen, and the choice ends with its share', () => {
  const shares = (state, id, screen) =>
    run(state, { type: 'media.track.published', track: track(screen, id, 'screen') });
  const stops = (state, id, screen) => run(state, { type: 'media.track.unpublished', track: screen, participant: id });
  const shown = (state) => sharedScreen(state)?.participant ?? null;
  // Bo began first, although Ada was here before him.
  let state = shares(shares(meetingOf(['ada', 'bo', 'cy']), 'bo', 's1'), 'ada', 's2');
  assert.deepEqual(sharedScreens(state).map((one) => one.participant), ['bo', 'ada']);
  assert.equal(shown(state), 'ada', 'the newest');
  state = run(state, { type: 'screen', participant: 'bo' });
  assert.equal(shown(state), 'bo', 'the chosen one');
  state = shares(state, 'cy', 's3');
  assert.equal(shown(state), 'bo', 'a person who begins later does not take it away');
  state = stops(state, 'bo', 's1');
  assert.equal(shown(state), 'cy');
  state = shares(state, 'bo', 's4');
  assert.equal(shown(state), 'bo', 'who shares again is the newest');
  state = stops(state, 'bo', 's4');
  assert.equal(shown(shares(stops(state, 'cy', 's3'), 'cy', 's5')), 'cy');
  state = run(state, { type: 'participant.left', participant: 'cy', reason: 'left', at: at(9) });
  assert.equal(shown(state), 'ada');
  assert.equal(shown(stops(state, 'ada', 's2')), null);
});

test('the order of the shares, and the choice, survive a lost connection', () => {
  const screens = { ada: 's2', bo: 's1' };
  const people = ['ada', 'bo'].map((id) => person(id, { tracks: [track(screens[id], id, 'screen')] }));
  const before = run(
    meetingOf(['ada', 'bo']),
    ...['bo', 'ada'].map((id) => ({ type: 'media.track.published', track: track(screens[id], id, 'screen') })),
    { type: 'screen', participant: 'bo' },
  );
  const self = person('me', { joined_at: at(59) });
  const reply = { room: before.room, self, participants: [self, ...people], permissions: {}, ice_servers: [], chat: [] };
  const after = run(before, { type: 'rejoined', reply });
  assert.deepEqual([after.sharers, after.screen], [['bo', 'ada'], 'bo']);
});

test('a slot carries one track at a time', () => {
  const state = run(
    meetingOf(['ada']),
    { type: 'slot', mid: '1', track: 'a' },
    { type: 'slot', mid: '2', track: 'b' },
    { type: 'slot', mid: '1', track: 'c' },
    { type: 'slot', mid: '2', track: null },
  );
  assert.deepEqual(state.live, { c: '1' });
});

test('hands stand in the order they were raised', () => {
  const state = run(
    meetingOf(['ada', 'bo']),
    { type: 'participant.updated', participant: person('ada', { hand_raised_at: at(9) }) },
    { type: 'participant.updated', participant: person('bo', { hand_raised_at: at(5) }) },
  );
  assert.deepEqual(
    hands(state).map((one) => one.id),
    ['bo', 'ada'],
  );
});

test('the roster shows oneself, then hosts, then the others', () => {
  const state = run(meetingOf(['ada', 'bo']), {
    type: 'participant.updated',
    participant: person('bo', { role: 'host' }),
  });
  assert.deepEqual(
    roster(state).map((one) => one.id),
    ['me', 'bo', 'ada'],
  );
});

test('messages count as unread until the chat is opened, own ones never', () => {
  let state = run(
    meetingOf(['ada']),
    { type: 'chat.message', message: message('1', 'hello') },
    { type: 'chat.message', message: message('1', 'hello') },
    { type: 'chat.message', message: message('2', 'mine', { participant: 'me', user: person('me').user }) },
  );
  assert.equal(state.unread, 1);
  assert.equal(state.log.length, 2);
  state = run(state, { type: 'panel', panel: 'chat' }, { type: 'chat.message', message: message('3', 'again') });
  assert.equal(state.unread, 0);
});

test('after a lost socket people keep their seats and missed messages are added', () => {
  const before = run(meetingOf(['ada', 'bo'], [message('1', 'old')]), { type: 'panel', panel: 'people' });
  const self = person('me2');
  const reply = {
    room: before.room,
    self,
    participants: [person('cy', { joined_at: at(3) }), person('bo', { joined_at: at(50) }), self],
    permissions: {},
    ice_servers: [],
    chat: [message('1', 'old'), message('2', 'missed')],
  };
  const state = run(before, { type: 'link', link: 'reconnecting' }, { type: 'rejoined', reply });
  assert.deepEqual(state.seats, ['bo', 'cy']);
  assert.equal(state.self, 'me2');
  assert.equal(state.link, 'online');
  assert.equal(state.panel, 'people');
  assert.equal(state.unread, 1);
  assert.deepEqual(
    state.log.map((entry) => entry.message.text),
    ['old', 'missed'],
  );
});

test('a view after a lost socket replaces what the room is, and nothing of what one sees, hears and chose', () => {
  const camera = track('c', 'ada', 'camera');
  const before = run(
    meetingOf(['ada', 'bo'], [message('1', 'old'), message('2', 'deleted meanwhile'), message('3', 'newest')]),
    { type: 'media.track.published', track: camera },
    { type: 'slot', mid: '5', track: 'c' },
    { type: 'slot.reason', mid: '5', layer: 'q', reason: 'bandwidth' },
    { type: 'speaker.active', participants: ['ada', 'bo'], at: 5_000 },
    { type: 'chat.to', participant: 'ada' },
    { type: 'panel', panel: 'chat' },
    { type: 'pin', participant: 'ada' },
    { type: 'path', participant: 'ada', lost: true },
    { type: 'unsent', source: 'camera', code: 'media.limit' },
    { type: 'reaction', participant: 'ada', emoji: '👍' },
  );
  const self = person('me', { hand_raised_at: at(8) });
  const reply = {
    room: { ...before.room, locked: true },
    self,
    participants: [person('cy', { joined_at: at(30) }), person('ada', { tracks: [camera] }), self],
    permissions: {},
    ice_servers: [],
    chat: [message('1', 'old'), message('3', 'newest'), message('4', 'missed')],
  };
  const state = run(before, { type: 'rejoined', reply, same: true });
  assert.deepEqual([state.self, state.room.locked, state.participants.me.hand_raised_at], ['me', true, at(8)]);
  assert.deepEqual(state.seats, ['ada', 'cy'], 'who stays keeps the seat, who left is gone, who came sits behind');
  assert.deepEqual([state.live, state.carried], [{ c: '5' }, { 5: { layer: 'q', reason: 'bandwidth' } }]);
  assert.deepEqual(state.speakers, ['ada']);
  assert.deepEqual([state.chatTo, state.panel, state.pin, state.unread], ['ada', 'chat', 'ada', 0]);
  assert.deepEqual([state.cut, state.participants.ada.connection], [['ada'], 'reconnecting'], 'a path to one person is not the socket');
  assert.deepEqual([state.unsent, state.reactions.length], [before.unsent, 1]);
  assert.deepEqual(state.log.map((entry) => entry.message.text), ['old', 'newest', 'missed']);
});

test('an unseen speaker takes the place of the one silent longest, after three seconds, once in five', () => {
  const speak = (...participants) => ({ type: 'speaker.active', participants, at: 10_000 });
  let state = run(meetingOf(['ada', 'bo', 'cy', 'di', 'eve']), { type: 'firstPage', others: 3 });
  state = run(state, { type: 'speaker.active', participants: ['ada'], at: 9_000 }, speak('di'));
  assert.deepEqual(run(state, { type: 'tick', at: 12_900 }).seats, state.seats, 'too early');
  const swapped = run(state, { type: 'tick', at: 13_000 });
  assert.deepEqual(swapped.seats, ['ada', 'di', 'cy', 'bo', 'eve']);
  const next = run(swapped, { type: 'speaker.active', participants: ['eve'], at: 13_100 });
  assert.deepEqual(run(next, { type: 'tick', at: 17_000 }).seats, swapped.seats, 'too soon after the last');
  assert.equal(run(next, { type: 'tick', at: 18_200 }).seats.indexOf('eve') < 3, true);
});

test('a raised hand leaves the first page only to a voice, where the page holds one other', () => {
  const raised = { type: 'participant.updated', participant: person('ada', { hand_raised_at: at(1) }) };
  const speaks = { type: 'speaker.active', participants: ['bo'], at: 10_000 };
  const seats = (others) => run(meetingOf(['cy', 'ada', 'bo']), { type: 'firstPage', others }, raised, speaks, { type: 'tick', at: 20_000 }).seats;
  assert.deepEqual(seats(2), ['bo', 'ada', 'cy'], 'two places: the hand and the voice');
  assert.deepEqual(seats(1), ['bo', 'ada', 'cy']);
});

test('a hand that came forward leaves one place less to those who speak', () => {
  // Di stands first for the hand; of the two places of the first page one is left, which is Ada's.
  const state = run(
    meetingOf(['ada', 'bo', 'cy', 'di']),
    { type: 'firstPage', others: 2 },
    { type: 'participant.updated', participant: person('di', { hand_raised_at: at(1) }) },
    { type: 'speaker.active', participants: ['bo'], at: 10_000 },
    { type: 'tick', at: 20_000 },
  );
  assert.deepEqual(state.seats, ['bo', 'ada', 'cy', 'di']);
});

test('a person who leaves reads what happens to the meeting: it goes on, nobody is in, or nobody is connected', () => {
  assert.equal(leftBehind(meetingOf([])), 'left.last');
  const lost = (id) => ({ type: 'participant.updated', participant: person(id, { connection: 'reconnecting' }) });
  const one = run(meetingOf(['ada', 'bo']), lost('ada'));
  assert.equal(leftBehind(one), 'left');
  assert.equal(leftBehind(run(one, lost('bo'))), 'left.away');
  assert.equal(leftBehind(run(one, { type: 'participant.left', participant: 'bo', reason: 'left', at: at(1) })), 'left.away');
  // Without a server in the middle it may be one's own network that is lost.
  assert.equal(leftBehind(run(meetingOf(['ada']), { type: 'path', participant: 'ada', lost: true })), 'left');
});

test('frames after leaving are ignored, and a notice ends the meeting', () => {
  const start = initialState({ language: 'en', theme: 'auto' });
  assert.equal(reduce(start, { type: 'meeting', action: { type: 'tick', at: 1 } }), start);
  const inside = { ...start, meeting: meetingOf([]), screen: 'room' };
  const over = reduce(inside, { type: 'notice', notice: { kind: 'left', identity: 'r' } });
  assert.equal(over.meeting, null);
  assert.equal(over.screen, 'notice');
});

test('the store announces once for many actions, and a view that fails stops no other', async (t) => {
  t.mock.method(console, 'error', () => {});
  const store = createStore((state, n) => state + n, 0);
  const seen = [];
  store.subscribe(() => {
    throw new Error('broken view');
  });
  store.subscribe((state) => seen.push(state));
  store.dispatch(1);
  store.dispatch(2);
  store.dispatch(0);
  await Promise.resolve();
  assert.deepEqual(seen, [3]);
});

test('messages of one person within three minutes stand together', () => {
  const late = message('3', 'c', { sent_at: new Date(Date.parse(at(2)) + 180_000).toISOString() });
  const log = [message('1', 'a'), message('2', 'b', { sent_at: at(2) }), late].map((one) => ({
    kind: 'message',
    message: one,
  }));
  assert.deepEqual(
    blocks(log).map((block) => block.messages.length),
    [2, 1],
  );
});

test('the chat keeps the newest five hundred entries', () => {
  let log = [];
  for (let n = 0; n < 520; n++) log = append(log, { kind: 'message', message: message(String(n), 'x') });
  assert.equal(log.length, 500);
  assert.equal(log[0].message.id, '20');
});

test('initials', () => {
  const cases = [
    ['Ada Bo', 'AB', false],
    ['ada', 'A', false],
    ['陈博', '博', true],
    ['  ', '?', false],
    ['Ada 陈', '陈', true],
    ['Ada &', 'A', false],
    ['Ada Bo &', 'AB', false],
    ['(Ada) "Bo"', 'AB', false],
    ['& Ada', '&A', false],
    ['!', '!', false],
  ];
  for (const [name, text, han] of cases) assert.deepEqual(initials(name), { text, han });
  assert.deepEqual(initials('🙂 x'), { text: '🙂X', han: false });
  assert.equal(shortName('Ada Bo'), 'Ada');
  assert.equal(shortName('陈博'), '陈博');
  assert.equal(hue('user-1'), hue('user-1'));
  assert.equal(threes('482917305'), '482 917 305');
});

test('what may be typed into the field for a link or a number', () => {
  const origin = 'https://meet.example.org';
  const cases = [
    ['482 917 305', '482917305'],
    ['482-917-305', '482917305'],
    ['https://meet.example.org/r/abc_DEF-123', 'abc_DEF-123'],
    ['meet.example.org/r/abc/', 'abc'],
    [' abcdefghijklmnop1234 ', 'abcdefghijklmnop1234'],
    ['https://elsewhere.example/r/abc', null],
    ['12345', null],
    ['javascript:alert(1)', null],
    ['https://meet.example.org/r/../admin', null],
  ];
  for (const [typed, room] of cases) assert.equal(roomFrom(typed, origin), room, typed);
  const below = [
    ['https://meet.example.org/meet/now/r/abc#invite=x', 'abc'],
    ['meet.example.org/meet/now/r/abc', 'abc'],
    ['482 917 305', '482917305'],
    ['https://meet.example.org/r/abc', null],
    ['https://meet.example.org/meet/r/abc', null],
    ['https://elsewhere.example/meet/now/r/abc', null],
  ];
  for (const [typed, room] of below) assert.equal(roomFrom(typed, origin, '/meet/now/'), room, typed);
});

test('only web addresses become links, and no text is lost', () => {
  const cases = [
    ['see https://a.example/x?y=1. Then', ['https://a.example/x?y=1']],
    ['（https://a.example/x）好', ['https://a.example/x']],
    ['javascript:alert(1) data:text/html,x', []],
    ['<img src=x onerror=alert(1)>', []],
    ['http://[bad', []],
  ];
  for (const [text, links] of cases) {
    const parts = linkify(text);
    assert.equal(parts.map((part) => part.text).join(''), text);
    assert.deepEqual(
      parts.filter((part) => part.href !== null).map((part) => part.text),
      links,
    );
  }
});

test('the next meeting is the earliest of those that the server plans', () => {
  const now = Date.parse(at(0));
  const hour = 3_600_000;
  const room = (name, begin, more = {}) => ({
    name,
    next: begin === null ? null : { begin_at: new Date(now + begin).toISOString(), end_at: null },
    state: 'scheduled',
    participants: 0,
    ...more,
  });
  const rooms = [
    room('over', null),
    room('later', 3 * hour),
    room('running', -hour),
    room('ended', hour, { state: 'ended' }),
  ];
  assert.deepEqual(
    upcoming(rooms).map((one) => one.name),
    ['running', 'later'],
  );
  assert.equal(nextMeeting([room('empty', null)]), null);
  assert.equal(nextMeeting([room('live', null, { state: 'live', participants: 2 })])?.name, 'live');
  assert.equal(daysUntil(now + 24 * hour, now), 1);
});
