/**
 * The level of one's own microphone in twelve steps, with a sentence that says what it means.
 * @typedef {import('../../state/app.js').Device} Device
 */

import { Voices, meterSteps } from '../../flow/voices.js';
import { t } from '../../i18n/index.js';
import { attribute, el, show, text } from './dom.js';

const STEPS = 12;
/** Above this step it is a voice and not the room. */
const VOICE = 3;
/** After so much silence the microphone may be the wrong one. */
const SILENCE_MS = 5000;

export function meter() {
  const voices = new Voices();
  const segments = Array.from({ length: STEPS }, () => el('i'));
  const scale = el(
    'span',
    { class: 'seg', role: 'meter', tLabel: 'meter.label', 'aria-valuemin': 0, 'aria-valuemax': STEPS },
    ...segments,
  );
  const sentence = el('span');
  const node = el('div', { class: 'meter', 'data-testid': 'meter' }, scale, sentence);
  /** @type {MediaStreamTrack | null} */
  let track = null;
  let heardAt = -Infinity;
  let since = 0;
  /** @type {Device | null} */
  let device = null;

  /** @param {number} step */
  function draw(step) {
    for (const [index, segment] of segments.entries()) segment.classList.toggle('l', index < step);
    attribute(scale, 'aria-valuenow', String(step));
    text(sentence, words());
  }

  function words() {
    if (device?.problem) return t(`device.microphone.${device.problem}`);
    if (!device?.wanted || !track) return device?.asking ? t('device.asking') : t('meter.off');
    const now = performance.now();
    if (now - heardAt < SILENCE_MS) return t('meter.heard');
    return now - since > SILENCE_MS ? t('meter.silent') : t('meter.speak');
  }

  voices.onlevels = (levels) => {
    const step = meterSteps(levels.get('me') ?? 0);
    if (step >= VOICE) heardAt = performance.now();
    draw(step);
  };

  return {
    node,
    /** @param {Device} now @param {MediaStreamTrack | null} media */
    update(now, media) {
      device = now;
      // Where there is no level the words take its place.
      show(scale, now.problem === null);
      if (media !== track) {
        track = media;
        since = performance.now();
        heardAt = -Infinity;
        voices.set('me', media);
      }
      if (!media) draw(0);
      else text(sentence, words());
    },
    stop() {
      track = null;
      voices.clear();
    },
  };
}
