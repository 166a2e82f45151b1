/**
 * Messages of one person that stand under one name.
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../state/meeting.js').ChatMessage} ChatMessage
 * @typedef {import('../../flow/actions.js').Actions} Actions
 */

import { clock, t } from '../../i18n/index.js';
import { may } from '../../state/people.js';
import { linkify } from '../../state/text.js';
import { avatar, setAvatar } from '../kit/avatar.js';
import { attribute, el, iconButton, keyed, show, text } from '../kit/dom.js';
import { openMenu } from '../kit/menu.js';

export function messageGroup() {
  return el(
    'div',
    { class: 'msg', 'data-testid': 'message' },
    avatar(),
    el('header', {}, el('b', { dir: 'auto' }), el('span', { class: 'num' }), el('span', { class: 'chip' })),
    el('div', { class: 'txs' }),
  );
}

/**
 * @param {HTMLElement} row
 * @param {{from: ChatMessage, messages: ChatMessage[]}} group
 * @param {Meeting} meeting
 * @param {Actions} actions
 * @param {() => Meeting | null} read the newest state
 */
export function drawMessages(row, { from, messages }, meeting, actions, read) {
  const [face, head, texts] = /** @type {HTMLElement[]} */ ([...row.children]);
  setAvatar(face, from.user.id, from.display_name);
  const mine = isMine(from, meeting);
  const [name, time, only] = /** @type {HTMLElement[]} */ ([...head.children]);
  text(name, mine ? t('you.name') : from.display_name);
  text(time, clock(from.sent_at));
  show(only, from.to !== null);
  if (from.to !== null) {
    const other = meeting.names[from.to];
    // The names of those who left before one came are not known.
    const own = other ? t('chat.privateTo', { name: other }) : t('chat.privateSent');
    text(only, mine ? own : t('chat.private'));
  }
  row.classList.toggle('private', from.to !== null);
  keyed(
    texts,
    messages,
    (message) => message.id,
    (message) => paragraph(message, actions, read),
    () => {},
  );
}

/** @param {ChatMessage} message @param {Meeting} meeting */
function isMine(message, meeting) {
  return message.user.id === meeting.participants[meeting.self]?.user.id;
}

/** @param {ChatMessage} message @param {Actions} actions @param {() => Meeting | null} read */
function paragraph(message, actions, read) {
  const more = iconButton('more-v', 'chat.more', {
    class: 'btn ghost icon mmore',
    'aria-haspopup': 'menu',
    'data-testid': 'message-more',
  });
  more.addEventListener('click', () => openMessageMenu(more, message, actions, read));
  attribute(more, 'aria-label', t('chat.more'));
  const words = el(
    'p',
    { class: 'tx', dir: 'auto', 'data-testid': 'message-text' },
    ...linkify(message.text).map((part) =>
      part.href === null
        ? part.text
        : el('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text),
    ),
  );
  return el('div', { class: 'txr' }, words, more);
}

/** @param {HTMLElement} anchor @param {ChatMessage} message @param {Actions} actions @param {() => Meeting | null} read */
function openMessageMenu(anchor, message, actions, read) {
  const meeting = read();
  if (!meeting) return;
  const mine = isMine(message, meeting);
  const present = message.participant in meeting.participants;
  /** @type {import('../kit/menu.js').Item[]} */
  const items = [
    { label: t('chat.copy'), icon: 'copy', run: () => void actions.copy(message.text, 'toast.messageCopied') },
    ...(may(meeting, 'private_chat') && present && !mine
      ? [
          {
            label: t('chat.reply', { name: message.display_name }),
            icon: 'chat',
            testid: 'reply-private',
            run: () => actions.writeTo(message.participant),
          },
        ]
      : []),
    ...(mine || may(meeting, 'delete_messages')
      ? [
          {
            label: t('chat.delete'),
            icon: 'remove',
            danger: true,
            testid: 'delete-message',
            run: () => void actions.deleteMessage(message.id),
          },
        ]
      : []),
  ];
  openMenu(anchor, items, { label: t('chat.more') });
}
