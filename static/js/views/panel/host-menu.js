/**
 * Steering the meeting as a whole: who comes in, what members may do, mute everyone, and the dialogs about who was and may
 * be here. The menu is short and leads on, so that the list of people stays in sight.
 *
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../flow/actions.js').Actions} Actions
 * @typedef {import('../kit/menu.js').Item} Item
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { t } from '../../i18n/index.js';
import { may } from '../../state/people.js';
import { openAttendance, openBans, openInvites } from '../dialogs.js';
import { openMenu } from '../kit/menu.js';

/** In the order of the list. */
const PERMISSIONS = /** @type {const} */ ([
  'unmute',
  'camera',
  'screen',
  'chat',
  'private_chat',
  'files',
  'rename',
  'react',
]);
/** From the most open to the most closed. */
const LEVELS = /** @type {const} */ (['nobody', 'guests', 'everyone']);

/** Whether oneself has anything to steer. @param {Meeting} meeting */
export function maySteer(meeting) {
  return may(meeting, 'secure') || may(meeting, 'ban');
}

/**
 * @param {HTMLElement} anchor
 * @param {Actions} actions
 * @param {() => Meeting | null} read the newest state
 * @param {import('../kit/popover.js').PopoverOptions} [options]
 */
export function openHostMenu(anchor, actions, read, options = {}) {
  const back = () => openHostMenu(anchor, actions, read, options);
  const items = () => {
    const meeting = read();
    if (!meeting) return [];
    const { room } = meeting;
    const secure = may(meeting, 'secure');
    return [
      { title: t('host.title') },
      ...(secure ? door(room) : []),
      ...(may(meeting, 'edit')
        ? [toggle('host.hideNumber', room.hide_number, 'hide-number', () => actions.setNumberHidden(!room.hide_number))]
        : []),
      ...(secure ? [/** @type {const} */ ('line'), rights(room)] : []),
      /** @type {const} */ ('line'),
      ...dialog(may(meeting, 'invite'), 'host.invites', 'link', () => openInvites(actions, room.identity)),
      ...dialog(may(meeting, 'attendance'), 'host.attendance', 'clock', () => openAttendance(actions, room.identity)),
      ...dialog(may(meeting, 'ban'), 'host.bans', 'remove', () => openBans(actions, room.identity)),
    ];
  };

  /** @param {Room} room @returns {Item[]} */
  function door(room) {
    return [
      toggle('host.lock', room.locked, 'lock', () => actions.setLocked(!room.locked)),
      toggle('host.accounts', !room.guests, 'accounts-only', () => actions.setGuests(!room.guests)),
      {
        label: t('host.waiting'),
        hint: t(`host.waiting.${room.waiting}`),
        more: true,
        testid: 'host-waiting',
        run: () => openWaiting(anchor, actions, read, back, options),
      },
    ];
  }

  /** @param {Room} room @returns {Item} */
  function rights(room) {
    const { length } = PERMISSIONS.filter((key) => !room.permissions[key]);
    return {
      label: t('host.members'),
      hint: length === 0 ? t('host.members.all') : t('host.members.not', { n: length }),
      more: true,
      testid: 'host-rights',
      run: () => openRights(anchor, actions, read, back, options),
    };
  }
  openMenu(anchor, items, { ...options, half: true, label: t('host.title') });
}

/**
 * Who waits until a host lets them in.
 * @param {HTMLElement} anchor @param {Actions} actions @param {() => Meeting | null} read @param {() => void} back
 * @param {import('../kit/popover.js').PopoverOptions} options
 */
function openWaiting(anchor, actions, read, back, options) {
  const items = () => {
    const room = read()?.room;
    if (!room) return [];
    return [
      ...heading('host.waiting', back),
      ...LEVELS.map((level) => ({
        label: t(`host.waiting.${level}`),
        hint: t(`host.waiting.${level}.what`),
        checked: room.waiting === level,
        testid: `waiting-${level}`,
        run: () => void actions.setWaiting(level),
      })),
    ];
  };
  openMenu(anchor, items, { ...options, half: true, label: t('host.waiting') });
}

/**
 * What members may do, and with what they come in.
 * @param {HTMLElement} anchor @param {Actions} actions @param {() => Meeting | null} read @param {() => void} back
 * @param {import('../kit/popover.js').PopoverOptions} options
 */
function openRights(anchor, actions, read, back, options) {
  const items = () => {
    const room = read()?.room;
    if (!room) return [];
    const { start_muted: muted, start_camera_off: unseen } = room;
    return [
      ...heading('host.members', back),
      ...PERMISSIONS.map((key) =>
        toggle(`host.may.${key}`, room.permissions[key], `may-${key}`, () => actions.setPermission(key, !room.permissions[key])),
      ),
      { title: t('room.arrival') },
      toggle('room.startMuted', muted, 'start-muted', () => actions.setArrival({ start_muted: !muted })),
      toggle('room.startCameraOff', unseen, 'start-camera-off', () => actions.setArrival({ start_camera_off: !unseen })),
    ];
  };
  openMenu(anchor, items, { ...options, half: true, label: t('host.members') });
}

/** What this menu is about, and the way back. @param {string} key @param {() => void} back @returns {Item[]} */
function heading(key, back) {
  return [{ title: t(key) }, { label: t('host.title'), icon: 'chev-left', testid: 'host-back', run: back }, 'line'];
}

/** @param {boolean} shown @param {string} key @param {string} icon @param {() => unknown} run @returns {Item[]} */
function dialog(shown, key, icon, run) {
  return shown ? [{ label: t(key), icon, testid: key.replace('.', '-'), run: () => void run() }] : [];
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
