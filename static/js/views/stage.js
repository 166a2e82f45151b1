/**
 * The stage: seats the tiles, moves them when somebody comes or goes, shows the shared screen, and tells
 * the call which pictures are wanted in which size.
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('../state/layout.js').Seat} Seat
 */

import { t } from '../i18n/index.js';
import { stageLayout } from '../state/layout.js';
import { cameraOf, hands, isMuted, sharedScreen } from '../state/meeting.js';
import { attribute, el, iconButton, keyed, show, text } from './dom.js';
import { invite } from './invite.js';
import { share } from './share.js';
import { tile } from './tile.js';

const SMALL = 220;
const PHONE = 768;
const ORDER_MS = 1000;
/** More pixels than twice the CSS size are not seen. */
const SHARPEST = 2;

/** @param {import('../flow/actions.js').Actions} actions */
export function stage(actions) {
  /** @type {AppState | null} */
  let latest = null;
  /** @type {WeakMap<HTMLElement, ReturnType<typeof tile>>} */
  const tiles = new WeakMap();
  const screen = share();
  const card = invite(actions);
  const pageText = el('span', { class: 'num' });
  let page = 0;
  const pager = el(
    'div',
    { class: 'pager' },
    iconButton('chev-left', 'page.previous', {
      class: '',
      on: { click: () => actions.turnPage(Math.max(0, page - 1)) },
    }),
    pageText,
    iconButton('chev-right', 'page.next', { class: '', on: { click: () => actions.turnPage(page + 1) } }),
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

  new ResizeObserver(() => {
    if (latest) draw(latest, false);
  }).observe(node);

  /** @param {AppState} state @param {boolean} moves whether tiles glide to their places */
  function draw(state, moves) {
    const { meeting, devices } = state;
    if (!meeting) return;
    const style = getComputedStyle(node);
    const size = (/** @type {string} */ name) => parseFloat(style.getPropertyValue(name)) || 0;
    const shown = sharedScreen(meeting);
    const layout = stageLayout({
      seats: meeting.seats,
      self: meeting.self,
      width: node.clientWidth,
      height: node.clientHeight,
      gap: size('--tile-gap'),
      tileMin: size('--tile-min'),
      strip: size('--strip-w'),
      phone: innerWidth < PHONE,
      page: meeting.page,
      presenter: shown?.participant ?? null,
      prefer: meeting.speakers.find((id) => id !== meeting.self) ?? null,
    });
    page = layout.page;
    const queue = hands(meeting).map((one) => one.id);

    keyed(
      seats,
      layout.tiles,
      (seat) => seat.id,
      (seat) => {
        const made = tile(seat.id);
        tiles.set(made.node, made);
        made.node.classList.add('fresh');
        return made.node;
      },
      (element, seat) => {
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
            muted: self ? !(devices.microphone.wanted && devices.microphone.live) : isMuted(participant),
            media: self ? actions.ownMedia('camera') : pictureOf(meeting, seat.id),
            small: seat.w < SMALL,
          },
          self ? () => {} : markFirstFrame,
        );
      },
      { stay: true },
    );

    const track = shown?.track ?? null;
    screen.update({
      box: layout.share,
      media: track !== null && track in meeting.live ? actions.mediaOf(track) : null,
      presenter: shown ? (meeting.participants[shown.participant]?.display_name ?? '') : '',
    });
    node.classList.toggle('sharing', layout.share !== null);
    show(pager, layout.pages > 1);
    text(pageText, `${layout.page + 1} / ${layout.pages}`);
    pager.style.right = layout.share && innerWidth >= 980 ? `${size('--strip-w') + 20}px` : '';
    card.update(state);
    show(card.node, meeting.seats.length === 0 && meeting.panel === null);
    attribute(node, 'aria-label', t('people.count', { n: meeting.seats.length + 1 }));
    if (!shown) actions.firstPageHolds(layout.pages > 1 ? layout.tiles.length - 1 || 1 : Infinity);
    wish(wishes(meeting, layout.tiles, shown, layout.share));
  }

  let wished = '';
  let later = 0;

  /** @param {import('../client/protocol.d.ts').Tile[]} tiles */
  function wish(tiles) {
    const sizes = tiles.map(({ track, width, height }) => `${track} ${width} ${height}`).join();
    clearTimeout(later);
    // A new picture is wanted at once. Who speaks only changes the order, and voices come and go quickly.
    if (sizes !== wished) actions.view(tiles);
    else later = window.setTimeout(() => actions.view(tiles), ORDER_MS);
    wished = sizes;
  }

  /** @param {Meeting} meeting @param {string} id */
  function pictureOf(meeting, id) {
    const one = meeting.participants[id];
    const camera = one && cameraOf(one);
    return camera && camera.id in meeting.live ? actions.mediaOf(camera.id) : null;
  }

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    draw(state, true);
  }
  return { node, update };
}

/**
 * The pictures that can be seen, in device pixels. The screen comes first, then those who speak.
 * @param {Meeting} meeting
 * @param {Seat[]} seats
 * @param {{participant: string, track: string} | null} shown
 * @param {import('../state/layout.js').Box | null} box
 */
function wishes(meeting, seats, shown, box) {
  const sharp = Math.min(SHARPEST, devicePixelRatio || 1);
  const wish = (
    /** @type {string} */ track,
    /** @type {number} */ w,
    /** @type {number} */ h,
    /** @type {number} */ priority,
  ) => ({
    track,
    width: Math.max(1, Math.round(w * sharp)),
    height: Math.max(1, Math.round(h * sharp)),
    priority,
  });
  const list = shown && box ? [wish(shown.track, box.w, box.h, 100)] : [];
  for (const seat of seats) {
    const one = meeting.participants[seat.id];
    const camera = one && cameraOf(one);
    if (camera && seat.id !== meeting.self) {
      list.push(wish(camera.id, seat.w, seat.h, meeting.speakers.includes(seat.id) ? 50 : 10));
    }
  }
  return list;
}

/** How long people wait for each other: from the press on Join to the first picture of somebody else. */
function markFirstFrame() {
  const marked = performance.getEntriesByName('meeting:first-remote-frame').length > 0;
  if (!marked) performance.mark('meeting:first-remote-frame');
}

/**
 * On whole pixels, because fractions let a thin line of the picture shine through beside the tab.
 * @param {Seat} seat
 * @returns {Seat}
 */
function whole(seat) {
  const x = Math.round(seat.x);
  const y = Math.round(seat.y);
  return { ...seat, x, y, w: Math.round(seat.x + seat.w) - x, h: Math.round(seat.y + seat.h) - y };
}

/** @type {WeakMap<HTMLElement, Seat>} */
const places = new WeakMap();

/**
 * Sets size and place at once and then lets the tile glide from where it was, by transform alone.
 * @param {HTMLElement} element
 * @param {Seat} seat
 * @param {boolean} glides
 */
function place(element, seat, glides) {
  const before = places.get(element);
  if (before && before.x === seat.x && before.y === seat.y && before.w === seat.w && before.h === seat.h) return;
  places.set(element, seat);
  const here = `translate(${seat.x}px, ${seat.y}px)`;
  element.style.width = `${seat.w}px`;
  element.style.height = `${seat.h}px`;
  element.style.transform = here;
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  if (!before) {
    element.animate(
      [
        { opacity: 0, transform: `${here} scale(.96)` },
        { opacity: 1, transform: here },
      ],
      {
        duration: 220,
        easing: 'cubic-bezier(.2,.8,.2,1)',
      },
    );
  } else if (glides) {
    const from = `translate(${before.x}px, ${before.y}px) scale(${before.w / seat.w}, ${before.h / seat.h})`;
    element.animate([{ transform: from }, { transform: here }], { duration: 220, easing: 'cubic-bezier(.2,.8,.2,1)' });
  }
}
