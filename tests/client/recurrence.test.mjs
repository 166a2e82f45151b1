/** How a meeting comes again: between the room form and the rule of the wire, and in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setLanguage } from '../../static/js/i18n/index.js';
import { CHOICES, choosesDays, planOf, ruleAfter, ruleOf, weekdayOf } from '../../static/js/state/recurrence.js';
import { repeats, there } from '../../static/js/views/home/when.js';
import { fetchFiles } from './words.mjs';

fetchFiles();

/** A Monday. */
const first = { wall: '2026-03-02T09:00', zone: 'Europe/Berlin' };
const never = { kind: 'never' };

test('every plan of the form becomes a rule and is read back from it', () => {
  const ends = [never, { kind: 'count', count: 4 }, { kind: 'until', day: '2026-03-31' }];
  for (const choice of CHOICES.filter((one) => one !== 'none')) {
    for (const days of choosesDays(choice) ? [['MO'], ['MO', 'WE', 'SU']] : [[]]) {
      for (const end of ends) assert.deepEqual(planOf(ruleOf({ choice, days, end }, first), first), { choice, days, end });
    }
  }
  assert.equal(ruleOf({ choice: 'none', days: [], end: never }, first), null);
  assert.equal(planOf(null, first).choice, 'none');
});

test('a rule is written as the server takes it', () => {
  const rule = (choice, days, end, from = first) => ruleOf({ choice, days, end }, from);
  assert.equal(rule('weekly', ['MO'], never), 'FREQ=WEEKLY');
  assert.equal(rule('weekly', ['TU'], never), 'FREQ=WEEKLY;BYDAY=TU');
  assert.equal(rule('fortnightly', ['MO', 'WE'], { kind: 'count', count: 4 }), 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=4');
  // The last day ends by the clocks of the zone, which are two hours ahead by then.
  const until = { kind: 'until', day: '2026-03-31' };
  assert.equal(rule('daily', [], until), 'FREQ=DAILY;UNTIL=20260331T215959Z');
  assert.equal(rule('daily', [], until, { ...first, zone: 'America/Los_Angeles' }), 'FREQ=DAILY;UNTIL=20260401T065959Z');
});

test('what others wrote is read by what it means, or not at all', () => {
  const read = (rule, from = first) => planOf(rule, from);
  assert.deepEqual(read('INTERVAL=1;FREQ=WEEKLY;WKST=SU'), { choice: 'weekly', days: ['MO'], end: never });
  assert.equal(read('FREQ=WEEKLY;BYDAY=FR,TH,WE,TU,MO').choice, 'weekdays');
  assert.deepEqual(read('FREQ=WEEKLY;BYDAY=SU,MO').days, ['MO', 'SU']);
  // A last time in the middle of a day: the meeting of that day is past it, or not.
  assert.deepEqual(read('FREQ=DAILY;UNTIL=20260310T080000Z').end, { kind: 'until', day: '2026-03-10' });
  assert.deepEqual(read('FREQ=DAILY;UNTIL=20260310T075900Z').end, { kind: 'until', day: '2026-03-09' });
  for (const rule of [
    'FREQ=YEARLY',
    'FREQ=DAILY;INTERVAL=3',
    'FREQ=DAILY;BYDAY=MO',
    'FREQ=MONTHLY;BYDAY=1MO',
    'FREQ=MONTHLY;INTERVAL=2',
    'FREQ=WEEKLY;BYMONTH=3',
    'FREQ=DAILY;UNTIL=20260310',
    'FREQ=DAILY;COUNT=2;UNTIL=20260310T080000Z',
    // Which weeks these are depends on the day with which they begin.
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU',
  ]) {
    assert.deepEqual(read(rule), { choice: 'other', days: [], end: never }, rule);
  }
  assert.equal(weekdayOf('2026-03-01'), 'SU');
});

test('a rule is written anew only when something of it changed', () => {
  const before = { rule: 'WKST=MO;FREQ=DAILY;UNTIL=20260310T120000Z', first };
  const plan = planOf(before.rule, first);
  assert.equal(ruleAfter(plan, first, before), before.rule);
  assert.equal(ruleAfter(plan, { ...first, wall: '2026-03-03T09:00' }, before), before.rule);
  // The meeting of the last day has another hour now, and still is the last one.
  const later = { ...first, wall: '2026-03-02T17:00' };
  assert.equal(ruleAfter(plan, later, before), 'FREQ=DAILY;UNTIL=20260310T225959Z');
  assert.equal(ruleAfter({ ...plan, end: never }, first, before), 'FREQ=DAILY');
  const strange = { rule: 'FREQ=YEARLY', first };
  assert.equal(ruleAfter({ ...plan, choice: 'other' }, later, strange), 'FREQ=YEARLY');
  assert.equal(ruleAfter({ choice: 'none', days: [], end: never }, first, strange), null);
});

const room = (recurrence, more = {}) => ({
  ...{ recurrence, begin_at: '2026-03-02T08:00:00Z', time_zone: 'Europe/Berlin' },
  next: { begin_at: '2026-07-06T07:00:00Z', end_at: '2026-07-06T08:00:00Z' },
  ...more,
});

test('it is said in words', async () => {
  const said = {
    'FREQ=WEEKLY': ['Every week', '每周'],
    'FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4': ['Every week on Mon and Wed · 4 times', '每周（周一、周三） · 共 4 次'],
    'FREQ=DAILY;UNTIL=20270310T225959Z': ['Every day · until 10 March 2027', '每天 · 至 2027 年 3 月 10 日'],
    'FREQ=YEARLY': ['Repeats', '重复'],
  };
  for (const [index, language] of ['en', 'zh'].entries()) {
    await setLanguage(language);
    for (const [rule, words] of Object.entries(said)) assert.equal(repeats(room(rule)), words[index]);
  }
  assert.equal(repeats(room(null)), null);
});

test('the clocks of the room are named where they show something else', async () => {
  await setLanguage('en');
  const weekly = room('FREQ=WEEKLY');
  assert.equal(there(weekly, 'Asia/Shanghai'), '09:00 Central European Time');
  // The same clocks by another name, and another day.
  assert.equal(there(weekly, 'Europe/Paris'), null);
  assert.equal(there(weekly, 'Pacific/Auckland'), '09:00 Central European Time');
  assert.match(there({ ...weekly, next: { begin_at: '2026-07-06T00:00:00Z' } }, 'America/Los_Angeles') ?? '', /^Monday 02:00 Central/);
  await setLanguage('zh');
  assert.equal(there(weekly, 'Asia/Shanghai'), '中欧时间 09:00');
  for (const without of [{ time_zone: null }, { recurrence: null }, { next: null }, { time_zone: 'Mars/Base' }]) {
    assert.equal(there({ ...weekly, ...without }, 'Asia/Shanghai'), null);
  }
});
