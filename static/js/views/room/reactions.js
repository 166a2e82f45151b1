/** Reactions. A person chooses one of six from a small palette, and it rises over their tile. */

import { t } from '../../i18n/index.js';
import { el } from '../kit/dom.js';
import { closePopover, openCard } from '../kit/popover.js';

/** The fixed set of the protocol, with the names for screen readers. @type {[string, string][]} */
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
 * Lets a reaction rise from a place and disappear.
 * @param {HTMLElement} host the tile of the person who sent it, or the stage
 * @param {string} emoji
 * @param {string} name of the person who sent it
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
