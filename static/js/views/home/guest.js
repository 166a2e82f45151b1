/**
 * The home of a person who is not signed in: a link or a number first, the account below it.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { errorText, t } from '../../i18n/index.js';
import { art } from '../kit/art.js';
import { button, busy, el, field, newId, say, show } from '../kit/dom.js';
import { joinForm } from './join-form.js';

/** @param {import('../../flow/actions.js').Actions} actions */
export function guestHome(actions) {
  let registering = false;
  const join = joinForm(actions, { label: 'join.label', primary: true });
  const username = field(
    'username',
    el('input', {
      class: 'inp',
      id: newId(),
      autocomplete: 'username',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 64,
      'data-testid': 'username',
    }),
  );
  const password = field(
    'password',
    el('input', {
      class: 'inp',
      id: newId(),
      type: 'password',
      autocomplete: 'current-password',
      'data-testid': 'password',
    }),
  );
  const display = field(
    'name.display',
    el('input', { class: 'inp', id: newId(), autocomplete: 'name', maxlength: 64, 'data-testid': 'display-name' }),
  );
  const submit = button('signIn', { class: 'btn line wide', type: 'submit', 'data-testid': 'sign-in' });
  const or = el('span', { t: 'home.orSignIn' });
  const question = el('span', { class: 'meta', t: 'register.question' });
  const turn = el('button', {
    type: 'button',
    class: 'btn ghost',
    t: 'register.open',
    'data-testid': 'register-open',
    on: { click: switchForm },
  });
  const turnRow = el('div', { class: 'row' }, question, turn);

  const account = el(
    'form',
    {
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void busy(submit, registering ? register : signIn);
        },
      },
    },
    el('div', { class: 'two' }, username.node, password.node),
    display.node,
    submit,
  );

  function switchForm() {
    registering = !registering;
    complain(null);
    draw();
    username.input.focus();
  }

  function draw() {
    show(display.node, registering);
    say(/** @type {HTMLElement} */ (submit.lastChild), registering ? 'register' : 'signIn');
    say(or, registering ? 'home.orRegister' : 'home.orSignIn');
    say(question, registering ? 'register.back.question' : 'register.question');
    say(turn, registering ? 'register.back' : 'register.open');
    password.input.autocomplete = registering ? 'new-password' : 'current-password';
  }

  /** Shows a refusal under the field that it is about. The typed text stays. @param {string | null} code */
  function complain(code) {
    username.complain(null);
    password.complain(null);
    if (code === null) return;
    const where = code === 'auth.username_taken' || code === 'protocol.bad_field' ? username : password;
    const key = code === 'protocol.bad_field' ? 'username.rule' : null;
    where.complain(key ? t(key) : errorText(code));
    where.input.focus();
  }

  async function signIn() {
    complain(null);
    complain(await actions.signIn(username.input.value.trim(), password.input.value));
  }

  async function register() {
    complain(null);
    const display_name = display.input.value.trim();
    complain(
      await actions.register({
        username: username.input.value.trim(),
        password: password.input.value,
        ...(display_name ? { display_name } : {}),
      }),
    );
  }

  const node = el(
    'main',
    { class: 'wrap guest', 'data-testid': 'guest-home' },
    el(
      'div',
      { class: 'copy' },
      el('h1', { t: 'home.promise' }),
      el('p', { class: 'lead', t: 'home.lead' }),
      join.node,
      el('div', { class: 'or' }, or),
      account,
      turnRow,
    ),
    art(),
  );
  draw();

  /** @param {AppState} state */
  function update(state) {
    show(turnRow, state.auth.includes('register') || registering);
    join.update(state);
  }

  /** A person who comes here again after signing out sees the plain form. */
  function start() {
    registering = false;
    password.input.value = '';
    complain(null);
    draw();
  }
  return { node, update, start };
}
