/**
 * What opens beside a button: a popover, or a sheet at the bottom of a phone. One is open at a time; it is not modal, and
 * Esc, a press elsewhere or Tab out of it closes it and gives the focus back.
 */

import { el } from './dom.js';

/**
 * @typedef {object} Popover
 * @property {HTMLElement} node
 * @property {() => void} close
 *
 * @typedef {object} PopoverOptions
 * @property {boolean} [above] the anchor
 * @property {Element | null} [beside] stands left of this, so that what is in it stays readable
 * @property {Element | null} [at] stands here instead of at the anchor, if it can be seen
 * @property {() => void} [onclose]
 */

/** @type {(() => void) | null} */
let closeOpen = null;

export function closePopover() {
  closeOpen?.();
}

/** Whether something is open. */
export const isPopoverOpen = () => closeOpen !== null;

/**
 * @param {HTMLElement} anchor gets the focus back; pressed again it closes what it opened
 * @param {HTMLElement} node of class pop
 * @param {PopoverOptions} [options]
 * @returns {Popover | null} null when this press closed it
 */
export function openPopover(anchor, node, { above = false, beside = null, at = null, onclose = () => {} } = {}) {
  const reopened = anchor.getAttribute('aria-expanded') === 'true' && anchor.dataset.popover === 'open';
  closePopover();
  if (reopened) return null;

  const scrim = el('div', { class: 'scrim', on: { click: close } });
  // Inside an open dialog or a full screen everything outside is unreachable, so it has to live in it.
  const host = anchor.closest('dialog') ?? document.fullscreenElement ?? document.body;
  host.append(scrim, node);
  // A tile is no button that expands.
  const expands = anchor.matches('button');
  if (expands) anchor.setAttribute('aria-expanded', 'true');
  anchor.dataset.popover = 'open';
  place(node, at && at.getClientRects().length > 0 ? at : anchor, above, beside);

  function close() {
    if (closeOpen !== close) return;
    closeOpen = null;
    const inside = node.contains(document.activeElement);
    node.remove();
    scrim.remove();
    if (expands) anchor.setAttribute('aria-expanded', 'false');
    delete anchor.dataset.popover;
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', resized);
    if (inside) anchor.focus();
    onclose();
  }

  /** @param {Event} event */
  function outside(event) {
    const target = /** @type {Node} */ (event.target);
    if (!node.contains(target) && !anchor.contains(target)) close();
  }

  const width = innerWidth;
  function resized() {
    // The keyboard of a phone changes the height alone, and must not close what is being typed into.
    if (innerWidth !== width) close();
  }

  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    close();
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('resize', resized);
  closeOpen = close;
  return { node, close };
}

/**
 * A popover with a heading and whatever stands in it.
 * @param {HTMLElement} anchor
 * @param {string} title translated
 * @param {HTMLElement[]} body
 * @param {PopoverOptions & {testid?: string}} [options]
 */
export function openCard(anchor, title, body, { testid, ...options } = {}) {
  const node = el(
    'div',
    { class: 'menu pop sheet', role: 'dialog', 'aria-label': title, tabindex: -1, 'data-testid': testid },
    el('h2', { class: 'ttl' }, title),
    ...body,
  );
  const popover = openPopover(anchor, node, options);
  if (!popover) return null;
  const first = node.querySelector('input, select, textarea, button');
  /** @type {HTMLElement} */ (first ?? node).focus();
  return popover;
}

/** @param {HTMLElement} node @param {Element} anchor @param {boolean} above @param {Element | null} beside */
function place(node, anchor, above, beside) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const lowest = floor(anchor) - height - 8;
  if (beside && innerWidth >= 1024) {
    const edge = beside.getBoundingClientRect().left;
    node.style.left = `${Math.max(8, edge - width - 8)}px`;
    node.style.top = `${Math.max(8, Math.min(at.top - 6, lowest))}px`;
    return;
  }
  // In the middle of a button, at the beginning of something wide.
  const left = at.width > width ? at.left : at.left + at.width / 2 - width / 2;
  node.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  const below = floor(anchor) - at.bottom - 16;
  // Flip when there is no room on the wanted side, and stand over the anchor when there is none on both.
  const up = above || (height > below && at.top > below);
  if (up && at.top - 16 >= height) node.style.bottom = `${innerHeight - at.top + 10}px`;
  else node.style.top = `${Math.max(8, Math.min(at.bottom + 6, lowest))}px`;
}

/** What opens elsewhere leaves the meeting's tools free. @param {Element} anchor @returns {number} pixels from the top */
function floor(anchor) {
  const tools = document.querySelector('nav.bar');
  return tools && !tools.contains(anchor) ? Math.min(innerHeight, tools.getBoundingClientRect().top) : innerHeight;
}
