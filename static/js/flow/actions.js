/**
 * Everything a person can do on the page, by name. The views call these and nothing else.
 *
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/app.js').AppAction} AppAction
 * @typedef {ReturnType<typeof createActions>} Actions
 * @typedef {{
 *   session: import('../client/session.js').Session,
 *   store: {
 *     get: () => AppState, dispatch: (action: AppAction) => void,
 *     subscribe: (listener: (state: AppState) => void) => () => void,
 *   },
 *   devices: import('./devices.js').Devices,
 *   meeting: import('./meeting.js').MeetingFlow,
 * }} Parts
 */

import { t } from '../i18n/index.js';
import { base, linkAt } from '../place.js';
import { NOTHING_YET } from '../state/findings.js';
import { isOn } from '../state/own-media.js';
import { inviteFrom, roomFrom } from '../state/text.js';
import { createDeviceActions } from './device-actions.js';
import { createEntry } from './entry.js';
import { createHome } from './home.js';
import { GOVERN, GOVERNING, later } from './later.js';
import { createPreferences } from './preferences.js';
import { refusalOf } from './refusal.js';
import { settings } from './settings.js';
import { createToasting } from './toasting.js';

/** The server's socket. */
export const socketUrl = () => linkAt('ws').replace(/^http/, 'ws');

/** @param {Parts} parts */
export function createActions(parts) {
  const { store, devices, meeting } = parts;
  const { dispatch } = store;

  const toasting = createToasting(store);
  const { toast } = toasting;

  let hintGiven = false;
  const entry = createEntry(parts, toast);
  const device = createDeviceActions(parts, toast, explain);
  const govern = later(GOVERN, async () => (await import('./govern.js')).createGovern(parts, toast));
  const governing = later(GOVERNING, async () => (await import('./governing.js')).createGoverning(parts));
  const home = createHome(parts, toast, entry);

  /** @param {string | null} problem @param {'microphone' | 'camera'} which */
  function explain(problem, which) {
    if (problem === 'forbidden' && which === 'camera') toast('toast.mayNotCamera', {}, 'camera-off');
    else if (problem === 'forbidden') toast('toast.mayNotUnmute', {}, 'mic-off');
    else if (problem) toast(`device.${which}.${problem}`, {}, which === 'camera' ? 'camera-off' : 'mic-off');
  }

  /** @param {'chat' | 'people' | null} panel */
  function showPanel(panel) {
    dispatch({ type: 'meeting', action: { type: 'panel', panel } });
    // The panel that the message pointed to is open now.
    if (panel !== null && store.get().toast?.action?.name === panel) dispatch({ type: 'toast', toast: null });
  }

  return {
    ...home,
    ...entry,
    ...govern,
    ...device,
    ...governing,

    /** Checks the connection, unless it is being checked already. */
    async check() {
      if (store.get().check.running) return;
      dispatch({ type: 'check', check: { running: true, found: NOTHING_YET, code: null } });
      const { check } = await import('./check-actions.js');
      await check({ session: parts.session, store, url: socketUrl() });
    },

    /** An address that leads nowhere, or to something that the server refused. @param {string} kind */
    showNotice(kind) {
      entry.stopWaiting();
      devices.close();
      document.title = t('title');
      dispatch({ type: 'notice', notice: { kind, identity: null } });
    },

    showCheck() {
      entry.stopWaiting();
      devices.close();
      dispatch({ type: 'screen', screen: 'check' });
    },
    ...toasting,

    /** After a loss, tries now what waits for its next attempt. */
    tryNow: () => meeting.wake(),

    /** Tries sound and picture again that failed or were refused. */
    retryMedia: () => meeting.retryMedia(),

    /** @param {(state: AppState) => void} listener @returns {() => void} ends it */
    watch: (listener) => store.subscribe(listener),
    state: () => store.get(),

    /** Makes and opens a room at once, without questions. */
    startNow: () => home.startNow(entry.openRoom),

    /** @param {string} name @param {string} [data] */
    toastAction(name, data = '') {
      dispatch({ type: 'toast', toast: null });
      if (name === 'unmute') void this.setMicrophone(true);
      else if (name === 'startVideo') void this.setCamera(true);
      else if (name === 'admit') void govern.admit([data]);
      else if (name === 'deny') void govern.deny([data]);
      else if (name === 'people' || name === 'chat') this.openPanel(name);
      else if (name === 'reply') {
        dispatch({ type: 'meeting', action: { type: 'chat.to', participant: data || null } });
        this.openPanel('chat');
      }
      else this.deviceAction(name);
    },

    ...createPreferences(parts, home.updateAccount),

    /**
     * Opens the room that was typed or pasted.
     * @param {string} typed
     * @returns {string | null} what is wrong with it, as a key
     */
    openTyped(typed) {
      if (typed.trim() === '') return 'join.empty';
      const address = roomFrom(typed, location.origin, base);
      if (address === null) return 'join.unreadable';
      void entry.openRoom(address, inviteFrom(typed));
      return null;
    },

    /** @param {string} text @param {string} said key of the toast */
    async copy(text, said) {
      try {
        await navigator.clipboard.writeText(text);
        toast(said, {}, 'check');
      } catch {
        toast('toast.copyFailed', {}, 'warning');
      }
    },

    /** @param {boolean} on */
    async setMicrophone(on) {
      explain(await meeting.setMicrophone(on), 'microphone');
    },

    /** @param {boolean} on */
    async setCamera(on) {
      explain(await meeting.setCamera(on), 'camera');
    },

    toggleMicrophone() {
      const { meeting: inside } = store.get();
      const on = !isOn(store.get(), 'microphone');
      // Shown only once: it helps people with a keyboard, but nobody wants to read it each time.
      if (!on && inside && !hintGiven && matchMedia('(pointer: fine)').matches) {
        hintGiven = true;
        toast(device.mutedWords(), {}, 'mic-off');
      }
      return this.setMicrophone(on);
    },

    toggleCamera() {
      return this.setCamera(!isOn(store.get(), 'camera'));
    },

    /** @param {'microphone' | 'camera'} which @param {string} id */
    async chooseDevice(which, id) {
      explain(await devices.choose(which, id), which);
    },

    /** @param {string} id */
    chooseSpeaker: (id) => devices.chooseSpeaker(id),

    async flipCamera() {
      explain(await devices.flip(), 'camera');
    },

    toggleScreen: () => meeting.toggleScreen(),

    async toggleHand() {
      const { meeting: now } = store.get();
      if (!now) return;
      const up = now.participants[now.self]?.hand_raised_at !== null;
      try {
        await meeting.setHand(!up);
      } catch (error) {
        toast(`error.${refusalOf(error)}`, {}, 'warning');
      }
    },

    /** @param {'chat' | 'people'} panel */
    togglePanel(panel) {
      showPanel(store.get().meeting?.panel === panel ? null : panel);
    },

    /** @param {'chat' | 'people'} panel */
    openPanel: (panel) => showPanel(panel),

    closePanel: () => showPanel(null),

    /** @param {number} page */
    turnPage: (page) => dispatch({ type: 'meeting', action: { type: 'page', page } }),

    /** @param {number} others how many fit on the first page */
    firstPageHolds: (others) => dispatch({ type: 'meeting', action: { type: 'firstPage', others } }),

    /**
     * @param {string} text
     * @returns {Promise<string | null>} the code of a refusal
     */
    async sendChat(text) {
      try {
        await meeting.sendChat(text, store.get().meeting?.chatTo ?? null);
        return null;
      } catch (error) {
        return refusalOf(error);
      }
    },

    /** Keeps the draft, and the person it is for, over a reload. @param {string} text */
    keepDraft(text) {
      const inside = store.get().meeting;
      if (inside) settings.draft = text === '' ? null : { identity: inside.room.identity, to: inside.chatTo, text };
    },

    /** The draft from before a reload, if the person it is for is here. @returns {string} */
    takeDraft() {
      const inside = store.get().meeting;
      const { draft } = settings;
      if (!inside || draft?.identity !== inside.room.identity) return '';
      const { to, text } = draft;
      if (to !== null && !(to in inside.participants)) return '';
      if (to !== inside.chatTo) dispatch({ type: 'meeting', action: { type: 'chat.to', participant: to } });
      return text;
    },

    /** @param {readonly import('../state/viewing.js').ViewRequest[]} viewRequests what the stage draws */
    view: (viewRequests) => meeting.view(viewRequests),
    /** @param {import('../state/viewing.js').ViewRequest | null} viewRequest what a small window over other work shows */
    viewApart: (viewRequest) => meeting.viewApart(viewRequest),
    /**
     * Why a picture of somebody else is not as sharp as it could be.
     * @param {string | undefined} track
     * @param {boolean} [screen]
     */
    whyOf: (track, screen = false) => meeting.whyOf(track, screen),
    /** @param {string} track */
    mediaOf: (track) => meeting.mediaOf(track),
    /** @param {'microphone' | 'camera'} which */
    ownMedia: (which) => devices.track(which),
    listen: () => meeting.listen(),
    /** Called when the room is shown and has the focus. */
    arrived: () => meeting.arrived(),
    stats: () => meeting.stats(),
    /** @param {File} file @param {string | null} to one participant, or null for everyone */
    offerFile: (file, to) => meeting.files?.offer(file, to),
    /** @param {string} id */
    acceptFile: (id) => meeting.files?.accept(id),
    /** @param {string} file @param {boolean} paused */
    pauseFile: (file, paused) => meeting.files?.pause(file, paused),
    /** @param {string} file */
    cancelFile: (file) => meeting.files?.cancel(file),

    /** @param {string | null} participant null for everyone */
    writeTo: (participant) => dispatch({ type: 'meeting', action: { type: 'chat.to', participant } }),
    /** @param {string | null} participant */
    pin: (participant) => dispatch({ type: 'meeting', action: { type: 'pin', participant } }),
    /** Chooses one of several shared screens. @param {string} participant whose screen */
    showScreen: (participant) => dispatch({ type: 'meeting', action: { type: 'screen', participant } }),
    /** @param {boolean} hidden */
    hideSelf: (hidden) => dispatch({ type: 'meeting', action: { type: 'hideSelf', hidden } }),
    /** @param {'grid' | 'speaker'} layout */
    setLayout: (layout) => dispatch({ type: 'meeting', action: { type: 'layout', layout } }),

    /** @param {boolean} [forAll] */
    async leave(forAll = false) {
      try {
        await meeting.leave(forAll);
      } catch (error) {
        toast(`error.${refusalOf(error)}`, {}, 'warning');
      }
    },
  };
}
