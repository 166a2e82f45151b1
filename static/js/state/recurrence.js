/**
 * How a meeting comes again, between the choices of a form and a recurrence rule (RFC 5545 §3.3.10). A rule that says
 * more than the form can show is kept as it is. Rules are counted by the clocks of the room's time zone, so that days
 * are those of the people there.
 *
 * @typedef {'none' | 'daily' | 'weekdays' | 'weekly' | 'fortnightly' | 'monthly' | 'other'} Recurrence
 * @typedef {'MO' | 'TU' | 'WE' | 'TH' | 'FR' | 'SA' | 'SU'} Weekday
 * @typedef {{kind: 'never'} | {kind: 'count', count: number} | {kind: 'until', day: string}} End
 *   count: meetings in all · day: the last one on which a meeting may begin, such as `2026-03-02`
 * @typedef {{choice: Recurrence, days: Weekday[], end: End}} Plan  days: for weekly and fortnightly only, Monday first
 * @typedef {{wall: string, zone: string}} First  when the first meeting begins by the clocks of the zone, such as
 *   `2026-03-02T09:00`
 */

import { instantOf, wallOf } from './zones.js';

/** @type {Recurrence[]} */
export const CHOICES = ['none', 'daily', 'weekdays', 'weekly', 'fortnightly', 'monthly'];
/** Monday first, as weeks are counted (RFC 5545 §3.3.10, WKST). @type {Weekday[]} */
export const WEEK = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const WORKING = WEEK.slice(0, 5);
/** As many meetings as the server lets a rule count. */
export const MOST_TIMES = 1000;
const RULES = /** @type {Record<string, string>} */ ({
  daily: 'FREQ=DAILY',
  weekdays: `FREQ=WEEKLY;BYDAY=${WORKING}`,
  weekly: 'FREQ=WEEKLY',
  fortnightly: 'FREQ=WEEKLY;INTERVAL=2',
  monthly: 'FREQ=MONTHLY',
});
/** What the form can show. */
const SHOWN = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'COUNT', 'UNTIL', 'WKST']);
const MINUTE = 60_000;
const DAY = 86_400_000;
/** @type {Plan} */
const OTHER = { choice: 'other', days: [], end: { kind: 'never' } };

/** @param {Recurrence} choice */
export function choosesDays(choice) {
  return choice === 'weekly' || choice === 'fortnightly';
}

/** @param {string} wall a day, or a time on one @returns {Weekday} */
export function weekdayOf(wall) {
  return WEEK[(new Date(`${wall.slice(0, 10)}T00:00Z`).getUTCDay() + 6) % 7];
}

/**
 * @param {Plan} plan whose choice is not `other`
 * @param {First} first
 * @returns {string | null}
 */
export function ruleOf({ choice, days, end }, first) {
  if (!(choice in RULES)) return null;
  // Without BYDAY it is the weekday of the first meeting.
  const own = days.length === 1 && days[0] === weekdayOf(first.wall);
  return [
    RULES[choice],
    ...(choosesDays(choice) && days.length > 0 && !own ? [`BYDAY=${inOrder(days)}`] : []),
    ...(end.kind === 'count' ? [`COUNT=${end.count}`] : []),
    ...(end.kind === 'until' ? [`UNTIL=${lastSecond(end.day, first.zone)}`] : []),
  ].join(';');
}

/**
 * @param {string | null} rule
 * @param {First} first
 * @returns {Plan}
 */
export function planOf(rule, first) {
  if (rule === null) return { ...OTHER, choice: 'none' };
  const parts = new Map(rule.replace(/^RRULE:/, '').split(';').map((part) => /** @type {[string, string]} */ (part.split('='))));
  const days = (parts.get('BYDAY') ?? '').split(',').filter((day) => day !== '');
  const end = endOf(parts, first);
  if (end === null || ![...parts.keys()].every((name) => SHOWN.has(name)) || !days.every(isWeekday)) return OTHER;
  const choice = choiceOf(parts, days);
  if (!choosesDays(choice)) return { ...OTHER, choice, ...(choice === 'other' ? {} : { end }) };
  return { choice, days: days.length > 0 ? inOrder(days) : [weekdayOf(first.wall)], end };
}

/**
 * The rule for a plan; the one before where that says the same, in its own words.
 * @param {Plan} plan
 * @param {First} first
 * @param {{rule: string | null, first: First}} before
 * @returns {string | null}
 */
export function ruleAfter(plan, first, before) {
  if (plan.choice === 'other') return before.rule;
  const was = planOf(before.rule, before.first);
  // What ends on a day is written as a time, which the clocks and the hour of the meeting are part of.
  const moved = first.zone !== before.first.zone || first.wall.slice(10) !== before.first.wall.slice(10);
  const stays = JSON.stringify(was) === JSON.stringify(plan) && !(moved && plan.end.kind === 'until');
  return stays ? before.rule : ruleOf(plan, first);
}

/** @param {Map<string, string>} parts @param {string[]} days @returns {Recurrence} */
function choiceOf(parts, days) {
  const frequency = parts.get('FREQ');
  const interval = parts.get('INTERVAL') ?? '1';
  if (interval === '2' && frequency === 'WEEKLY') {
    // Of several days it matters with which one a week begins.
    return days.length > 1 && (parts.get('WKST') ?? 'MO') !== 'MO' ? 'other' : 'fortnightly';
  }
  if (interval !== '1') return 'other';
  if (frequency === 'WEEKLY') return inOrder(days).join() === WORKING.join() ? 'weekdays' : 'weekly';
  if (days.length > 0) return 'other';
  return frequency === 'DAILY' ? 'daily' : frequency === 'MONTHLY' ? 'monthly' : 'other';
}

/** @param {Map<string, string>} parts @param {First} first @returns {End | null} null for one that the form cannot show */
function endOf(parts, { wall, zone }) {
  const [count, until] = [parts.get('COUNT'), parts.get('UNTIL')];
  if (count !== undefined) return until === undefined && /^\d+$/.test(count) ? { kind: 'count', count: Number(count) } : null;
  if (until === undefined) return { kind: 'never' };
  const [, date, hours, minutes, seconds] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(until) ?? [];
  if (date === undefined) return null;
  const [day, time] = wallOf(Date.parse(`${date.replace(/^(....)(..)/, '$1-$2-')}T${hours}:${minutes}:${seconds}Z`), zone).split('T');
  // Before the hour of the meeting the day itself has none any more.
  return { kind: 'until', day: time < wall.slice(11) ? dayBefore(day) : day };
}

/** The end of a day by the clocks of a zone, as rules write it: in UTC. @param {string} day @param {string} zone */
function lastSecond(day, zone) {
  const at = (instantOf(`${day}T23:59`, zone) ?? 0) + MINUTE - 1000;
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** @param {string} day */
function dayBefore(day) {
  return new Date(Date.parse(`${day}T00:00Z`) - DAY).toISOString().slice(0, 10);
}

/** @param {string[]} days @returns {Weekday[]} */
function inOrder(days) {
  return WEEK.filter((day) => days.includes(day));
}

/** @param {string} day */
function isWeekday(day) {
  return WEEK.includes(/** @type {Weekday} */ (day));
}
