/**
 * Invite links: made with a role, an end and a number of uses; copied once, listed, revoked.
 * @typedef {import('../../client/protocol.d.ts').Invite} Invite
 * @typedef {import('../../client/protocol.d.ts').Role} Role
 */

import { errorText, longDay, t } from '../../i18n/index.js';
import { linkAt } from '../../place.js';
import { openDialog } from '../kit/dialog.js';
import { busy, button, el, field, keyed, newId, show, text } from '../kit/dom.js';
import { chooser } from '../kit/fields.js';

const DAY = 86_400_000;
/** How long a link may work, in days; 0 without an end. */
const LENGTHS = [1, 7, 30, 0];
/** @type {Role[]} */
const ROLES = ['member', 'cohost', 'host'];
const MOST_USES = 10_000;

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {string} identity of the room
 */
export function openInvites(actions, identity) {
  const role = chooser(
    'invites.role',
    ROLES.map((value) => ({ value, label: `role.${value}` })),
    'member',
    'invite-role',
  );
  const length = chooser(
    'invites.until',
    LENGTHS.map((days) => ({ value: String(days), label: days === 0 ? 'invites.noEnd' : 'invites.days', n: days })),
    '7',
    'invite-length',
  );
  const uses = field(
    'invites.uses',
    el('input', {
      class: 'inp num',
      id: newId(),
      type: 'number',
      min: 1,
      max: MOST_USES,
      inputmode: 'numeric',
      tPlaceholder: 'invites.uses.any',
      'data-testid': 'invite-uses',
    }),
  );
  const name = field(
    'invites.name',
    el('input', {
      class: 'inp',
      id: newId(),
      maxlength: 64,
      autocomplete: 'off',
      tPlaceholder: 'invites.name.example',
      'data-testid': 'invite-name',
    }),
  );
  const address = el('input', { class: 'inp', readonly: true, tLabel: 'invites.link', 'data-testid': 'invite-address' });
  const made = el(
    'div',
    { class: 'made', role: 'status', hidden: true },
    el('p', { class: 'strong', t: 'invites.made' }),
    el(
      'div',
      { class: 'jn' },
      address,
      button('copy', {
        class: 'btn primary',
        icon: 'copy',
        'data-testid': 'invite-copy',
        on: { click: () => void actions.copy(address.value, 'toast.linkCopied') },
      }),
    ),
  );
  const wrong = el('p', { class: 'note danger', role: 'alert', hidden: true });
  const list = el('ul', { class: 'lines', 'data-testid': 'invites-list' });
  const none = el('p', { class: 'meta', hidden: true, t: 'invites.none' });

  /** @param {string | null} refused */
  function complain(refused) {
    show(wrong, refused !== null);
    if (refused) text(wrong, errorText(refused));
  }

  async function load() {
    const { answer, refused } = await actions.invites(identity);
    if (!answer) return complain(refused);
    keyed(list, answer.invites, (invite) => invite.id, row, draw);
    show(none, answer.invites.length === 0);
  }

  /** @param {Invite} invite */
  function row({ id }) {
    const revoke = button('invites.revoke', {
      class: 'btn',
      'data-testid': 'invite-revoke',
      on: {
        click: () =>
          void busy(revoke, async () => {
            const { refused } = await actions.revokeInvite(identity, id);
            complain(refused);
            await load();
          }),
      },
    });
    return el('li', {}, el('div', {}, el('b'), el('span', { class: 'meta' })), revoke);
  }

  /** @param {HTMLElement} node @param {Invite} invite */
  function draw(node, invite) {
    const [title, meta] = node.children[0].children;
    text(title, invite.name ?? t(`role.${invite.role}`));
    text(meta, words(invite));
  }

  async function make() {
    complain(null);
    uses.complain(null);
    const most = uses.input.value.trim();
    const number = Number(most);
    if (most !== '' && !(Number.isInteger(number) && number >= 1 && number <= MOST_USES)) {
      uses.complain(t('room.most.range', { n: MOST_USES }));
      return uses.input.focus();
    }
    const days = Number(length.value());
    const label = name.input.value.trim();
    const { answer, refused } = await actions.makeInvite({
      identity,
      role: /** @type {Role} */ (role.value()),
      ...(days > 0 ? { expires_at: new Date(Date.now() + days * DAY).toISOString() } : {}),
      ...(most === '' ? {} : { max_uses: number }),
      ...(label === '' ? {} : { name: label }),
    });
    if (!answer) return complain(refused);
    address.value = linkAt(`r/${identity}#invite=${answer.token}`);
    show(made, true);
    name.input.value = '';
    address.focus();
    address.select();
    await load();
  }

  const create = button('invites.make', {
    class: 'btn',
    icon: 'plus',
    'data-testid': 'invite-make',
    on: { click: () => void busy(create, make) },
  });
  openDialog({
    title: 'invites.title',
    testid: 'invites',
    wide: true,
    body: [
      el('p', { class: 'muted', t: 'invites.what' }),
      el('div', { class: 'two' }, role.node, length.node),
      el('div', { class: 'two' }, uses.node, name.node),
      el('div', { class: 'row' }, create),
      made,
      wrong,
      el('h3', { class: 'lab', t: 'invites.existing' }),
      list,
      none,
    ],
  });
  void load();
}

/** What a link gives, until when, and how often it was used. @param {Invite} invite */
function words(invite) {
  const used =
    invite.max_uses === null
      ? t('invites.used', { n: invite.uses })
      : t('invites.usedOf', { n: invite.uses, most: invite.max_uses });
  const until =
    invite.expires_at === null ? t('invites.noEnd') : t('invites.untilDay', { day: longDay(invite.expires_at) });
  return [...(invite.name === null ? [] : [t(`role.${invite.role}`)]), used, until].join(' · ');
}
