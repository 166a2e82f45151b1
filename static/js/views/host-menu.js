/**
 * Steering the meeting as a whole: lock, waiting room, what members may do, mute everyone, and the dialogs about who
 * was and may be here.
 *
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('../flow/actions.js').Actions} Actions
 * @typedef {import('./menu.js').Item} Item
 */

import { t } from '../i18n/index.js';
import { may } from '../state/people.js';
import { openAttendance, openBans, openInvites } from './dialogs.js';
import { openMenu } from './menu.js';

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
      /** @type {const} */ ('line'),
      ...dialog(may(meeting, 'invite'), 'host.invites', 'link', () => openInvites(actions, room.identity)),
      ...dialog(may(meeting, 'attendance'), 'host.attendance', 'clock', () => openAttendance(actions, room.identity)),
      ...dialog(may(meeting, 'ban'), 'host.bans', 'remove', () => openBans(actions, room.identity)),
    ];
  };
  openMenu(anchor, items, { ...options, label: t('host.title') });
}

/** @param {boolean} shown @param {string} key @param {string} icon @param {() => unknown} run @returns {Item[]} */
function dialog(shown, key, icon, run) {
  return shown ? [{ label: t(key), icon, testid: key.replace('.', '-'), run: () => void run() }] : [];
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
