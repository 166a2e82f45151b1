/**
 * What the person needs of a room that was just made: its link, its number, its place in the calendar.
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { threes } from '../../state/text.js';
import { calendarRow } from './calendar.js';
import { openDialog } from '../kit/dialog.js';
import { button, el } from '../kit/dom.js';
import { linkTo } from './rooms.js';

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {Room} room
 */
export function openRoomMade(actions, room) {
  const link = linkTo(room);
  const calendar = calendarRow('made');
  calendar.update(room);
  openDialog({
    title: 'room.made',
    testid: 'room-made',
    body: [
      el('p', { class: 'strong' }, room.name),
      el('p', { class: 'muted', t: 'room.made.what' }),
      el(
        'div',
        { class: 'linkrow' },
        el('span', { 'data-testid': 'made-link' }, link.replace(/^https?:\/\//, '')),
        button('copy', {
          class: 'btn primary',
          icon: 'copy',
          on: { click: () => void actions.copy(link, 'toast.linkCopied') },
        }),
      ),
      room.number === null
        ? null
        : el('p', { class: 'kv' }, el('span', { t: 'number' }), el('b', { class: 'num' }, threes(room.number))),
      calendar.node,
    ],
  });
}
