/**
 * What the person decides about the page, and not about a meeting.
 *
 * @typedef {import('./actions.js').Parts} Parts
 */

import { setLanguage } from '../i18n/index.js';
import { settings } from './settings.js';
import { canNotify } from './system-notes.js';

/** What the browser says when it was asked for the person's leave to notify them. */
const GRANTED = 'granted';

/**
 * @param {Pick<Parts, 'store' | 'meeting'>} parts
 * @param {(change: {display_name: string}) => Promise<string | null>} updateAccount
 */
export function createPreferences({ store, meeting }, updateAccount) {
  const { dispatch } = store;

  /** @param {'en' | 'zh'} language */
  async function chooseLanguage(language) {
    settings.language = language;
    await setLanguage(language);
    dispatch({ type: 'language', language });
  }

  return {
    setLanguage: chooseLanguage,
    switchLanguage: () => chooseLanguage(store.get().language === 'zh' ? 'en' : 'zh'),

    /** @param {'auto' | 'light' | 'dark'} theme */
    setTheme(theme) {
      settings.theme = theme;
      dispatch({ type: 'theme', theme });
    },

    /** How good pictures have to be. @param {import('../state/viewing.js').Choice} picture */
    setPicture(picture) {
      settings.picture = picture;
      dispatch({ type: 'picture', picture });
      meeting.choosePicture(picture);
    },

    shortcuts: () => settings.shortcuts,
    /** @param {boolean} on */
    setShortcuts: (on) => void (settings.shortcuts = on),

    /** The account's name, or the one a guest used last. */
    ownName() {
      const { user } = store.get();
      return user?.kind === 'account' ? user.display_name : settings.name;
    },

    /** @param {string} display_name @returns {Promise<string | null>} the code of a refusal */
    async setOwnName(display_name) {
      if (store.get().user?.kind === 'account') return updateAccount({ display_name });
      settings.name = display_name;
      return null;
    },

    /** @param {string} key */
    notifies: (key) => settings.notifies(key),

    /** Whether the system can tell anything here. */
    canNotify,

    /**
     * @param {string} key
     * @param {boolean} on
     * @returns {Promise<string | null>} why not, as a key
     */
    async setNotifies(key, on) {
      if (key === 'system' && on) {
        if (!(await canNotify())) return 'settings.notify.system.none';
        if ((await Notification.requestPermission()) !== GRANTED) return 'settings.notify.system.denied';
      }
      settings.setNotifies(key, on);
      return null;
    },
  };
}
