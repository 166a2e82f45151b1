/**
 * One message at a time at the bottom. Without an action it goes after five seconds, with one after twelve.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { el } from './dom.js';
import { icon } from './icons.js';

const SHOWN_MS = 5000;
const SHOWN_WITH_ACTION_MS = 12000;
/** What is asked for can be refused as well. @type {Record<string, {name: string, label: string}>} */
const REFUSALS = { admit: { name: 'deny', label: 'lobby.deny' } };

/** @param {import('../../flow/actions.js').Actions} actions */
export function toasts(actions) {
  const node = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  let shown = -1;
  let timer = 0;

  /** @param {AppState} state */
  function update(state) {
    const { toast } = state;
    if ((toast?.id ?? -1) === shown) return;
    clearTimeout(timer);
    shown = toast?.id ?? -1;
    node.replaceChildren();
    if (!toast) return;
    const { action, other = null } = toast;
    node.append(
      el(
        'div',
        { class: action ? 'toast' : 'toast plain', 'data-testid': 'toast' },
        icon(toast.icon, 's'),
        el('span', { class: 'txt', dir: 'auto' }, t(toast.text, toast.params)),
        action && el('span', { class: 'answers' }, ...choices(action, other)),
      ),
    );
    timer = setTimeout(() => actions.dismissToast(), action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
  }

  /** @param {import('../../flow/room-events.js').ToastAction} action @param {import('../../flow/room-events.js').ToastAction | null} other */
  function choices({ name, label, data }, other) {
    const refusal = REFUSALS[name];
    const choice = (/** @type {string} */ key, /** @type {string} */ run, /** @type {string} */ look) =>
      el('button', { type: 'button', class: look, 'data-run': run, on: { click: () => press(run, data) } }, t(key));
    if (other) {
      const second = el('button', { type: 'button', class: 'btn', 'data-run': other.name }, t(other.label));
      second.addEventListener('click', () => press(other.name, other.data));
      return [choice(label, name, 'btn'), second];
    }
    if (!refusal) return [choice(label, name, 'btn')];
    return [choice(refusal.label, refusal.name, 'btn'), choice(label, name, 'btn primary')];
  }
  /** @param {string} run @param {string} [data] */
  function press(run, data) {
    actions.toastAction(run, data);
    // Whoever answers wants to write, also where opening the chat alone would not bring up a keyboard.
    if (run === 'reply') requestAnimationFrame(() => document.querySelector('textarea')?.focus());
  }
  return { node, update };
}
