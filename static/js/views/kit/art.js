/** The picture beside the promise: four tiles, for the eye only. */

import { asset } from '../../place.js';
import { el } from './dom.js';
import { icon } from './icons.js';

/** @type {Array<{place: string, scene: number, label: string, sign: 'talk' | 'muted' | 'idle', hand?: boolean}>} */
const TILES = [
  { place: 'a', scene: 1, label: 'art.host', sign: 'talk' },
  { place: 'b', scene: 2, label: 'art.you', sign: 'muted' },
  { place: 'c', scene: 3, label: 'art.guest', sign: 'idle', hand: true },
  { place: 'd', scene: 4, label: 'art.room', sign: 'idle' },
];

/** Three bars beside a name: still while silent, moving while the person speaks. */
export function levelBars() {
  return el('span', { class: 'lv', 'aria-hidden': 'true' }, el('i'), el('i'), el('i'));
}

export function art() {
  return el(
    'div',
    { class: 'art', 'aria-hidden': 'true' },
    ...TILES.map(({ place, scene, label, sign, hand }) => {
      const muted = icon('mic-off');
      muted.classList.add('mo');
      return el(
        'div',
        { class: `tile ${place} ${sign === 'talk' ? 'speaking' : ''}` },
        el('img', { class: 'cam', src: asset(`icons/scene-${scene}.svg`), alt: '' }),
        hand ? el('div', { class: 'flag' }, icon('hand', 's'), el('span', { class: 'num' }, '1')) : null,
        el('div', { class: 'tab' }, sign === 'muted' ? muted : levelBars(), el('span', { class: 'nm', t: label })),
      );
    }),
  );
}
