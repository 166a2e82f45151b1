/**
 * What the person decides about the page, in one place: sound and picture, notifications, and the rest. Everything takes
 * effect at once. Reached from the top of the page, before a meeting, while waiting, and in it.
 *
 * @typedef {import('../../flow/actions.js').Actions} Actions
 * @typedef {'sound' | 'notify' | 'general'} Tab
 * @typedef {{node: HTMLElement, update?: (state: import('../../state/app.js').AppState) => void, stop?: () => void}} Part
 */

import { soundPart } from './devices.js';
import { openDialog } from '../kit/dialog.js';
import { attribute, el, newId, show } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { generalPart } from './settings-general.js';
import { notifyPart } from './settings-notify.js';

/** @type {Array<{tab: Tab, drawing: string, make: (actions: Actions) => Part}>} */
const TABS = [
  { tab: 'sound', drawing: 'volume', make: soundPart },
  { tab: 'notify', drawing: 'bell', make: notifyPart },
  { tab: 'general', drawing: 'settings', make: generalPart },
];

/** @param {Actions} actions @param {Tab} [first] */
export function openSettings(actions, first = 'sound') {
  if (document.querySelector('[data-testid="settings"]')) return;
  const parts = TABS.map(({ tab, drawing, make }) => {
    const part = make(actions);
    const panelId = newId();
    const button = el(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: newId(),
        'aria-controls': panelId,
        'data-testid': `tab-${tab}`,
        on: { click: () => choose(tab) },
      },
      icon(drawing, 's'),
      el('span', { t: `settings.${tab}` }),
    );
    const panel = el('div', { role: 'tabpanel', class: 'sub', id: panelId, 'aria-labelledby': button.id, tabindex: -1 }, part.node);
    return { tab, part, button, panel };
  });
  const tabs = el('div', { class: 'tabs', role: 'tablist', tLabel: 'settings.title', on: { keydown: walk } });
  tabs.append(...parts.map(({ button }) => button));

  /** @param {Tab} wanted */
  function choose(wanted) {
    for (const { tab, button, panel } of parts) {
      const is = tab === wanted;
      attribute(button, 'aria-selected', String(is));
      // One stop among the tabs; arrows move between them.
      button.tabIndex = is ? 0 : -1;
      show(panel, is);
    }
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const at = parts.findIndex(({ button }) => button === document.activeElement);
    const last = parts.length - 1;
    const to = { ArrowRight: (at + 1) % parts.length, ArrowLeft: (at + last) % parts.length, Home: 0, End: last }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    choose(parts[to].tab);
    parts[to].button.focus();
  }

  choose(first);
  openDialog({
    title: 'settings.title',
    testid: 'settings',
    body: [tabs, ...parts.map(({ panel }) => panel)],
    onClose: () => {
      unwatch();
      for (const { part } of parts) part.stop?.();
    },
  });
  const update = (/** @type {import('../../state/app.js').AppState} */ state) => {
    for (const { part } of parts) part.update?.(state);
  };
  const unwatch = actions.watch(update);
  update(actions.state());
  parts.find(({ tab }) => tab === first)?.button.focus();
}
