/**
 * One person on the stage: picture or avatar, and the corner tab with the name.
 * @typedef {import('../../state/meeting.js').Participant} Participant
 * @typedef {{
 *   participant: Participant, self: boolean, speaking: boolean, hand: number, muted: boolean,
 *   media: MediaStreamTrack | null, ratio: number, small: boolean, pinned: boolean, spotlit: boolean, score: number,
 *   why: import('../../state/clarity.js').Why | null,
 * }} TileState  why: the picture is not as sharp as it could be, or does not move · ratio: of the tile, width to height · hand: place in the queue, 0 for none · score: of the connection, 3 is good
 */

import { t } from '../../i18n/index.js';
import { sentenceOf } from '../../state/clarity.js';
import { levelBars } from '../kit/art.js';
import { avatar, setAvatar, setHue } from '../kit/avatar.js';
import { attribute, el, iconButton, say, show, text } from '../kit/dom.js';
import { icon, setIcon, svg } from '../kit/icons.js';
import { playTrack } from '../kit/video.js';

/** An upright picture in a wide tile that would lose more than this share of its height is shown whole instead. */
const MOST_CROPPED = 0.3;
/** A sound shorter than this is no speech, */
const SPEECH_AFTER_MS = 120;
/** and a pause shorter than this does not end one: the ring must not flicker between words. */
const SPEECH_HOLD_MS = 500;
/** A picture that stands still this long is said to stand still. */
const FROZEN_MS = 3000;
const GOOD = 3;
/** A picture that is blurry for a moment, as when it grows, needs no explanation. */
const EXPLAINED_MS = 2000;

/**
 * @param {string} id of the participant
 * @param {{pin: () => void, more: (anchor: HTMLElement) => void, why: (anchor: HTMLElement) => void}} does
 */
export function tile(id, does) {
  const face = avatar();
  const video = el('video', { class: 'cam', autoplay: true, muted: true, playsInline: true });
  const muted = icon('mic-off');
  muted.classList.add('mo');
  const bars = levelBars();
  const name = el('span', { class: 'nm', dir: 'auto' });
  const you = el('span', { class: 'you', t: 'you' });
  const pinned = icon('pin', 'xs');
  const signal = signalBars();
  const order = el('span', { class: 'num' });
  const away = el('div', { class: 'slow gone', t: 'tile.reconnecting', 'data-testid': 'tile-reconnecting' });
  const slow = el('div', { class: 'slow', 'data-testid': 'tile-still' });
  const why = el(
    'button',
    { type: 'button', class: 'why', tabindex: -1, hidden: true, 'data-testid': 'tile-why', on: { click: () => does.why(why) } },
    icon('info', 's'),
  );
  const flag = el('div', { class: 'flag' }, icon('hand', 's'), order);
  // By keyboard the tile itself opens the menu; these are for the mouse.
  const pin = iconButton('pin', 'person.pin', { class: '', tabindex: -1, on: { click: does.pin } });
  const more = iconButton('more-v', 'more', { class: '', tabindex: -1, on: { click: () => does.more(more) } });
  const acts = el('div', { class: 'acts' }, pin, more);
  const node = el(
    'article',
    { class: 'tile', tabindex: -1, 'data-testid': 'tile', 'data-participant': id },
    face,
    video,
    slow,
    away,
    flag,
    acts,
    el('div', { class: 'tab' }, muted, bars, name, you, pinned, signal, why),
  );
  /** @type {TileState | null} */
  let latest = null;

  /** The tile's shape is known: asking the document for it would make it lay itself out for every tile. */
  function fit() {
    const shown = latest?.ratio ?? 1;
    const sent = video.videoWidth / Math.max(1, video.videoHeight);
    // Losing the sides of a wide picture leaves the face; losing top and bottom of an upright one does not.
    video.classList.toggle('whole', sent > 0 && sent / shown < 1 - MOST_CROPPED);
  }

  let voice = false;
  let timer = 0;

  /** @param {boolean} speaking */
  function speak(speaking) {
    if (speaking === voice) return;
    voice = speaking;
    clearTimeout(timer);
    timer = window.setTimeout(
      () => node.classList.toggle('speaking', speaking),
      speaking ? SPEECH_AFTER_MS : SPEECH_HOLD_MS,
    );
  }
  video.addEventListener('resize', fit);

  let frames = 0;
  let movedAt = 0;
  let frozen = false;

  /** Looks whether the picture still moves. @param {number} now milliseconds */
  function watch(now) {
    const drawn = video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
    const runs =
      latest !== null && latest.media !== null && !latest.self && !latest.why?.still && node.classList.contains('seen');
    if (!runs || drawn !== frames || document.hidden) movedAt = now;
    frames = drawn;
    explain(now);
    const stands = runs && now - movedAt >= FROZEN_MS;
    if (stands === frozen) return;
    frozen = stands;
    node.classList.toggle('frozen', frozen);
    if (!latest) return;
    drawSignal(latest);
    attribute(node, 'aria-label', label(latest, frozen));
  }

  let blurrySince = 0;

  /** @param {number} now milliseconds */
  function explain(now) {
    const cause = latest?.why;
    if (!latest || !cause || cause.still) blurrySince = now;
    if (!latest || !cause) return show(why, false);
    // A small tile has no room for the words of a picture that stands still.
    const shown = cause.still ? latest.small : now - blurrySince >= EXPLAINED_MS;
    show(why, shown);
    if (!shown) return;
    const words = cause.still ? sentence(latest) : `${t('why.blurry')} ${sentence(latest)}`;
    for (const name of ['aria-label', 'title']) attribute(why, name, words);
  }

  /** @param {TileState} state */
  function drawSignal({ score, participant }) {
    const shown = participant.connection === 'reconnecting' ? 0 : frozen ? 1 : score;
    show(/** @type {any} */ (signal), shown < GOOD);
    signal.style.display = shown < GOOD ? '' : 'none';
    attribute(signal, 'class', `bars q${shown}`);
  }

  /** @param {TileState} state @param {() => void} onframe the first frame of a picture was drawn */
  function update(state, onframe) {
    latest = state;
    const { participant, self, speaking, hand, media } = state;
    node.classList.toggle('me', self);
    speak(speaking);
    node.classList.toggle('small', state.small);
    node.classList.toggle('off', !media);
    const isAway = participant.connection === 'reconnecting';
    show(away, isAway);
    show(slow, state.why?.still === true && !isAway);
    text(slow, sentence(state));
    if (!state.why) show(why, false);
    node.classList.toggle('away', isAway);
    playTrack(video, node, media, onframe);
    setHue(node, participant.user.id);
    setAvatar(face, participant.user.id, participant.display_name);
    text(name, participant.display_name);
    show(you, self);
    muted.style.display = state.muted ? '' : 'none';
    show(bars, !state.muted);
    show(flag, hand > 0);
    node.classList.toggle('flagged', hand > 0);
    text(order, String(hand));
    pinned.style.display = state.pinned || state.spotlit ? '' : 'none';
    setIcon(pinned, state.pinned ? 'pin' : 'spotlight');
    show(pin, !self);
    setIcon(/** @type {any} */ (pin.firstChild), state.pinned ? 'unpin' : 'pin');
    for (const where of /** @type {const} */ (['tLabel', 'tTitle'])) {
      say(pin, state.pinned ? 'person.unpin' : 'person.pin', where);
    }
    drawSignal(state);
    attribute(node, 'aria-label', label(state, frozen));
    fit();
  }
  return { node, video, update, watch };
}

/** "Ada, speaking, hand 1, weak connection" @param {TileState} state @param {boolean} frozen */
function label(state, frozen) {
  const { participant, self, speaking, hand, muted, pinned, spotlit, score } = state;
  return [
    participant.display_name,
    self ? t('you') : '',
    muted ? t('tile.muted') : speaking ? t('tile.speaking') : '',
    hand > 0 ? t('tile.hand', { n: hand }) : '',
    pinned ? t('tile.pinned') : spotlit ? t('tile.spotlit') : '',
    state.why ? sentence(state) : quality(participant, score, frozen),
  ]
    .filter((part) => part !== '')
    .join(t('comma'));
}

/** Why the picture is not as sharp as it could be. @param {TileState} state */
function sentence({ why, participant }) {
  return why ? t(sentenceOf(why), { name: participant.display_name }) : '';
}

/** @param {Participant} participant @param {number} score @param {boolean} frozen */
function quality({ connection }, score, frozen) {
  if (connection === 'reconnecting') return t('tile.reconnecting');
  if (frozen) return t('tile.frozen');
  return score < GOOD ? t(score === 1 ? 'tile.bad' : 'tile.weak') : '';
}

/** Three bars, of which as many are full as the connection is good for. */
function signalBars() {
  return svg(
    'svg',
    { class: 'bars', viewBox: '0 0 16 14', 'aria-hidden': 'true' },
    ...[5, 9, 14].map((height, k) => svg('rect', { x: k * 6, y: 14 - height, width: 4, height, rx: 1.2 })),
  );
}
