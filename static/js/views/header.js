/**
 * The line at the top of every screen but the room: mark, host name, language, settings, account.
 * @typedef {import('../state/app.js').AppState} AppState
 */

import { at, base } from '../place.js';
import { hasAccount } from '../state/app.js';
import { t } from '../i18n/index.js';
import { openPassword, openSettings } from './dialogs.js';
import { avatar, setAvatar } from './kit/avatar.js';
import { attribute, el, iconButton, show, text } from './kit/dom.js';
import { icon, mark } from './kit/icons.js';
import { openMenu } from './kit/menu.js';

/** @param {import('../flow/actions.js').Actions} actions */
export function header(actions) {
  const otherLanguage = el('span');
  const languageButton = el(
    'button',
    { type: 'button', class: 'btn ghost', 'data-testid': 'language', on: { click: () => actions.switchLanguage() } },
    icon('globe', 's'),
    otherLanguage,
  );
  const settingsButton = iconButton('settings', 'settings.title', {
    'aria-haspopup': 'dialog',
    'data-testid': 'settings-open',
    on: { click: () => void openSettings(actions, actions.state().screen === 'preview' ? 'sound' : 'general') },
  });
  const picture = avatar();
  /** @type {AppState | null} */
  let latest = null;
  const accountButton = el(
    'button',
    {
      type: 'button',
      class: 'btn ghost icon',
      tLabel: 'account.menu',
      'aria-haspopup': 'menu',
      'data-testid': 'account',
      on: { click: openAccount },
    },
    picture,
  );
  const check = el(
    'a',
    { class: 'btn ghost', href: at('check'), tLabel: 'check.link', 'data-testid': 'check-link' },
    icon('wifi', 's'),
    el('span', { class: 'lbl', t: 'check.link' }),
  );
  check.addEventListener('click', actions.follow);
  const node = el(
    'header',
    { class: 'top' },
    el(
      'a',
      { class: 'brand', href: base, on: { click: goHome } },
      mark(),
      el('span', {}, 'Meeting'),
      el('small', {}, location.host),
    ),
    el('span', { class: 'sp' }),
    check,
    languageButton,
    settingsButton,
    accountButton,
  );

  /** @param {MouseEvent} event */
  function goHome(event) {
    // A new tab stays the browser's business.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    actions.goHome();
  }

  function openAccount() {
    const user = latest?.user;
    if (!user) return;
    openMenu(accountButton, [
      { title: user.username ? `${user.display_name} · ${user.username}` : user.display_name },
      { label: t('account.name'), icon: 'user', testid: 'account-name', run: () => void openSettings(actions, 'general') },
      { label: t('account.password'), icon: 'lock', testid: 'account-password', run: () => openPassword(actions) },
      'line',
      { label: t('account.signOut'), icon: 'leave', testid: 'sign-out', run: () => void actions.signOut() },
    ]);
  }

  /** @param {AppState} state */
  function update(state) {
    latest = state;
    const zh = state.language === 'zh';
    text(otherLanguage, zh ? 'English' : '中文');
    attribute(otherLanguage, 'lang', zh ? 'en' : 'zh-CN');
    show(accountButton, hasAccount(state));
    if (state.user) setAvatar(picture, state.user.id, state.user.display_name);
  }
  return { node, update };
}
