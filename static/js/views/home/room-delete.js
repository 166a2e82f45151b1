/**
 * Deleting a room, which is asked once more.
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { el, busy, say } from '../kit/dom.js';
import { openDialog } from '../kit/dialog.js';

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {Room} room
 */
export function openDeleteDialog(actions, room) {
  const warning = el('p', { class: 'muted' });
  say(warning, 'room.delete.what');
  openDialog({
    title: 'room.delete.title',
    body: [el('p', { class: 'strong' }, room.name), warning],
    submit: 'delete',
    danger: true,
    testid: 'delete-dialog',
    onSubmit: (close, pressed) =>
      void busy(pressed, async () => {
        const refused = await actions.deleteRoom(room.identity);
        close();
        actions.toast(
          refused ? `error.${refused}` : 'toast.roomDeleted',
          { name: room.name },
          refused ? 'warning' : 'check',
        );
      }),
  });
}
