/**
 * Which of several shared screens the stage shows: a switch with one place for each person who shares.
 * @typedef {{participant: string, name: string, shown: boolean}} Screen
 */

import { t } from '../../i18n/index.js';
import { attribute, el, keyed, show, text } from '../kit/dom.js';

/** @param {(participant: string) => void} choose */
export function screenChoice(choose) {
  const node = el('div', {
    class: 'choice',
    role: 'radiogroup',
    tLabel: 'share.choice',
    'data-testid': 'screen-choice',
    on: { keydown: walk },
  });

  /** @param {string} participant */
  function make(participant) {
    return el('button', {
      type: 'button',
      role: 'radio',
      dir: 'auto',
      'data-testid': 'screen-of',
      on: { click: () => choose(participant) },
    });
  }

  /** The arrows walk and choose, as in every group of radio buttons. @param {KeyboardEvent} event */
  function walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = /** @type {HTMLElement[]} */ ([...node.children]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || at < 0) return;
    const next = all[(at + step + all.length) % all.length];
    next.focus();
    next.click();
    event.preventDefault();
  }

  let seen = '';

  /** Of many screens not all fit into the line; the one that is shown does. */
  function reveal() {
    const chosen = /** @type {HTMLElement | null} */ (node.querySelector('[aria-checked="true"]'));
    const now = chosen?.title ?? '';
    if (now === seen) return;
    seen = now;
    if (chosen) node.scrollLeft = chosen.offsetLeft - (node.clientWidth - chosen.offsetWidth) / 2;
  }

  /** @param {Screen[]} screens */
  function update(screens) {
    show(node, screens.length > 1);
    keyed(
      node,
      screens.length > 1 ? screens : [],
      (screen) => screen.participant,
      (screen) => make(screen.participant),
      (button, { name, shown }) => {
        text(button, name);
        attribute(button, 'aria-label', t('share.of', { name }));
        attribute(button, 'title', t('share.of', { name }));
        attribute(button, 'aria-checked', String(shown));
        button.tabIndex = shown ? 0 : -1;
      },
    );
    reveal();
  }
  return { node, update };
}
