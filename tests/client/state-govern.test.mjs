/** What the page makes of roles, waiting people, spotlight, timers, private chat and large tiles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialState, reduce } from '../../static/js/state/app.js';
import { oldest } from '../../static/js/state/chat.js';
import { stageLayout } from '../../static/js/state/layout.js';
import { enter, reduceMeeting } from '../../static/js/state/meeting.js';
import { large, may, mayUnmute, outranks } from '../../static/js/state/people.js';
import { countdown, fileSize, since } from '../../static/js/state/text.js';

const at = (second) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const person = (id, more = {}) => ({
  id,
  user: { id: `user-${id}`, username: id, display_name: id, avatar_url: '', kind: 'account' },
  ...{ display_name: id, role: 'member', joined_at: at(0), hand_raised_at: null, connection: 'online' },
  ...{ audio: true, video: false, tracks: [] },
  ...more,
});
const message = (id) => ({
  ...{ id, participant: 'ada', user: person('ada').user, display_name: 'ada', to: null, text: id },
  ...{ client_id: null, sent_at: at(0) },
});

function meetingOf(names, more = {}) {
  const self = person('me', { joined_at: at(59), ...more.self });
  const participants = [self, ...names.map((name) => (typeof name === 'string' ? person(name) : name))];
  const room = { identity: 'r', name: 'Room', topology: 'sfu', owner: { id: 'user-boss' } };
  const reply = { room, self, participants, permissions: {}, actions: [], lobby: [], spotlight: [], timer: null };
  return enter({ ...reply, ice_servers: [], chat: [], ...more.reply }, 0);
}
const run = (state, ...actions) => actions.reduce(reduceMeeting, state);
const waiting = (id) => ({ id, user: person(id).user, display_name: id, since: at(0) });

test('what is allowed follows what the server says', () => {
  const before = meetingOf([], { reply: { actions: ['chat'] } });
  assert.deepEqual([may(before, 'chat'), may(before, 'admit')], [true, false]);
  const after = run(before, {
    ...{ type: 'permissions.changed', role: 'cohost', permissions: {}, actions: ['chat', 'admit'] },
    lobby: [waiting('cy')],
  });
  assert.equal(may(after, 'admit'), true);
  assert.equal(after.participants.me.role, 'cohost');
  assert.deepEqual(after.lobby.map((one) => one.id), ['cy']);
});

test('one acts on those below, never on equals, and on the owner never', () => {
  const others = [person('host', { role: 'host' }), person('co', { role: 'cohost' }), person('boss', { role: 'host' })];
  const table = { member: [], cohost: ['low'], host: ['co', 'low'] };
  for (const [role, below] of Object.entries(table)) {
    const state = meetingOf([...others, 'low'], { self: { role } });
    const acted = state.seats.filter((id) => outranks(state, state.participants[id]));
    assert.deepEqual(acted.sort(), below.sort(), role);
  }
  const owner = meetingOf(others, { self: { role: 'host', user: { id: 'user-boss' } } });
  assert.equal(outranks(owner, owner.participants.host), true);
});

test('being asked gives the right to unmute once', () => {
  let state = meetingOf([], { reply: { actions: [] } });
  assert.equal(mayUnmute(state), false);
  state = run(state, { type: 'participant.ask_unmute', source: 'microphone' });
  assert.equal(mayUnmute(state), true);
  assert.equal(mayUnmute(run(state, { type: 'answered', source: 'microphone' })), false);
});

test('people wait in order, once each, until they are gone', () => {
  const state = run(
    meetingOf([]),
    ...['bo', 'cy', 'bo'].map((id) => ({ type: 'lobby.waiting', waiting: waiting(id) })),
    { type: 'lobby.left', participant: 'cy' },
  );
  assert.deepEqual(state.lobby.map((one) => one.id), ['bo']);
});

test('large is the pinned person, else the spotlight, else in the speaker view the speaker', () => {
  let state = run(meetingOf(['ada', 'bo', 'cy']), { type: 'spotlight.updated', participants: ['bo', 'cy', 'gone'] });
  assert.deepEqual(large(state), ['bo', 'cy']);
  state = run(state, { type: 'pin', participant: 'ada' });
  assert.deepEqual(large(state), ['ada']);
  state = run(state, { type: 'participant.left', participant: 'ada', reason: 'left', at: at(1) });
  assert.deepEqual(large(state), ['bo', 'cy'], 'who leaves is pinned no more');
  state = run(state, { type: 'spotlight.updated', participants: [] });
  assert.deepEqual(large(state), []);
  state = run(state, { type: 'layout', layout: 'speaker' });
  assert.deepEqual(large(state), ['bo'], 'before anybody spoke it is the first');
});

test('the large tile follows a voice after a while and then stays a while', () => {
  const speaks = (who, ms) => ({ type: 'speaker.active', participants: who, at: ms });
  const tick = (ms) => ({ type: 'tick', at: ms });
  let state = run(meetingOf(['ada', 'bo']), speaks(['ada'], 10_000), tick(11_000));
  assert.equal(state.main, null, 'a cough turns nothing');
  state = run(state, tick(11_300));
  assert.equal(state.main, 'ada');
  state = run(state, speaks(['bo'], 11_400), tick(13_000));
  assert.equal(state.main, 'ada', 'it stays three seconds');
  state = run(state, tick(14_400));
  assert.equal(state.main, 'bo');
  state = run(state, speaks(['me'], 20_000), tick(30_000));
  assert.equal(state.main, 'bo', 'never to oneself');
});

test('what the person chose outlives a lost socket, what the server says is new', () => {
  const before = run(
    meetingOf(['ada', 'bo']),
    { type: 'pin', participant: 'ada' },
    { type: 'layout', layout: 'speaker' },
    { type: 'chat.to', participant: 'bo' },
    { type: 'skew', skew: 500 },
  );
  const again = meetingOf(['ada'], { reply: { actions: ['chat'], spotlight: ['ada'] } });
  const reply = { room: again.room, self: person('me2'), participants: [person('ada'), person('me2')] };
  const after = run(before, {
    type: 'rejoined',
    reply: { ...reply, permissions: {}, actions: ['chat'], lobby: [], spotlight: ['ada'], timer: null, chat: [] },
  });
  assert.deepEqual([after.pin, after.layout, after.chatTo, after.skew], ['ada', 'speaker', null, 500]);
  assert.deepEqual([after.actions, after.spotlight], [['chat'], ['ada']]);
});

test('deleted messages go, older ones come in front, none twice', () => {
  let state = run(
    meetingOf(['ada'], { reply: { chat: [message('2')] } }),
    { type: 'chat.message', message: message('3') },
    { type: 'chat.older', messages: [message('1'), message('2')], more: false },
  );
  assert.deepEqual(state.log.map((entry) => entry.message.id), ['1', '2', '3']);
  assert.deepEqual([oldest(state.log), state.older], ['1', false]);
  state = run(state, { type: 'chat.deleted', message: '2' });
  assert.deepEqual(state.log.map((entry) => entry.message.id), ['1', '3']);
});

test('one file for several people is one line of the chat', () => {
  const file = (peer, bytes = 0) => ({ id: `${peer}/f`, file: 'f', outgoing: false, peer, bytes });
  const state = run(
    meetingOf(['ada', 'bo']),
    ...[file('ada'), file('bo'), file('ada', 5)].map((one) => ({ type: 'file', file: one, at: at(1) })),
  );
  assert.equal(state.log.length, 1);
  assert.equal(state.unread, 1);
  assert.equal(state.files['ada/f'].bytes, 5);
});

test('reactions are told apart though they are equal, and old ones fall off', () => {
  const same = { type: 'reaction', participant: 'ada', emoji: '👍' };
  const state = run(meetingOf(['ada']), ...Array.from({ length: 40 }, () => same));
  assert.equal(new Set(state.reactions.map((one) => one.key)).size, state.reactions.length);
  assert.ok(state.reactions.length < 40);
});

const frame = { width: 1416, height: 812, gap: 8, tileMin: 236, strip: 216, phone: false, page: 0, prefer: null, hands: [] };

test('one to four people stand large beside a strip that holds everybody else', () => {
  const seats = Array.from({ length: 12 }, (_, k) => `p${k}`);
  for (const mains of [['p3'], ['p3', 'p5', 'me', 'p1']]) {
    const seen = new Set(mains);
    const input = { ...frame, self: 'me', presenter: null, seats, mains };
    const { pages } = stageLayout(input);
    for (let page = 0; page < pages; page++) {
      const { tiles } = stageLayout({ ...input, page });
      assert.deepEqual(tiles.filter((tile) => tile.main).map((tile) => tile.id), mains);
      for (const tile of tiles) {
        seen.add(tile.id);
        assert.ok(tile.x >= 0 && tile.y >= 0 && tile.x + tile.w <= 1416.01 && tile.y + tile.h <= 812.01, tile.id);
      }
    }
    assert.equal(seen.size, 13);
  }
});

test('hiding oneself from oneself leaves no gap', () => {
  const input = { ...frame, self: null, presenter: null, mains: [] };
  assert.deepEqual(stageLayout({ ...input, seats: ['a', 'b'] }).tiles.map((tile) => tile.id), ['a', 'b']);
  const phone = { ...input, width: 374, height: 714, tileMin: 150, phone: true };
  assert.deepEqual(stageLayout({ ...phone, seats: ['a'] }).tiles.map((tile) => tile.id), ['a']);
});

test('clocks and sizes in figures', () => {
  assert.equal(since(at(0), 0, Date.parse(at(0)) + 130_900), '2:10');
  assert.equal(since(at(0), 2000, Date.parse(at(0)) - 5000), '0:00', 'a clock that is behind shows no past');
  assert.deepEqual([300_000, 59_400, 0, -5, 3_700_000].map(countdown), ['5:00', '1:00', '0:00', '0:00', '1:01:40']);
  assert.equal(fileSize(0, 'en-GB'), '0 bytes');
  assert.equal(fileSize(1024 ** 3, 'en-GB'), '1 GB');
  assert.equal(fileSize(1536, 'en-GB'), '1.5 kB');
});

test('a message about who waits goes with the last of whom it tells', () => {
  const act = (state, action) => reduce(state, { type: 'meeting', action });
  const say = (state, text, action) => reduce(state, { type: 'toast', toast: { id: 1, text, params: {}, icon: '', action } });
  const inside = { ...initialState({ language: 'en', theme: 'dark' }), meeting: meetingOf([]) };
  const one = say(act(inside, { type: 'lobby.waiting', waiting: waiting('cy') }), 'toast.waiting', { name: 'admit', data: 'cy' });
  const two = act(one, { type: 'lobby.waiting', waiting: waiting('di') });
  assert.equal(act(two, { type: 'lobby.left', participant: 'di' }).toast?.text, 'toast.waiting');
  assert.equal(act(two, { type: 'lobby.left', participant: 'cy' }).toast, null);
  const many = say(two, 'toast.waiting.many', { name: 'people' });
  const fewer = act(many, { type: 'lobby.left', participant: 'cy' });
  assert.equal(fewer.toast?.text, 'toast.waiting.many');
  assert.equal(act(fewer, { type: 'lobby.left', participant: 'di' }).toast, null);
  const other = say(fewer, 'toast.reminder', null);
  assert.equal(act(other, { type: 'lobby.left', participant: 'di' }).toast?.text, 'toast.reminder');
});
