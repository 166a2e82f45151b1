/**
 * The toolbar: microphone, camera, screen, hand, reactions, more, leave; layout, who is here and the chat on the right.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { clock, t } from '../../i18n/index.js';
import { isOn } from '../../state/own-media.js';
import { may, mayUnmute } from '../../state/people.js';
import { attribute, el, iconButton, say, show, text } from '../kit/dom.js';
import { openDeviceMenu } from '../kit/device-menu.js';
import { icon, setIcon } from '../kit/icons.js';
import { openInfo } from './info-card.js';
import { openReactions } from './reactions.js';
import { openLeaveMenu, openMoreMenu } from './room-menus.js';

const CLOCK_MS = 10_000;

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {{timer: HTMLElement, pictureInPicture: () => void}} parts
 */
export function bar(actions, parts) {
  /** @type {AppState | null} */
  let latest = null;
  const microphone = tool('mic', 'tool.mic.off', 'mic', () => void actions.toggleMicrophone());
  const camera = tool('camera', 'tool.camera.off', 'camera', () => void actions.toggleCamera());
  const microphones = chevron('device.microphone.choose', () => openDevices(microphones, ['microphone', 'speaker']));
  const cameras = chevron('device.camera.choose', () => openDevices(cameras, ['camera']));
  const screen = tool('screen', 'tool.screen.on', 'share', () => void actions.toggleScreen());
  screen.classList.add('w');
  const hand = tool('hand', 'tool.hand.on', 'hand', () => void actions.toggleHand());
  const chatNarrow = tool('chat', 'chat', 'chat-narrow', () => actions.togglePanel('chat'));
  chatNarrow.classList.add('n');
  const react = tool('smile', 'tool.react', 'react', () => openReactions(react, actions));
  react.classList.add('w');
  const more = tool('more', 'more', 'more', () => openMoreMenu(more, actions, () => latest, parts));
  const layout = tool('speaker', 'layout.speaker', 'layout', () => {
    actions.setLayout(latest?.meeting?.layout === 'speaker' ? 'grid' : 'speaker');
  });
  layout.classList.add('lay');
  const leave = el(
    'button',
    { type: 'button', class: 'tool leave', tLabel: 'leave', 'data-testid': 'leave', on: { click: pressLeave } },
    icon('leave'),
    el('span', { t: 'leave' }),
  );
  const people = tool('people', 'people', 'people', () => actions.togglePanel('people'));
  const chat = tool('chat', 'chat', 'chat', () => actions.togglePanel('chat'));
  const count = el('span', { class: 'badge cnt num', 'aria-hidden': 'true' });
  const raised = el('span', { class: 'badge hand num', 'aria-hidden': 'true', 'data-testid': 'hands-count' });
  people.append(count, raised);
  const badges = [chat, chatNarrow].map((button) => {
    const badge = el('span', { class: 'badge num', 'aria-hidden': 'true', 'data-testid': 'unread' });
    button.append(badge);
    return badge;
  });
  const time = el('span', { class: 'num' });
  const name = el('b', { dir: 'auto' });
  const info = el(
    'button',
    {
      type: 'button',
      class: 'rinfo',
      'aria-haspopup': 'dialog',
      'data-testid': 'room-info',
      on: { click: () => openInfo(info, actions, latest?.meeting) },
    },
    time,
    name,
    icon('info', 's'),
  );
  const node = el(
    'nav',
    { class: 'bar', tLabel: 'bar.label', on: { keydown: walk } },
    el('div', { class: 'grp lf' }, info, parts.timer),
    el(
      'div',
      { class: 'grp mid' },
      el('div', { class: 'split' }, microphone, microphones),
      el('div', { class: 'split' }, camera, cameras),
      el('span', { class: 'gap' }),
      screen,
      hand,
      react,
      chatNarrow,
      more,
      el('span', { class: 'gap' }),
      leave,
    ),
    el('div', { class: 'grp rt' }, layout, people, chat),
  );
  let timer = 0;

  /** @param {HTMLElement} anchor @param {import('../kit/device-menu.js').Kind[]} kinds */
  function openDevices(anchor, kinds) {
    if (latest) openDeviceMenu(anchor, actions, latest.devices, kinds, true);
  }

  /** Who waits counts more than who is here. @param {import('../../state/meeting.js').Meeting} meeting */
  function drawPeople(meeting) {
    const waiting = may(meeting, 'admit') ? meeting.lobby.length : 0;
    const n = meeting.seats.length + 1;
    text(count, String(waiting > 0 ? waiting : n));
    count.classList.toggle('waits', waiting > 0);
    const up = Object.values(meeting.participants).filter((one) => one.hand_raised_at !== null).length;
    show(raised, up > 0);
    text(raised, String(up));
    attribute(people, 'aria-label', waiting > 0 ? t('people.waiting', { n: waiting }) : `${t('people')}${t('comma')}${n}`);
  }

  function pressLeave() {
    if (latest?.meeting && may(latest.meeting, 'end')) openLeaveMenu(leave, actions, latest.meeting);
    else void actions.leave();
  }

  /** One tab stop; the arrows walk along the visible buttons. @param {KeyboardEvent} event */
  function walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const buttons = /** @type {HTMLElement[]} */ ([...node.querySelectorAll('button')]).filter(
      (one) => one.offsetParent !== null,
    );
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0) return;
    const next = buttons[(at + step + buttons.length) % buttons.length];
    stopAt(next);
    next.focus();
    event.preventDefault();
  }

  /** @type {HTMLElement} where Tab stops: all but this one are reached by the arrows */
  let stop = microphone;

  /** @param {HTMLElement} next */
  function stopAt(next) {
    stop = next;
    for (const one of node.querySelectorAll('button')) one.tabIndex = one === next ? 0 : -1;
  }

  /** A narrower window hides buttons. The microphone is always there. */
  function stopAtSeen() {
    if (stop.offsetParent === null) stopAt(microphone);
  }

  stopAt(microphone);
  node.addEventListener('focusin', ({ target }) => {
    const pressed = /** @type {HTMLElement} */ (target).closest('button');
    if (pressed) stopAt(pressed);
  });

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    const { meeting } = state;
    if (!meeting) return;
    const speaks = isOn(state, 'microphone');
    // A button that would be refused says so, and why, before it is pressed.
    const unmute = mayUnmute(meeting) ? 'tool.mic.on' : 'tool.mic.forbidden';
    drawSwitch(microphone, speaks, 'mic', speaks ? 'tool.mic.off' : unmute);
    const seen = isOn(state, 'camera');
    const start = may(meeting, 'camera') ? 'tool.camera.on' : 'tool.camera.forbidden';
    drawSwitch(camera, seen, 'camera', seen ? 'tool.camera.off' : start);
    setIcon(/** @type {any} */ (screen.firstChild), meeting.sharing ? 'screen-off' : 'screen');
    relabel(screen, meeting.sharing ? 'tool.screen.off' : 'tool.screen.on');
    screen.classList.toggle('on', meeting.sharing);
    attribute(screen, 'aria-pressed', String(meeting.sharing));
    show(screen, may(meeting, 'screen') || meeting.sharing);
    const up = meeting.participants[meeting.self]?.hand_raised_at !== null;
    hand.classList.toggle('up', up);
    attribute(hand, 'aria-pressed', String(up));
    relabel(hand, up ? 'tool.hand.off' : 'tool.hand.on');
    for (const [button, panel] of /** @type {const} */ ([
      [people, 'people'],
      [chat, 'chat'],
      [chatNarrow, 'chat'],
    ])) {
      button.classList.toggle('on', meeting.panel === panel);
      attribute(button, 'aria-expanded', String(meeting.panel === panel));
    }
    show(react, may(meeting, 'react'));
    const speaker = meeting.layout === 'speaker';
    setIcon(/** @type {any} */ (layout.firstChild), speaker ? 'grid' : 'speaker');
    relabel(layout, speaker ? 'layout.grid' : 'layout.speaker');
    drawPeople(meeting);
    for (const badge of badges) {
      show(badge, meeting.unread > 0);
      text(badge, meeting.unread > 99 ? '99+' : String(meeting.unread));
    }
    for (const button of [chat, chatNarrow]) {
      attribute(button, 'aria-label', meeting.unread > 0 ? t('chat.unread', { n: meeting.unread }) : t('chat'));
    }
    const host = may(meeting, 'end');
    if (host) attribute(leave, 'aria-haspopup', 'menu');
    else leave.removeAttribute('aria-haspopup');
    text(time, clock(Date.now()));
    text(name, meeting.room.name);
    // Gone with a right; what the window's width hides is seen at its change.
    if (stop.hidden) stopAt(microphone);
  }
  return {
    node,
    update,
    start() {
      window.addEventListener('resize', stopAtSeen);
      timer = window.setInterval(() => text(time, clock(Date.now())), CLOCK_MS);
    },
    stop() {
      window.removeEventListener('resize', stopAtSeen);
      clearInterval(timer);
    },
    more,
    /** Gives the focus to the toolbar. */
    enter() {
      stopAtSeen();
      stop.focus();
    },
    /** Gives the focus to the button of a panel. @returns {boolean} whether one can be seen */
    focus: (/** @type {'people' | 'chat'} */ panel) => focusOf(panel === 'people' ? [people] : [chat, chatNarrow]),
  };
}

/** @param {HTMLElement[]} buttons */
function focusOf(buttons) {
  const seen = buttons.find((button) => button.offsetParent !== null);
  seen?.focus();
  return seen !== undefined;
}

/** @param {string} drawing @param {string} key @param {string} testid @param {() => void} click */
function tool(drawing, key, testid, click) {
  const button = iconButton(drawing, key, { class: 'tool', 'data-testid': testid, on: { click } });
  button.firstElementChild?.classList.remove('s');
  return button;
}

/** @param {string} key @param {() => void} click */
function chevron(key, click) {
  return iconButton('chev-up', key, { class: 'tool chev', 'aria-haspopup': 'menu', on: { click } });
}

/** @param {HTMLElement} button @param {boolean} on @param {string} drawing @param {string} label its key */
function drawSwitch(button, on, drawing, label) {
  button.classList.toggle('off', !on);
  attribute(button, 'aria-pressed', String(on));
  setIcon(/** @type {any} */ (button.firstChild), on ? drawing : `${drawing}-off`);
  relabel(button, label);
}

/** @param {HTMLElement} button @param {string} key */
function relabel(button, key) {
  say(button, key, 'tLabel');
  say(button, key, 'tTitle');
}
