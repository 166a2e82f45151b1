/**
 * Waiting to be let in. Shows one's own picture, what happens next, and how long one has waited. No queue number, no spinner.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { button, el, say, show, text } from '../kit/dom.js';
import { openDevices } from '../dialogs.js';
import { ownPicture } from './own-picture.js';

const TICK_MS = 1000;
/** The words depend on whether a person who may let people in is there. */
const WORDS = { here: 'waiting.known', away: 'waiting.hostAway', absent: 'waiting.alone' };

/** @param {import('../../flow/actions.js').Actions} actions */
export function waiting(actions) {
  /** @type {AppState | null} */
  let latest = null;
  let timer = 0;
  const picture = ownPicture(actions, () => openDevices(actions));
  const title = el('h1', { t: 'waiting.asked', tabIndex: -1, 'data-testid': 'waiting-title' });
  const sub = el('p', { class: 'sub', t: 'waiting.asked.what' });
  const elapsed = el('span', { class: 'num', 'data-testid': 'waiting-time' });
  const room = el('span');
  const node = el(
    'main',
    { class: 'hold', 'data-testid': 'waiting' },
    picture.node,
    el('div', { role: 'status' }, title, sub),
    el(
      'p',
      { class: 'st' },
      el('span', { class: 'breath', 'aria-hidden': 'true' }, el('i'), el('i'), el('i')),
      el('span', {}, elapsed, ' · ', room),
    ),
    el(
      'div',
      { class: 'ft' },
      button('leave', { class: 'btn ghost', 'data-testid': 'waiting-leave', on: { click: () => actions.goHome() } }),
      button('waiting.check', {
        icon: 'settings',
        'data-testid': 'waiting-check',
        on: { click: () => openDevices(actions) },
      }),
    ),
  );

  function tick() {
    const since = latest?.preview.waitingSince;
    if (since) text(elapsed, t('waiting.since', { time: minutes(Date.now() - since) }));
  }

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    picture.update(state, state.preview.name);
    const away = state.link === 'reconnecting';
    const words = away ? 'waiting.away' : state.preview.host === null ? 'waiting.asked' : WORDS[state.preview.host];
    say(title, words);
    say(sub, `${words}.what`);
    text(room, state.preview.room?.name ?? '');
    show(room, state.preview.room !== null);
    tick();
  }

  function start() {
    timer = window.setInterval(tick, TICK_MS);
    // The button that was pressed is gone. The focus on the title tells people with a screen reader where they are now.
    title.focus();
  }

  function stop() {
    clearInterval(timer);
    picture.stop();
  }
  return { node, update, start, stop };
}

/** Minutes and seconds, as on a clock. @param {number} ms */
function minutes(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
