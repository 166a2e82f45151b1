/**
 * The few words the views are written with. Text goes in as text nodes only; nothing here parses markup.
 */

import { t } from '../../i18n/index.js';
import { icon } from './icons.js';

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, any>} Attributes
 *   `on: {click: …}` listens; `t`, `tLabel`, `tTitle` and `tPlaceholder` take a key of the language files and
 *   follow a change of language by themselves; a few names are set as properties, all others as attributes
 */

const PROPERTIES = new Set([
  'value',
  'checked',
  'disabled',
  'hidden',
  'muted',
  'autoplay',
  'playsInline',
  'tabIndex',
  'srcObject',
]);
/** @type {Record<string, [string, string]>} key of Attributes → data attribute, what it fills */
const TRANSLATED = {
  t: ['t', ''],
  tLabel: ['tLabel', 'aria-label'],
  tTitle: ['tTitle', 'title'],
  tPlaceholder: ['tPlaceholder', 'placeholder'],
};

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else if (name in TRANSLATED) translate(node, name, value);
    else if (PROPERTIES.has(name)) /** @type {any} */ (node)[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(
    ...children
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => /** @type {Node | string} */ (child)),
  );
  return node;
}

/** @param {HTMLElement} node @param {string} name @param {string} key */
function translate(node, name, key) {
  const [data, attribute] = TRANSLATED[name];
  node.dataset[data] = key;
  if (attribute === '') node.textContent = t(key);
  else node.setAttribute(attribute, t(key));
}

/**
 * Says a key in an element, now and after a change of language.
 * @param {HTMLElement} node
 * @param {string} key
 * @param {'t' | 'tLabel' | 'tTitle' | 'tPlaceholder'} [where]
 */
export function say(node, key, where = 't') {
  if (node.dataset[TRANSLATED[where][0]] !== key) translate(node, where, key);
}

/**
 * Puts every translated element under root into the current language.
 * @param {ParentNode} root
 */
export function retranslate(root) {
  for (const name of Object.keys(TRANSLATED)) {
    const data = TRANSLATED[name][0];
    const selector = `[data-${data.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(selector))) {
      translate(node, name, node.dataset[data] ?? '');
    }
  }
}

/** @param {Node} node @param {string} value */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/** @param {HTMLElement} node @param {boolean} visible */
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** @param {Element} node @param {string} name @param {string} value */
export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** @type {WeakMap<Element, Map<string, HTMLElement>>} */
const keyedChildren = new WeakMap();

/**
 * Makes the children of a parent match a list, reusing the element of each key. Elements move only where
 * their order changed; with `stay` they never move, because a playing video pauses when it is moved.
 * @template T
 * @param {HTMLElement} parent owns no other children, unless `stay` is set
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} make
 * @param {(node: HTMLElement, item: T, index: number) => void} update
 * @param {{stay?: boolean}} [options]
 */
export function keyed(parent, items, keyOf, make, update, { stay = false } = {}) {
  const before = keyedChildren.get(parent) ?? new Map();
  /** @type {Map<string, HTMLElement>} */
  const after = new Map();
  /** @type {HTMLElement | null} */
  let previous = null;
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const old = before.get(key);
    const node = old ?? make(item);
    after.set(key, node);
    if (!old && stay) parent.append(node);
    else if (!stay) {
      const place = previous === null ? parent.firstChild : previous.nextSibling;
      if (place !== node) parent.insertBefore(node, place);
    }
    update(node, item, index);
    previous = node;
  }
  for (const [key, node] of before) if (!after.has(key)) node.remove();
  keyedChildren.set(parent, after);
}

/**
 * @param {string} key label
 * @param {Attributes} [attributes] `icon` names a drawing in front of the label
 */
export function button(key, attributes = {}) {
  const { icon: name, ...rest } = attributes;
  const label = el('span', { t: key });
  return el('button', { type: 'button', class: 'btn', ...rest }, name ? icon(name, 's') : null, label);
}

/**
 * A square button that is only a drawing; its label is for screen readers and the tooltip.
 * @param {string} name of the drawing
 * @param {string} key label
 * @param {Attributes} [attributes]
 */
export function iconButton(name, key, attributes = {}) {
  return el(
    'button',
    { type: 'button', class: 'btn ghost icon', tLabel: key, tTitle: key, ...attributes },
    icon(name, 's'),
  );
}

/**
 * A labelled field with a place for what is wrong with it.
 * @param {string} key
 * @param {HTMLInputElement} input
 */
export function field(key, input) {
  const error = el('p', { class: 'ferr', id: `${input.id}-error`, role: 'alert', hidden: true });
  input.setAttribute('aria-describedby', error.id);
  const node = el('div', { class: 'field' }, el('label', { for: input.id, t: key }), input, error);
  return {
    node,
    input,
    /** @param {string | null} message */
    complain(message) {
      show(error, message !== null);
      text(error, message ?? '');
      if (message === null) input.removeAttribute('aria-invalid');
      else input.setAttribute('aria-invalid', 'true');
    },
  };
}

/**
 * Runs something that takes a while. The button shows a spinner only when it takes longer than a blink,
 * and cannot be pressed twice.
 * @param {HTMLButtonElement} pressed
 * @param {() => Promise<void>} work
 */
export async function busy(pressed, work) {
  if (pressed.getAttribute('aria-busy') === 'true') return;
  pressed.setAttribute('aria-busy', 'true');
  const spinner = el('span', { class: 'spin' });
  const timer = setTimeout(() => pressed.prepend(spinner), 400);
  try {
    await work();
  } finally {
    clearTimeout(timer);
    spinner.remove();
    pressed.removeAttribute('aria-busy');
  }
}

let serial = 0;

/** An id for a label to point at. */
export function newId() {
  serial += 1;
  return `m${serial}`;
}
