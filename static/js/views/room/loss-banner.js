/**
 * The banner about what is lost: one sentence, when it is tried again, and a button for those who do not want to wait.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { button, el, say, show, text } from '../kit/dom.js';

const COUNT_MS = 250;

/** @param {import('../../flow/actions.js').Actions} actions */
export function lossBanner(actions) {
  const sentence = el('span', { t: 'banner.lost.all' });
  // The seconds are for the eye: read out, they would cover everything else.
  const count = el('span', { class: 'num count', 'aria-hidden': 'true', 'data-testid': 'retry-in' });
  const now = button('banner.now', { 'data-testid': 'try-now', on: { click: () => actions.tryNow() } });
  const node = el(
    'div',
    { class: 'banner', hidden: true, 'data-testid': 'reconnecting' },
    el('span', { class: 'spin' }),
    el('span', { class: 'txt' }, el('span', { role: 'status' }, sentence), ' ', count),
    now,
  );
  /** @type {number | null} */
  let retryAt = null;
  let timer = 0;

  function draw() {
    text(count, retryIn(retryAt));
  }

  return {
    node,
    /** @param {AppState} state */
    update({ meeting, retryAt: at }) {
      const lost = meeting?.lost ?? null;
      // What lasts has a line of its own, with its reason.
      const shown = lost !== null && !(lost === 'media' && meeting && isTold(meeting.health));
      show(node, shown);
      clearInterval(timer);
      if (!shown) return;
      const gone = lost === 'socket' || lost === 'all';
      say(sentence, meeting?.restarting && gone ? 'banner.restarting' : `banner.lost.${lost}`);
      retryAt = at;
      show(count, gone);
      show(now, gone);
      draw();
      if (gone) timer = window.setInterval(draw, COUNT_MS);
    },
    stop: () => clearInterval(timer),
  };
}

/** @param {import('../../state/trouble.js').Health} health */
const isTold = ({ up, down, peers }) => up !== null || down !== null || Object.keys(peers).length > 0;

/** "Trying again in 3 s" @param {number | null} at milliseconds @returns {string} */
export function retryIn(at) {
  const seconds = at === null ? 0 : Math.ceil((at - Date.now()) / 1000);
  return seconds > 0 ? t('banner.retry', { n: seconds }) : t('banner.trying');
}
