/** The shared screen. It is shown whole, and nothing is drawn on it: who presents stands in a line below. */

import { t } from '../i18n/index.js';
import { el, show, text } from './dom.js';
import { icon } from './icons.js';
import { playTrack } from './video.js';

export function share() {
  const video = el('video', { class: 'scr', autoplay: true, muted: true, playsInline: true, 'data-testid': 'screen' });
  const words = el('span', { dir: 'auto' });
  const by = el('div', { class: 'by' }, icon('screen', 's'), words);
  const node = el('div', { class: 'share', hidden: true }, video, by);
  // The frame follows the shape of what is shared, so that no black bars stand beside it.
  video.addEventListener('resize', () => {
    if (video.videoWidth > 0) node.style.setProperty('--ratio', String(video.videoWidth / video.videoHeight));
  });

  /** @param {{box: import('../state/layout.js').Box | null, media: MediaStreamTrack | null, presenter: string}} state */
  function update({ box, media, presenter }) {
    show(node, box !== null);
    playTrack(video, node, box ? media : null);
    if (!box) return;
    node.style.width = `${box.w}px`;
    node.style.height = `${box.h}px`;
    text(words, t('stage.presenting', { name: presenter }));
  }
  return { node, update };
}
