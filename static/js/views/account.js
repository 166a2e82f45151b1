/** The account's two dialogs: display name and password. */

import { errorText, t } from '../i18n/index.js';
import { busy, el, field, newId } from './dom.js';
import { openDialog } from './dialog.js';

/** The server's lower bound; said before it refuses. */
const SHORTEST_PASSWORD = 8;

/**
 * @param {import('../flow/actions.js').Actions} actions
 * @param {import('../state/app.js').User} user
 */
export function openProfile(actions, user) {
  const name = field(
    'name.display',
    el('input', {
      class: 'inp',
      id: newId(),
      value: user.display_name,
      maxlength: 64,
      autocomplete: 'name',
      'data-testid': 'profile-name',
    }),
  );
  openDialog({
    title: 'account.name',
    body: [name.node],
    submit: 'save',
    testid: 'profile',
    onSubmit: (close, pressed) =>
      void busy(pressed, async () => {
        const display_name = name.input.value.trim();
        if (!display_name) return name.complain(t('name.missing'));
        const refused = await actions.updateAccount({ display_name });
        if (refused) return name.complain(errorText(refused));
        close();
      }),
  });
}

/** @param {import('../flow/actions.js').Actions} actions */
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
