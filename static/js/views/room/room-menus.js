/**
 * The menus of the toolbar: more, leave, what meeting this is, the timer.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../flow/actions.js').Actions} Actions
 * @typedef {import('../kit/menu.js').Item} Item
 */

import { t } from '../../i18n/index.js';
import { may } from '../../state/people.js';
import { QUALITIES } from '../../state/viewing.js';
import { openSettings } from '../dialogs.js';
import { button, el, newId } from '../kit/dom.js';
import { maySteer, openHostMenu } from '../panel/host-menu.js';
import { openMenu } from '../kit/menu.js';
import { canPictureInPicture } from './pip.js';
import { closePopover, openCard } from '../kit/popover.js';
import { openReactions } from './reactions.js';

const NARROW = 768;
const TABLET = 1024;
const LONGEST_TIMER = 120;
const USUAL_MINUTES = [1, 5, 10, 15];

/**
 * @param {HTMLElement} anchor
 * @param {Actions} actions
 * @param {() => AppState | null} read
 * @param {{pictureInPicture: () => void}} view
 */
export function openMoreMenu(anchor, actions, read, view) {
  const state = read();
  const { meeting } = state ?? {};
  if (!state || !meeting) return;
  const readMeeting = () => read()?.meeting ?? null;
  const narrow = innerWidth < NARROW;
  const canShare = may(meeting, 'screen') && 'getDisplayMedia' in (navigator.mediaDevices ?? {});
  const speaker = meeting.layout === 'speaker';
  /** @type {(Item | false)[]} */
  const items = [
    narrow &&
      (canShare || meeting.sharing) && {
        label: t(meeting.sharing ? 'tool.screen.off' : 'tool.screen.on'),
        icon: meeting.sharing ? 'screen-off' : 'screen',
        testid: 'share-narrow',
        run: () => void actions.toggleScreen(),
      },
    narrow &&
      may(meeting, 'react') && {
        label: t('tool.react'),
        icon: 'smile',
        testid: 'react-narrow',
        run: () => openReactions(anchor, actions),
      },
    innerWidth < TABLET && {
      label: t(speaker ? 'layout.grid' : 'layout.speaker'),
      icon: speaker ? 'grid' : 'speaker',
      testid: 'layout-narrow',
      run: () => actions.setLayout(speaker ? 'grid' : 'speaker'),
    },
    innerWidth < TABLET && 'line',
    {
      label: t('more.devices'),
      icon: 'settings',
      testid: 'more-devices',
      run: () => void openSettings(actions, 'sound'),
    },
    meeting.room.topology === 'sfu' && {
      label: t('picture.quality'),
      hint: t(`picture.${state.picture}`),
      icon: 'camera',
      more: true,
      testid: 'more-picture',
      run: () => openPictureMenu(anchor, actions),
    },
    maySteer(meeting) && {
      label: t('host.title'),
      icon: 'lock',
      testid: 'more-host',
      run: () => openHostMenu(anchor, actions, readMeeting, { above: true }),
    },
    may(meeting, 'timer') && {
      label: t(meeting.timer ? 'timer.stop' : 'timer.start'),
      icon: 'clock',
      testid: 'more-timer',
      run: () => (meeting.timer ? void actions.setTimer(null) : openTimer(anchor, actions)),
    },
    canPictureInPicture() && {
      label: t('more.pip'),
      icon: 'pip',
      testid: 'more-pip',
      run: view.pictureInPicture,
    },
    document.fullscreenEnabled === true && {
      label: t(document.fullscreenElement ? 'full.leave' : 'full.enter'),
      icon: 'full',
      testid: 'more-full',
      run: () => void turnFull(),
    },
    'line',
    {
      label: t('shortcuts.title'),
      icon: 'keyboard',
      testid: 'more-shortcuts',
      run: () => void openSettings(actions, 'general'),
    },
  ];
  const shown = items.filter((item) => item !== false);
  openMenu(anchor, /** @type {Item[]} */ (shown), { above: true, label: t('more') });
}

/** How good the pictures have to be. @param {HTMLElement} anchor @param {Actions} actions */
function openPictureMenu(anchor, actions) {
  const { picture } = actions.state();
  const items = QUALITIES.map((choice) => ({
    label: t(`picture.${choice}`),
    hint: t(`picture.${choice}.what`),
    checked: picture === choice,
    testid: `picture-${choice}`,
    run: () => actions.setPicture(choice),
  }));
  openMenu(anchor, [{ title: t('picture.quality') }, ...items], { above: true, label: t('picture.quality') });
}

/** The whole page fills the screen, or no longer does. */
async function turnFull() {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen();
  } catch {
    // A browser may refuse; everything goes on as it was.
  }
}

/** @param {HTMLElement} anchor @param {Actions} actions */
function openTimer(anchor, actions) {
  const input = el('input', {
    class: 'inp',
    id: newId(),
    type: 'number',
    min: 1,
    max: LONGEST_TIMER,
    step: 1,
    value: '5',
    inputmode: 'numeric',
    'data-testid': 'timer-minutes',
  });
  /** @param {number} minutes */
  const start = (minutes) => {
    if (!(Number.isInteger(minutes) && minutes >= 1 && minutes <= LONGEST_TIMER)) return input.focus();
    closePopover();
    void actions.setTimer(minutes);
  };
  const usual = el(
    'div',
    { class: 'usual' },
    ...USUAL_MINUTES.map((n) =>
      el('button', { type: 'button', class: 'btn', on: { click: () => start(n) } }, t('timer.minutes', { n })),
    ),
  );
  const form = el(
    'form',
    {
      class: 'pform',
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          start(Number(input.value));
        },
      },
    },
    usual,
    el('label', { class: 'lab', for: input.id, t: 'timer.label' }),
    el('div', { class: 'jn' }, input, button('timer.go', { class: 'btn primary', type: 'submit', 'data-testid': 'timer-go' })),
  );
  openCard(anchor, t('timer.start'), [form], { above: true, testid: 'timer-card' });
}

/** @param {HTMLElement} anchor @param {Actions} actions @param {Meeting} meeting */
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
    { above: true, label: t('leave') },
  );
}
