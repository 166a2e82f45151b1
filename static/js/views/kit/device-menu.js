/**
 * Choosing devices: the menu behind ▾, behind the pickers of the preview, and behind "Sound and picture".
 * @typedef {import('../../state/app.js').Devices} Devices
 * @typedef {'microphone' | 'camera' | 'speaker'} Kind
 */

import { t } from '../../i18n/index.js';
import { openMenu } from './menu.js';

/** Browsers without setSinkId always play where the system says. */
export const CAN_CHOOSE_SPEAKER = 'setSinkId' in HTMLMediaElement.prototype;

/**
 * @param {HTMLElement} anchor
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {Devices} devices
 * @param {Kind[]} kinds
 * @param {boolean} [above]
 * @param {() => void} [openSound] offers the test tone, the level and the rest as well
 */
export function openDeviceMenu(anchor, actions, devices, kinds, above = false, openSound) {
  /** @type {import('./menu.js').Item[]} */
  const items = [];
  for (const kind of kinds) {
    if (kind === 'speaker' && !CAN_CHOOSE_SPEAKER) continue;
    const list = { microphone: devices.microphones, camera: devices.cameras, speaker: devices.speakers }[kind];
    const current = kind === 'speaker' ? devices.speaker : devices[kind].id;
    if (items.length > 0) items.push('line');
    items.push({ title: t(`device.${kind}`) });
    if (list.length === 0) items.push({ label: t('device.none'), run: () => {} });
    for (const [index, { id, label }] of list.entries()) {
      const chosen = list.some((choice) => choice.id === current) ? id === current : index === 0;
      items.push({
        label,
        checked: chosen,
        run: () => (kind === 'speaker' ? actions.chooseSpeaker(id) : void actions.chooseDevice(kind, id)),
      });
    }
  }
  if (kinds.includes('speaker')) {
    items.push('line', { label: t('sound.test'), icon: 'volume', run: () => void actions.testSpeaker() });
  }
  if (openSound) items.push('line', { label: t('sound.title'), icon: 'settings', run: openSound });
  openMenu(anchor, items, { above });
}

/**
 * What to write on a picker.
 * @param {Devices} devices
 * @param {Kind} kind
 */
export function deviceLabel(devices, kind) {
  const list = { microphone: devices.microphones, camera: devices.cameras, speaker: devices.speakers }[kind];
  const current = kind === 'speaker' ? devices.speaker : devices[kind].id;
  return (list.find((choice) => choice.id === current) ?? list[0])?.label ?? t(`device.${kind}`);
}
