/**
 * The card for a person who is alone: it shows how the others get here.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { threes } from '../../state/text.js';
import { button, el, show, text } from '../kit/dom.js';
import { linkTo } from '../home/rooms.js';

/** @param {import('../../flow/actions.js').Actions} actions */
export function invite(actions) {
  let link = '';
  const shown = el('span', { 'data-testid': 'invite-link' });
  const number = el('b', { class: 'num' });
  const numberRow = el('p', { class: 'kv' }, el('span', { t: 'number' }), number);
  const node = el(
    'div',
    { class: 'invite', 'data-testid': 'invite' },
    el('h2', { t: 'invite.first' }),
    el('p', { class: 'muted', t: 'invite.how' }),
    el(
      'div',
      { class: 'linkrow' },
      shown,
      button('copy', {
        class: 'btn primary',
        icon: 'copy',
        on: { click: () => void actions.copy(link, 'toast.linkCopied') },
      }),
    ),
    numberRow,
  );

  /** @param {AppState} state */
  function update({ meeting }) {
    if (!meeting) return;
    link = linkTo(meeting.room);
    text(shown, link.replace(/^https?:\/\//, ''));
    text(number, threes(meeting.room.number));
    show(numberRow, meeting.room.number !== null);
  }
  return { node, update };
}
