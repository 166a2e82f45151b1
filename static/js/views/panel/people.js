/**
 * Who is here: who waits to come in, raised hands in their order, then everybody.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/meeting.js').Participant} Participant
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../client/protocol.d.ts').Waiting} Waiting
 */

import { t } from '../../i18n/index.js';
import { hands, isMuted, may, roster } from '../../state/people.js';
import { searchKey, since } from '../../state/text.js';
import { avatar, setAvatar } from '../kit/avatar.js';
import { attribute, button, el, iconButton, keyed, say, show, text } from '../kit/dom.js';
import { maySteer, openHostMenu, openMuteAll } from './host-menu.js';
import { icon, setIcon } from '../kit/icons.js';
import { openPersonMenu } from '../room/person-menu.js';
import { linkTo } from '../home/rooms.js';

/** With fewer people one sees everybody anyway. */
const SEARCH_FROM = 12;
const TICK_MS = 1000;

/** @param {import('../../flow/actions.js').Actions} actions */
export function people(actions) {
  /** @type {AppState | null} */
  let latest = null;
  const meetingNow = () => latest?.meeting ?? null;
  const count = el('span', { class: 'meta num' });
  const search = el('input', {
    class: 'inp',
    type: 'search',
    tPlaceholder: 'people.search',
    tLabel: 'people.search',
    'data-testid': 'people-search',
    on: { input: () => latest && update(latest) },
  });
  const searchRow = el('div', { class: 'psearch' }, search);
  const waitingCount = el('span', { class: 'num' });
  const waiting = el('ul', { 'data-testid': 'waiting-list' });
  const waitingSection = section(
    'lobby.title',
    waitingCount,
    button('lobby.admitAll', { 'data-testid': 'admit-all', on: { click: () => void actions.admit('all') } }),
    waiting,
  );
  waitingSection.classList.add('wait');
  const lowerAll = button('people.lowerAll', {
    'data-testid': 'lower-all',
    on: { click: () => void actions.lowerHand('all') },
  });
  const handList = el('ol', { 'data-testid': 'hand-list' });
  const handSection = section('people.hands', null, lowerAll, handList);
  const everybody = el('ul', { 'data-testid': 'people-list' });
  const nobody = el('p', { class: 'meta none', t: 'people.notFound' });
  const hereSection = section('people.here', null, null, everybody);
  const panel = el('div', { class: 'scroll' }, waitingSection, handSection, hereSection, nobody);
  const muteAll = button('host.muteAll', { icon: 'mic-off', 'data-testid': 'mute-all', 'aria-haspopup': 'menu' });
  muteAll.addEventListener('click', () => openMuteAll(muteAll, actions));
  const steer = iconButton('unlock', 'host.title', {
    class: 'btn icon',
    'data-testid': 'host-controls',
    'aria-haspopup': 'menu',
  });
  steer.addEventListener('click', () => openHostMenu(steer, actions, meetingNow, { above: true, beside: node }));
  const node = el(
    'aside',
    { class: 'panel', id: 'people', tLabel: 'people', tabindex: -1, 'data-testid': 'people-panel' },
    el(
      'div',
      { class: 'ph' },
      el('h2', {}, el('span', { t: 'people' }), count),
      iconButton('close', 'panel.close', { on: { click: () => actions.closePanel() } }),
    ),
    searchRow,
    panel,
    el(
      'div',
      { class: 'pfoot' },
      muteAll,
      button('copyLink', {
        icon: 'link',
        on: { click: () => latest?.meeting && void actions.copy(linkTo(latest.meeting.room), 'toast.linkCopied') },
      }),
      steer,
    ),
  );

  /** @param {HTMLElement} anchor @param {string} id */
  const openPerson = (anchor, id) => openPersonMenu(anchor, actions, meetingNow, id, { beside: node });

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    const { meeting } = state;
    if (!meeting || node.hidden) return;
    const all = roster(meeting);
    text(count, String(all.length));
    show(searchRow, all.length >= SEARCH_FROM || search.value !== '');
    const wanted = searchKey(search.value.trim());
    const matches = (/** @type {{display_name: string}} */ one) =>
      wanted === '' || searchKey(one.display_name).includes(wanted);
    drawWaiting(meeting, meeting.lobby.filter(matches));
    drawHands(meeting, wanted === '' ? hands(meeting) : []);
    const found = all.filter(matches);
    show(nobody, found.length === 0);
    keyed(everybody, found, (one) => one.id, makePerson, (row, one) => drawPerson(row, one, meeting, state));
    show(muteAll, may(meeting, 'mute') && meeting.seats.length > 0);
    show(steer, maySteer(meeting));
    drawSteer(steer, meeting.room.locked);
  }

  /** @param {Meeting} meeting @param {Waiting[]} lobby */
  function drawWaiting(meeting, lobby) {
    show(waitingSection, may(meeting, 'admit') && lobby.length > 0);
    text(waitingCount, String(lobby.length));
    keyed(
      waiting,
      lobby,
      (one) => one.id,
      (one) => waitingRow(actions, one.id),
      (row, one) => {
        const [face, who] = /** @type {HTMLElement[]} */ ([...row.children]);
        setAvatar(face, one.user.id, one.display_name);
        text(who.children[0], one.display_name);
        const kind = one.user.kind === 'guest' ? [t('role.guest')] : [];
        text(who.children[1], [...kind, since(one.since, meeting.skew)].join(' · '));
      },
    );
  }

  /** @param {Meeting} meeting @param {Participant[]} queue */
  function drawHands(meeting, queue) {
    show(handSection, queue.length > 0);
    const lowers = may(meeting, 'lower_hand');
    show(lowerAll, lowers);
    keyed(
      handList,
      queue,
      (one) => one.id,
      (one) => handRow(actions, one.id),
      (row, one, index) => {
        const [order, who, time, lower] = /** @type {HTMLElement[]} */ ([...row.children]);
        text(order, String(index + 1));
        text(who.children[0], one.display_name);
        text(time, since(one.hand_raised_at ?? '', meeting.skew));
        show(lower, lowers && one.id !== meeting.self);
      },
    );
  }

  /** @param {Participant} one */
  function makePerson({ id }) {
    const more = iconButton('more-v', 'more', { 'aria-haspopup': 'menu', 'data-testid': 'person-more' });
    more.addEventListener('click', () => openPerson(more, id));
    return el(
      'li',
      { class: 'prow', 'data-testid': 'person', 'data-participant': id },
      avatar(),
      el('div', { class: 'who' }, el('b', { dir: 'auto' }), el('span', { class: 'meta' })),
      el('span', { class: 'vh' }),
      icon('mic', 's'),
      more,
    );
  }

  let timer = 0;
  return {
    node,
    update,
    start() {
      // Waiting times and hands grow older without any frame.
      timer = window.setInterval(() => latest?.meeting?.panel === 'people' && update(latest), TICK_MS);
    },
    stop: () => clearInterval(timer),
  };
}

/**
 * @param {string} key
 * @param {HTMLElement | null} count
 * @param {HTMLElement | null} action
 * @param {HTMLElement} list
 */
function section(key, count, action, list) {
  const head = el('div', { class: 'sec' }, el('h3', { t: key }), count, el('span', { class: 'sp' }), action);
  return el('div', {}, head, list);
}

/** @param {import('../../flow/actions.js').Actions} actions @param {string} id */
function waitingRow(actions, id) {
  return el(
    'li',
    { class: 'prow', 'data-testid': 'waiting' },
    avatar(),
    el('div', { class: 'who' }, el('b', { dir: 'auto' }), el('span', { class: 'meta' })),
    iconButton('close', 'lobby.deny', { 'data-testid': 'deny', on: { click: () => void actions.deny([id]) } }),
    button('lobby.admit', {
      class: 'btn ok',
      'data-testid': 'admit',
      on: { click: () => void actions.admit([id]) },
    }),
  );
}

/** @param {import('../../flow/actions.js').Actions} actions @param {string} id */
function handRow(actions, id) {
  return el(
    'li',
    { class: 'prow', 'data-testid': 'hand-row' },
    el('span', { class: 'ord num' }),
    el('div', { class: 'who' }, el('b', { dir: 'auto' })),
    el('span', { class: 'meta num' }),
    iconButton('check', 'person.lowerHand', { on: { click: () => void actions.lowerHand(id) } }),
  );
}

/** Whether the meeting is locked is seen before the menu is opened. @param {HTMLElement} steer @param {boolean} locked */
function drawSteer(steer, locked) {
  const key = locked ? 'host.title.locked' : 'host.title';
  say(steer, key, 'tLabel');
  say(steer, key, 'tTitle');
  setIcon(/** @type {any} */ (steer.firstChild), locked ? 'lock' : 'unlock');
  steer.classList.toggle('on', locked);
}

/** @param {HTMLElement} row @param {Participant} one @param {Meeting} meeting @param {AppState} state */
function drawPerson(row, one, meeting, { devices }) {
  const [face, who, spoken, drawing, more] = row.children;
  setAvatar(/** @type {HTMLElement} */ (face), one.user.id, one.display_name);
  text(who.children[0], one.display_name);
  const self = one.id === meeting.self;
  text(who.children[1], about(one, self, meeting));
  const muted = self ? !(devices.microphone.wanted && devices.microphone.live) : isMuted(one);
  const talks = !muted && meeting.speakers.includes(one.id);
  setIcon(/** @type {any} */ (drawing), muted ? 'mic-off' : 'mic');
  attribute(drawing, 'class', `i s st ${muted ? 'mo' : talks ? 'talk' : ''}`);
  text(spoken, muted ? t('tile.muted') : '');
  attribute(more, 'aria-label', t('person.more', { name: one.display_name }));
}

/** "You · host" @param {Participant} one @param {boolean} self @param {Meeting} meeting */
function about(one, self, meeting) {
  const owner = one.user.id === meeting.room.owner?.id;
  return [
    self ? t('you.row') : '',
    owner ? t('role.owner') : one.role === 'member' ? '' : t(`role.${one.role}`),
    one.user.kind === 'guest' ? t('role.guest') : '',
    meeting.spotlight.includes(one.id) ? t('tile.spotlit') : '',
    one.connection === 'reconnecting' ? t('tile.reconnecting') : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
