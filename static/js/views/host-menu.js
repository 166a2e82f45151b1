/**
 * Steering the meeting as a whole: lock, waiting room, what members may do, mute everyone, who was sent away.
 *
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('../flow/actions.js').Actions} Actions
 * @typedef {import('./menu.js').Item} Item
 */

import { t } from '../i18n/index.js';
import { may } from '../state/people.js';
import { button, el, text } from './dom.js';
import { openMenu } from './menu.js';
import { openCard } from './popover.js';

/** In the order of the list. */
const PERMISSIONS = /** @type {const} */ (['unmute', 'screen', 'chat', 'private_chat', 'files', 'rename', 'react']);

/** Whether oneself has anything to steer. @param {Meeting} meeting */
export function maySteer(meeting) {
  return may(meeting, 'secure') || may(meeting, 'ban');
}

/**
 * @param {HTMLElement} anchor
 * @param {Actions} actions
 * @param {() => Meeting | null} read the newest state
 * @param {import('./popover.js').PopoverOptions} [options]
 */
export function openHostMenu(anchor, actions, read, options = {}) {
  const items = () => {
    const meeting = read();
    if (!meeting) return [];
    const { room } = meeting;
    return [
      { title: t('host.title') },
      ...(may(meeting, 'secure') ? switches(actions, room) : []),
      ...(may(meeting, 'edit')
        ? [
            toggle('host.hideNumber', room.hide_number, 'hide-number', () =>
              actions.setNumberHidden(!room.hide_number),
            ),
          ]
        : []),
      ...(may(meeting, 'ban')
        ? [
            /** @type {const} */ ('line'),
            {
              label: t('host.bans'),
              icon: 'remove',
              testid: 'bans',
              run: () => openBans(anchor, actions, options),
            },
          ]
        : []),
    ];
  };
  openMenu(anchor, items, { ...options, label: t('host.title') });
}

/** @param {Actions} actions @param {import('../client/protocol.d.ts').Room} room @returns {Item[]} */
function switches(actions, room) {
  return [
    toggle('host.lock', room.locked, 'lock', () => actions.setLocked(!room.locked)),
    toggle('host.lobby', room.lobby, 'lobby', () => actions.setLobby(!room.lobby)),
    { title: t('host.members') },
    ...PERMISSIONS.map((key) =>
      toggle(`host.may.${key}`, room.permissions[key], `may-${key}`, () =>
        actions.setPermission(key, !room.permissions[key]),
      ),
    ),
  ];
}

/** @param {string} key @param {boolean} on @param {string} testid @param {() => unknown} run @returns {Item} */
function toggle(key, on, testid, run) {
  return { label: t(key), switch: on, testid, run: () => void run() };
}

/** @param {HTMLElement} anchor @param {Actions} actions */
export function openMuteAll(anchor, actions) {
  openMenu(
    anchor,
    [
      {
        label: t('host.muteAll'),
        hint: t('host.muteAll.soft'),
        icon: 'mic-off',
        testid: 'mute-all-soft',
        run: () => void actions.mute('all', 'microphone', true),
      },
      {
        label: t('host.muteAll.hard'),
        hint: t('host.muteAll.hard.what'),
        icon: 'lock',
        testid: 'mute-all-hard',
        run: () => void actions.mute('all', 'microphone', false),
      },
    ],
    { above: true, label: t('host.muteAll') },
  );
}

/** @param {HTMLElement} anchor @param {Actions} actions @param {import('./popover.js').PopoverOptions} options */
async function openBans(anchor, actions, options) {
  const list = el('ul', { class: 'bans', 'data-testid': 'ban-list' });
  const words = el('p', { class: 'meta', t: 'host.bans.none' });
  words.hidden = true;
  if (!openCard(anchor, t('host.bans'), [list, words], { ...options, testid: 'bans-card' })) return;
  try {
    const bans = await actions.loadBans();
    list.replaceChildren(...bans.map((ban) => banRow(actions, ban, list, words)));
    words.hidden = bans.length > 0;
  } catch {
    text(words, t('error.unknown'));
    words.hidden = false;
  }
}

/**
 * @param {Actions} actions
 * @param {import('../client/protocol.d.ts').Ban} ban
 * @param {HTMLElement} list
 * @param {HTMLElement} words
 */
function banRow(actions, ban, list, words) {
  const row = el(
    'li',
    { class: 'prow', 'data-testid': 'ban' },
    el(
      'div',
      { class: 'who' },
      el('b', { dir: 'auto' }, ban.display_name),
      el('span', { class: 'meta', t: `host.ban.${ban.until}` }),
    ),
    button('host.unban', {
      'data-testid': 'unban',
      on: {
        click: async () => {
          if (await actions.unban(ban.user.id)) return;
          row.remove();
          words.hidden = list.children.length > 0;
        },
      },
    }),
  );
  return row;
}
