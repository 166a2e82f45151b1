/**
 * The menus of the toolbar.
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 */

import { t } from '../i18n/index.js';
import { threes } from '../state/text.js';
import { openDeviceMenu } from './device-menu.js';
import { openMenu } from './menu.js';
import { linkTo } from './rooms.js';

const NARROW = 768;

/**
 * @param {HTMLElement} anchor
 * @param {import('../flow/actions.js').Actions} actions
 * @param {AppState} state
 */
export function openMoreMenu(anchor, actions, state) {
  const { meeting } = state;
  if (!meeting) return;
  const narrow = innerWidth < NARROW;
  const canShare = meeting.permissions.screen !== false && 'getDisplayMedia' in (navigator.mediaDevices ?? {});
  const dark = document.documentElement.dataset.theme === 'dark';
  openMenu(
    anchor,
    [
      ...(narrow && canShare
        ? [
            {
              label: t(meeting.sharing ? 'tool.screen.off' : 'tool.screen.on'),
              icon: meeting.sharing ? 'screen-off' : 'screen',
              testid: 'share-narrow',
              run: () => void actions.toggleScreen(),
            },
          ]
        : []),
      {
        label: t('more.devices'),
        icon: 'settings',
        run: () => openDeviceMenu(anchor, actions, state.devices, ['microphone', 'camera', 'speaker'], true),
      },
      {
        label: t('copyLink'),
        icon: 'link',
        testid: 'more-copy',
        run: () => void actions.copy(linkTo(meeting.room), 'toast.linkCopied'),
      },
      /** @type {const} */ ('line'),
      { label: t(dark ? 'theme.light' : 'theme.dark'), icon: dark ? 'sun' : 'moon', run: () => actions.switchTheme() },
      {
        label: state.language === 'zh' ? 'English' : '中文',
        icon: 'globe',
        testid: 'more-language',
        run: () => actions.switchLanguage(),
      },
    ],
    { above: true },
  );
}

/**
 * @param {HTMLElement} anchor
 * @param {import('../flow/actions.js').Actions} actions
 * @param {AppState} state
 */
export function openInfoMenu(anchor, actions, { meeting }) {
  if (!meeting) return;
  const { room } = meeting;
  openMenu(
    anchor,
    [
      { title: room.topology === 'p2p' ? `${room.name} · ${t('topology.p2p')}` : room.name },
      ...(room.number === null
        ? []
        : [
            {
              label: threes(room.number),
              hint: t('number.copy'),
              icon: 'copy',
              run: () => void actions.copy(threes(room.number), 'toast.numberCopied'),
            },
          ]),
      {
        label: t('copyLink'),
        hint: location.host,
        icon: 'link',
        run: () => void actions.copy(linkTo(room), 'toast.linkCopied'),
      },
    ],
    { above: anchor.getBoundingClientRect().top > innerHeight / 2 },
  );
}

/**
 * @param {HTMLElement} anchor
 * @param {import('../flow/actions.js').Actions} actions
 * @param {Meeting} meeting
 */
export function openLeaveMenu(anchor, actions, meeting) {
  const n = meeting.seats.length + 1;
  openMenu(
    anchor,
    [
      {
        label: t('leave.menu'),
        hint: t('leave.goesOn'),
        icon: 'leave',
        testid: 'leave-only',
        run: () => void actions.leave(),
      },
      {
        label: t('leave.end'),
        hint: t('leave.end.what', { n }),
        icon: 'end',
        danger: true,
        testid: 'end-all',
        run: () => void actions.leave(true),
      },
    ],
    { above: true },
  );
}
