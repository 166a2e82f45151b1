/**
 * The list of the person's rooms, with search and pages once there are many.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 * @typedef {import('../../client/protocol.d.ts').Visit} Visit
 */

import { clock, longDay, t } from '../../i18n/index.js';
import { PAGE_SIZE } from '../../flow/home.js';
import { at, linkAt, roomPath } from '../../place.js';
import { daysUntil } from '../../state/schedule.js';
import { threes } from '../../state/text.js';
import { attribute, button, el, iconButton, keyed, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { openMenu } from '../kit/menu.js';
import { openAttendance, openBans, openDeleteDialog, openInvites, openRoomDialog } from '../dialogs.js';

/** A search is sent when typing pauses this long. */
const TYPING_MS = 250;
/** Rooms of one's own, and rooms of anybody's that one has been in. @type {('mine' | 'joined')[]} */
const SCOPES = ['mine', 'joined'];

/** @param {import('../../flow/actions.js').Actions} actions */
export function roomList(actions) {
  /** @type {Map<string, Room>} */
  const byIdentity = new Map();
  /** @type {Map<string, Visit>} */
  const visits = new Map();
  let timer = 0;
  let user = '';
  const search = el('input', {
    class: 'inp',
    type: 'search',
    tPlaceholder: 'rooms.search',
    tLabel: 'rooms.search',
    'data-testid': 'room-search',
    on: {
      input: () => {
        clearTimeout(timer);
        timer = window.setTimeout(() => void actions.loadRooms({ page: 1, keyword: search.value.trim() }), TYPING_MS);
      },
    },
  });
  const scopes = SCOPES.map((scope) =>
    el('button', {
      type: 'button',
      t: `rooms.scope.${scope}`,
      'data-testid': `rooms-${scope}`,
      on: { click: () => void actions.loadRooms({ page: 1, scope }) },
    }),
  );
  const list = el('ul', { class: 'card rooms', 'data-testid': 'rooms' });
  const emptyText = el('p', { class: 'muted' });
  const empty = el('div', { class: 'card empty' }, emptyText);
  const pageText = el('span', { class: 'num meta' });
  let page = 1;
  const back = iconButton('chev-left', 'page.previous', {
    on: { click: () => void actions.loadRooms({ page: page - 1 }) },
  });
  const forth = iconButton('chev-right', 'page.next', {
    on: { click: () => void actions.loadRooms({ page: page + 1 }) },
  });
  const pages = el('div', { class: 'pages' }, back, pageText, forth);
  const node = el(
    'section',
    {},
    el(
      'div',
      { class: 'shd' },
      el('h2', { t: 'home.rooms' }),
      search,
      el('div', { class: 'scopes', role: 'group', tLabel: 'home.rooms' }, ...scopes),
    ),
    list,
    empty,
    pages,
  );

  /** @param {Room} first */
  function row({ identity }) {
    const room = () => /** @type {Room} */ (byIdentity.get(identity));
    const more = iconButton('more', 'rooms.settings', {
      class: 'btn icon',
      'aria-haspopup': 'menu',
      'data-testid': 'room-more',
      on: { click: () => openRowMenu(more, room()) },
    });
    const name = el('a', { class: 'go', href: roomPath(identity) });
    name.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void actions.openRoom(identity);
    });
    return el(
      'li',
      { class: 'rrow', 'data-testid': 'room', 'data-identity': identity },
      el(
        'div',
        {},
        el('div', { class: 'nm' }, name, el('span', { class: 'chips' })),
        el('div', { class: 'meta' }, el('span', { class: 'num' }), el('span'), el('span'), el('span'), el('span')),
      ),
      el(
        'div',
        { class: 'tls' },
        iconButton('link', 'copyLink', {
          class: 'btn icon hide',
          'data-testid': 'copy-link',
          on: { click: () => void actions.copy(linkTo(room()), 'toast.linkCopied') },
        }),
        more,
      ),
      button('enter', {
        class: 'btn hide',
        'data-testid': 'enter',
        on: { click: () => void actions.openRoom(identity) },
      }),
    );
  }

  /** @param {HTMLElement} anchor @param {Room} room */
  function openRowMenu(anchor, room) {
    openMenu(anchor, [
      { label: t('copyLink'), icon: 'link', run: () => void actions.copy(linkTo(room), 'toast.linkCopied') },
      ...(room.number === null
        ? []
        : [
            {
              label: t('copyNumber'),
              icon: 'copy',
              run: () => void actions.copy(threes(room.number), 'toast.numberCopied'),
            },
          ]),
      ...(room.begin_at === null
        ? []
        : [{ label: t('calendar.add'), icon: 'calendar', testid: 'room-calendar', run: () => openCalendar(room) }]),
      ...(isOwn(room) ? ownerItems(room) : []),
    ]);
  }

  /** @param {Room} room @returns {import('../kit/menu.js').Item[]} */
  function ownerItems(room) {
    return [
      'line',
      { label: t('edit'), icon: 'settings', testid: 'room-edit', run: () => openRoomDialog(actions, room) },
      {
        label: t('invites.title'),
        icon: 'people',
        testid: 'room-invites',
        run: () => void openInvites(actions, room.identity),
      },
      {
        label: t('attendance.title'),
        icon: 'clock',
        testid: 'room-attendance',
        run: () => void openAttendance(actions, room.identity),
      },
      { label: t('bans.title'), icon: 'lock', testid: 'room-bans', run: () => void openBans(actions, room.identity) },
      'line',
      {
        label: t('delete'),
        icon: 'remove',
        danger: true,
        testid: 'room-delete',
        run: () => openDeleteDialog(actions, room),
      },
    ];
  }

  /** @param {Room} room */
  function isOwn(room) {
    return room.owner.id === user;
  }

  /** @param {HTMLElement} node @param {Room} room */
  function drawRow(node, room) {
    const [about] = node.children;
    const [title, meta] = about.children;
    text(title.children[0], room.name);
    drawChips(/** @type {HTMLElement} */ (title.children[1]), room);
    text(meta.children[0], threes(room.number));
    text(meta.children[1], nextTime(room));
    text(meta.children[2], isOwn(room) ? '' : t('rooms.of', { name: room.owner.display_name }));
    const visit = visits.get(room.identity);
    text(meta.children[3], visit && !isOwn(room) && visit.role !== 'member' ? t(`rooms.visit.${visit.role}`) : '');
    text(meta.children[4], visit ? lastThere(visit) : '');
  }

  /** @param {AppState} state */
  function update({ home, user: self }) {
    user = self?.id ?? '';
    for (const [k, scope] of SCOPES.entries()) attribute(scopes[k], 'aria-pressed', String(home.scope === scope));
    byIdentity.clear();
    visits.clear();
    for (const visit of home.visits) visits.set(visit.room, visit);
    for (const room of home.rooms) byIdentity.set(room.identity, room);
    page = home.page;
    keyed(list, home.rooms, (room) => room.identity, row, drawRow);
    const none = home.rooms.length === 0;
    show(list, !none);
    show(empty, none && home.loaded);
    text(emptyText, home.keyword === '' ? t(`rooms.none.${home.scope}`) : t('rooms.notFound', { keyword: home.keyword }));
    show(search, home.total > PAGE_SIZE || home.keyword !== '' || document.activeElement === search);
    const last = Math.max(1, Math.ceil(home.total / PAGE_SIZE));
    show(pages, last > 1);
    text(pageText, `${home.page} / ${last}`);
    back.disabled = home.page <= 1;
    forth.disabled = home.page >= last;
  }
  return { node, update };
}

/** @param {HTMLElement} node @param {Room} room */
function drawChips(node, room) {
  const chips = [];
  if (room.participants > 0) chips.push({ key: 'live', icon: '', label: t('rooms.inNow', { n: room.participants }) });
  if (room.locked) chips.push({ key: 'lock', icon: 'lock', label: t('chip.locked') });
  if (room.has_password) chips.push({ key: 'lock', icon: 'lock', label: t('chip.password') });
  if (!room.guests) chips.push({ key: 'accounts', icon: 'user', label: t('door.accounts') });
  if (room.lobby) chips.push({ key: 'warn', icon: 'clock', label: t(room.waiting === 'guests' ? 'door.guestsAsk' : 'door.ask') });
  if (room.state === 'ended') chips.push({ key: '', icon: '', label: t('chip.ended') });
  keyed(
    node,
    chips,
    (chip) => chip.key + chip.icon + chip.label,
    (chip) =>
      el(
        'span',
        { class: `chip ${chip.key}` },
        chip.icon ? icon(chip.icon, 'xs') : chip.key === 'live' ? el('i', { class: 'dot' }) : null,
        chip.label,
      ),
    () => {},
  );
  attribute(node, 'class', 'chips');
}

/** When one was there last: "last there Tuesday, 3 November, 14:00 to 15:00". @param {Visit} visit */
function lastThere({ joined_at, left_at }) {
  if (joined_at === null) return '';
  const from = { day: longDay(joined_at), from: clock(joined_at) };
  return left_at === null ? t('rooms.visit.since', from) : t('rooms.visit', { ...from, to: clock(left_at) });
}

/** @param {Room} room */
function nextTime(room) {
  if (room.next === null) return t('rooms.notPlanned');
  const { begin_at } = room.next;
  if (Date.parse(begin_at) <= Date.now()) return t('rooms.next.now', { time: clock(begin_at) });
  const days = daysUntil(Date.parse(begin_at), Date.now());
  const time = clock(begin_at);
  if (days > 1) return t('rooms.next', { day: longDay(begin_at), time });
  return t(days === 1 ? 'rooms.next.tomorrow' : 'rooms.next.today', { time });
}

/** @param {{identity: string}} room */
export function linkTo(room) {
  return linkAt(`r/${room.identity}`);
}

/** Where the room's meetings are offered as a calendar entry (RFC 5545). @param {{identity: string}} room */
export function calendarOf(room) {
  return at(`r/${room.identity}/calendar.ics`);
}

/** @param {{identity: string}} room */
function openCalendar(room) {
  el('a', { href: calendarOf(room), download: '' }).click();
}
