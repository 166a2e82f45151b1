/** Of what the page tells when one looks elsewhere: a switch for each. */

import { NOTIFICATION_SWITCHES } from '../../flow/settings.js';
import { t } from '../../i18n/index.js';
import { el, show, text } from '../kit/dom.js';
import { tick } from '../kit/fields.js';

/** The switch that the browser has a say in. */
const SYSTEM = 'system';

/** @param {import('../../flow/actions.js').Actions} actions */
export function notifyPart(actions) {
  const refused = el('p', { class: 'note danger', role: 'alert', hidden: true });
  const ticks = NOTIFICATION_SWITCHES.map(({ key }) => {
    const one = tick(`settings.notify.${key}`, actions.notifies(key), `notify-${key}`, key === SYSTEM ? 'settings.notify.system.what' : undefined);
    one.input.addEventListener('change', () => void turn(key, one.input));
    return { key, ...one };
  });
  const none = el('p', { class: 'meta', t: 'settings.notify.system.none', hidden: true, 'data-testid': 'notify-none' });
  // What cannot work is not offered.
  void actions.canNotify().then((can) => {
    for (const { key, node } of ticks) if (key === SYSTEM) show(node, can);
    show(none, !can);
  });

  /** @param {string} key @param {HTMLInputElement} input */
  async function turn(key, input) {
    const problem = await actions.setNotifies(key, input.checked);
    show(refused, problem !== null);
    if (problem === null) return;
    input.checked = false;
    text(refused, t(problem));
  }

  return {
    node: el(
      'div',
      { class: 'sub' },
      el('p', { class: 'meta', t: 'settings.notify.what' }),
      el('div', { class: 'ticks' }, ...ticks.map(({ node }) => node)),
      none,
      refused,
    ),
  };
}
