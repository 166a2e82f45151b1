/**
 * The home of somebody with an account: what comes next, the way in by link or number, the rooms.
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/schedule.js').PlannedRoom} PlannedRoom
 */

import { clock, longDay, t } from '../i18n/index.js';
import { dayPart, daysUntil, upcoming } from '../state/schedule.js';
import { shortName, threes } from '../state/text.js';
import { button, busy, el, keyed, show, text } from './dom.js';
import { icon } from './icons.js';
import { joinForm } from './join-form.js';
import { nextCard } from './next-card.js';
import { openRoomDialog } from './dialogs.js';
import { roomList } from './rooms.js';
import { repeats, there } from './when.js';

/** How many meetings the agenda shows. */
const AGENDA = 6;

/** @param {import('../flow/actions.js').Actions} actions */
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
  const recentLink = el('a', { href: '/' }, icon('clock', 's'), recentName, recentNumber);
  const recent = el('div', { class: 'recent' }, recentLink);
  const rooms = roomList(actions);
  const agendaList = el('div', { class: 'card agenda' });
  const agenda = el('section', {}, el('div', { class: 'shd' }, el('h2', { t: 'home.comingUp' })), agendaList);

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
    el('div', { class: 'cols' }, rooms.node, agenda),
  );

  recentLink.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void actions.openRoom(recentLink.pathname.slice('/r/'.length));
  });

  /** @param {AppState} state */
  function update(state) {
    const now = Date.now();
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
      recentLink.setAttribute('href', `/r/${state.home.recent.identity}`);
    }
    rooms.update(state);
    drawAgenda(upcoming(state.home.upcoming).slice(0, AGENDA), now);
  }

  /** @param {PlannedRoom[]} planned @param {number} now */
  function drawAgenda(planned, now) {
    /** @type {Array<{key: string, day: string} | {key: string, room: PlannedRoom}>} */
    const lines = [];
    let before = '';
    for (const room of planned) {
      const name = dayName(room, now);
      if (name !== before) lines.push({ key: `day ${name}`, day: name });
      before = name;
      lines.push({ key: room.identity, room });
    }
    if (lines.length === 0) lines.push({ key: 'none', day: t('home.nothingPlanned') });
    keyed(
      agendaList,
      lines,
      (line) => line.key,
      (line) =>
        'day' in line
          ? el('p', { class: 'agd' })
          : el(
              'div',
              { class: 'ag' },
              el('span', { class: 'num' }),
              el('div', {}, el('b'), el('span', { class: 'meta' }), el('span', { class: 'meta' })),
            ),
      (row, line) => {
        if ('day' in line) return text(row, line.day);
        const [time, words] = row.children;
        text(time, clock(line.room.next.begin_at));
        text(words.children[0], line.room.name);
        text(words.children[1], repeats(line.room) ?? threes(line.room.number));
        text(words.children[2], there(line.room) ?? '');
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
