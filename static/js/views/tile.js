/**
 * One person on the stage: picture or avatar, and the corner tab with the name.
 * @typedef {import('../state/meeting.js').Participant} Participant
 * @typedef {{
 *   participant: Participant, self: boolean, speaking: boolean, hand: number, muted: boolean,
 *   media: MediaStreamTrack | null, small: boolean,
 * }} TileState  hand: place in the queue, 0 for none
 */

import { t } from '../i18n/index.js';
import { levelBars } from './art.js';
import { avatar, setAvatar, setHue } from './avatar.js';
import { attribute, el, show, text } from './dom.js';
import { icon } from './icons.js';
import { playTrack } from './video.js';

/** An upright picture in a wide tile that would lose more than this share of its height is shown whole instead. */
const MOST_CROPPED = 0.3;
/** A sound shorter than this is no speech, */
const SPEECH_AFTER_MS = 120;
/** and a pause shorter than this does not end one: the ring must not flicker between words. */
const SPEECH_HOLD_MS = 500;

/** @param {string} id of the participant */
export function tile(id) {
  const face = avatar();
  const video = el('video', { class: 'cam', autoplay: true, muted: true, playsInline: true });
  const muted = icon('mic-off');
  muted.classList.add('mo');
  const bars = levelBars();
  const name = el('span', { class: 'nm', dir: 'auto' });
  const you = el('span', { class: 'you', t: 'you' });
  const order = el('span', { class: 'num' });
  const flag = el('div', { class: 'flag' }, icon('hand', 's'), order);
  const node = el(
    'article',
    { class: 'tile', tabindex: 0, 'data-testid': 'tile', 'data-participant': id },
    face,
    video,
    flag,
    el('div', { class: 'tab' }, muted, bars, name, you),
  );

  function fit() {
    const shown = node.clientWidth / Math.max(1, node.clientHeight);
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

  /** @param {TileState} state @param {() => void} onframe the first frame of a picture was drawn */
  function update(state, onframe) {
    const { participant, self, speaking, hand, media } = state;
    node.classList.toggle('me', self);
    speak(speaking);
    node.classList.toggle('small', state.small);
    node.classList.toggle('off', !media);
    node.classList.toggle('away', participant.connection === 'reconnecting');
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
    attribute(node, 'aria-label', label(state));
    fit();
  }
  return { node, update };
}

/** "Ada, speaking, hand 1" @param {TileState} state */
function label({ participant, self, speaking, hand, muted }) {
  return [
    participant.display_name,
    self ? t('you') : '',
    muted ? t('tile.muted') : speaking ? t('tile.speaking') : '',
    hand > 0 ? t('tile.hand', { n: hand }) : '',
    participant.connection === 'reconnecting' ? t('tile.reconnecting') : '',
  ]
    .filter((part) => part !== '')
    .join(t('comma'));
}
