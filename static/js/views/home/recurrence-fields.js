/**
 * How a meeting comes again, in the room form: how often, on which days, and until when. Only what the choice needs is
 * shown.
 *
 * @typedef {import('../../state/recurrence.js').End} End
 * @typedef {import('../../state/recurrence.js').First} First
 * @typedef {import('../../state/recurrence.js').Plan} Plan
 * @typedef {import('../../state/recurrence.js').Weekday} Weekday
 */

import { t, weekday } from '../../i18n/index.js';
import { CHOICES, MOST_TIMES, WEEK, choosesDays, planOf, ruleAfter, weekdayOf } from '../../state/recurrence.js';
import { el, field, newId, show, text } from '../kit/dom.js';
import { chooser, complain } from '../kit/fields.js';

const ENDS = ['never', 'count', 'until'];
const USUAL_TIMES = 10;
/** After it the server counts no meetings. */
const LAST_DAY = '2199-12-31';

/**
 * @param {string | null} rule of the room, which may say more than the form can
 * @param {First} before when its first meeting begins; wall is empty for a room without one
 */
export function recurrenceFields(rule, before) {
  const was = planOf(rule, before);
  const repeat = chooser(
    'room.repeat',
    [...CHOICES, ...(was.choice === 'other' ? ['other'] : [])].map((value) => ({ value, label: `repeat.${value}` })),
    was.choice,
    'room-repeat',
  );
  const kept = el('p', { class: 'meta whole', 'data-testid': 'room-rule' }, el('span', { t: 'room.repeat.kept' }), ' ', el('code', {}, rule ?? ''));
  const days = dayFields(was.days);
  const end = chooser('room.repeat.ends', ENDS.map((value) => ({ value, label: `room.repeat.ends.${value}` })), was.end.kind, 'room-repeat-end');
  const times = field(
    'room.repeat.times',
    input({
      ...{ type: 'number', min: 1, max: MOST_TIMES, inputmode: 'numeric', 'data-testid': 'room-repeat-times' },
      value: String(was.end.kind === 'count' ? was.end.count : USUAL_TIMES),
    }),
  );
  const last = field(
    'room.repeat.last',
    input({ type: 'date', max: LAST_DAY, value: was.end.kind === 'until' ? was.end.day : '', 'data-testid': 'room-repeat-last' }),
  );

  const choice = () => /** @type {Plan['choice']} */ (repeat.value());
  const isPlanned = () => choice() !== 'none' && choice() !== 'other';

  /** Shows what is needed now. @param {string} wall when the first meeting begins; may be empty */
  function draw(wall) {
    show(kept, choice() === 'other');
    show(days.node, choosesDays(choice()));
    show(end.node, isPlanned());
    show(times.node, isPlanned() && end.value() === 'count');
    show(last.node, isPlanned() && end.value() === 'until');
    if (wall === '') return;
    days.follow(weekdayOf(wall));
    last.input.min = wall.slice(0, 10);
  }

  /**
   * @param {First} first
   * @param {ReturnType<typeof field>} begin where it is said that it begins on a wrong day
   * @returns {{rule: string | null} | null} null when something is not right yet
   */
  function read(first, begin) {
    for (const one of [days, times, last]) one.complain(null);
    const own = weekdayOf(first.wall);
    if (choice() === 'weekdays' && WEEK.indexOf(own) > 4) return complain(begin, t('room.repeat.weekend'));
    const chosen = choosesDays(choice()) ? days.value() : [];
    if (choosesDays(choice())) {
      if (chosen.length === 0) return complain(days, t('room.repeat.days.none'));
      if (!chosen.includes(own)) return complain(begin, t('room.repeat.days.begin'));
    }
    const until = readEnd(first.wall.slice(0, 10));
    return until && { rule: ruleAfter({ choice: choice(), days: chosen, end: until }, first, { rule, first: before }) };
  }

  /** @param {string} day of the first meeting @returns {End | null} null when it is not right yet */
  function readEnd(day) {
    if (!isPlanned() || end.value() === 'never') return { kind: 'never' };
    if (end.value() === 'count') {
      const count = Number(times.input.value);
      const counts = Number.isInteger(count) && count >= 1 && count <= MOST_TIMES;
      return counts ? { kind: 'count', count } : complain(times, t('room.most.range', { n: MOST_TIMES }));
    }
    const { value } = last.input;
    if (value === '') return complain(last, t('room.repeat.last.missing'));
    // A year of five figures comes before one of four in the alphabet.
    if (value.length > LAST_DAY.length || value > LAST_DAY) return complain(last, t('room.repeat.last.far'));
    return value < day ? complain(last, t('room.repeat.last.early')) : { kind: 'until', day: value };
  }
  const nodes = [repeat.node, kept, days.node, end.node, times.node, last.node];
  return { nodes, choice, draw, read, changed: [repeat.select, end.select] };
}

/** On which days of the week. @param {Weekday[]} current */
function dayFields(current) {
  const error = el('p', { class: 'ferr', id: newId(), role: 'alert', hidden: true });
  const boxes = WEEK.map((day) =>
    el('input', {
      ...{ type: 'checkbox', value: day, checked: current.includes(day), 'data-testid': `room-day-${day}` },
      'aria-label': weekday(WEEK.indexOf(day), 'long'),
    }),
  );
  const node = el(
    'fieldset',
    { class: 'opts whole', 'aria-describedby': error.id },
    el('legend', { class: 'lab', t: 'room.repeat.days' }),
    el(
      'div',
      { class: 'days' },
      ...boxes.map((box, index) => el('label', {}, box, el('span', { 'aria-hidden': 'true' }, weekday(index, 'short')))),
    ),
    error,
  );
  const value = () => WEEK.filter((_, index) => boxes[index].checked);
  /** @type {Weekday | null} of the first meeting, as it was seen last */
  let seen = null;
  return {
    node,
    input: boxes[0],
    value,
    /** As long as it is the only one, the day of the first meeting is the day of all. @param {Weekday} day */
    follow(day) {
      if (day === seen) return;
      const now = value();
      if (now.length === 0 || (now.length === 1 && now[0] === seen)) {
        for (const box of boxes) box.checked = box.value === day;
      }
      seen = day;
    },
    /** @param {string | null} words */
    complain(words) {
      show(error, words !== null);
      text(error, words ?? '');
    },
  };
}

/** @param {import('../kit/dom.js').Attributes} attributes */
function input(attributes) {
  return el('input', { class: 'inp', id: newId(), autocomplete: 'off', ...attributes });
}
