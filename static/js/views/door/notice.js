/**
 * A calm screen for everything that ends: left, ended, removed, not found. Never a code alone.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { button, el, show, text } from '../kit/dom.js';
import { iconShapes, svg } from '../kit/icons.js';

/** Drawing in the picture, and whether coming back makes sense. @type {Record<string, {drawing: string, back: boolean}>} */
const KINDS = {
  left: { drawing: 'leave', back: true },
  'left.last': { drawing: 'leave', back: true },
  'left.away': { drawing: 'leave', back: true },
  ended: { drawing: 'check', back: false },
  'ended.time': { drawing: 'clock', back: false },
  'ended.operator': { drawing: 'server', back: false },
  deleted: { drawing: 'remove', back: false },
  denied: { drawing: 'lock', back: false },
  banned: { drawing: 'remove', back: false },
  removed: { drawing: 'leave', back: false },
  replaced: { drawing: 'copy', back: true },
  notFound: { drawing: 'search', back: false },
  'notFound.number': { drawing: 'search', back: false },
  nowhere: { drawing: 'search', back: false },
  noTime: { drawing: 'clock', back: false },
  tooOften: { drawing: 'clock', back: false },
  busy: { drawing: 'server', back: false },
  signedOut: { drawing: 'lock', back: false },
  full: { drawing: 'people', back: true },
  locked: { drawing: 'lock', back: true },
  tooMany: { drawing: 'clock', back: true },
  protocol: { drawing: 'warning', back: true },
  lost: { drawing: 'warning', back: true },
};

/** @param {import('../../flow/actions.js').Actions} actions */
export function notice(actions) {
  /** @type {string | null} */
  let identity = null;
  const drawing = svg('g', {
    transform: 'translate(64 28) scale(1.75)',
    fill: 'none',
    stroke: 'var(--text-3)',
    'stroke-width': 1.5,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  });
  const title = el('h1', { 'data-testid': 'notice' });
  const words = el('p');
  const back = button('rejoin', {
    class: 'btn primary',
    'data-testid': 'rejoin',
    on: { click: () => identity && void actions.rejoin(identity) },
  });
  const home = button('backToStart', { 'data-testid': 'back-home', on: { click: () => actions.goHome() } });
  const node = el(
    'main',
    { class: 'err' },
    el('div', {}, picture(drawing), title, words, el('div', { class: 'ft' }, back, home)),
  );

  /** @param {AppState} state */
  function update({ notice: now }) {
    if (!now) return;
    const kind = now.kind in KINDS ? now.kind : 'lost';
    identity = now.identity;
    drawing.replaceChildren(...iconShapes(KINDS[kind].drawing));
    text(title, t(`notice.${kind}`));
    text(words, t(`notice.${kind}.what`));
    const returns = KINDS[kind].back && identity !== null;
    show(back, returns);
    home.classList.toggle('primary', !returns);
  }
  return { node, update };
}

/** @param {SVGElement} drawing */
function picture(drawing) {
  const tile = 'M22 4h124a18 18 0 0 1 18 18v68a18 18 0 0 1-18 18H70v-8a14 14 0 0 0-14-14H4V22A18 18 0 0 1 22 4z';
  return svg(
    'svg',
    { class: 'em', viewBox: '0 0 168 112', 'aria-hidden': 'true' },
    svg('path', { d: tile, fill: 'var(--surface-2)', stroke: 'var(--line)', 'stroke-width': 1.5 }),
    svg('path', { d: 'M4 92h48a10 10 0 0 1 10 10v6H22A18 18 0 0 1 4 92z', fill: 'var(--accent)', opacity: '.9' }),
    drawing,
  );
}
