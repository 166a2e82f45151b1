/** A planned meeting as a form of a calendar on the web. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calendarLinks } from '../../static/js/state/calendar-links.js';

const about = { link: 'https://meet.example/r/abc', words: 'Join: https://meet.example/r/abc\nNumber: 123 456 789' };
const room = (change = {}) => ({
  name: 'Réunion & 周会 #1',
  begin_at: '2031-05-05T07:00:00.000Z',
  end_at: '2031-05-05T08:30:00.000Z',
  recurrence: null,
  time_zone: null,
  next: { begin_at: '2031-05-05T07:00:00.000Z', end_at: '2031-05-05T08:30:00.000Z' },
  ...change,
});
const asked = (address) => Object.fromEntries(new URL(address).searchParams);

test('one meeting has its times, its name and the way in', () => {
  const links = calendarLinks(room(), about);
  assert.match(links.google, /^https:\/\/calendar\.google\.com\//);
  const google = asked(links.google);
  assert.deepEqual([google.text, google.dates], ['Réunion & 周会 #1', '20310505T070000Z/20310505T083000Z']);
  assert.deepEqual([google.details, google.location, 'recur' in google], [about.words, about.link, false]);
  assert.match(links.outlook, /^https:\/\/outlook\.office\.com\//);
  const outlook = asked(links.outlook);
  assert.deepEqual([outlook.subject, outlook.startdt, outlook.enddt], ['Réunion & 周会 #1', '2031-05-05T07:00:00.000Z', '2031-05-05T08:30:00.000Z']);
  assert.deepEqual([outlook.body, outlook.location], [about.words, about.link]);
});

test('a series is counted from its first meeting, on its own clocks', () => {
  const next = { begin_at: '2031-05-12T07:00:00.000Z', end_at: '2031-05-12T08:30:00.000Z' };
  const links = calendarLinks(room({ recurrence: 'FREQ=WEEKLY;BYDAY=MO', time_zone: 'Europe/Berlin', next }), about);
  const google = asked(links.google);
  assert.deepEqual([google.recur, google.ctz], ['RRULE:FREQ=WEEKLY;BYDAY=MO', 'Europe/Berlin']);
  assert.equal(google.dates, '20310505T070000Z/20310505T083000Z');
  assert.equal(asked(links.outlook).startdt, next.begin_at, 'the coming one');
});

test('an open end is an hour, and without a time there is nothing to enter', () => {
  const open = room({ end_at: null, next: { begin_at: '2031-05-05T07:00:00.000Z', end_at: null } });
  assert.equal(asked(calendarLinks(open, about).google).dates, '20310505T070000Z/20310505T080000Z');
  assert.equal(calendarLinks(room({ begin_at: null, end_at: null, next: null }), about), null);
});
