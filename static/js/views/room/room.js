/**
 * The room: stage, panel, toolbar, and the keys that work everywhere in it.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { clock } from '../../i18n/index.js';
import { titleOf } from '../../state/heed.js';
import { bar } from './bar.js';
import { chat } from '../panel/chat.js';
import { openSettings } from '../dialogs.js';
import { button, el, iconButton, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { openInfo } from './info-card.js';
import { roomKeys } from './keys.js';
import { lossBanner } from './loss-banner.js';
import { closeMenu, refreshMenu } from '../kit/menu.js';
import { people } from '../panel/people.js';
import { pictureInPicture } from './pip.js';
import { stage } from './stage.js';
import { timer } from './timer.js';
import { troubleBanner } from './trouble-banner.js';

/** @param {import('../../flow/actions.js').Actions} actions */
export function room(actions) {
  /** @type {AppState | null} */
  let latest = null;
  const theStage = stage(actions, {
    // Messages are beside a shared screen or below it, never on it.
    screenAt: (box, beside) => {
      over.classList.toggle('beside', beside);
      over.style.setProperty('--screen-h', `${beside ? 0 : (box?.h ?? 0)}px`);
    },
  });
  const theChat = chat(actions);
  const thePeople = people(actions);
  const theTimer = timer({ ended: () => actions.toast('toast.timerDone', {}, 'clock') });
  const window = pictureInPicture(actions, () => theStage.main());
  const theBar = bar(actions, { timer: theTimer.nodes[0], pictureInPicture: () => void window.open() });
  const time = el('span', { class: 'num' });
  const name = el('b', { dir: 'auto' });
  const info = el(
    'button',
    {
      type: 'button',
      class: 'rinfo',
      'aria-haspopup': 'dialog',
      on: { click: () => openInfo(info, actions, latest?.meeting) },
    },
    time,
    name,
  );
  const flip = iconButton('flip', 'tool.flip', { class: 'tool', on: { click: () => void actions.flipCamera() } });
  const who = iconButton('people', 'people', {
    class: 'tool',
    'data-testid': 'people-narrow',
    on: { click: () => actions.togglePanel('people') },
  });
  const banner = lossBanner(actions);
  const trouble = troubleBanner(actions);
  // For people with a screen reader: every screen has one heading, and a person who comes in begins here.
  const heading = el('h1', { class: 'vh', tabindex: -1, 'data-testid': 'room-heading' });
  theStage.node.prepend(heading);
  const sharing = el(
    'div',
    { class: 'banner calm', 'data-testid': 'sharing', hidden: true },
    icon('screen', 's'),
    el('span', { t: 'banner.sharing' }),
    button('tool.screen.off', { on: { click: () => void actions.toggleScreen() } }),
  );
  const deaf = el(
    'div',
    { class: 'banner calm', hidden: true },
    icon('volume', 's'),
    el('span', { t: 'banner.deaf' }),
    button('banner.listen', { 'data-testid': 'listen', on: { click: () => void actions.listen() } }),
  );
  // Messages that stay have their own line above the stage. Messages that come and go lie over the stage and move no tile.
  const standing = el('div', { class: 'standing' }, trouble.node, deaf, sharing);
  const over = el('div', { class: 'over' }, banner.node);
  const node = el(
    'div',
    { class: 'room', 'data-testid': 'room' },
    el('header', { class: 'head' }, info, theTimer.nodes[1], flip, who),
    standing,
    theStage.node,
    thePeople.node,
    theChat.node,
    theBar.node,
    over,
  );

  /** @type {'chat' | 'people' | null} */
  let panel = null;
  const keys = roomKeys({
    actions,
    panel: () => panel,
    inMeeting: () => Boolean(latest?.meeting),
    cycle,
    muted: () => latest?.devices.microphone.wanted === false,
    help: () => void openSettings(actions, 'general'),
  });

  /** @param {number} step */
  function cycle(step) {
    const open = panel === 'chat' ? theChat.node : panel === 'people' ? thePeople.node : null;
    const regions = [theStage.node, ...(open ? [open] : []), theBar.node];
    closeMenu();
    const at = regions.findIndex((region) => region.contains(document.activeElement));
    const next = regions[(at + step + regions.length) % regions.length];
    if (next === theBar.node) theBar.enter();
    else if (next === theStage.node) theStage.focus();
    else next.focus();
  }

  /** @param {AppState} state */
  function update(state) {
    const { meeting } = state;
    latest = state;
    if (!meeting) return;
    document.title = titleOf(meeting);
    text(heading, meeting.room.name);
    // Sound and picture are not dimmed while they still run.
    node.classList.toggle('lost', meeting.link === 'reconnecting' && meeting.lost !== 'socket');
    // The panel comes first, because it changes the space of the stage.
    for (const [name, view] of /** @type {const} */ ([
      ['chat', theChat],
      ['people', thePeople],
    ])) {
      view.node.classList.toggle('open', meeting.panel === name);
      show(view.node, meeting.panel === name);
    }
    banner.update(state);
    const unsent = trouble.update(state);
    show(sharing, meeting.sharing && !unsent);
    show(deaf, meeting.deaf);
    theStage.update(state);
    theChat.update(state);
    thePeople.update(state);
    theBar.update(state);
    theTimer.update(meeting);
    window.update(state);
    refreshMenu();
    show(flip, state.devices.cameras.length > 1 && state.devices.camera.live);
    text(time, clock(Date.now()));
    text(name, meeting.room.name);
    if (meeting.panel !== panel) movePanel(meeting.panel);
  }

  /** Opening moves the focus into the panel, closing gives it back. @param {'chat' | 'people' | null} next */
  function movePanel(next) {
    const before = panel;
    panel = next;
    if (next === 'chat') theChat.open();
    else if (next === 'people') thePeople.node.focus();
    // On a phone the people are opened in the header.
    else if (before && !theBar.focus(before)) who.focus();
  }

  const parts = [theStage, thePeople, theBar, theTimer, keys];
  return {
    node,
    /** The place of the page's messages. */
    over,
    update,
    start() {
      for (const part of parts) part.start();
      // The button that was pressed is gone.
      heading.focus();
      actions.arrived();
    },
    stop() {
      for (const part of [...parts, banner, trouble]) part.stop();
      window.close();
    },
  };
}
