/**
 * Signing in and out, and the person's rooms.
 *
 * @typedef {import('./actions.js').Parts} Parts
 */

import { meansLater } from '../client/errors.js';
import { t } from '../i18n/index.js';
import { base } from '../place.js';
import { cut, initials } from '../state/text.js';
import { refusalOf } from './refusal.js';
import { settings } from './settings.js';

export const PAGE_SIZE = 8;
/** After which a server that gave no answer is asked again. */
const AGAIN_MS = 4_000;
/** A room's name has at most so many code points. */
const LONGEST_NAME = 64;
/** How many rooms are looked through for the next meetings. */
const LOOKED_THROUGH = 100;

/**
 * @param {Parts} parts
 * @param {(text: string, params?: Record<string, string | number>, icon?: string) => void} toast
 * @param {{goOn: () => boolean, stopWaiting: () => void}} entry  the way into a room, which signing in may be part of
 */
export function createHome({ session, store, devices }, toast, entry) {
  const { dispatch } = store;

  let unreached = false;
  let againTimer = 0;

  /** A server that could not be reached when the page was opened is asked again while somebody looks at it. */
  function comeAgain() {
    clearTimeout(againTimer);
    againTimer = window.setTimeout(() => {
      const { screen } = store.get();
      if (session.state === 'closed' && (screen === 'guest' || screen === 'home')) void showHome();
    }, AGAIN_MS);
  }

  /** Makes sure that there is a signed-in socket. @returns {Promise<boolean>} */
  async function connected() {
    if (session.state === 'online') return true;
    try {
      await session.connect();
      unreached = false;
    } catch (error) {
      // Said once; it is asked again by itself.
      if (!unreached) toast(`error.${refusalOf(error)}`, {}, 'warning');
      unreached = true;
      if (meansLater(error)) comeAgain();
    }
    dispatch({ type: 'session', auth: session.hello?.auth ?? [] });
    dispatch({ type: 'user', user: session.user });
    return session.user !== null;
  }

  async function showHome() {
    entry.stopWaiting();
    devices.close();
    settings.invite = null;
    settings.rejoin = null;
    if (location.pathname !== base) history.pushState(null, '', base);
    document.title = 'Meeting';
    dispatch({ type: 'home', home: { recent: settings.recent } });
    // Draw at once with what is known; the rest comes when the server has answered.
    if (store.get().screen !== 'loading') dispatch({ type: 'screen', screen: landing() });
    await connected();
    // The person may have opened a room meanwhile.
    if (location.pathname !== base) return;
    dispatch({ type: 'screen', screen: landing() });
    if (landing() === 'home') await loadRooms();
  }

  function landing() {
    return store.get().user?.kind === 'account' ? 'home' : 'guest';
  }

  /** @param {{page?: number, keyword?: string, scope?: 'mine' | 'joined'}} [change] */
  async function loadRooms(change = {}) {
    const before = store.get().home;
    const page = change.page ?? before.page;
    const keyword = change.keyword ?? before.keyword;
    const scope = change.scope ?? before.scope;
    dispatch({ type: 'home', home: { page, keyword, scope } });
    try {
      const [list, mine, joined] = await Promise.all([
        session.listRooms({ page, size: PAGE_SIZE, scope, ...(keyword ? { keyword } : {}) }),
        session.listRooms({ page: 1, size: LOOKED_THROUGH, scope: 'mine' }),
        session.listRooms({ page: 1, size: LOOKED_THROUGH, scope: 'joined' }),
      ]);
      const now = store.get().home;
      // Typing on has started a newer search.
      if (now.keyword !== keyword || now.page !== page || now.scope !== scope) return;
      // What comes up is in one's own rooms, and in those of others that one meets in.
      const upcoming = [...new Map([...joined.rooms, ...mine.rooms].map((room) => [room.identity, room])).values()];
      const last = Math.max(1, Math.ceil(list.total / PAGE_SIZE));
      if (page > last) return void loadRooms({ page: last });
      dispatch({
        type: 'home',
        home: { rooms: list.rooms, visits: list.visits ?? [], total: list.total, owned: mine.total, upcoming, loaded: true },
      });
    } catch (error) {
      toast(`error.${refusalOf(error)}`, {}, 'warning');
    }
  }

  /**
   * @param {() => Promise<unknown>} work
   * @returns {Promise<string | null>} the code of a refusal
   */
  async function attempt(work) {
    try {
      await work();
      return null;
    } catch (error) {
      return refusalOf(error);
    }
  }

  /** @param {() => Promise<unknown>} authenticate */
  async function signInWith(authenticate) {
    const refused = await attempt(authenticate);
    dispatch({ type: 'session', auth: session.hello?.auth ?? [] });
    if (refused) return refused;
    dispatch({ type: 'user', user: session.user });
    if (entry.goOn()) return null;
    dispatch({ type: 'screen', screen: 'home' });
    await loadRooms({ page: 1, keyword: '' });
    return null;
  }

  return {
    goHome: () => void showHome(),
    showHome,
    loadRooms,

    /** @param {string} username @param {string} password */
    signIn: (username, password) => signInWith(() => session.login({ username, password })),

    /** @param {{username: string, password: string, display_name?: string}} data */
    register: (data) => signInWith(() => session.register(data)),

    async signOut() {
      await attempt(() => session.logout());
      dispatch({ type: 'user', user: null });
      dispatch({
        type: 'home',
        home: { rooms: [], total: 0, owned: 0, page: 1, keyword: '', scope: 'mine', upcoming: [], loaded: false },
      });
      await showHome();
    },

    /** @param {{display_name?: string, current_password?: string, new_password?: string}} data */
    updateAccount: (data) =>
      attempt(async () => {
        const { user } = await session.updateAccount(data);
        dispatch({ type: 'user', user });
      }),

    /**
     * @param {{name: string, [field: string]: any}} data
     * @returns {Promise<{room: import('../client/protocol.d.ts').Room | null, refused: string | null}>}
     */
    async createRoom(data) {
      /** @type {import('../client/protocol.d.ts').Room | null} */
      let room = null;
      const refused = await attempt(async () => {
        ({ room } = await session.createRoom(data));
        await loadRooms({ page: 1, keyword: '' });
      });
      return { room, refused };
    },

    /** @param {{identity: string, version?: number, [field: string]: any}} data */
    editRoom: (data) =>
      attempt(async () => {
        await session.editRoom(data);
        await loadRooms();
      }),

    /** @param {string} identity */
    deleteRoom: (identity) =>
      attempt(async () => {
        await session.deleteRoom({ identity });
        await loadRooms();
      }),

    /**
     * A room at once, without questions.
     * @param {(address: string) => Promise<void>} open
     */
    startNow: (open) =>
      attempt(async () => {
        const name = store.get().user?.display_name ?? '';
        const { room } = await session.createRoom({
          name: cut(t(initials(name).han ? 'room.ownName.han' : 'room.ownName', { name }), LONGEST_NAME),
        });
        await open(room.identity);
      }),
  };
}
