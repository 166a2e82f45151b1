/**
 * The connection check: first a verdict in words, then seven lines. Each line has its meaning, its figure and one word.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/check.js').Line} Line
 */

import { t } from '../../i18n/index.js';
import { linesOf, reportOf, verdictOf } from '../../state/check.js';
import { download } from '../kit/download.js';
import { attribute, button, el, keyed, say, show, text } from '../kit/dom.js';
import { icon, setIcon } from '../kit/icons.js';

const DRAWINGS = { server: 'server', udp: 'link', tcp: 'globe', relay: 'link', publish: 'camera', receive: 'wifi', delay: 'clock' };
const SIGNS = { ok: 'check', warn: 'warning', bad: 'close', none: 'remove', waiting: 'clock', running: 'clock' };

/** @param {import('../../flow/actions.js').Actions} actions */
export function check(actions) {
  /** @type {AppState | null} */
  let latest = null;
  const sign = icon('clock');
  const title = el('h1', { 'data-testid': 'check-verdict' });
  const words = el('p');
  const again = button('check.again', { 'data-testid': 'check-again', on: { click: () => void actions.check() } });
  const verdict = el(
    'section',
    { class: 'card verdict' },
    el('span', { class: 'ic' }, sign),
    el('div', { role: 'status' }, title, words),
    again,
  );
  const list = el('ul', { class: 'card ckl', 'data-testid': 'check-lines' });
  const save = button('check.save', {
    class: 'btn ghost',
    icon: 'download',
    'data-testid': 'check-save',
    on: { click: () => latest && saveReport(latest) },
  });
  const code = el('p', { class: 'meta', 'data-testid': 'check-code' });
  const help = el('p', { class: 'meta ckh' }, el('span', { t: 'check.help' }), code, save);
  const node = el('main', { class: 'ck', 'data-testid': 'check' }, verdict, list, help);

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    const { running, found } = state.check;
    const { look, title: heading, detail, reason } = verdictOf(found, running);
    attribute(verdict, 'class', `card verdict ${look}`);
    setIcon(sign, SIGNS[look]);
    say(title, heading);
    const seconds = Math.max(1, Math.round(found.tookMs / 1000));
    show(code, state.check.code !== null);
    text(code, state.check.code === null ? '' : t('check.code', { code: state.check.code }));
    text(words, t(detail, { seconds, reason: reason === null ? '' : t(reason) }));
    again.disabled = running;
    show(help, !running);
    keyed(list, linesOf(found, running), (line) => line.name, row, draw);
    attribute(list, 'aria-busy', String(running));
  }

  return {
    node,
    update,
    // A person who comes here wants the check, so it starts without a button.
    start: () => void actions.check(),
  };
}

/** @param {Line} line */
function row({ name }) {
  return el(
    'li',
    { class: 'r', 'data-line': name },
    icon(DRAWINGS[name]),
    el('div', {}, el('b'), el('span', { class: 'meta' })),
    el('span', { class: 'v' }, icon('clock', 'xs'), el('span')),
  );
}

/** @param {HTMLElement} node @param {Line} line */
function draw(node, line) {
  const [, about, value] = node.children;
  text(about.children[0], t(line.title));
  const { reason } = line.figures;
  text(about.children[1], t(line.detail, { ...line.figures, reason: reason === undefined ? '' : t(String(reason)) }));
  setIcon(/** @type {any} */ (value.children[0]), SIGNS[line.look]);
  text(value.children[1], t(line.word));
  node.dataset.look = line.look;
}

/** @param {AppState} state */
function saveReport({ check: { found }, server }) {
  const report = reportOf(found, { at: new Date().toISOString(), browser: navigator.userAgent, server });
  download('connection-check.json', 'application/json', `${JSON.stringify(report, null, 2)}\n`);
}
