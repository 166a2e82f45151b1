/**
 * The shared screen: whole, or in its own pixels, or over the whole display. Nothing is drawn on it: who presents, and
 * how it is shown, stands in a line below. When several people share, that line is where one of them is chosen.
 */

import { t } from '../../i18n/index.js';
import { sentenceOf } from '../../state/clarity.js';
import { attribute, el, iconButton, say, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { screenChoice } from './screen-choice.js';
import { playTrack } from '../kit/video.js';

/** The line of the presenter, pixels. */
const LINE = 44;
/** In its own pixels a screen is wanted whole, however large it is. */
const WHOLE = { w: 3840, h: 2160 };

/**
 * @param {(participant: string) => void} choose whose screen is to be shown
 * @param {() => void} reshaped the screen has another shape now, and may have a better place
 */
export function share(choose, reshaped) {
  const video = el('video', { class: 'scr', autoplay: true, muted: true, playsInline: true, 'data-testid': 'screen' });
  // In its own pixels a screen may be larger than its place: it is moved by scrolling, which keys can do too.
  const frame = el('div', { class: 'frame', 'data-testid': 'screen-frame' }, video);
  const [before, name, after] = [el('span'), el('span', { class: 'nm', dir: 'auto' }), el('span')];
  const words = el('span', { class: 'says' }, before, name, after);
  const zoom = el('button', { type: 'button', class: 'btn zoom', t: 'share.actual', 'data-testid': 'screen-zoom' });
  const full = iconButton('full', 'share.full', { 'data-testid': 'screen-full' });
  const choice = screenChoice(choose);
  const slow = el('span', { class: 'slow', role: 'status', 'data-testid': 'screen-why' });
  const because = iconButton('info', 'why.blurry', {
    class: 'btn icon because',
    'data-testid': 'screen-because',
    'aria-expanded': 'false',
    on: { click: () => explain(because.getAttribute('aria-expanded') === 'false') },
  });
  const by = el('div', { class: 'by' }, icon('screen', 's'), words, choice.node, slow, because, el('span', { class: 'sp' }), zoom, full);
  const node = el('div', { class: 'share', hidden: true }, frame, by);
  let actual = false;
  /** @type {number | undefined} */
  let shape;

  // The frame follows the shape of what is shared, so that no black bars stand beside it.
  video.addEventListener('resize', () => {
    const now = video.videoWidth > 0 ? video.videoWidth / video.videoHeight : shape;
    if (now !== undefined) node.style.setProperty('--ratio', String(now));
    const changed = now !== shape;
    shape = now;
    if (actual) measure();
    if (changed) reshaped();
  });
  zoom.addEventListener('click', () => setActual(!actual));
  full.addEventListener('click', () => void turnFull());
  frame.addEventListener('fullscreenchange', () => reshaped());

  /** On a narrow stage the sentence takes the place of the screens to choose from. @param {boolean} on */
  const explain = (on) => attribute(because, 'aria-expanded', String(on));

  /** @param {boolean} on */
  function setActual(on) {
    actual = on;
    node.classList.toggle('actual', on);
    say(zoom, on ? 'share.fit' : 'share.actual');
    reshaped();
    if (on) {
      attribute(frame, 'tabindex', '0');
      attribute(frame, 'role', 'group');
      attribute(frame, 'aria-label', t('share.scroll'));
      measure();
    } else {
      for (const name of ['tabindex', 'role', 'aria-label']) frame.removeAttribute(name);
      video.style.width = '';
    }
  }

  /** One pixel of the screen on one pixel of the display. */
  function measure() {
    video.style.width = `${video.videoWidth / (devicePixelRatio || 1)}px`;
  }

  async function turnFull() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await frame.requestFullscreen();
    } catch {
      // A browser may refuse; the screen stays where it is.
    }
  }

  /**
   * @param {{
   *   box: import('../../state/layout.js').Box | null, media: MediaStreamTrack | null, presenter: string,
   *   screens: import('./screen-choice.js').Screen[], why: import('../../state/clarity.js').Why | null,
   * }} state
   */
  function update({ box, media, presenter, screens, why }) {
    show(node, box !== null);
    playTrack(video, node, box ? media : null);
    if (!box) {
      shape = undefined;
      if (document.fullscreenElement === frame) void document.exitFullscreen();
      if (actual) setActual(false);
      return;
    }
    node.style.width = `${box.w}px`;
    node.style.height = `${box.h}px`;
    show(full, document.fullscreenEnabled === true);
    show(words, screens.length < 2);
    const [front, back] = t('stage.presenting', { name: '\n' }).split('\n');
    text(before, front);
    text(name, presenter);
    text(after, back);
    choice.update(screens);
    show(slow, why !== null);
    show(because, why !== null && screens.length > 1);
    if (why === null) explain(false);
    text(slow, why ? t(sentenceOf(why), { name: presenter }) : '');
  }
  return {
    node,
    update,
    /** How large it is drawn in its place, in CSS pixels. @param {import('../../state/layout.js').Box} box */
    drawn(box) {
      if (document.fullscreenElement === frame) return { w: window.screen.width, h: window.screen.height };
      return actual ? WHOLE : { w: box.w, h: Math.max(1, box.h - LINE) };
    },
    /** Width by height of what is shown; unknown before its first picture. */
    ratio: () => shape,
  };
}
