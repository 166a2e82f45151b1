/** Menus beside their button. One is open at a time. */

import { el } from './dom.js';
import { icon } from './icons.js';
import { closePopover, openPopover } from './popover.js';

/**
 * @typedef {{
 *   label: string, hint?: string, icon?: string, danger?: boolean, checked?: boolean, switch?: boolean,
 *   more?: boolean, run: () => void, testid?: string,
 * } | 'line' | {title: string}} Item  texts come translated; checked is one choice of several; switch turns something on
 *   and off and leaves the menu open; more leads on to another menu
 */

/** Draws the open menu anew, where its items are read from a state. @type {(() => void) | null} */
let redraw = null;

export const closeMenu = closePopover;

/** To be called when the state changed that an open menu shows. */
export function refreshMenu() {
  redraw?.();
}

/**
 * @param {HTMLElement} anchor gets the focus back
 * @param {Item[] | (() => Item[])} items a function is asked again whenever the menu may have changed
 * @param {import('./popover.js').PopoverOptions & {label?: string, half?: boolean}} [options] half: a sheet leaves much of a phone in sight
 */
export function openMenu(anchor, items, { label, half = false, ...options } = {}) {
  const read = typeof items === 'function' ? items : () => items;
  const menu = el('div', { class: half ? 'menu pop half' : 'menu pop', role: 'menu', 'aria-label': label });
  let drawn = '';
  draw();
  const popover = openPopover(anchor, menu, {
    ...options,
    onclose: () => {
      redraw = null;
      options.onclose?.();
    },
  });
  if (!popover) return;
  redraw = draw;
  const entries = buttons();
  const chosen = menu.querySelector('[role="menuitemradio"][aria-checked="true"]');
  /** @type {HTMLElement | undefined} */ (chosen ?? entries[0])?.focus();

  /** @returns {HTMLElement[]} */
  function buttons() {
    return [...menu.querySelectorAll('button')];
  }

  function draw() {
    const now = read();
    const text = JSON.stringify(now);
    if (text === drawn) return;
    drawn = text;
    const at = buttons().indexOf(/** @type {any} */ (document.activeElement));
    menu.replaceChildren(...now.map(row));
    if (at >= 0) buttons()[Math.min(at, buttons().length - 1)]?.focus();
  }

  /** @param {Item} item */
  function row(item) {
    if (item === 'line') return el('hr');
    if ('title' in item) return el('p', { class: 'ttl', role: 'presentation' }, item.title);
    return entry(item);
  }

  /** @param {Exclude<Item, string | {title: string}>} item */
  function entry(item) {
    const choice = item.checked !== undefined ? 'menuitemradio' : 'menuitem';
    const role = item.switch !== undefined ? 'menuitemcheckbox' : choice;
    const on = item.switch ?? item.checked;
    return el(
      'button',
      {
        type: 'button',
        role,
        tabindex: -1,
        class: item.danger ? 'dg' : '',
        'aria-checked': on === undefined ? null : String(on),
        'aria-haspopup': item.more ? 'menu' : null,
        'data-testid': item.testid,
        on: {
          click: () => {
            if (item.switch === undefined) popover?.close();
            item.run();
          },
        },
      },
      item.checked !== undefined ? mark(item.checked) : item.icon ? icon(item.icon, 's') : null,
      el('span', { class: 'lbl' }, item.label, item.hint ? el('small', {}, item.hint) : null),
      item.switch === undefined ? null : el('span', { class: 'sw', 'aria-hidden': 'true' }),
      item.more ? icon('chev-right', 's') : null,
    );
  }

  /** @param {boolean} on */
  function mark(on) {
    const node = icon('check', 's');
    if (!on) node.classList.add('none');
    return node;
  }

  menu.addEventListener('keydown', (event) => {
    const all = buttons();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) all[(at + step + all.length) % all.length]?.focus();
    else if (event.key === 'Home') all[0]?.focus();
    else if (event.key === 'End') all[all.length - 1]?.focus();
    else if (event.key === 'Tab') popover?.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
