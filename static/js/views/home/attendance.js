/**
 * Who was in the room: name, role, from, to, how long; and the same as a file for spreadsheets.
 * @typedef {import('../../client/protocol.d.ts').Attendance} Attendance
 */

import { errorText, locale, t } from '../../i18n/index.js';
import { csv } from '../../state/csv.js';
import { openDialog } from '../kit/dialog.js';
import { busy, button, el, show, text } from '../kit/dom.js';
import { download } from '../kit/download.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const COLUMNS = ['attendance.name', 'attendance.role', 'attendance.from', 'attendance.to', 'attendance.length'];

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {string} identity of the room
 */
export function openAttendance(actions, identity) {
  const body = el('tbody');
  const table = el(
    'table',
    { class: 'table', 'data-testid': 'attendance-table' },
    el('thead', {}, el('tr', {}, ...COLUMNS.map((key) => el('th', { scope: 'col', t: key })))),
    body,
  );
  const scroll = el('div', { class: 'scroll', tabIndex: 0, role: 'region', tLabel: 'attendance.title' }, table);
  const none = el('p', { class: 'muted', hidden: true, t: 'attendance.none' });
  const more = el('p', { class: 'meta', hidden: true });
  const wrong = el('p', { class: 'note danger', role: 'alert', hidden: true });
  const save = button('attendance.save', {
    class: 'btn',
    icon: 'download',
    'data-testid': 'attendance-save',
    on: { click: () => void busy(save, saveAll) },
  });

  /** @param {string | null} refused */
  function complain(refused) {
    show(wrong, true);
    text(wrong, errorText(refused ?? 'unknown'));
  }

  async function load() {
    const { answer, refused } = await actions.attendance(identity);
    if (!answer) return complain(refused);
    const stays = answer.attendance;
    body.replaceChildren(...stays.map(row));
    show(none, stays.length === 0);
    show(scroll, stays.length > 0);
    show(save, stays.length > 0);
    show(more, answer.total > stays.length);
    text(more, t('attendance.more', { n: stays.length, all: answer.total }));
  }

  async function saveAll() {
    const { answer, refused } = await actions.wholeAttendance(identity);
    if (!answer) return complain(refused);
    const minutes = (/** @type {Attendance} */ stay) => Math.round(stay.duration_ms / MINUTE);
    const rows = answer.map((stay) => [
      stay.display_name,
      stay.user.username ?? '',
      t(`role.${stay.role}`),
      stay.joined_at,
      stay.left_at ?? '',
      minutes(stay),
    ]);
    const heading = ['attendance.name', 'username', 'attendance.role', 'attendance.from', 'attendance.to', 'attendance.minutes'];
    download('attendance.csv', 'text/csv;charset=utf-8', csv([heading.map((key) => t(key)), ...rows]));
  }

  show(scroll, false);
  show(save, false);
  openDialog({
    title: 'attendance.title',
    testid: 'attendance',
    wide: true,
    body: [wrong, none, scroll, more, el('div', { class: 'row' }, save)],
  });
  void load();
}

/** @param {Attendance} stay */
function row(stay) {
  const left =
    stay.left_at === null
      ? t('attendance.here')
      : `${moment(stay.left_at)}${stay.reason && stay.reason !== 'left' ? ` (${t(`left.${stay.reason}`)})` : ''}`;
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, stay.display_name),
    el('td', {}, t(`role.${stay.role}`)),
    el('td', { class: 'num' }, moment(stay.joined_at)),
    el('td', { class: 'num' }, left),
    el('td', { class: 'num' }, length(stay.duration_ms)),
  );
}

/** @param {string} at */
function moment(at) {
  return new Intl.DateTimeFormat(locale(), {
    day: 'numeric',
    month: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  }).format(new Date(at));
}

/** @param {number} ms */
function length(ms) {
  if (ms < MINUTE) return t('length.moment');
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  return ms < HOUR ? t('length.minutes', { n: minutes }) : t('length.hours', { n: Math.floor(ms / HOUR), minutes });
}
