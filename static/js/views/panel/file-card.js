/**
 * A file in the chat: what it is, how far it is, what can be done with it. One card for all who get it.
 * @typedef {import('../../client/file-transfer.js').Transfer} Transfer
 */

import { locale, t } from '../../i18n/index.js';
import { fileSize } from '../../state/text.js';
import { attribute, button, el, iconButton, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';

const RUNNING = new Set(['connecting', 'moving', 'paused']);
/** What is said of those who do not have it, in this order. */
const MANY = /** @type {const} */ (['moving', 'paused', 'connecting', 'offered', 'declined', 'cancelled', 'failed']);

/** @param {import('../../flow/actions.js').Actions} actions */
export function fileCard(actions) {
  const name = el('b', { dir: 'auto' });
  const words = el('span', { class: 'meta' });
  const state = el('span', { class: 'meta', 'data-testid': 'file-state' });
  const bar = el('i');
  const progress = el('div', { class: 'prog', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, bar);
  /** @type {Transfer[]} */
  let files = [];
  const accept = button('file.accept', {
    class: 'btn ok',
    'data-testid': 'file-accept',
    on: { click: () => actions.acceptFile(files[0].id) },
  });
  const pause = button('file.pause', {
    'data-testid': 'file-pause',
    on: { click: () => actions.pauseFile(files[0].file, true) },
  });
  const resume = button('file.resume', {
    'data-testid': 'file-resume',
    on: { click: () => actions.pauseFile(files[0].file, false) },
  });
  const save = button('file.save', { class: 'btn ok', 'data-testid': 'file-save', on: { click: () => saveFile(files[0]) } });
  const cancel = iconButton('close', 'file.cancel', {
    'data-testid': 'file-cancel',
    on: { click: () => actions.cancelFile(files[0].file) },
  });
  const head = el('header', {}, el('b', { dir: 'auto' }));
  const node = el(
    'div',
    { class: 'msg file', 'data-testid': 'file' },
    icon('file'),
    head,
    el(
      'div',
      { class: 'att' },
      el('div', {}, name, words, progress, state),
      el('div', { class: 'fbtns' }, accept, save, pause, resume, cancel),
    ),
  );

  /** @param {Transfer[]} now all transfers of one file @param {Record<string, string>} names */
  function update(now, names) {
    if (now.length === 0) return;
    files = now;
    const [one] = now;
    const running = now.filter((file) => RUNNING.has(file.state));
    text(head.children[0], one.outgoing ? t('you.name') : (names[one.peer] ?? ''));
    text(name, one.name);
    const size = fileSize(one.size, locale());
    const whom = one.everyone ? t('chat.everyone') : (names[one.peer] ?? '');
    text(words, one.outgoing ? t('file.to', { size, name: whom }) : one.everyone ? size : t('file.private', { size }));
    const begun = running.filter((file) => file.state !== 'connecting');
    const share = shareOf(begun.length > 0 ? begun : running);
    show(progress, running.length > 0);
    bar.style.width = `${share}%`;
    attribute(progress, 'aria-valuenow', String(share));
    attribute(progress, 'aria-label', one.name);
    text(state, said(now, running, share));
    show(accept, !one.outgoing && one.state === 'offered');
    show(save, one.blob !== null);
    const paused = running.some((file) => file.pausedHere);
    show(pause, running.some((file) => file.state === 'moving') && !paused);
    show(resume, paused);
    show(cancel, running.length > 0 || now.some((file) => file.state === 'offered'));
    attribute(cancel, 'aria-label', t(!one.outgoing && one.state === 'offered' ? 'file.decline' : 'file.cancel'));
    node.dataset.state = one.state;
  }
  return { node, update };
}

/** How far the slowest of them is, percent. @param {Transfer[]} files of one size */
function shareOf(files) {
  const size = files[0]?.size ?? 0;
  return size > 0 ? Math.floor((Math.min(...files.map((file) => file.bytes)) / size) * 100) : 0;
}

/** @param {Transfer[]} files @param {Transfer[]} running @param {number} share percent */
function said(files, running, share) {
  if (files.length > 1) return saidOfMany(files);
  const [one] = files;
  if (running.length > 0) {
    if (running.every((file) => file.state === 'connecting')) return t('file.connecting');
    if (running.some((file) => file.pausedHere)) return t('file.paused', { n: share });
    if (running.every((file) => file.state === 'paused')) return t('file.pausedThere', { n: share });
    return t('file.moving', { n: share });
  }
  if (one.state === 'offered') return one.outgoing ? t('file.waiting') : '';
  if (one.state === 'failed') return t(`file.failed.${one.problem ?? 'connection'}`);
  if (one.state === 'done') return t(one.outgoing ? 'file.sent' : 'file.received');
  return t(`file.${one.state}`);
}

/** How many have it, and what the others do: "2 of 3 have it · 1 declined". @param {Transfer[]} files */
function saidOfMany(files) {
  const those = (/** @type {Transfer['state']} */ state) => files.filter((file) => file.state === state);
  if (those('offered').length === files.length) return t('file.waiting');
  const others = MANY.map((state) => ({ state, now: those(state) })).filter(({ now }) => now.length > 0);
  return [
    t('file.doneOf', { n: those('done').length, all: files.length }),
    ...others.map(({ state, now }) => t(`file.many.${state}`, { n: now.length, share: shareOf(now) })),
  ].join(' · ');
}

/** Hands what was received to the browser's downloads. @param {Transfer} file */
function saveFile({ blob, name }) {
  if (!blob) return;
  const address = URL.createObjectURL(blob);
  const link = el('a', { href: address, download: name });
  link.click();
  // The download has begun by then; the blob stays with the card.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
