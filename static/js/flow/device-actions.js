/**
 * What a person can do with their devices, and the messages that the page shows about them by itself.
 *
 * @typedef {import('./actions.js').Parts} Parts
 * @typedef {import('./devices.js').Kind} Kind
 */

import { OwnVoice } from './own-voice.js';
import { createPushToTalk } from './push-to-talk.js';
import { settings } from './settings.js';
import { playTestTone } from './test-tone.js';

const ICONS = { microphone: 'mic', camera: 'camera', speaker: 'volume' };

/**
 * @param {Parts} parts
 * @param {(
 *   text: string, params?: Record<string, string | number>, icon?: string, action?: {label: string, name: string} | null,
 * ) => void} toast
 * @param {(problem: string | null, which: 'microphone') => void} explain why the microphone stayed off
 */
export function createDeviceActions({ store, devices, meeting }, toast, explain) {
  const voice = new OwnVoice();
  const talk = createPushToTalk({
    isMuted: () => store.get().meeting !== null && !store.get().devices.microphone.wanted,
    setMicrophone: async (on) => explain(await meeting.setMicrophone(on), 'microphone'),
  });
  let openSettings = () => {};
  /** @type {import('./devices.js').Found} what was plugged in last */
  let plugged = {};

  devices.onlost = (kind, label) => {
    const icon = ICONS[kind];
    const off = kind === 'speaker' ? 'warning' : `${icon}-off`;
    if (label === null) toast(`toast.${kind}.lost`, {}, off, { label: 'change', name: 'devices' });
    else toast(`toast.${kind}.switched`, { name: label }, icon, { label: 'change', name: 'devices' });
  };
  devices.onback = (kind, label) => toast(`toast.${kind}.switched`, { name: label }, ICONS[kind]);
  devices.onfound = (found) => {
    plugged = found;
    const [kind, choice] = Object.entries(found)[0];
    toast('toast.device.found', { name: choice.label }, ICONS[/** @type {Kind} */ (kind)], { label: 'use', name: 'use' });
  };

  voice.onhint = (hint) => {
    // There is one message at a time. This one comes when the other is gone.
    if (!settings.hints || talk.held || store.get().toast !== null) return false;
    if (hint === 'talking') toast(mutedWords(), {}, 'mic-off', { label: 'unmute', name: 'unmute' });
    else toast('meter.silent', {}, 'mic', { label: 'change', name: 'devices' });
    return true;
  };
  store.subscribe(({ meeting: inside, devices: { microphone } }) =>
    voice.follow(inside === null ? null : devices.track('microphone'), !microphone.wanted),
  );

  /** @param {Kind} kind @param {string} id */
  async function use(kind, id) {
    if (kind === 'speaker') devices.chooseSpeaker(id);
    else await devices.choose(kind, id);
  }

  /** The message names the key only for a person who has a keyboard and wants to use it. */
  function mutedWords() {
    const holds = settings.pushToTalk && settings.shortcuts && matchMedia('(pointer: fine)').matches;
    return holds ? 'toast.muted' : 'toast.muted.plain';
  }

  return {
    /** Sets what the button "Change" opens; the views call this. @param {() => void} open */
    onChangeDevices(open) {
      openSettings = open;
    },

    /** Devices and their settings, as a dialog. */
    changeDevices: () => openSettings(),

    /** What the button of a message about devices does. @param {string} name */
    deviceAction(name) {
      if (name === 'devices') return openSettings();
      if (name !== 'use') return;
      for (const [kind, { id }] of Object.entries(plugged)) void use(/** @type {Kind} */ (kind), id);
    },

    mutedWords,

    /** Two notes on the chosen speaker. */
    async testSpeaker() {
      if (!(await playTestTone(store.get().devices.speaker))) toast('sound.test.failed', {}, 'warning');
    },

    /** @param {boolean} on */
    setBlur: (on) => devices.blur.set(on),

    /**
     * Unmutes while the key is held. Nothing changes for a person who was not muted, or who switched this off.
     * @param {boolean} on
     */
    holdToTalk: (on) => (on && !settings.pushToTalk ? Promise.resolve() : talk.hold(on)),

    /** @returns {{hints: boolean, pushToTalk: boolean}} what the person chose about the page's help */
    help: () => ({ hints: settings.hints, pushToTalk: settings.pushToTalk }),

    /** @param {{hints?: boolean, pushToTalk?: boolean}} change */
    setHelp: (change) => void Object.assign(settings, change),

    /** Opens a link of the page's own without loading the page again. @param {MouseEvent} event */
    follow(event) {
      const link = /** @type {HTMLAnchorElement} */ (event.currentTarget);
      // The browser itself opens a link in a new tab.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.pushState(null, '', link.pathname);
      dispatchEvent(new PopStateEvent('popstate'));
    },
  };
}
