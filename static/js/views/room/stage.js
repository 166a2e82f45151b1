/**
 * The stage. It places the tiles, moves them when somebody comes or goes, shows the shared screen, and tells the call which
 * pictures are wanted in which size.
 *
 * Nothing covers a shared screen. Messages that stay for long (sharing, blocked sound) have their own line above the stage.
 * Messages that come and go (a loss, a chat message) are beside a shared screen or below it, and move no tile. The tiles have
 * the same order in the document as on the stage, see order.js.
 *
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../state/layout.js').StageLayout} StageLayout
 */

import { t } from '../../i18n/index.js';
import { stageLayout } from '../../state/layout.js';
import { isOn } from '../../state/own-media.js';
import { cameraOf, hands, isMuted, large, sharedScreen, sharedScreens } from '../../state/people.js';
import { attribute, el, iconButton, keyed, show, text } from '../kit/dom.js';
import { openConnection } from './connection-card.js';
import { invite } from './invite.js';
import { inOrder } from './order.js';
import { openPersonMenu } from './person-menu.js';
import { neighbour, place, whole } from './place.js';
import { rise } from './reactions.js';
import { share } from './share.js';
import { tile } from './tile.js';
import { apart, watchSharpness, viewRequests } from './view-requests.js';

const SMALL = 220;
const PHONE = 768;
const WATCH_MS = 1000;

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {{screenAt: (box: import('../../state/layout.js').Box | null, beside: boolean) => void}} io
 *   told where a shared screen is, and whether the tiles stand beside it
 */
export function stage(actions, { screenAt }) {
  /** @type {AppState | null} */
  let latest = null;
  /** @type {WeakMap<HTMLElement, ReturnType<typeof tile>>} */
  const tiles = new WeakMap();
  const screen = share(actions.showScreen, () => latest && draw(latest, true));
  const card = invite(actions);
  const pageText = el('span', { class: 'num' });
  let page = 0;
  const pager = el(
    'div',
    { class: 'pager', 'data-testid': 'pager' },
    iconButton('chev-left', 'page.previous', {
      class: '',
      'data-testid': 'page-previous',
      on: { click: () => actions.turnPage(Math.max(0, page - 1)) },
    }),
    pageText,
    iconButton('chev-right', 'page.next', {
      class: '',
      'data-testid': 'page-next',
      on: { click: () => actions.turnPage(page + 1) },
    }),
  );
  const seats = el('div', { class: 'seats' });
  const node = el(
    'main',
    { class: 'stage', tabindex: -1, 'data-testid': 'stage' },
    screen.node,
    seats,
    card.node,
    pager,
  );
  const redraw = () => void (latest && draw(latest, false));
  new ResizeObserver(redraw).observe(node);
  watchSharpness(redraw);

  /** @param {Meeting} meeting @param {string | null} presenter */
  function layOut(meeting, presenter) {
    const style = getComputedStyle(node);
    const size = (/** @type {string} */ name) => parseFloat(style.getPropertyValue(name)) || 0;
    return stageLayout({
      seats: meeting.seats,
      self: meeting.hideSelf && meeting.seats.length > 0 ? null : meeting.self,
      width: node.clientWidth,
      height: node.clientHeight,
      gap: size('--tile-gap'),
      tileMin: size('--tile-min'),
      strip: size('--strip-w'),
      phone: innerWidth < PHONE,
      page: meeting.page,
      presenter,
      hands: hands(meeting).map((one) => one.id),
      mains: large(meeting),
      prefer: meeting.speakers.find((id) => id !== meeting.self) ?? null,
      speaker: meeting.main,
      screenRatio: screen.ratio(),
    });
  }

  /** @param {AppState} state @param {boolean} moves whether tiles glide to their places */
  function draw(state, moves) {
    const { meeting } = state;
    if (!meeting) return;
    const shown = sharedScreen(meeting);
    const layout = layOut(meeting, shown?.participant ?? null);
    page = layout.page;
    // This comes first, because a tile shows whether its picture is asked for smaller than it is drawn.
    actions.view(viewRequests(meeting, layout.tiles, shown, layout.share && screen.drawn(layout.share)));
    drawTiles(state, meeting, layout, moves);
    const track = shown?.track ?? null;
    screen.update({
      box: layout.share,
      media: track !== null && track in meeting.live ? actions.mediaOf(track) : null,
      why: track === null ? null : actions.whyOf(track, true),
      presenter: shown ? (meeting.names[shown.participant] ?? '') : '',
      screens: sharedScreens(meeting).map(({ participant }) => ({
        participant,
        name: meeting.names[participant] ?? '',
        shown: participant === shown?.participant,
      })),
    });
    screenAt(layout.share, layout.share !== null && layout.share.w < node.clientWidth);
    const mains = layout.tiles.some((seat) => seat.main);
    node.classList.toggle('sharing', layout.share !== null || mains);
    show(pager, layout.pages > 1);
    text(pageText, `${layout.page + 1} / ${layout.pages}`);
    card.update(state);
    // A person is not the first one when others wait to come in.
    const isFirst = meeting.seats.length === 0 && meeting.lobby.length === 0;
    show(card.node, isFirst && meeting.panel === null);
    attribute(node, 'aria-label', t('people.count', { n: meeting.seats.length + 1 }));
    if (!shown && !mains) actions.firstPageHolds(layout.pages > 1 ? layout.tiles.length - 1 || 1 : Infinity);
    drawReactions(meeting);
  }

  /** @param {AppState} state @param {Meeting} meeting @param {StageLayout} layout @param {boolean} moves */
  function drawTiles(state, meeting, layout, moves) {
    const queue = hands(meeting).map((one) => one.id);
    /** @type {HTMLElement[]} */
    const drawn = [];
    keyed(
      seats,
      layout.tiles,
      (seat) => seat.id,
      (seat) => makeTile(seat.id),
      (element, seat) => {
        drawn.push(element);
        const participant = meeting.participants[seat.id];
        if (!participant) return;
        const self = seat.id === meeting.self;
        place(element, whole(seat), moves && !element.classList.contains('fresh'));
        element.classList.remove('fresh');
        element.classList.toggle('float', seat.float === true);
        tiles.get(element)?.update(
          {
            participant,
            self,
            speaking: meeting.link === 'online' && meeting.speakers.includes(seat.id),
            hand: queue.indexOf(seat.id) + 1,
            // A source that does not reach the others is shown as off.
            muted: self ? !isOn(state, 'microphone') : isMuted(participant),
            media: self ? (isOn(state, 'camera') ? actions.ownMedia('camera') : null) : pictureOf(meeting, seat.id),
            ratio: seat.w / Math.max(1, seat.h),
            small: seat.w < SMALL,
            pinned: meeting.pin === seat.id,
            spotlit: meeting.spotlight.includes(seat.id),
            score: meeting.quality[seat.id]?.score ?? 3,
            why: self ? null : actions.whyOf(cameraOf(participant)?.id),
          },
          self ? () => {} : markFirstFrame,
        );
      },
      { stay: true },
    );
    inOrder(seats, drawn);
    // One tab stop for all tiles; the arrows walk between them.
    const all = allTiles();
    if (!all.some((one) => one.tabIndex === 0)) stop(all[0]);
  }

  /** @param {string} id */
  function makeTile(id) {
    const made = tile(id, {
      pin: () => actions.pin(latest?.meeting?.pin === id ? null : id),
      more: (anchor) => openPerson(anchor, id),
      why: (anchor) => openConnection(anchor, actions, () => latest?.meeting ?? null, id, {}),
    });
    tiles.set(made.node, made);
    made.node.classList.add('fresh');
    made.node.addEventListener('keydown', (event) => pressed(event, made.node, id));
    made.node.addEventListener('focus', () => stop(made.node));
    made.node.addEventListener('click', (event) => {
      // A finger cannot hover, so a tap opens the menu.
      const touched = matchMedia('(hover: none)').matches;
      if (touched && !(/** @type {Element} */ (event.target).closest('.acts, .why'))) openPerson(made.node, id);
    });
    return made.node;
  }

  /** @param {HTMLElement} anchor @param {string} id */
  function openPerson(anchor, id) {
    // A tile is large, so its menu opens at the button.
    openPersonMenu(anchor, actions, () => latest?.meeting ?? null, id, { at: anchor.querySelector('.acts') });
  }

  /** @param {KeyboardEvent} event @param {HTMLElement} from @param {string} id */
  function pressed(event, from, id) {
    if (event.target !== from) return;
    if (event.key === 'Enter') openPerson(from, id);
    else {
      const next = neighbour(allTiles(), from, event.key);
      if (!next) return;
      next.focus();
    }
    event.preventDefault();
  }

  /** @param {HTMLElement | undefined} tile */
  function stop(tile) {
    for (const one of allTiles()) one.tabIndex = one === tile ? 0 : -1;
  }

  function allTiles() {
    return /** @type {HTMLElement[]} */ ([...seats.children]);
  }

  let risen = 0;

  /** @param {Meeting} meeting */
  function drawReactions({ reactions, names }) {
    for (const { key, participant, emoji } of reactions) {
      if (key <= risen) continue;
      risen = key;
      const at = allTiles().find((one) => one.dataset.participant === participant);
      rise(at ?? node, emoji, names[participant] ?? '');
    }
  }

  /** @param {Meeting} meeting @param {string} id */
  function pictureOf(meeting, id) {
    const track = camera(meeting, id)?.id;
    // A camera that is no longer asked for shows a still picture until the server knows about it.
    if (track === undefined || actions.whyOf(track)?.cause === 'sound') return null;
    return track in meeting.live ? actions.mediaOf(track) : null;
  }

  /**
   * What a small window over other work should show. A picture that is wanted there and does not come yet is asked for.
   * @returns {{
   *   media: MediaStreamTrack | null, name: string, user: string,
   *   viewRequest: ((size: {w: number, h: number}) => import('../../state/viewing.js').ViewRequest) | null,
   * }} user: decides the colour without a picture · viewRequest: what to ask for, in a window of that size
   */
  function main() {
    const meeting = latest?.meeting;
    if (!meeting) return { media: null, name: '', user: '', viewRequest: null };
    const user = (/** @type {string} */ one) => meeting.participants[one]?.user.id ?? '';
    const shown = sharedScreen(meeting);
    if (shown) {
      const { participant, track } = shown;
      const media = track in meeting.live ? actions.mediaOf(track) : null;
      const viewRequest = (/** @type {{w: number, h: number}} */ size) => apart(track, size, true);
      return { media, name: meeting.names[participant] ?? '', user: user(participant), viewRequest };
    }
    const wanted = [...large(meeting), ...meeting.speakers, ...meeting.seats].filter((id) => id !== meeting.self);
    const first = wanted.find((one) => camera(meeting, one) !== undefined);
    const id = [first, ...wanted].find((one) => one !== undefined && pictureOf(meeting, one) !== null) ?? first ?? wanted[0] ?? meeting.self;
    const media = id === meeting.self ? actions.ownMedia('camera') : pictureOf(meeting, id);
    const track = first === undefined ? undefined : camera(meeting, first)?.id;
    const viewRequest = track === undefined ? null : (/** @type {{w: number, h: number}} */ size) => apart(track, size, false);
    return { media, name: meeting.names[id] ?? '', user: user(id), viewRequest };
  }

  /** @param {Meeting} meeting @param {string} id */
  function camera(meeting, id) {
    const one = meeting.participants[id];
    return one && cameraOf(one);
  }

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    draw(state, true);
  }
  let timer = 0;
  return {
    node,
    update,
    main,
    start() {
      timer = window.setInterval(() => {
        for (const one of allTiles()) tiles.get(one)?.watch(performance.now());
      }, WATCH_MS);
    },
    stop: () => clearInterval(timer),
    /** Gives the focus to the tiles. */
    focus() {
      (allTiles().find((one) => one.tabIndex === 0) ?? node).focus();
    },
  };
}

/** How long people wait for each other: from the press on Join to the first picture of somebody else. */
function markFirstFrame() {
  const marked = performance.getEntriesByName('meeting:first-remote-frame').length > 0;
  if (!marked) performance.mark('meeting:first-remote-frame');
}
