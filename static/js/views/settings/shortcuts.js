/** The keys that work everywhere in the meeting, as a list, and the switch that turns them off. */

import { el, newId } from '../kit/dom.js';

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const COMMAND = MAC ? '⌘' : 'Ctrl';
const OPTION = MAC ? '⌥' : 'Alt';

/** @type {[string[], string][]} */
const SHORTCUTS = [
  [[COMMAND, 'D'], 'tool.mic'],
  [[COMMAND, 'E'], 'tool.camera'],
  [['Space'], 'shortcuts.hold'],
  [[COMMAND, OPTION, 'H'], 'tool.hand.on'],
  [[COMMAND, OPTION, 'C'], 'chat'],
  [[COMMAND, OPTION, 'P'], 'people'],
  [['F6'], 'shortcuts.regions'],
  [['←', '→', '↑', '↓'], 'shortcuts.walk'],
  [['Enter'], 'shortcuts.menu'],
  [['Esc'], 'shortcuts.close'],
  [['?'], 'shortcuts.title'],
];

/** @param {import('../../flow/actions.js').Actions} actions */
export function shortcutKeys(actions) {
  const box = el('input', {
    type: 'checkbox',
    id: newId(),
    checked: actions.shortcuts(),
    'data-testid': 'shortcuts-on',
    on: {
      change: () => actions.setShortcuts(box.checked),
    },
  });
  return el(
    'section',
    { class: 'sub keyed', 'data-testid': 'shortcuts' },
    el('h3', { class: 'lab', t: 'shortcuts.title' }),
    el('label', { class: 'tick', for: box.id }, box, el('span', { t: 'shortcuts.on' })),
    el(
      'dl',
      { class: 'keys' },
      ...SHORTCUTS.flatMap(([keys, key]) => [
        el('dt', {}, ...keys.map((name) => name === 'Space' ? el('kbd', { t: 'shortcuts.space' }) : el('kbd', {}, name))),
        el('dd', { t: key }),
      ]),
    ),
  );
}
