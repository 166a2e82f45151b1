/**
 * Menus: a popover beside its button, or a sheet at the bottom of a phone. One is open at a time.
 */

import { el } from './dom.js';
import { icon } from './icons.js';

/**
 * @typedef {{
 *   label: string, hint?: string, icon?: string, danger?: boolean, checked?: boolean, run: () => void, testid?: string,
 * } | 'line' | {title: string}} Item  texts come translated
 */

/** @type {(() => void) | null} */
let closeOpen = null;

export function closeMenu() {
  closeOpen?.();
}

/**
 * @param {HTMLElement} anchor gets the focus back
 * @param {Item[]} items
 * @param {{above?: boolean}} [options]
 */
export function openMenu(anchor, items, { above = false } = {}) {
  const reopened = anchor.getAttribute('aria-expanded') === 'true';
  closeMenu();
  if (reopened) return;

  const menu = el('div', { class: 'menu pop', role: 'menu' }, ...items.map(row));
  const scrim = el('div', { class: 'scrim', on: { click: close } });
  // Inside an open dialog everything outside is inert, so the menu has to live in it.
  const host = anchor.closest('dialog') ?? document.body;
  host.append(scrim, menu);
  anchor.setAttribute('aria-expanded', 'true');
  place(menu, anchor, above);
  const entries = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll('button')]);
  entries.find((entry) => entry.getAttribute('aria-checked') === 'true')?.focus();
  if (!menu.contains(document.activeElement)) entries[0]?.focus();

  /** @param {Exclude<Item, string>} item */
  function entry(item) {
    if ('title' in item) return el('p', { class: 'ttl' }, item.title);
    const choice = item.checked !== undefined;
    return el(
      'button',
      {
        type: 'button',
        role: choice ? 'menuitemradio' : 'menuitem',
        class: item.danger ? 'dg' : '',
        'aria-checked': choice ? String(item.checked) : null,
        'data-testid': item.testid,
        on: {
          click: () => {
            close();
            item.run();
          },
        },
      },
      choice ? mark(item.checked === true) : item.icon ? icon(item.icon, 's') : null,
      el('span', {}, item.label, item.hint ? el('small', {}, item.hint) : null),
    );
  }

  /** @param {Item} item */
  function row(item) {
    return item === 'line' ? el('hr') : entry(item);
  }

  /** @param {boolean} on */
  function mark(on) {
    const node = icon('check', 's');
    if (!on) node.classList.add('none');
    return node;
  }

  function close() {
    if (closeOpen !== close) return;
    closeOpen = null;
    const inside = menu.contains(document.activeElement);
    menu.remove();
    scrim.remove();
    anchor.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', close);
    if (inside) anchor.focus();
  }

  /** @param {Event} event */
  function outside(event) {
    const target = /** @type {Node} */ (event.target);
    if (!menu.contains(target) && !anchor.contains(target)) close();
  }

  menu.addEventListener('keydown', (event) => {
    const at = entries.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) entries[(at + step + entries.length) % entries.length]?.focus();
    else if (event.key === 'Home') entries[0]?.focus();
    else if (event.key === 'End') entries[entries.length - 1]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('resize', close);
  closeOpen = close;
}

/** @param {HTMLElement} menu @param {HTMLElement} anchor @param {boolean} above */
function place(menu, anchor, above) {
  const at = anchor.getBoundingClientRect();
  const width = menu.offsetWidth;
  const left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, innerWidth - width - 8));
  menu.style.left = `${left}px`;
  // Flip when there is no room on the wanted side.
  const up = above || at.bottom + menu.offsetHeight + 16 > innerHeight;
  if (up) menu.style.bottom = `${innerHeight - at.top + 10}px`;
  else menu.style.top = `${at.bottom + 6}px`;
}
