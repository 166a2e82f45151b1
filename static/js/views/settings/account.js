/** The account's password. */

import { errorText } from '../../i18n/index.js';
import { busy, el, field, newId } from '../kit/dom.js';
import { openDialog } from '../kit/dialog.js';

/** The server's lower bound; said before it refuses. */
const SHORTEST_PASSWORD = 8;

/** @param {import('../../flow/actions.js').Actions} actions */
export function openPassword(actions) {
  const old = field(
    'password.current',
    el('input', {
      class: 'inp',
      id: newId(),
      type: 'password',
      autocomplete: 'current-password',
      'data-testid': 'old-password',
    }),
  );
  const next = field(
    'password.new',
    el('input', {
      class: 'inp',
      id: newId(),
      type: 'password',
      autocomplete: 'new-password',
      'data-testid': 'new-password',
    }),
  );
  openDialog({
    title: 'account.password',
    body: [old.node, next.node],
    submit: 'save',
    testid: 'change-password',
    onSubmit: (close, pressed) =>
      void busy(pressed, async () => {
        old.complain(null);
        next.complain(null);
        if (next.input.value.length < SHORTEST_PASSWORD) return next.complain(errorText('auth.weak_password'));
        const refused = await actions.updateAccount({
          current_password: old.input.value,
          new_password: next.input.value,
        });
        if (refused) return (refused === 'auth.weak_password' ? next : old).complain(errorText(refused));
        close();
        actions.toast('toast.passwordChanged', {}, 'check');
      }),
  });
}
