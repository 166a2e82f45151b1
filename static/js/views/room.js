/**
 * The room: stage, panel, toolbar, and the keys that work everywhere in it.
 * @typedef {import('../state/app.js').AppState} AppState
 */

import { clock } from '../i18n/index.js';
import { bar } from './bar.js';
import { chat } from './chat.js';
import { button, el, iconButton, show, text } from './dom.js';
import { icon } from './icons.js';
import { people } from './people.js';
import { openInfoMenu } from './room-menus.js';
import { stage } from './stage.js';

/** @param {import('../flow/actions.js').Actions} actions */
export function room(actions) {
  /** @type {AppState | null} */
  let latest = null;
  const theStage = stage(actions);
  const theChat = chat(actions);
  const thePeople = people(actions);
  const theBar = bar(actions);
  const time = el('span', { class: 'num' });
  const name = el('b', { dir: 'auto' });
  const info = el(
    'button',
    { type: 'button', class: 'rinfo', on: { click: () => latest && openInfoMenu(info, actions, latest) } },
    time,
    name,
  );
  const flip = iconButton('flip', 'tool.flip', { class: 'tool', on: { click: () => void actions.flipCamera() } });
  const who = iconButton('people', 'people', {
    class: 'tool',
    'data-testid': 'people-narrow',
    on: { click: () => actions.togglePanel('people') },
  });
  const banner = el(
    'div',
    { class: 'banner', role: 'status', 'data-testid': 'reconnecting' },
    el('span', { class: 'spin' }),
    el('span', { t: 'banner.reconnecting' }),
  );
  const sharing = el(
    'div',
    { class: 'banner calm', 'data-testid': 'sharing' },
    icon('screen', 's'),
    el('span', { t: 'banner.sharing' }),
    button('tool.screen.off', { on: { click: () => void actions.toggleScreen() } }),
  );
  const deaf = el(
    'div',
    { class: 'banner calm' },
    icon('volume', 's'),
    el('span', { t: 'banner.deaf' }),
    button('banner.listen', { 'data-testid': 'listen', on: { click: () => void actions.listen() } }),
  );
  const banners = el('div', { class: 'banners' }, banner, deaf, sharing);
  const node = el(
    'div',
    { class: 'room', 'data-testid': 'room' },
    el('header', { class: 'head' }, info, flip, who),
    theStage.node,
    thePeople.node,
    theChat.node,
    theBar.node,
    banners,
  );

  /** @type {'chat' | 'people' | null} */
  let panel = null;
  let talking = false;

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (!latest?.meeting || document.querySelector('.menu')) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && !event.shiftKey && !event.altKey && key === 'd') void actions.toggleMicrophone();
    else if (command && !event.shiftKey && !event.altKey && key === 'e') void actions.toggleCamera();
    else if (command && event.altKey && event.code === 'KeyH') void actions.toggleHand();
    else if (command && event.altKey && event.code === 'KeyC') actions.togglePanel('chat');
    else if (command && event.altKey && event.code === 'KeyP') actions.togglePanel('people');
    else if (event.key === 'Escape' && latest.meeting.panel) actions.closePanel();
    else if (event.key === 'F6') cycle(event.shiftKey ? -1 : 1);
    else if (event.code === 'Space' && !wantsSpace(event.target)) hold(event);
    else return;
    event.preventDefault();
  }

  /** Space talks for as long as it is held, for those who are muted. @param {KeyboardEvent} event */
  function hold(event) {
    const { microphone } = /** @type {AppState} */ (latest).devices;
    if (event.repeat || talking || microphone.wanted) return;
    talking = true;
    void actions.holdToTalk(true);
  }

  /** @param {KeyboardEvent} event */
  function release(event) {
    if (event.code !== 'Space' || !talking) return;
    // Or a button that still has the focus would be pressed by it.
    event.preventDefault();
    hush();
  }

  function hush() {
    if (!talking) return;
    talking = false;
    void actions.holdToTalk(false);
  }

  /** @param {number} step */
  function cycle(step) {
    const open = panel === 'chat' ? theChat.node : panel === 'people' ? thePeople.node : null;
    const regions = [theStage.node, ...(open ? [open] : []), theBar.node];
    const at = regions.findIndex((region) => region.contains(document.activeElement));
    const next = regions[(at + step + regions.length) % regions.length];
    if (next === theBar.node) /** @type {HTMLElement | null} */ (next.querySelector('button[tabindex="0"]'))?.focus();
    else next.focus();
  }

  /** @param {AppState} state */
  function update(state) {
    const { meeting } = state;
    latest = state;
    if (!meeting) return;
    document.title = meeting.room.name;
    node.classList.toggle('lost', meeting.link === 'reconnecting');
    // The panel first: it changes how much room the stage has.
    for (const [name, view] of /** @type {const} */ ([
      ['chat', theChat],
      ['people', thePeople],
    ])) {
      view.node.classList.toggle('open', meeting.panel === name);
      show(view.node, meeting.panel === name);
    }
    show(banner, meeting.link === 'reconnecting');
    show(sharing, meeting.sharing && meeting.link === 'online');
    show(deaf, meeting.deaf);
    theStage.update(state);
    theChat.update(state);
    thePeople.update(state);
    theBar.update(state);
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
    else if (before) theBar.focus(before);
  }

  return {
    node,
    update,
    start() {
      theBar.start();
      document.addEventListener('keydown', press);
      document.addEventListener('keyup', release);
      // A key that is let go elsewhere is never heard of here.
      window.addEventListener('blur', hush);
    },
    stop() {
      theBar.stop();
      document.removeEventListener('keydown', press);
      document.removeEventListener('keyup', release);
      window.removeEventListener('blur', hush);
    },
  };
}

/**
 * Space belongs to fields, and to the button somebody walked to by keyboard; but not to one that only keeps the
 * focus because it was clicked, such as the microphone's.
 * @param {EventTarget | null} target
 */
function wantsSpace(target) {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.closest('input, textarea, select, [role="menu"]') !== null || target.matches(':is(button, a):focus-visible')
  );
}
