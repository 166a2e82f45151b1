/**
 * A file in the chat: what it is, how far it is, what can be done with it. One card for all who get it.
 * @typedef {import('../client/file_transfer.js').Transfer} Transfer
 */

import { locale, t } from '../i18n/index.js';
import { fileSize } from '../state/text.js';
import { attribute, button, el, iconButton, show, text } from './dom.js';
import { icon } from './icons.js';

const RUNNING = new Set(['connecting', 'moving', 'paused']);

/** @param {import('../flow/actions.js').Actions} actions */
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
    const done = running.length > 0 ? Math.min(...running.map((file) => file.bytes)) : one.bytes;
    const share = one.size > 0 ? Math.floor((done / one.size) * 100) : 0;
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

/** @param {Transfer[]} files @param {Transfer[]} running @param {number} share percent */
function said(files, running, share) {
  const [one] = files;
  if (running.length > 0) {
    if (running.every((file) => file.state === 'connecting')) return t('file.connecting');
    if (running.some((file) => file.pausedHere)) return t('file.paused', { n: share });
    if (running.every((file) => file.state === 'paused')) return t('file.pausedThere', { n: share });
    return t('file.moving', { n: share });
  }
  if (files.some((file) => file.state === 'offered')) return one.outgoing ? t('file.waiting') : '';
  const done = files.filter((file) => file.state === 'done').length;
  if (files.length > 1) return t('file.doneOf', { n: done, all: files.length });
  if (one.state === 'failed') return t(`file.failed.${one.problem ?? 'connection'}`);
  if (one.state === 'done') return t(one.outgoing ? 'file.sent' : 'file.received');
  return t(`file.${one.state}`);
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
