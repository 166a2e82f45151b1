/** What fits this person: which pictures are asked for and when, why one is blurry, and what a weak machine is spared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Relief } from '../../static/js/flow/relief.js';
import { Viewing } from '../../static/js/flow/viewing.js';
import { sentenceOf, whyBlurry } from '../../static/js/state/clarity.js';
import { enter, reduceMeeting } from '../../static/js/state/meeting.js';
import { atEase, isTooMuch, weigh } from '../../static/js/state/strain.js';
import { asked, ownShare, urgency } from '../../static/js/state/viewing.js';
import { Clock } from './clock.mjs';
import { en, has, zh } from './words.mjs';

const at = new Date(0).toISOString();
const person = (id) => ({ id, user: { id }, display_name: id, role: 'member', joined_at: at, hand_raised_at: null, tracks: [] });
const meetingOf = (ids) => {
  const self = person('me');
  return enter({ room: {}, self, participants: [self, ...ids.map(person)], permissions: {}, ice_servers: [], chat: [] }, 0);
};
const tile = (track, width, height, more = {}) => ({ track, width, height, priority: 10, screen: false, ...more });
const SCREEN = tile('s', 1600, 900, { priority: 100, screen: true });
const DEMANDS = { choice: 'best', hidden: false, apart: null, tallest: Infinity };
const sizes = (tiles) => Object.fromEntries(tiles.map(({ track, width, height }) => [track, `${width}×${height}`]));

test('pictures are asked for as they are drawn, smaller where data is saved, and screens alone for sound only', () => {
  const shown = [SCREEN, tile('a', 1280, 720), tile('b', 160, 90), tile('c', 300, 400)];
  const of = (demands) => sizes(asked(shown, { ...DEMANDS, ...demands }));
  assert.deepEqual(of({}), { s: '1600×900', a: '1280×720', b: '160×90', c: '300×400' });
  assert.deepEqual(of({ choice: 'save' }), { s: '1600×900', a: '320×180', b: '160×90', c: '135×180' });
  assert.deepEqual(of({ choice: 'sound' }), { s: '1600×900' });
  assert.deepEqual(of({ tallest: 360 }), { s: '1600×900', a: '640×360', b: '160×90', c: '270×360' });
  assert.deepEqual(asked([SCREEN], DEMANDS), [{ track: 's', width: 1600, height: 900, priority: 100 }], 'as the wire has it');
  assert.deepEqual(['best', 'save', 'sound'].map(ownShare), [1, 0.5, 0.5]);
});

test('of a hidden page only what a small window shows is asked for', () => {
  const shown = [SCREEN, tile('a', 1280, 720)];
  const of = (demands) => sizes(asked(shown, { ...DEMANDS, ...demands }));
  assert.deepEqual(of({ hidden: true }), {});
  assert.deepEqual(of({ hidden: true, apart: tile('b', 400, 260) }), { b: '400×260' });
  // While both are seen, the larger of the two.
  assert.deepEqual(of({ apart: tile('a', 400, 260) }), { s: '1600×900', a: '1280×720' });
  assert.deepEqual(of({ apart: tile('a', 1400, 900) }), { s: '1600×900', a: '1400×900' });
  assert.deepEqual(of({ hidden: true, choice: 'sound', apart: tile('b', 400, 260) }), {});
});

test('what is missing or too small is told at once, all else later', () => {
  const of = (told, next) => urgency(told, next);
  const a = tile('a', 640, 360);
  assert.equal(of(null, [a]), 'now');
  assert.equal(of(null, []), 'later');
  assert.equal(of([a], [a]), null);
  assert.equal(of([], [a]), 'now');
  assert.equal(of([a], [tile('a', 1280, 720)]), 'now');
  assert.equal(of([a], [tile('a', 650, 366)]), 'later', 'hardly larger');
  assert.equal(of([a], [tile('a', 320, 180)]), 'later');
  assert.equal(of([a], []), 'later');
  assert.equal(of([a], [tile('a', 640, 360, { priority: 50 })]), 'later');
});

function viewing() {
  const clock = new Clock();
  const told = [];
  const seen = new Viewing((tiles) => told.push(sizes(tiles)), clock);
  return { clock, told, seen };
}

test('a window that is drawn larger asks a few times a second, and one drawn smaller once it rests', () => {
  const { clock, told, seen } = viewing();
  seen.begin('best', false);
  seen.show([tile('a', 320, 180)]);
  assert.deepEqual(told, [{ a: '320×180' }]);
  for (let lines = 200; lines <= 400; lines += 20) {
    seen.show([tile('a', 640, lines)]);
    clock.advance(30);
  }
  clock.advance(150);
  assert.ok(told.length <= 4, `${told.length} lists`);
  assert.deepEqual(told.at(-1), { a: '640×400' });
  const before = told.length;
  seen.show([tile('a', 320, 180)]);
  clock.advance(900);
  assert.equal(told.length, before);
  // It is large again before the server has heard of anything else.
  seen.show([tile('a', 640, 400)]);
  clock.advance(5_000);
  assert.equal(told.length, before);
  seen.show([tile('a', 320, 180)]);
  // Redrawing does not put it off.
  clock.advance(600);
  seen.show([tile('a', 320, 180)]);
  clock.advance(400);
  assert.deepEqual(told.slice(before), [{ a: '320×180' }]);
});

test('a tab that is left for longer gets no pictures, and has them at once when it is back', () => {
  const { clock, told, seen } = viewing();
  seen.begin('best', false);
  seen.show([SCREEN, tile('a', 640, 360)]);
  seen.hide(true);
  clock.advance(3_000);
  seen.hide(false);
  clock.advance(10_000);
  assert.equal(told.length, 1, 'a look elsewhere changes nothing');
  seen.hide(true);
  clock.advance(6_000);
  assert.deepEqual(told.at(-1), {});
  // What changes meanwhile is drawn for nobody, but for a small window.
  seen.show([tile('a', 640, 360), tile('b', 640, 360)]);
  clock.advance(2_000);
  assert.deepEqual(told.at(-1), {});
  seen.standApart(tile('b', 400, 260));
  assert.deepEqual(told.at(-1), { b: '400×260' });
  seen.hide(false);
  clock.advance(150);
  assert.deepEqual(told.at(-1), { a: '640×360', b: '640×360' });
});

test('a choice takes effect soon, holds in the next meeting, and is known of each picture', () => {
  const { clock, told, seen } = viewing();
  seen.begin('best', false);
  seen.show([SCREEN, tile('a', 640, 360), tile('b', 100, 100)]);
  assert.deepEqual(['s', 'a', 'b', 'x'].map((track) => seen.isReduced(track)), [false, false, false, false]);
  seen.choose('save');
  clock.advance(1_000);
  assert.equal(told.at(-1).a, '320×180');
  assert.deepEqual(['s', 'a', 'b', 'x'].map((track) => seen.isReduced(track)), [false, true, false, false]);
  seen.choose('best');
  clock.advance(150);
  assert.equal(told.at(-1).a, '640×360');
  seen.end();
  seen.begin('sound', false);
  seen.show([tile('a', 640, 360)]);
  clock.advance(1_000);
  assert.deepEqual(told.at(-1), {}, 'told even though there is nothing, for else the server sends what it thinks best');
});

test('how a picture comes, and why not as asked for, is known as long as it is so', () => {
  const viewing = { choice: 'best', reduced: false };
  const carried = (...told) => told.reduce(
    (state, [layer, reason]) => reduceMeeting(state, { type: 'slot.reason', mid: '1', layer, reason }),
    reduceMeeting(meetingOf(['ada']), { type: 'slot', mid: '1', track: 'a' }),
  );
  const why = (state, track = 'a', more = {}) => {
    const found = whyBlurry(state, track, { ...viewing, ...more });
    return found && `${found.cause}${found.still ? ' still' : ''}`;
  };
  assert.equal(why(carried()), null);
  assert.equal(why(carried(['h', 'bandwidth'])), 'bandwidth');
  assert.equal(why(carried(['h', 'sender'])), 'sender');
  assert.equal(why(carried(['h', 'server'])), 'server');
  assert.equal(why(carried([null, 'codec'])), 'codec still');
  assert.equal(why(carried(['h', 'something new'])), null);
  assert.equal(why(carried(['h', 'bandwidth']), 'b'), null);
  assert.equal(whyBlurry(carried(['h', 'bandwidth']), undefined, viewing), null);
  assert.equal(why(carried(['h', 'bandwidth'], ['f', null])), null);
  // Without a layer there are only stills, or nothing.
  assert.equal(why(carried([null, 'bandwidth'])), 'bandwidth still');
  assert.equal(sentenceOf(whyBlurry(carried([null, 'bandwidth']), 'a', viewing)), 'tile.narrow');
  // The slot turns to something else: the reason is the slot's, until it is told otherwise.
  const turned = reduceMeeting(carried([null, 'bandwidth']), { type: 'slot', mid: '1', track: 'b' });
  assert.deepEqual([why(turned, 'a'), why(turned, 'b')], [null, 'bandwidth still']);
});

test('what the person chose, and what the machine cannot do, is said of cameras that it holds back', () => {
  const state = reduceMeeting(meetingOf(['ada']), { type: 'slot', mid: '1', track: 'a' });
  const causes = (choice, reduced, more = {}, of = state) => whyBlurry(of, 'a', { choice, reduced, ...more })?.cause ?? null;
  assert.deepEqual([causes('best', false), causes('save', false)], [null, null]);
  assert.equal(causes('save', true), 'choice');
  assert.equal(causes('sound', false), 'sound');
  assert.equal(causes('sound', false, { screen: true }), null);
  const weak = reduceMeeting(state, { type: 'strain', strain: 1 });
  assert.deepEqual([causes('best', true, {}, weak), causes('save', true, {}, weak)], ['machine', 'choice']);
  // What the server says comes before what was asked for.
  const told = reduceMeeting(state, { type: 'slot.reason', mid: '1', layer: 'q', reason: 'bandwidth' });
  assert.equal(causes('save', true, {}, told), 'bandwidth');
  for (const cause of ['bandwidth', 'sender', 'server', 'codec', 'choice', 'sound', 'machine']) {
    for (const words of [en, zh]) assert.ok(has(words, sentenceOf({ cause, still: false })), cause);
  }
});

const stats = (more) => ({ direction: 'receive', kind: 'video', mid: '0', framesDecoded: 0, framesDropped: 0, limitedBy: null, ...more });

test('a machine has too much where its encoder says so, or where frames that came are not shown', () => {
  const sends = (limitedBy) => [stats({ direction: 'send', limitedBy })];
  assert.equal(isTooMuch([], sends('cpu')), true);
  assert.equal(isTooMuch([], sends('bandwidth')), false);
  assert.equal(isTooMuch([], sends('none')), false);
  const shows = (framesDecoded, framesDropped) => [stats({ framesDecoded, framesDropped })];
  assert.equal(isTooMuch(shows(100, 0), shows(140, 20)), true);
  assert.equal(isTooMuch(shows(100, 50), shows(150, 52)), false);
  assert.equal(isTooMuch(shows(100, 0), shows(104, 8)), false, 'too few to say anything');
  assert.equal(isTooMuch([], shows(0, 90)), false, 'nothing to compare with');
});

/** Runs it for so many seconds, two at a time. */
const during = (strain, seconds, hard, from) => {
  let [now, state] = [from, strain];
  for (let passed = 0; passed < seconds; passed += 2) state = weigh(state, hard, (now += 2_000));
  return [state, now];
};

test('a machine that has too much is relieved in two steps, and burdened again after a minute of ease', () => {
  let [strain, now] = during(atEase(0), 4, true, 0);
  assert.equal(strain.level, 0, 'a moment is no weakness');
  [strain, now] = during(strain, 2, false, now);
  [strain, now] = during(strain, 6, true, now);
  assert.equal(strain.level, 0, 'it counts anew after a pause');
  [strain, now] = during(strain, 2, true, now);
  assert.equal(strain.level, 1);
  [strain, now] = during(strain, 8, true, now);
  assert.equal(strain.level, 1, 'what was changed takes a while to show');
  [strain, now] = during(strain, 4, true, now);
  assert.equal(strain.level, 2);
  [strain, now] = during(strain, 60, true, now);
  assert.equal(strain.level, 2);
  [strain, now] = during(strain, 58, false, now);
  assert.equal(strain.level, 2);
  [strain, now] = during(strain, 4, false, now);
  assert.equal(strain.level, 1, 'one step at a time');
  [strain, now] = during(strain, 62, false, now);
  assert.equal(strain.level, 0);
});

test('who is overtaxed again soon waits longer each time, until it has held', () => {
  let [strain, now] = [atEase(0), 0];
  const easeTakes = () => {
    const from = now;
    while (strain.level > 0) [strain, now] = during(strain, 2, false, now);
    return Math.round((now - from) / 60_000);
  };
  const waits = [];
  for (let round = 0; round < 6; round += 1) {
    while (strain.level === 0) [strain, now] = during(strain, 2, true, now);
    waits.push(easeTakes());
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 16]);
  [strain, now] = during(strain, 17 * 60, false, now);
  while (strain.level === 0) [strain, now] = during(strain, 2, true, now);
  assert.equal(easeTakes(), 1);
});

test('the page looks every two seconds, tells each step, and nothing of a meeting that ended', async () => {
  const clock = new Clock();
  const told = [];
  let limitedBy = 'cpu';
  let looks = 0;
  const stats = async () => {
    looks += 1;
    return { connections: {}, tracks: [{ direction: 'send', kind: 'video', limitedBy }] };
  };
  const relief = new Relief({ stats, hidden: () => false, tell: (level) => told.push(level), timers: clock });
  const pass = async (seconds) => {
    for (let passed = 0; passed < seconds; passed += 2) {
      clock.advance(2_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  relief.start();
  await pass(10);
  assert.deepEqual(told, [1]);
  limitedBy = 'none';
  await pass(64);
  assert.deepEqual(told, [1, 0]);
  limitedBy = 'cpu';
  relief.stop();
  const before = looks;
  await pass(20);
  assert.deepEqual([told, looks], [[1, 0], before]);
});
