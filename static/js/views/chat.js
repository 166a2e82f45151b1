/**
 * The chat: messages grouped by person, no bubbles; the list never jumps away from what is being read.
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/chat.js').Block} Block
 */

import { clock, errorText, t } from '../i18n/index.js';
import { blocks } from '../state/chat.js';
import { linkify } from '../state/text.js';
import { avatar, setAvatar } from './avatar.js';
import { button, el, iconButton, keyed, newId, show, text } from './dom.js';

const LONGEST = 4000;
/** This close to the end counts as reading the end. */
const NEAR_END = 40;
const TALLEST_COMPOSER = 132;

/** @param {import('../flow/actions.js').Actions} actions */
export function chat(actions) {
  const list = el('div', { class: 'msgs', 'data-testid': 'messages' });
  const empty = el('p', { class: 'meta none', t: 'chat.empty' });
  const scroll = el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'log', tLabel: 'chat', 'aria-live': 'off' },
    empty,
    list,
  );
  const pill = button('chat.new', { class: 'btn pill', icon: 'chev-down', on: { click: toEnd } });
  const error = el('p', { class: 'ferr', id: newId(), role: 'alert', hidden: true, 'data-testid': 'chat-error' });
  const input = el('textarea', {
    rows: 1,
    tPlaceholder: 'chat.write',
    tLabel: 'chat.write',
    'aria-describedby': error.id,
    'data-testid': 'chat-input',
    dir: 'auto',
    on: { input: typed, keydown: key },
  });
  const send = iconButton('send', 'chat.send', {
    class: 'btn ghost icon send',
    'data-testid': 'chat-send',
    on: { click: () => void submit() },
  });
  const composer = el('div', { class: 'compose' }, error, el('div', {}, input, send));
  const node = el(
    'aside',
    { class: 'panel', id: 'chat', tLabel: 'chat', tabindex: -1, 'data-testid': 'chat-panel' },
    el(
      'div',
      { class: 'ph' },
      el('h2', { t: 'chat' }),
      iconButton('close', 'panel.close', { on: { click: () => actions.closePanel() } }),
    ),
    el('div', { class: 'reel' }, scroll, pill),
    composer,
  );
  let sending = false;
  let atEnd = true;
  let count = 0;
  show(pill, false);
  scroll.addEventListener('scroll', () => {
    atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END;
    if (atEnd) show(pill, false);
  });

  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    show(pill, false);
  }

  function typed() {
    show(error, false);
    input.style.height = 'auto';
    input.style.height = `${Math.min(TALLEST_COMPOSER, input.scrollHeight)}px`;
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  }

  async function submit() {
    const words = input.value.trim();
    if (words === '' || sending) return;
    if ([...words].length > LONGEST) return complain(t('chat.tooLong', { n: LONGEST }));
    sending = true;
    const refused = await actions.sendChat(words);
    sending = false;
    // What was typed stays until it has arrived.
    if (refused) return complain(refused === 'protocol.bad_field' ? t('chat.refused') : errorText(refused));
    input.value = '';
    typed();
    toEnd();
  }

  /** @param {string} words */
  function complain(words) {
    text(error, words);
    show(error, true);
  }

  /** @param {AppState} state */
  function update({ meeting }) {
    if (!meeting || node.hidden) return;
    const stays = atEnd;
    const all = blocks(meeting.log);
    keyed(
      list,
      all,
      (block) => block.key,
      make,
      (row, block) => draw(row, block, meeting.self),
    );
    show(empty, all.length === 0);
    const grew = meeting.log.length > count;
    count = meeting.log.length;
    if (stays) scroll.scrollTop = scroll.scrollHeight;
    else if (grew) show(pill, true);
    const allowed = meeting.permissions.chat !== false;
    input.disabled = !allowed;
    send.disabled = !allowed;
  }

  function open() {
    atEnd = true;
    scroll.scrollTop = scroll.scrollHeight;
    // On touch the keyboard would cover half of what one came to read.
    if (matchMedia('(pointer: fine)').matches) input.focus();
    else node.focus();
  }
  return { node, update, open };
}

/** @param {Block} block */
function make(block) {
  if (block.kind === 'line') return el('div', { class: 'sysm' });
  return el(
    'div',
    { class: 'msg', 'data-testid': 'message' },
    avatar(),
    el('header', {}, el('b', { dir: 'auto' }), el('span', { class: 'num' })),
    el('div', { class: 'txs' }),
  );
}

/** @param {HTMLElement} row @param {Block} block @param {string} self */
function draw(row, block, self) {
  if (block.kind === 'line') return text(row, t(`chat.${block.what}`, { name: block.name }));
  const [face, head, texts] = /** @type {HTMLElement[]} */ ([...row.children]);
  const { from } = block;
  setAvatar(face, from.user.id, from.display_name);
  text(head.children[0], from.participant === self ? t('you.name') : from.display_name);
  text(head.children[1], clock(from.sent_at));
  keyed(
    texts,
    block.messages,
    (message) => message.id,
    (message) => paragraph(message.text),
    () => {},
  );
}

/** @param {string} words */
function paragraph(words) {
  return el(
    'p',
    { class: 'tx', dir: 'auto', 'data-testid': 'message-text' },
    ...linkify(words).map((part) =>
      part.href === null
        ? part.text
        : el('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text),
    ),
  );
}
