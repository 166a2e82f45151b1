/** Fields of forms that more than one dialog has. */

import { t } from '../../i18n/index.js';
import { el, newId } from './dom.js';

/**
 * A list to choose one from.
 * @param {string} key
 * @param {Array<{value: string, label: string, n?: number}>} choices  label: a key, which n may be filled into
 * @param {string} current
 * @param {string} testid
 */
export function chooser(key, choices, current, testid) {
  const select = el(
    'select',
    { class: 'inp', id: newId(), 'data-testid': testid },
    ...choices.map(({ value, label, n }) => el('option', { value }, t(label, n === undefined ? {} : { n }))),
  );
  select.value = current;
  return {
    select,
    node: el('div', { class: 'field' }, el('label', { for: select.id, t: key }), select),
    value: () => select.value,
  };
}

/**
 * Says what is wrong with a field and goes there.
 * @param {{complain: (words: string) => void, input: HTMLElement}} where
 * @param {string} words
 * @returns {null}
 */
export function complain(where, words) {
  where.complain(words);
  // A field in a part that is folded cannot take the focus.
  where.input.closest('details')?.setAttribute('open', '');
  where.input.focus();
  return null;
}

/**
 * A box to tick, with a sentence about it.
 * @param {string} key
 * @param {boolean} checked
 * @param {string} testid
 * @param {string} [hint] key of the sentence
 */
export function tick(key, checked, testid, hint) {
  const input = el('input', { type: 'checkbox', id: newId(), checked, 'data-testid': testid });
  const words = el('span', {}, el('span', { t: key }), hint ? el('small', { class: 'meta', t: hint }) : null);
  return { input, node: el('label', { class: 'tick', for: input.id }, input, words) };
}
