/**
 * Making and changing a room.
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { errorText, t } from '../../i18n/index.js';
import { UTC } from '../../state/zones.js';
import { openDialog } from '../kit/dialog.js';
import { busy, el, field, newId, show, text } from '../kit/dom.js';
import { complain, tick } from '../kit/fields.js';
import { icon } from '../kit/icons.js';
import { arrivalFields, doorFields, options, permissionFields, timeFields } from './room-fields.js';
import { openRoomMade } from './room-made.js';

const TOPOLOGIES = [
  { value: 'sfu', drawing: 'server', title: 'topology.sfu', hint: 'topology.sfu.what' },
  { value: 'p2p', drawing: 'people', title: 'topology.p2p', hint: 'topology.p2p.what' },
];
const HISTORIES = [
  { value: 'all', drawing: 'chat', title: 'room.history.all', hint: 'room.history.all.what' },
  { value: 'joined', drawing: 'clock', title: 'room.history.joined', hint: 'room.history.joined.what' },
];
const MINUTE = 60_000;
const MOST = 1000;
const USUAL_MOST = 100;

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {Room | null} room null makes a new one
 */
export function openRoomDialog(actions, room) {
  const name = field('room.name', input({ maxlength: 64, value: room?.name ?? '', 'data-testid': 'room-name' }));
  const password = field(
    'room.password',
    input({
      maxlength: 64,
      tPlaceholder: room?.has_password ? 'room.password.kept' : 'room.password.none',
      'data-testid': 'room-password',
    }),
  );
  const most = field(
    'room.most',
    input({
      type: 'number',
      min: 1,
      max: MOST,
      inputmode: 'numeric',
      value: String(room?.max_participants ?? USUAL_MOST),
      'data-testid': 'room-most',
    }),
  );
  const remove = tick('room.password.remove', false, 'room-password-remove');
  show(remove.node, room?.has_password === true);
  const door = doorFields(room);
  const arrival = arrivalFields(room);
  const hidden = tick('room.hideNumber', room?.hide_number ?? false, 'room-hide-number', 'room.hideNumber.what');
  const topology = options('room.topology', 'topology', TOPOLOGIES, room?.topology ?? 'sfu');
  const history = options('room.history', 'history', HISTORIES, room?.history ?? 'all');
  const times = timeFields(room);
  const permissions = permissionFields(room);
  const general = el('p', { class: 'note danger', role: 'alert', hidden: true }, icon('warning', 's'), el('span'));

  /** @returns {Record<string, any> | null} null when something is not right yet */
  function read() {
    for (const one of [name, most]) one.complain(null);
    show(general, false);
    const title = name.input.value.trim();
    if (title === '') return complain(name, t('room.name.missing'));
    const planned = times.read();
    if (!planned) return null;
    const limit = Number(most.input.value);
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST) return complain(most, t('room.most.range', { n: MOST }));
    const secret = password.input.value;
    return {
      name: title,
      ...planned,
      max_participants: limit,
      topology: topology.value(),
      ...door.read(),
      ...arrival.read(),
      hide_number: hidden.input.checked,
      history: history.value(),
      permissions: permissions.read(),
      ...(secret !== '' ? { password: secret } : remove.input.checked ? { password: null } : {}),
    };
  }

  openDialog({
    title: room ? 'room.edit' : 'home.newRoom',
    body: [
      name.node,
      times.node,
      door.node,
      el('div', { class: 'two' }, el('div', { class: 'field' }, password.node, remove.node), most.node),
      fold('room.members', false, el('div', { class: 'sub' }, permissions.node, arrival.node), 'room-members'),
      fold('room.moreSettings', room?.topology === 'p2p', el('div', { class: 'sub' }, topology.node, history.node, hidden.node, times.once), 'room-more-settings'),
      general,
    ],
    submit: room ? 'save' : 'room.create',
    testid: 'room-dialog',
    onSubmit: (close, pressed) =>
      void busy(pressed, async () => {
        const data = read();
        if (!data) return;
        const { made, refused } = await save(actions, room, data);
        if (refused) {
          show(general, true);
          // What the form cannot show it cannot check either.
          const misfit = refused === 'protocol.bad_field' && times.mayMisfit();
          return text(/** @type {HTMLElement} */ (general.lastChild), misfit ? t('room.repeat.kept.refused') : errorText(refused));
        }
        close();
        if (made) openRoomMade(actions, made);
      }),
  });
}

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {Room | null} room
 * @param {Record<string, any>} data
 * @returns {Promise<{made: Room | null, refused: string | null}>}
 */
async function save(actions, room, data) {
  if (room) return { made: null, refused: await actions.editRoom(changes(room, data)) };
  const { room: made, refused } = await actions.createRoom(given(data));
  return { made, refused };
}

/** @param {import('../kit/dom.js').Attributes} attributes */
function input(attributes) {
  return el('input', { class: 'inp', id: newId(), autocomplete: 'off', ...attributes });
}

/** A part of the form that most people leave alone. @param {string} key @param {boolean} open @param {HTMLElement} content @param {string} testid */
function fold(key, open, content, testid) {
  const summary = el('summary', { 'data-testid': testid }, el('span', { t: key }), icon('chev-down', 's'));
  return el('details', { class: 'fold', open }, summary, content);
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
  const kept = Object.entries(data).filter(([key, value]) => key === 'password' || !same(room, key, value));
  const changed = Object.fromEntries(kept);
  if (changed.permissions) changed.permissions = permissionChanges(room, changed.permissions);
  return { ...changed, identity: room.identity, version: room.version };
}

/** @param {Room} room @param {string} key @param {any} value */
function same(room, key, value) {
  const before = /** @type {any} */ (room)[key];
  if (key === 'begin_at' || key === 'end_at') {
    return minuteOf(before) === minuteOf(value);
  }
  if (key === 'time_zone') return (before ?? UTC) === (value ?? UTC);
  return key === 'permissions' ? Object.keys(permissionChanges(room, value)).length === 0 : before === value;
}

/** The form knows no seconds. @param {string | null} at */
function minuteOf(at) {
  return at === null ? null : Math.floor(Date.parse(at) / MINUTE);
}

/** @param {Room} room @param {Record<string, boolean>} wanted */
function permissionChanges(room, wanted) {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => /** @type {any} */ (room.permissions)[key] !== value));
}
