/**
 * The chat: messages grouped by person, no bubbles; the list never jumps away from what is being read.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/chat.js').Block} Block
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 */

import { t } from '../../i18n/index.js';
import { blocks, oldest } from '../../state/chat.js';
import { may } from '../../state/people.js';
import { composer } from './composer.js';
import { button, el, iconButton, keyed, show, text } from '../kit/dom.js';
import { fileCard } from './file-card.js';
import { drawMessages, messageGroup } from './message.js';

/** This close to the end counts as reading the end. */
const NEAR_END = 40;

/** @param {import('../../flow/actions.js').Actions} actions */
export function chat(actions) {
  /** @type {Meeting | null} */
  let latest = null;
  const read = () => latest;
  const list = el('div', { class: 'msgs', 'data-testid': 'messages' });
  const empty = el('p', { class: 'meta none', t: 'chat.empty' });
  const older = button('chat.older', {
    class: 'btn ghost older',
    'data-testid': 'chat-older',
    on: { click: () => void loadOlder() },
  });
  const scroll = el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'log', tLabel: 'chat', 'aria-live': 'off' },
    older,
    empty,
    list,
  );
  const pill = button('chat.new', { class: 'btn pill', icon: 'chev-down', on: { click: toEnd } });
  const writer = composer(actions, read, toEnd);
  const drop = el('div', { class: 'drop', hidden: true }, el('span', { t: 'file.drop' }));
  const node = el(
    'aside',
    { class: 'panel', id: 'chat', tLabel: 'chat', tabindex: -1, 'data-testid': 'chat-panel' },
    el(
      'div',
      { class: 'ph' },
      el('h2', { t: 'chat' }),
      iconButton('close', 'panel.close', { on: { click: () => actions.closePanel() } }),
    ),
    el('div', { class: 'reel' }, scroll, pill),
    writer.node,
    drop,
  );
  /** @type {WeakMap<HTMLElement, ReturnType<typeof fileCard>>} */
  const cards = new WeakMap();
  let atEnd = true;
  let count = 0;
  show(pill, false);
  scroll.addEventListener('scroll', () => {
    atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END;
    if (atEnd) show(pill, false);
  });
  takeDrops(node, drop, () => latest !== null && may(latest, 'files'), writer.offer);

  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    show(pill, false);
  }

  /** What was read stays where it is, and the older messages appear above it. */
  async function loadOlder() {
    const below = scroll.scrollHeight - scroll.scrollTop;
    await actions.loadOlder(latest ? oldest(latest.log) : null);
    requestAnimationFrame(() => {
      scroll.scrollTop = scroll.scrollHeight - below;
    });
  }

  /** @param {Block} block */
  function make(block) {
    if (block.kind === 'line') return el('div', { class: 'sysm' });
    if (block.kind === 'group') return messageGroup();
    const card = fileCard(actions);
    cards.set(card.node, card);
    return card.node;
  }

  /** @param {HTMLElement} row @param {Block} block @param {Meeting} meeting */
  function draw(row, block, meeting) {
    if (block.kind === 'line') text(row, t(`chat.${block.what}`, { name: block.name }));
    else if (block.kind === 'group') drawMessages(row, block, meeting, actions, read);
    else {
      const files = Object.values(meeting.files).filter((file) => file.file === block.id);
      cards.get(row)?.update(files, meeting.names);
    }
  }

  /** @param {AppState} state */
  function update({ meeting, link }) {
    latest = meeting;
    writer.connect(link);
    if (!meeting || node.hidden) return;
    const stays = atEnd;
    const all = blocks(meeting.log);
    keyed(list, all, (block) => block.key, make, (row, block) => draw(row, block, meeting));
    show(empty, all.length === 0);
    show(older, meeting.older && all.length > 0);
    const grew = meeting.log.length > count;
    count = meeting.log.length;
    if (stays) scroll.scrollTop = scroll.scrollHeight;
    else if (grew) show(pill, true);
    writer.update(meeting);
  }

  function open() {
    atEnd = true;
    scroll.scrollTop = scroll.scrollHeight;
    // On touch the keyboard would cover half of what one came to read.
    if (matchMedia('(pointer: fine)').matches) writer.focus();
    else node.focus();
  }
  return { node, update, open };
}

/**
 * A file may be dropped anywhere on the panel.
 * @param {HTMLElement} node
 * @param {HTMLElement} hint
 * @param {() => boolean} allowed
 * @param {(files: FileList) => void} take
 */
function takeDrops(node, hint, allowed, take) {
  const carriesFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') && allowed();
  node.addEventListener('dragover', (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    show(hint, true);
  });
  node.addEventListener('dragleave', (event) => {
    if (!node.contains(/** @type {Node | null} */ (event.relatedTarget))) show(hint, false);
  });
  node.addEventListener('drop', (event) => {
    show(hint, false);
    if (!carriesFile(event) || !event.dataTransfer) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}
