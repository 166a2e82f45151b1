/**
 * Making, changing and deleting a room.
 * @typedef {import('../client/protocol.d.ts').Room} Room
 */

import { errorText, t } from '../i18n/index.js';
import { busy, el, field, newId, show } from './dom.js';
import { openDialog } from './dialog.js';
import { icon } from './icons.js';

const TOPOLOGIES = /** @type {const} */ ([
  { value: 'sfu', drawing: 'server', title: 'topology.sfu', hint: 'topology.sfu.what' },
  { value: 'p2p', drawing: 'people', title: 'topology.p2p', hint: 'topology.p2p.what' },
]);
const MOST = 1000;

/**
 * @param {import('../flow/actions.js').Actions} actions
 * @param {Room | null} room null makes a new one
 */
export function openRoomDialog(actions, room) {
  const name = field(
    'room.name',
    el('input', {
      class: 'inp',
      id: newId(),
      maxlength: 64,
      value: room?.name ?? '',
      autocomplete: 'off',
      'data-testid': 'room-name',
    }),
  );
  const begin = field('room.begin', timeInput(room?.begin_at ?? null, 'room-begin'));
  const end = field('room.end', timeInput(room?.end_at ?? null, 'room-end'));
  const password = field(
    'room.password',
    el('input', {
      class: 'inp',
      id: newId(),
      type: 'text',
      maxlength: 64,
      autocomplete: 'off',
      tPlaceholder: room?.has_password ? 'room.password.kept' : 'room.password.none',
      'data-testid': 'room-password',
    }),
  );
  const most = field(
    'room.most',
    el('input', {
      class: 'inp num',
      id: newId(),
      type: 'number',
      min: 1,
      max: MOST,
      inputmode: 'numeric',
      value: String(room?.max_participants ?? 100),
      'data-testid': 'room-most',
    }),
  );
  const remove = el('input', { type: 'checkbox', id: newId(), 'data-testid': 'room-password-remove' });
  const removal = el('label', { class: 'tick', for: remove.id }, remove, el('span', { t: 'room.password.remove' }));
  show(removal, room?.has_password === true);
  const topology = el(
    'fieldset',
    { class: 'opts' },
    el('legend', { class: 'lab', t: 'room.topology' }),
    ...TOPOLOGIES.map(({ value, drawing, title, hint }) =>
      el(
        'label',
        { class: 'opt' },
        icon(drawing),
        el('span', {}, el('b', { t: title }), el('span', { class: 'meta', t: hint })),
        el('input', {
          type: 'radio',
          name: 'topology',
          value,
          checked: (room?.topology ?? 'sfu') === value,
          'data-testid': `topology-${value}`,
        }),
      ),
    ),
  );
  const general = el('p', { class: 'note danger', role: 'alert', hidden: true }, icon('warning', 's'), el('span'));

  /** @returns {Record<string, any> | null} null when something is not right yet */
  function read() {
    for (const one of [name, begin, end, most]) one.complain(null);
    show(general, false);
    const title = name.input.value.trim();
    if (title === '') return complain(name, t('room.name.missing'));
    const from = isoOf(begin.input.value);
    const to = isoOf(end.input.value);
    if (from !== null && to !== null && to <= from) return complain(end, t('room.end.early'));
    const limit = Number(most.input.value);
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST) return complain(most, t('room.most.range', { n: MOST }));
    const chosen = /** @type {HTMLInputElement | null} */ (topology.querySelector('input:checked'))?.value ?? 'sfu';
    const secret = password.input.value;
    return {
      name: title,
      begin_at: from,
      end_at: to,
      max_participants: limit,
      topology: chosen,
      ...(secret !== '' ? { password: secret } : remove.checked ? { password: null } : {}),
    };
  }

  /** @param {ReturnType<typeof field>} where @param {string} words @returns {null} */
  function complain(where, words) {
    where.complain(words);
    where.input.focus();
    return null;
  }

  openDialog({
    title: room ? 'room.edit' : 'home.newRoom',
    body: [
      name.node,
      el('div', { class: 'two times' }, begin.node, end.node),
      el('div', { class: 'two' }, el('div', { class: 'field' }, password.node, removal), most.node),
      topology,
      general,
    ],
    submit: room ? 'save' : 'room.create',
    testid: 'room-dialog',
    onSubmit: (close, pressed) =>
      void busy(pressed, async () => {
        const data = read();
        if (!data) return;
        const refused = await (room ? actions.editRoom(changes(room, data)) : actions.createRoom(given(data)));
        if (!refused) return close();
        show(general, true);
        /** @type {HTMLElement} */ (general.lastChild).textContent = errorText(refused);
      }),
  });
}

/**
 * A new room leaves out what was left empty.
 * @param {Record<string, any>} data
 * @returns {{name: string, [field: string]: any}}
 */
function given(data) {
  const filled = Object.entries(data).filter(([, value]) => value !== null);
  return /** @type {{name: string}} */ (Object.fromEntries(filled));
}

/**
 * Only what changed is sent, under the version it was read with, so that two people who edit the same room do not
 * undo each other's work unseen.
 * @param {Room} room
 * @param {Record<string, any>} data
 * @returns {{identity: string, version: number, [field: string]: any}}
 */
function changes(room, data) {
  const same = (/** @type {string | null} */ a, /** @type {string | null} */ b) =>
    (a === null ? null : inputOf(a)) === (b === null ? null : inputOf(b));
  const kept = Object.entries(data).filter(([key, value]) => {
    if (key === 'begin_at' || key === 'end_at') return !same(room[key], value);
    return key === 'password' || /** @type {any} */ (room)[key] !== value;
  });
  return { ...Object.fromEntries(kept), identity: room.identity, version: room.version };
}

/** @param {string | null} at @param {string} testid */
function timeInput(at, testid) {
  return el('input', {
    class: 'inp',
    id: newId(),
    type: 'datetime-local',
    value: at === null ? '' : inputOf(at),
    'data-testid': testid,
  });
}

/** The form's own notation, in the person's time zone. @param {string} iso */
function inputOf(iso) {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {string} typed @returns {string | null} */
function isoOf(typed) {
  const at = new Date(typed);
  return typed === '' || Number.isNaN(at.getTime()) ? null : at.toISOString();
}
