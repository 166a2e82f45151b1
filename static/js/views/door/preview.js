/**
 * Before the meeting: how one looks and sounds, who is in, the name, the way in.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/door.js').Door} Door
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { clock, errorText, list, longDay, t } from '../../i18n/index.js';
import { at } from '../../place.js';
import { chipsOf, comesInOff, doorOf, opensLate } from '../../state/door.js';
import { daysUntil } from '../../state/schedule.js';
import { threes } from '../../state/text.js';
import { setAvatars } from '../kit/avatar.js';
import { CAN_CHOOSE_SPEAKER, deviceLabel, openDeviceMenu } from '../kit/device-menu.js';
import { openDevices } from '../dialogs.js';
import { attribute, button, busy, el, field, keyed, newId, say, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { meter } from '../kit/meter.js';
import { ownPicture } from './own-picture.js';

/** @typedef {'microphone' | 'camera' | 'speaker'} Kind */
/** @type {Array<{kind: Kind, drawing: string}>} */
const PICKERS = [
  { kind: 'microphone', drawing: 'mic' },
  { kind: 'camera', drawing: 'camera' },
  { kind: 'speaker', drawing: 'volume' },
];
/** How many of those who are in are named. */
const NAMED = 3;
const TICK_MS = 1000;

/** How each way in looks: the chips above the title. @type {Record<import('../../state/door.js').Chip, {look: string, drawing: string}>} */
const CHIPS = {
  open: { look: 'ok', drawing: '' },
  password: { look: 'lock', drawing: 'lock' },
  ask: { look: 'warn', drawing: 'clock' },
  guestsAsk: { look: 'warn', drawing: 'clock' },
  accounts: { look: 'lock', drawing: 'user' },
  early: { look: 'warn', drawing: 'clock' },
  locked: { look: 'lock', drawing: 'lock' },
  full: { look: 'lock', drawing: 'people' },
  ended: { look: '', drawing: 'clock' },
};

/** @param {import('../../flow/actions.js').Actions} actions */
export function preview(actions) {
  /** @type {AppState | null} */
  let latest = null;
  let timer = 0;
  const picture = ownPicture(actions, () => openDevices(actions));
  picture.settings.classList.add('n');
  const level = meter();
  const pickers = PICKERS.filter(({ kind }) => kind !== 'speaker' || CAN_CHOOSE_SPEAKER).map(({ kind, drawing }) => {
    const label = el('span');
    const node = el(
      'button',
      {
        type: 'button',
        class: 'pick',
        'aria-haspopup': 'menu',
        on: { click: () => latest && openDeviceMenu(node, actions, latest.devices, [kind], false, openSound) },
      },
      icon(drawing, 's'),
      label,
      icon('chev-down', 'xs'),
    );
    return { kind, node, label };
  });
  const openSound = () => openDevices(actions);

  const chips = el('span', { class: 'chips', 'data-testid': 'door' });
  const number = el('span', { class: 'meta num' });
  const title = el('h1', { 'data-testid': 'room-title' });
  const subtitle = el('p', { class: 'sub' });
  const faces = el('div', { class: 'avs' });
  const present = el('span', { 'data-testid': 'present' });
  const name = field(
    'name.yours',
    el('input', {
      class: 'inp',
      id: newId(),
      autocomplete: 'name',
      maxlength: 64,
      'data-testid': 'name',
      on: { input: () => picture.drawName(name.input.value.trim(), latest?.user?.id ?? '') },
    }),
  );
  const password = field(
    'room.password',
    el('input', { class: 'inp', id: newId(), type: 'password', autocomplete: 'off', 'data-testid': 'join-password' }),
  );
  const noteTitle = el('b');
  const noteText = el('span');
  const note = el(
    'p',
    { class: 'note', 'data-testid': 'door-note' },
    icon('info', 's'),
    el('span', {}, noteTitle, ' ', noteText),
  );
  // Few come long before the beginning: what they need is loaded then.
  const calendars = el('div', { hidden: true });
  /** @type {Promise<ReturnType<typeof import('../home/calendar.js').calendarRow>> | null} */
  let calendar = null;
  const arrival = el('p', { class: 'hint', 'data-testid': 'come-in-off' });
  const refusal = el('p', { class: 'note danger', role: 'alert', 'data-testid': 'refusal' });
  const join = button('join.now', { class: 'btn primary big wide', type: 'submit', 'data-testid': 'join' });
  const hint = el('p', { class: 'hint' });
  const check = el('a', { class: 'hint', href: at('check'), t: 'check.link', 'data-testid': 'preview-check' });
  check.addEventListener('click', actions.follow);
  const form = el(
    'form',
    {
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          enter();
        },
      },
    },
    note,
    calendars,
    name.node,
    password.node,
    refusal,
    el('div', { class: 'sticky' }, arrival, join, hint, check),
  );
  const node = el(
    'main',
    { class: 'pre', 'data-testid': 'preview' },
    el('section', {}, picture.node, level.node, el('div', { class: 'devs' }, ...pickers.map((picker) => picker.node))),
    el(
      'section',
      { class: 'side' },
      el('div', { class: 'st' }, chips, number),
      title,
      subtitle,
      el('div', { class: 'in' }, faces, present),
      form,
    ),
  );

  function enter() {
    if (way === 'accounts') return actions.signInToEnter();
    const wanted = name.input.value.trim();
    name.complain(wanted === '' ? t('name.missing') : null);
    if (wanted === '') return name.input.focus();
    if (!password.node.hidden && password.input.value === '') {
      password.complain(t('room.password.missing'));
      return toPassword();
    }
    password.complain(null);
    void busy(join, () => actions.join(password.node.hidden ? '' : password.input.value, wanted));
  }

  /** On a phone the field and what is wrong with it may be below the edge. */
  function toPassword() {
    password.input.focus();
    password.node.scrollIntoView({ block: 'nearest' });
  }

  /** What the button does. @type {import('../../state/door.js').DoorState | null} */
  let way = null;
  let addressShown = '';
  /** What was wrong when it was last drawn. @type {string | null} */
  let complaint = null;

  /** @param {AppState} next */
  function update(next) {
    latest = next;
    const { preview: now, devices } = next;
    // The field belongs to the person once they see it; only a new room fills it again.
    if (addressShown !== location.pathname || (name.input.value === '' && document.activeElement !== name.input)) {
      name.input.value = now.name;
      addressShown = location.pathname;
    }
    picture.update(next, name.input.value.trim());
    level.update(devices.microphone, devices.microphone.wanted ? actions.ownMedia('microphone') : null);
    for (const { kind, node: picker, label } of pickers) {
      text(label, deviceLabel(devices, kind));
      attribute(picker, 'aria-label', `${t(`device.${kind}`)}: ${label.textContent}`);
    }
    drawRoom(next);
    drawWay(next);
  }

  /** The door and everything that depends on the clock. @param {AppState} next */
  function drawWay({ preview: now, devices, user }) {
    const { room, error } = now;
    const door =
      room &&
      doorOf(room, {
        user,
        invited: now.invite !== null,
        now: Date.now(),
        skew: now.skew,
        refusal: error,
        opensAt: now.opensAt,
      });
    way = door?.state ?? null;
    const late = door !== null && opensLate(door, Date.now());
    drawCalendars(late ? room : null);
    keyed(
      chips,
      door && room ? chipsOf(room, door, now.invite !== null) : [],
      (kind) => kind,
      chip,
      (node, kind) => text(/** @type {HTMLElement} */ (node.lastChild), t(`door.${kind}`)),
    );
    if (door) drawDoor(door, /** @type {Room} */ (room), late);
    else show(note, false);
    const closed = way === 'accounts';
    show(name.node, !closed);
    show(password.node, !closed && (now.askPassword || door?.asksPassword === true));
    drawArrival(door && room && (way === 'open' || way === 'ask') ? comesInOff(room, door) : null);
    const wrong = error === 'room.password_wrong' || error === 'room.password_required' || error === 'lobby.password';
    if (wrong) password.complain(errorText(error ?? ''));
    if (wrong && error !== complaint) toPassword();
    complaint = error;
    // What the note above already says is not said twice.
    const said = wrong || error === null || (door !== null && door.state !== 'open' && door.state !== 'ask');
    show(refusal, !said);
    if (!said) text(refusal, errorText(error ?? ''));
    show(check, error !== null && (error.startsWith('client.') || error.startsWith('media.') || error === 'server.busy'));
    const label = door && joinLabel(door, devices);
    say(/** @type {HTMLElement} */ (join.lastChild), label ?? 'join.now');
    show(hint, door?.state === 'ask');
    if (door?.state === 'ask') text(hint, t('join.ask.hint'));
    join.disabled = now.joining || door?.state === 'early' || door?.state === 'ended';
  }

  /** @param {Room | null} room */
  function drawCalendars(room) {
    show(calendars, room !== null);
    if (room === null) return;
    calendar ??= import('../home/calendar.js').then(({ calendarRow }) => {
      const row = calendarRow('door');
      calendars.append(row.node);
      return row;
    });
    // One that did not load is tried again at the next look.
    calendar.then((row) => row.update(room)).catch(() => (calendar = null));
  }

  /** How one comes in, whatever the buttons on the picture say. @param {{microphone: boolean, camera: boolean} | null} off */
  function drawArrival(off) {
    const which = off?.microphone && off.camera ? 'both' : off?.microphone ? 'microphone' : off?.camera ? 'camera' : null;
    show(arrival, which !== null);
    if (which) text(arrival, t(`arrive.${which}`));
  }

  /** @param {Door} door @param {Room} room @param {boolean} late */
  function drawDoor({ state, opensAt }, room, late) {
    show(note, state !== 'open' && state !== 'ask');
    if (note.hidden) return;
    text(noteTitle, state === 'early' ? begins(room, opensAt) : t(`door.${state}.title`, { n: room.max_participants }));
    const what = late ? 'door.early.late' : `door.${state}.do`;
    text(noteText, t(what, { time: opensAt === null ? '' : clock(opensAt), host: room.owner.display_name }));
  }

  /** @param {AppState} next */
  function drawRoom({ preview: { room, present: people } }) {
    show(faces, room !== null);
    if (!room) {
      for (const one of [title, number, subtitle, present]) text(one, '');
      return;
    }
    text(number, threes(room.number));
    text(title, room.name);
    text(subtitle, room.owner.display_name);
    const known = people ?? [];
    setAvatars(faces, known.slice(0, NAMED));
    text(
      present,
      whoIsIn(
        known.map(({ display_name: name, role }) => (role === 'member' ? name : t('present.role', { name, role: t(`role.${role}`) }))),
        Math.max(room.participants, known.length),
      ),
    );
  }

  return {
    node,
    update,
    // A room opens by the clock, without a word from the server.
    start: () => (timer = window.setInterval(() => latest && drawWay(latest), TICK_MS)),
    stop: () => {
      clearInterval(timer);
      picture.stop();
      level.stop();
    },
  };
}

/** @param {import('../../state/door.js').Chip} kind */
function chip(kind) {
  const { look, drawing } = CHIPS[kind];
  const sign = drawing === '' ? el('i', { class: 'dot' }) : icon(drawing, 'xs');
  return el('span', { class: `chip ${look}`, 'data-chip': kind }, sign, el('span'));
}

/** @param {Room} room @param {number | null} opensAt */
function begins(room, opensAt) {
  const at = room.next ? Date.parse(room.next.begin_at) : (opensAt ?? Date.now());
  const days = daysUntil(at, Date.now());
  if (days <= 0) return t('door.early.today', { time: clock(at) });
  if (days === 1) return t('door.early.tomorrow', { time: clock(at) });
  return t('door.early.day', { day: longDay(at), time: clock(at) });
}

/** @param {string[]} names @param {number} count */
function whoIsIn(names, count) {
  if (count === 0) return t('present.none');
  if (names.length === 0) return t('present.count', { n: count });
  const named = names.slice(0, NAMED);
  const rest = count - named.length;
  return t('present.names', { n: count, names: list(rest > 0 ? [...named, t('present.others', { n: rest })] : named) });
}

/** @param {Door} door @param {import('../../state/app.js').Devices} devices */
function joinLabel({ state }, { microphone, camera }) {
  if (state === 'accounts') return 'signIn';
  if (state === 'ask') return 'join.ask';
  if (state === 'locked' || state === 'full') return 'tryAgain';
  if (state === 'early') return 'join.early';
  const deaf = microphone.problem !== null;
  const blind = camera.problem !== null && camera.wanted;
  if (deaf && blind) return 'join.withoutBoth';
  if (blind) return 'join.withoutCamera';
  return deaf ? 'join.withoutMicrophone' : 'join.now';
}
