/** Tells people who listen to the page what they cannot see. Speaking is never announced. */

import { el } from './dom.js';

export function announcer() {
  const polite = el('div', { class: 'vh', 'aria-live': 'polite' });
  const urgent = el('div', { class: 'vh', 'aria-live': 'assertive' });

  /** @param {string} words @param {boolean} [isUrgent] */
  function announce(words, isUrgent = false) {
    const region = isUrgent ? urgent : polite;
    // A new node is read out even when the words are the same as before.
    region.replaceChildren(el('p', {}, words));
  }
  return { nodes: [polite, urgent], announce };
}
