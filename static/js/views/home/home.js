/**
 * The home of somebody with an account: what comes next, the way in by link or number, the rooms.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/schedule.js').PlannedRoom} PlannedRoom
 */

import { clock, longDay, t } from '../../i18n/index.js';
import { base, roomPath } from '../../place.js';
import { dayPart, daysUntil, nextMeeting, upcoming } from '../../state/schedule.js';
import { shortName, threes } from '../../state/text.js';
import { attribute, button, busy, el, iconButton, keyed, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { joinForm } from './join-form.js';
import { nextCard } from './next-card.js';
import { openRoomDialog } from '../dialogs.js';
import { repeatsOf, thereOf, wantPlans } from './plans.js';
import { roomList } from './rooms.js';

/** How many meetings the agenda shows. */
const AGENDA = 6;

/** @param {import('../../flow/actions.js').Actions} actions */
export function home(actions) {
  const greeting = el('h1');
  const day = el('p', { class: 'meta' });
  const start = button('home.startNow', {
    class: 'btn primary',
    icon: 'camera',
    'data-testid': 'start-now',
    on: { click: () => void busy(start, startNow) },
  });
  const create = button('home.newRoom', {
    class: 'btn line',
    icon: 'plus',
    'data-testid': 'new-room',
    on: { click: () => openRoomDialog(actions, null) },
  });

  async function startNow() {
    const refused = await actions.startNow();
    if (refused) actions.toast(`error.${refused}`, {}, 'warning');
  }

  const next = nextCard(actions, () => void busy(start, startNow));
  const join = joinForm(actions, { label: 'join.label', primary: false });
  const recentName = el('span');
  const recentNumber = el('span', { class: 'meta num' });
  const recentLink = el('a', { href: base }, icon('clock', 's'), recentName, recentNumber);
  const recent = el('div', { class: 'recent' }, recentLink);
  const rooms = roomList(actions);
  const agendaList = el('div', { class: 'card agenda' });
  /** @type {Map<string, PlannedRoom>} */
  const planned = new Map();
  let user = '';
  /** @type {AppState | null} */
  let latest = null;
  const agenda = el('section', { 'data-testid': 'agenda' }, el('div', { class: 'shd' }, el('h2', { t: 'home.comingUp' })), agendaList);

  const cols = el('div', { class: 'cols' }, rooms.node, agenda);
  const node = el(
    'main',
    { class: 'wrap', 'data-testid': 'home' },
    el('div', { class: 'hello' }, el('div', {}, greeting, day), el('div', { class: 'acts2' }, create, start)),
    el(
      'div',
      { class: 'duo' },
      next.node,
      el(
        'section',
        { class: 'card join' },
        el('h2', { t: 'home.haveLink' }),
        el('p', { t: 'home.haveLink.how' }),
        join.node,
        recent,
      ),
    ),
    cols,
  );

  /** One meeting to come: its row goes into the room, and its pencil changes the plan. @param {PlannedRoom} first */
  function agendaRow({ identity }) {
    const name = el('a', { class: 'go', href: roomPath(identity), 'data-testid': 'agenda-enter' });
    name.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void actions.openRoom(identity);
    });
    const change = iconButton('settings', 'edit', {
      class: 'btn icon',
      'data-testid': 'agenda-edit',
      on: { click: () => openRoomDialog(actions, planned.get(identity) ?? null) },
    });
    return el(
      'div',
      { class: 'ag', 'data-testid': 'agenda-row' },
      el('span', { class: 'num' }),
      el('div', {}, name, el('span', { class: 'meta' }), el('span', { class: 'meta' })),
      change,
    );
  }

  recentLink.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void actions.openRoom(recentLink.pathname.slice(roomPath('').length));
  });

  /** @param {AppState} state */
  function update(state) {
    const now = Date.now();
    latest = state;
    void wantPlans(state.home.upcoming, () => latest && update(latest));
    user = state.user?.id ?? '';
    text(
      greeting,
      t(`home.good.${dayPart(new Date(now).getHours())}`, { name: shortName(state.user?.display_name ?? '') }),
    );
    text(day, longDay(now));
    next.update(state, now);
    join.update(state);
    show(recent, state.home.recent !== null);
    if (state.home.recent) {
      text(recentName, state.home.recent.name);
      text(recentNumber, threes(state.home.recent.number));
      recentLink.setAttribute('href', roomPath(state.home.recent.identity));
    }
    rooms.update(state);
    const coming = upcoming(state.home.upcoming).slice(0, AGENDA);
    // The first card offers to start where nothing is planned: one way is enough, and an empty agenda says it again.
    show(start, nextMeeting(state.home.upcoming) !== null || !state.home.loaded);
    show(agenda, coming.length > 0);
    cols.classList.toggle('one', coming.length === 0);
    drawAgenda(coming, now);
  }

  /** @param {PlannedRoom[]} coming @param {number} now */
  function drawAgenda(coming, now) {
    planned.clear();
    for (const room of coming) planned.set(room.identity, room);
    /** @type {Array<{key: string, day: string} | {key: string, room: PlannedRoom}>} */
    const lines = [];
    let before = '';
    for (const room of coming) {
      const name = dayName(room, now);
      if (name !== before) lines.push({ key: `day ${name}`, day: name });
      before = name;
      lines.push({ key: room.identity, room });
    }
    keyed(
      agendaList,
      lines,
      (line) => line.key,
      (line) => ('day' in line ? el('p', { class: 'agd' }) : agendaRow(line.room)),
      (row, line) => {
        if ('day' in line) return text(row, line.day);
        const [time, words, change] = row.children;
        show(/** @type {HTMLElement} */ (change), line.room.owner.id === user);
        attribute(change, 'aria-label', t('home.edit', { name: line.room.name }));
        text(time, clock(line.room.next.begin_at));
        text(words.children[0], line.room.name);
        text(words.children[1], repeatsOf(line.room) ?? threes(line.room.number));
        text(words.children[2], thereOf(line.room) ?? '');
      },
    );
  }

  return { node, update };
}

/** @param {PlannedRoom} room @param {number} now */
function dayName({ next }, now) {
  const days = daysUntil(Date.parse(next.begin_at), now);
  if (days <= 0) return t('today');
  return days === 1 ? t('tomorrow') : longDay(next.begin_at);
}
