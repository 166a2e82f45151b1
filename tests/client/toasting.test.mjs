/** Which message stands at the edge of the page, and what waits for its turn. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { createToasting } from '../../static/js/flow/toasting.js';
import { initialState, reduce } from '../../static/js/state/app.js';
import { createStore } from '../../static/js/state/store.js';

const self = { id: 'me', user: { id: 'u' }, display_name: 'Bo', role: 'host', hand_raised_at: null, tracks: [] };
const reply = { room: { identity: 'r', name: 'Room' }, self, participants: [self], permissions: {}, actions: [], chat: [] };
const open = { label: 'toast.open', name: 'chat' };
const admit = { label: 'lobby.admit', name: 'admit', data: 'cy' };
let store;
let toasting;
const inMeeting = (action) => store.dispatch({ type: 'meeting', action });
const says = (name, isPrivate = false) =>
  toasting.toastWhenFree(isPrivate ? 'toast.message.private' : 'toast.message', { name }, 'chat', open, { label: 'toast.reply', name: 'reply' });
const waits = () => toasting.toast('toast.waiting', { name: 'Cy' }, 'people', admit);
/** What is shown, with how many more. */
const shown = () => {
  const { toast } = store.get();
  return toast && `${toast.params.name ?? toast.text}${toast.more ? ` +${toast.more}` : ''}`;
};
const gone = () => toasting.dismissToast();

beforeEach(() => {
  store = createStore(reduce, initialState({ language: 'en', theme: 'dark' }), (announce) => announce());
  toasting = createToasting(store);
  inMeeting({ type: 'joined', reply, at: 0 });
  inMeeting({ type: 'lobby.waiting', waiting: { id: 'cy', display_name: 'Cy' } });
});

test('of several messages in a row the newest is shown, and the others are counted', () => {
  assert.deepEqual([says('Ada'), says('Di'), says('Eve')], [true, true, true]);
  assert.equal(shown(), 'Eve +2');
  gone();
  assert.equal(shown(), null);
  says('Ada');
  assert.equal(shown(), 'Ada', 'counted anew');
});

test('a private message gives way to private ones alone', () => {
  says('Ada', true);
  assert.equal(says('Di'), false, 'what is not shown is to be read out');
  assert.equal(shown(), 'Ada +1');
  assert.equal(says('Hanna', true), true);
  assert.equal(shown(), 'Hanna +2');
});

test('nothing moves under a hand that is about to press', () => {
  says('Ada');
  const { id } = store.get().toast;
  toasting.holdToast(true);
  assert.equal(says('Di'), false);
  assert.deepEqual([shown(), store.get().toast.id], ['Ada +1', id]);
  toasting.holdToast(false);
  assert.equal(says('Eve'), true);
  assert.equal(shown(), 'Eve +2');
});

test('what asks for an answer is not covered, and the messages come after it', () => {
  waits();
  assert.deepEqual([says('Ada'), says('Hanna', true), says('Di')], [false, false, false]);
  assert.equal(shown(), 'Cy');
  gone();
  assert.equal(shown(), 'Hanna +2', 'the private one before the others');
});

test('a message that had to give its place comes back to it', () => {
  says('Hanna', true);
  says('Ada');
  toasting.toast('toast.mutedBy', { name: 'Di' }, 'mic-off');
  assert.equal(shown(), 'Di');
  gone();
  assert.equal(shown(), 'Hanna +1');
  gone();
  assert.equal(shown(), null, 'once');
});

test('a person who opened the chat meanwhile, or left, is not told again', () => {
  for (const away of [() => inMeeting({ type: 'panel', panel: 'chat' }), () => store.dispatch({ type: 'left' })]) {
    waits();
    says('Ada');
    away();
    gone();
    assert.equal(shown(), null);
    inMeeting({ type: 'panel', panel: null });
  }
});

test('a hint of the page waits for its turn behind what asks for an answer', () => {
  waits();
  assert.equal(toasting.toastWhenFree('toast.strain', {}, 'info'), false);
  says('Ada');
  gone();
  assert.equal(shown(), 'Ada +1');
});
