/** The "link or number" field. @typedef {import('../../state/app.js').AppState} AppState */

import { t } from '../../i18n/index.js';
import { button, el, field, newId, show, text } from '../kit/dom.js';

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {{label: string, primary: boolean}} look  label: a key; shown above the field only when primary
 */
export function joinForm(actions, { label, primary }) {
  const input = el('input', {
    class: 'inp num',
    id: newId(),
    tPlaceholder: 'join.placeholder',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    'data-testid': 'join-address',
  });
  const labelled = field(label, input);
  const error = /** @type {HTMLElement} */ (labelled.node.lastChild);
  const heading = /** @type {HTMLElement} */ (labelled.node.firstChild);
  if (!primary) heading.classList.add('vh');
  const row = el(
    'div',
    { class: 'jn' },
    input,
    button('join', { class: primary ? 'btn primary' : 'btn', type: 'submit', 'data-testid': 'join-open' }),
  );
  labelled.node.insertBefore(row, error);
  const node = el(
    'form',
    {
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          const wrong = actions.openTyped(input.value);
          labelled.complain(wrong === null ? null : t(wrong));
          if (wrong !== null) input.focus();
        },
      },
    },
    labelled.node,
  );

  /** @param {AppState} state */
  function update(state) {
    // A complaint in the other language would stay behind a switch.
    if (shown !== state.language) {
      shown = state.language;
      show(error, false);
      text(error, '');
    }
  }
  let shown = '';
  return { node, update };
}
