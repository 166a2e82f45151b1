/** What belongs to no device: the name, language, colours and keys. */

import { errorText, t } from '../../i18n/index.js';
import { busy, button, el, field, newId, show } from '../kit/dom.js';
import { shortcutKeys } from './shortcuts.js';

/** @param {import('../../flow/actions.js').Actions} actions */
export function generalPart(actions) {
  const { user } = actions.state();
  const name = field(
    'name.display',
    el('input', {
      class: 'inp',
      id: newId(),
      maxlength: 64,
      autocomplete: 'name',
      value: actions.ownName(),
      'data-testid': 'profile-name',
      on: { keydown: enter },
    }),
  );
  const save = button('save', { 'data-testid': 'profile-save', on: { click: () => void busy(save, rename) } });
  const saved = el('p', { class: 'meta', role: 'status', 'data-testid': 'profile-saved' });
  const language = select('settings.language', 'settings-language', [
    // In their own words, for those who cannot read the language that is shown.
    el('option', { value: 'en', lang: 'en' }, 'English'),
    el('option', { value: 'zh', lang: 'zh-CN' }, '中文'),
  ]);
  const theme = select(
    'settings.theme',
    'settings-theme',
    ['auto', 'light', 'dark'].map((value) => el('option', { value, t: `theme.${value}` })),
  );
  language.input.addEventListener('change', () => void actions.setLanguage(language.input.value === 'zh' ? 'zh' : 'en'));
  theme.input.addEventListener('change', () => actions.setTheme(/** @type {any} */ (theme.input.value)));

  /** The dialog's own button closes it; here Enter saves the name. @param {KeyboardEvent} event */
  function enter(event) {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    void busy(save, rename);
  }

  async function rename() {
    const display_name = name.input.value.trim();
    show(saved, false);
    name.complain(display_name === '' ? t('name.missing') : null);
    if (display_name === '') return name.input.focus();
    const refused = await actions.setOwnName(display_name);
    name.complain(refused === null ? null : errorText(refused));
    show(saved, refused === null);
    if (refused === null) saved.textContent = t('settings.name.saved');
  }

  return {
    node: el(
      'div',
      { class: 'sub' },
      el('div', { class: 'field' }, el('div', { class: 'named' }, name.node, save), saved),
      user?.kind === 'account' ? null : el('p', { class: 'meta', t: 'settings.name.guest' }),
      el('div', { class: 'two' }, language.node, theme.node),
      shortcutKeys(actions),
    ),
    /** @param {import('../../state/app.js').AppState} state */
    update(state) {
      language.input.value = state.language;
      theme.input.value = state.theme;
    },
  };
}

/** @param {string} key @param {string} testid @param {HTMLOptionElement[]} choices */
function select(key, testid, choices) {
  const input = el('select', { class: 'inp', id: newId(), 'data-testid': testid }, ...choices);
  return { input, node: el('div', { class: 'field' }, el('label', { for: input.id, t: key }), input) };
}
