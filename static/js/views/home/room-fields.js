/**
 * The parts of the room form: what each shows of a room, and what it answers when the form is sent.
 *
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 * @typedef {import('../../client/protocol.d.ts').Permissions} Permissions
 */

import { clock, longDay, t } from '../../i18n/index.js';
import { UTC, instantOf, isZone, ownZone, wallOf, zoneNames } from '../../state/zones.js';
import { el, field, newId, show, text } from '../kit/dom.js';
import { chooser, complain, tick } from '../kit/fields.js';
import { icon } from '../kit/icons.js';
import { recurrenceFields } from './recurrence-fields.js';

const MINUTE = 60_000;
/** Meetings that come again last at most this long, and begin in these years: the server counts no others. */
const LONGEST_MS = 24 * 60 * MINUTE;
const [FIRST_YEAR, LAST_YEAR] = [2000, 2199];
/** Minutes before the beginning from which people may come in. */
const EARLY = [0, 5, 10, 15, 30, 60];
const USUAL_EARLY_MS = 10 * MINUTE;
/** @type {Array<keyof Permissions>} */
const PERMISSIONS = ['unmute', 'camera', 'screen', 'chat', 'private_chat', 'files', 'rename', 'react'];

/**
 * One of a few large choices.
 * @param {string} legend
 * @param {string} name
 * @param {Array<{value: string, drawing: string, title: string, hint: string}>} choices
 * @param {string} current
 */
export function options(legend, name, choices, current) {
  const node = el(
    'fieldset',
    { class: 'opts' },
    el('legend', { class: 'lab', t: legend }),
    ...choices.map(({ value, drawing, title, hint }) =>
      el(
        'label',
        { class: 'opt' },
        icon(drawing),
        el('span', {}, el('b', { t: title }), el('span', { class: 'meta', t: hint })),
        el('input', { type: 'radio', name, value, checked: current === value, 'data-testid': `${name}-${value}` }),
      ),
    ),
  );
  return {
    node,
    value: () => /** @type {HTMLInputElement | null} */ (node.querySelector('input:checked'))?.value ?? current,
  };
}

const DOORS = [
  { value: 'nobody', drawing: 'unlock', title: 'room.door.open', hint: 'room.door.open.what' },
  { value: 'guests', drawing: 'people', title: 'room.door.guests', hint: 'room.door.guests.what' },
  { value: 'everyone', drawing: 'clock', title: 'room.door.ask', hint: 'room.door.ask.what' },
];
const WHENS = [
  { value: 'now', drawing: 'link', title: 'room.when.now', hint: 'room.when.now.what' },
  { value: 'planned', drawing: 'calendar', title: 'room.when.planned', hint: 'room.when.planned.what' },
];
const USUAL_MS = 60 * MINUTE;

/** When the room's meetings are, by the clocks of its time zone. @param {Room | null} room */
export function timeFields(room) {
  const when = options('room.when', 'when', WHENS, room?.begin_at ? 'planned' : 'now');
  when.node.classList.add('pair');
  const home = zoneOf(room);
  const begin = field('room.begin', timeInput(room?.begin_at ?? null, home, 'room-begin'));
  const end = field('room.end', timeInput(room?.end_at ?? null, home, 'room-end'));
  const names = zoneNames(ownZone(), home);
  const zone = chooser(
    'room.zone',
    names.map((name) => ({ value: name, label: name.replaceAll('_', ' ') })),
    home,
    'room-zone',
  );
  const yours = el('p', { class: 'meta', 'data-testid': 'room-yours' });
  const before = { wall: begin.input.value, zone: home };
  const again = recurrenceFields(room?.recurrence ?? null, before);
  const nowEarly = room?.early_ms ?? USUAL_EARLY_MS;
  const early = chooser(
    'room.early',
    [...new Set([...EARLY, nowEarly / MINUTE])]
      .sort((a, b) => a - b)
      .map((n) => ({ value: String(n * MINUTE), label: n === 0 ? 'room.early.none' : 'room.early.minutes', n })),
    String(nowEarly),
    'room-early',
  );
  const onTime = tick('room.onTime', room?.ends_on_time ?? false, 'room-on-time', 'room.onTime.what');
  const onceOver = tick('room.once', room?.permanent === false, 'room-once', 'room.once.what');
  const rest = el('div', { class: 'sub' }, zone.node, yours, el('div', { class: 'two times' }, ...again.nodes, early.node), onTime.node);

  /** How long it takes; null when its end is the person's own. @type {number | null} */
  let takes = room?.begin_at ? lengthOf(room) : USUAL_MS;

  /** Until somebody says when it ends it ends an hour later, or as long after its beginning as before. */
  function follow() {
    const from = instantOf(begin.input.value, zone.value());
    if (takes !== null && from !== null) end.input.value = wallOf(from + takes, zone.value());
  }

  function draw() {
    show(planned, when.value() === 'planned');
    show(rest, begin.input.value !== '');
    const from = instantOf(begin.input.value, zone.value());
    show(yours, from !== null && zone.value() !== ownZone());
    if (from !== null) text(yours, t('room.zone.yours', { day: longDay(from), time: clock(from) }));
    again.draw(begin.input.value);
    show(onTime.node, end.input.value !== '');
  }
  begin.input.addEventListener('input', follow);
  end.input.addEventListener('input', () => (takes = null));
  when.node.addEventListener('change', () => {
    if (when.value() === 'planned' && begin.input.value === '') {
      begin.input.value = wallOf(nextHour(Date.now()), zone.value());
      follow();
    }
    draw();
  });
  const planned = el('div', { class: 'sub' }, el('div', { class: 'two times' }, begin.node, end.node), rest);
  for (const one of [begin.input, end.input, zone.select, ...again.changed]) one.addEventListener('input', draw);
  draw();

  /** @returns {Record<string, any> | null} null when something is not right yet */
  function read() {
    for (const one of [begin, end]) one.complain(null);
    const isPlanned = when.value() === 'planned';
    const from = isPlanned ? isoOf(begin.input.value, zone.value()) : null;
    const to = isPlanned ? isoOf(end.input.value, zone.value()) : null;
    if (isPlanned && from === null) return complain(begin, t('room.begin.missing'));
    if (from !== null && to !== null && to <= from) return complain(end, t('room.end.early'));
    const hasTime = from !== null;
    if (hasTime && again.choice() !== 'none') {
      if (to === null) return complain(end, t('room.repeat.end'));
      if (Date.parse(to) - Date.parse(from) > LONGEST_MS) return complain(end, t('room.repeat.long'));
      const year = new Date(from).getUTCFullYear();
      if (year < FIRST_YEAR || year > LAST_YEAR) return complain(begin, t('room.repeat.far', { from: FIRST_YEAR, to: LAST_YEAR }));
    }
    const read = hasTime ? again.read({ wall: begin.input.value, zone: zone.value() }, begin) : { rule: null };
    if (read === null) return null;
    const recurrence = read.rule;
    return {
      begin_at: from,
      end_at: to,
      recurrence,
      // Only what comes again is counted by clocks.
      time_zone: recurrence === null ? null : zone.value(),
      early_ms: hasTime ? Number(early.value()) : nowEarly,
      ends_on_time: hasTime && to !== null && onTime.input.checked,
      permanent: !onceOver.input.checked,
    };
  }
  const node = el('div', { class: 'sub' }, when.node, planned);
  /** Whether a rule that the form cannot show may have been moved to a time that it does not name. */
  function mayMisfit() {
    return again.choice() === 'other' && (begin.input.value !== before.wall || zone.value() !== before.zone);
  }
  return { node, once: onceOver.node, read, mayMisfit };
}

/** What members may do. @param {Room | null} room */
export function permissionFields(room) {
  const ticks = PERMISSIONS.map((name) => ({
    name,
    ...tick(`permission.${name}`, room?.permissions[name] ?? true, `permission-${name}`),
  }));
  return {
    node: el(
      'fieldset',
      { class: 'opts' },
      el('legend', { class: 'lab', t: 'room.permissions' }),
      el('div', { class: 'ticks cols2' }, ...ticks.map((one) => one.node)),
    ),
    /** @returns {Permissions} */
    read: () =>
      /** @type {any} */ (Object.fromEntries(ticks.map(({ name, input }) => [name, input.checked]))),
  };
}

/** How people come in. @param {Room | null} room */
export function doorFields(room) {
  const door = options('room.door', 'door', DOORS, room?.waiting ?? 'nobody');
  const accounts = tick('room.accounts', room?.guests === false, 'room-accounts', 'room.accounts.what');
  const locked = tick('room.locked', room?.locked ?? false, 'room-locked', 'room.locked.what');
  // Nobody makes a room to shut it.
  show(locked.node, room !== null);
  return {
    node: el('div', { class: 'sub' }, door.node, el('div', { class: 'ticks' }, accounts.node, locked.node)),
    read: () => ({ waiting: door.value(), guests: !accounts.input.checked, locked: locked.input.checked }),
  };
}

/** With what members come in. @param {Room | null} room */
export function arrivalFields(room) {
  const muted = tick('room.startMuted', room?.start_muted ?? false, 'room-start-muted');
  const unseen = tick('room.startCameraOff', room?.start_camera_off ?? false, 'room-start-camera-off');
  return {
    node: el(
      'fieldset',
      { class: 'opts' },
      el('legend', { class: 'lab', t: 'room.arrival' }),
      el('div', { class: 'ticks cols2' }, muted.node, unseen.node),
    ),
    read: () => ({ start_muted: muted.input.checked, start_camera_off: unseen.input.checked }),
  };
}

/** @param {Room} room @returns {number | null} */
function lengthOf({ begin_at, end_at }) {
  return begin_at === null || end_at === null ? null : Date.parse(end_at) - Date.parse(begin_at);
}

/** @param {number} at */
function nextHour(at) {
  return (Math.floor(at / USUAL_MS) + 1) * USUAL_MS;
}

/** In which zone the times are shown first. @param {Room | null} room */
function zoneOf(room) {
  const counted = room?.recurrence ? (room.time_zone ?? UTC) : ownZone();
  return isZone(counted) ? counted : ownZone();
}

/** @param {string | null} at @param {string} zone @param {string} testid */
function timeInput(at, zone, testid) {
  return el('input', {
    class: 'inp',
    id: newId(),
    type: 'datetime-local',
    max: `${LAST_YEAR}-12-31T23:59`,
    value: at === null ? '' : wallOf(Date.parse(at), zone),
    'data-testid': testid,
  });
}

/** @param {string} typed @param {string} zone @returns {string | null} */
function isoOf(typed, zone) {
  const at = instantOf(typed, zone);
  return at === null ? null : new Date(at).toISOString();
}
