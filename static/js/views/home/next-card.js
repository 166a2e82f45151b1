/**
 * The card of the next meeting. Soon it is the only dark card of the page, with its tab; later it is quiet;
 * with nothing planned it offers to start now.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { clock, longDay, t } from '../../i18n/index.js';
import { SOON_MS, daysUntil, nextMeeting } from '../../state/schedule.js';
import { attribute, button, el, show, text } from '../kit/dom.js';
import { icon, svg } from '../kit/icons.js';
import { thereOf } from './plans.js';

const MINUTE = 60_000;
const HOUR = 3_600_000;

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {() => void} startNow
 */
export function nextCard(actions, startNow) {
  const when = el('span');
  const flag = el('div', { class: 'flag' }, icon('clock', 's'), when);
  const time = el('div', { class: 'tm num' });
  const title = el('h2');
  const detail = el('p');
  const inside = el('span');
  /** @type {Room | null} */
  let shown = null;
  const enter = button('join', {
    class: 'btn primary',
    'data-testid': 'next-join',
    on: { click: () => shown && void actions.openRoom(shown.identity) },
  });
  const begin = button('home.startNow', { class: 'btn primary', icon: 'camera', 'data-testid': 'start-first', on: { click: startNow } });
  const decoration = deco();
  const node = el(
    'section',
    { class: 'next', tLabel: 'home.next' },
    decoration,
    flag,
    el('div', {}, time, title, detail),
    el('div', { class: 'ft' }, inside, enter, begin),
  );

  /** @param {AppState} state @param {number} now */
  function update(state, now) {
    shown = nextMeeting(state.home.upcoming);
    const start = shown?.next ? Date.parse(shown.next.begin_at) : null;
    const soon = shown !== null && (start === null || start - now < SOON_MS);
    attribute(node, 'class', soon ? 'next' : 'next quiet card');
    show(flag, soon);
    decoration.style.display = soon ? '' : 'none';
    show(enter, shown !== null);
    show(begin, shown === null && state.home.loaded);
    show(time, start !== null);
    if (shown === null) {
      text(title, state.home.loaded ? t('home.nothingPlanned') : '');
      text(detail, state.home.loaded ? t('home.nothingPlanned.how') : '');
      text(inside, '');
      return;
    }
    if (start !== null) text(time, clock(start));
    text(title, shown.name);
    text(detail, details(shown, start, now));
    text(when, start === null ? t('now') : until(start - now));
    text(inside, shown.participants > 0 ? t('home.alreadyIn', { n: shown.participants }) : t('home.nobodyIn'));
  }
  return { node, update };
}

/** @param {Room} room @param {number | null} start @param {number} now */
function details(room, start, now) {
  const parts = [];
  if (start !== null && daysUntil(start, now) === 1) parts.push(t('tomorrow'));
  if (start !== null && daysUntil(start, now) > 1) parts.push(longDay(start));
  if (room.next?.end_at) parts.push(t('until', { time: clock(room.next.end_at) }));
  const away = thereOf(room);
  if (away !== null) parts.push(away);
  if (parts.length === 0) parts.push(room.owner.display_name);
  return parts.join(' · ');
}

/** @param {number} ms */
function until(ms) {
  if (ms < MINUTE) return t('now');
  return ms < HOUR ? t('in.minutes', { n: Math.round(ms / MINUTE) }) : t('in.hours', { n: Math.round(ms / HOUR) });
}

/** Outlines of tiles; one of them has its tab. */
function deco() {
  const tile = { width: 150, height: 92, rx: 20 };
  return svg(
    'svg',
    { class: 'deco', viewBox: '0 0 640 240', preserveAspectRatio: 'xMaxYMid slice', 'aria-hidden': 'true' },
    svg(
      'g',
      { fill: 'none', stroke: '#7bd3bd', 'stroke-opacity': '.16', 'stroke-width': 1.5 },
      svg('rect', { x: 392, y: 66, ...tile }),
      svg('rect', { x: 552, y: 66, ...tile }),
      svg('rect', { x: 472, y: 168, ...tile }),
      svg('rect', { x: 312, y: 168, ...tile }),
    ),
    svg('path', { d: 'M552 132h46a14 14 0 0 1 14 14v12h-40a20 20 0 0 1-20-20z', fill: '#7bd3bd', opacity: '.2' }),
  );
}
