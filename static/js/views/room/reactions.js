/** Reactions: six of them, chosen from a small palette, rising over whoever sends one. */

import { t } from '../../i18n/index.js';
import { el } from '../kit/dom.js';
import { closePopover, openCard } from '../kit/popover.js';

/** The wire's fixed set, with the names they are spoken by. @type {[string, string][]} */
const REACTIONS = [
  ['👍', 'react.yes'],
  ['👏', 'react.clap'],
  ['❤️', 'react.heart'],
  ['😂', 'react.laugh'],
  ['😮', 'react.wow'],
  ['🎉', 'react.party'],
];
const SEEN_MS = 1600;

/** @param {HTMLElement} anchor @param {import('../../flow/actions.js').Actions} actions */
export function openReactions(anchor, actions) {
  const palette = el(
    'div',
    { class: 'palette', 'data-testid': 'reactions' },
    ...REACTIONS.map(([emoji, key]) =>
      el(
        'button',
        {
          type: 'button',
          tLabel: key,
          tTitle: key,
          on: {
            click: () => {
              closePopover();
              void actions.react(emoji);
            },
          },
        },
        emoji,
      ),
    ),
  );
  openCard(anchor, t('tool.react'), [palette], { above: true });
}

/**
 * Lets a reaction rise from a place and go.
 * @param {HTMLElement} host the tile of whoever sent it, or the stage
 * @param {string} emoji
 * @param {string} name of whoever sent it
 */
export function rise(host, emoji, name) {
  const key = REACTIONS.find(([known]) => known === emoji)?.[1];
  if (!key) return;
  const node = el(
    'span',
    { class: 'rise', role: 'img', 'aria-label': `${name}${t('comma')}${t(key)}`, 'data-testid': 'reaction' },
    emoji,
  );
  host.append(node);
  setTimeout(() => node.remove(), SEEN_MS);
}
