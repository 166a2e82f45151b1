/**
 * Who is kept out of a room, since when and until when; and letting them in again.
 * @typedef {import('../../client/protocol.d.ts').Ban} Ban
 */

import { clock, errorText, longDay, t } from '../../i18n/index.js';
import { openDialog } from '../kit/dialog.js';
import { busy, button, el, keyed, show, text } from '../kit/dom.js';

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {string} identity of the room
 */
export function openBans(actions, identity) {
  const list = el('ul', { class: 'lines', 'data-testid': 'bans-list' });
  const none = el('p', { class: 'muted', hidden: true, t: 'bans.none' });
  const wrong = el('p', { class: 'note danger', role: 'alert', hidden: true });

  /** @param {string | null} refused */
  function complain(refused) {
    show(wrong, refused !== null);
    if (refused) text(wrong, errorText(refused));
  }

  async function load() {
    const { answer, refused } = await actions.bans(identity);
    if (!answer) return complain(refused);
    keyed(list, answer.bans, (ban) => ban.user.id, row, draw);
    show(none, answer.bans.length === 0);
  }

  /** @param {Ban} ban */
  function row({ user }) {
    const lift = button('bans.lift', {
      class: 'btn',
      'data-testid': 'unban',
      on: {
        click: () =>
          void busy(lift, async () => {
            const { refused } = await actions.unban(identity, user.id);
            complain(refused);
            await load();
          }),
      },
    });
    return el('li', {}, el('div', {}, el('b'), el('span', { class: 'meta' })), lift);
  }

  /** @param {HTMLElement} node @param {Ban} ban */
  function draw(node, ban) {
    const [title, meta] = node.children[0].children;
    text(title, ban.display_name);
    text(meta, `${t(`bans.until.${ban.until}`)} · ${t('bans.since', { day: longDay(ban.since), time: clock(ban.since) })}`);
  }

  openDialog({ title: 'bans.title', testid: 'bans', body: [el('p', { class: 'muted', t: 'bans.what' }), wrong, list, none] });
  void load();
}
