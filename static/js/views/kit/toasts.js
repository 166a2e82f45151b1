/**
 * One message at a time at the edge. Without an action it goes after five seconds, with an action after twelve. It stays
 * while a person points at it or has the keyboard focus in it.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { isOfSomebody } from '../../state/heed.js';
import { el, show, text } from './dom.js';
import { icon } from './icons.js';

const SHOWN_MS = 5000;
const SHOWN_WITH_ACTION_MS = 12000;
/** A request can also be refused. @type {Record<string, {name: string, label: string}>} */
const REFUSALS = { admit: { name: 'deny', label: 'lobby.deny' } };

/** @param {import('../../flow/actions.js').Actions} actions */
export function toasts(actions) {
  const node = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  let shown = -1;
  let timer = 0;
  let shownMs = 0;
  // A screen reader reads this number together with the message, and not each time that it grows.
  const more = el('span', { class: 'more num', 'aria-live': 'off', 'data-testid': 'toast-more' });

  for (const event of ['pointerover', 'focusin']) node.addEventListener(event, () => touch(true));
  for (const event of /** @type {const} */ (['pointerout', 'focusout'])) {
    node.addEventListener(event, ({ relatedTarget: to }) => touch(to instanceof Node && node.contains(to)));
  }

  /** @param {boolean} isTouched */
  function touch(isTouched) {
    actions.holdToast(isTouched);
    clearTimeout(timer);
    if (!isTouched && shown !== -1) timer = setTimeout(() => actions.dismissToast(), shownMs);
  }

  /** @param {AppState} state */
  function update(state) {
    const { toast } = state;
    count(toast?.more ?? 0);
    if ((toast?.id ?? -1) === shown) return;
    clearTimeout(timer);
    shown = toast?.id ?? -1;
    node.replaceChildren();
    // The pointer is on another message now, or on none.
    actions.holdToast(false);
    if (!toast) return;
    const { action, other = null } = toast;
    node.append(
      el(
        'div',
        { class: action ? 'toast' : 'toast plain', 'data-testid': 'toast' },
        icon(toast.icon, 's'),
        words(toast),
        action && el('span', { class: 'answers' }, isOfSomebody(toast) && more, ...choices(action, other)),
      ),
    );
    shownMs = action ? SHOWN_WITH_ACTION_MS : SHOWN_MS;
    timer = setTimeout(() => actions.dismissToast(), shownMs);
  }

  /** @param {number} n */
  function count(n) {
    show(more, n > 0);
    if (n > 0) text(more, t('toast.more', { n }));
  }

  /** The name in a chat message is highlighted. @param {import('../../state/app.js').Toast} toast */
  function words(toast) {
    const whole = t(toast.text, toast.params);
    const said = String(toast.params.text ?? '');
    const at = isOfSomebody(toast) && said !== '' ? whole.lastIndexOf(said) : 0;
    const parts = at > 0 ? [el('b', {}, whole.slice(0, at)), whole.slice(at)] : [whole];
    return el('span', { class: 'txt', dir: 'auto' }, ...parts);
  }

  /**
   * @param {import('../../flow/room-events.js').ToastAction} action
   * @param {import('../../flow/room-events.js').ToastAction | null} other
   */
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
    // A person who answers wants to write. This also brings up the keyboard where opening the chat alone would not.
    if (run === 'reply') requestAnimationFrame(() => document.querySelector('textarea')?.focus());
  }
  return { node, update };
}
