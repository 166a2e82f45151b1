/**
 * Who is here: raised hands in their order, then everybody.
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/meeting.js').Participant} Participant
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 */

import { t } from '../i18n/index.js';
import { hands, isMuted, roster } from '../state/meeting.js';
import { avatar, setAvatar } from './avatar.js';
import { attribute, button, el, iconButton, keyed, show, text } from './dom.js';
import { icon, setIcon } from './icons.js';
import { linkTo } from './rooms.js';

/** With fewer people one sees everybody anyway. */
const SEARCH_FROM = 12;

/** @param {import('../flow/actions.js').Actions} actions */
export function people(actions) {
  /** @type {AppState | null} */
  let latest = null;
  const count = el('span', { class: 'meta num' });
  const search = el('input', {
    class: 'inp',
    type: 'search',
    tPlaceholder: 'people.search',
    tLabel: 'people.search',
    on: { input: () => latest && update(latest) },
  });
  const searchRow = el('div', { class: 'psearch' }, search);
  const handList = el('ol');
  const handSection = el('div', {}, el('div', { class: 'sec', t: 'people.hands' }), handList);
  const everybody = el('ul', { 'data-testid': 'people-list' });
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
    el('div', { class: 'scroll' }, handSection, el('div', { class: 'sec', t: 'people.here' }), everybody),
    el(
      'div',
      { class: 'pfoot' },
      button('copyLink', {
        icon: 'link',
        on: { click: () => latest?.meeting && void actions.copy(linkTo(latest.meeting.room), 'toast.linkCopied') },
      }),
    ),
  );

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    const { meeting } = state;
    if (!meeting) return;
    const all = roster(meeting);
    text(count, String(all.length));
    show(searchRow, all.length >= SEARCH_FROM || search.value !== '');
    const wanted = search.value.trim().toLocaleLowerCase();
    const found = wanted === '' ? all : all.filter((one) => one.display_name.toLocaleLowerCase().includes(wanted));
    const queue = hands(meeting);
    show(handSection, queue.length > 0 && wanted === '');
    keyed(
      handList,
      queue,
      (one) => one.id,
      handRow,
      (row, one, index) => {
        text(row.children[0], String(index + 1));
        text(row.children[1].children[0], one.display_name);
      },
    );
    keyed(
      everybody,
      found,
      (one) => one.id,
      personRow,
      (row, one) => drawPerson(row, one, meeting, state),
    );
  }
  return { node, update };
}

function handRow() {
  return el(
    'li',
    { class: 'prow' },
    el('span', { class: 'ord num' }),
    el('div', { class: 'who' }, el('b', { dir: 'auto' })),
  );
}

/** @param {Participant} one */
function personRow({ id }) {
  const microphone = icon('mic', 's');
  return el(
    'li',
    { class: 'prow', 'data-testid': 'person', 'data-participant': id },
    avatar(),
    el('div', { class: 'who' }, el('b', { dir: 'auto' }), el('span', { class: 'meta' })),
    el('span', { class: 'vh' }),
    microphone,
  );
}

/** @param {HTMLElement} row @param {Participant} one @param {Meeting} meeting @param {AppState} state */
function drawPerson(row, one, meeting, { devices }) {
  const [face, who, spoken, drawing] = row.children;
  setAvatar(/** @type {HTMLElement} */ (face), one.user.id, one.display_name);
  text(who.children[0], one.display_name);
  const self = one.id === meeting.self;
  text(who.children[1], about(one, self));
  const muted = self ? !(devices.microphone.wanted && devices.microphone.live) : isMuted(one);
  const talks = !muted && meeting.speakers.includes(one.id);
  setIcon(/** @type {any} */ (drawing), muted ? 'mic-off' : 'mic');
  attribute(drawing, 'class', `i s st ${muted ? 'mo' : talks ? 'talk' : ''}`);
  text(spoken, muted ? t('tile.muted') : '');
}

/** "You · host" @param {Participant} one @param {boolean} self */
function about(one, self) {
  return [
    self ? t('you.row') : '',
    one.role === 'member' ? '' : t(`role.${one.role}`),
    one.user.kind === 'guest' ? t('role.guest') : '',
    one.connection === 'reconnecting' ? t('tile.reconnecting') : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
