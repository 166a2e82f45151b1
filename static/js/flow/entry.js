/**
 * The way into a room: the preview, its questions, the join, the waiting, and the direct way back after a reload.
 *
 * @typedef {import('./actions.js').Parts} Parts
 * @typedef {import('../client/protocol.d.ts').User} User
 */

import { isLate, meansLater } from '../client/errors.js';
import { t } from '../i18n/index.js';
import { roomPath } from '../place.js';
import { EMPTY_PREVIEW } from '../state/app.js';
import { doorOf } from '../state/door.js';
import { isNumber } from '../state/text.js';
import { createDoorDevices } from './coming-in.js';
import { refusalOf, retryAfterOf } from './refusal.js';
import { settings } from './settings.js';
import { createWaiting } from './waiting.js';
import { warmUp } from './warm-up.js';

/** While somebody looks at the preview, who is in is asked again this often. */
const REFRESH_MS = 8000;

/** Refusals that end the preview: there is nothing the person could change on it. @type {Record<string, string>} */
const FINAL = { 'room.not_found': 'notFound', 'room.banned': 'banned', 'room.denied': 'denied' };
/** Refusals that may no longer hold when the room is read the next time. */
const PASSING = new Set(['room.locked', 'room.full', 'room.ended']);
const isPassing = (/** @type {string | null} */ code) => code !== null && (PASSING.has(code) || isLate(code));
/** A server that gave no answer is asked again after this time. */
const AGAIN_MS = 3_000;

/**
 * @param {Parts} parts
 * @param {(text: string, params?: Record<string, string | number>, icon?: string) => void} toast
 */
export function createEntry({ session, store, devices, meeting }, toast) {
  const { dispatch } = store;
  let refreshTimer = 0;

  /** @param {Partial<import('../state/app.js').Preview>} preview */
  const set = (preview) => dispatch({ type: 'preview', preview });
  const isShown = () => store.get().screen === 'preview';
  const atDoor = createDoorDevices({ devices, store });
  const waiting = createWaiting({ session, store, meeting }, { refuse: backToPreview, askAgain, leave });

  /**
   * A person who is not signed in becomes a guest, so that the room can be shown before they give a name.
   * @param {string | null} [room] the room in which the page was reloaded
   * @returns {Promise<boolean>}
   */
  async function authenticated(room = null) {
    if (session.state === 'online') return true;
    if (session.state !== 'reconnecting') {
      await session.connect({ room });
      dispatch({ type: 'session', auth: session.hello?.auth ?? [] });
    }
    if (!session.user && session.hello?.auth.includes('guest')) {
      await session.guest({ display_name: settings.name || t('guest') });
    }
    if (session.hello) set({ skew: Date.parse(session.hello.time) - Date.now() });
    dispatch({ type: 'user', user: session.user });
    return session.user !== null;
  }

  /**
   * @param {string} address identity or number
   * @param {string | null} [token] of the invite link
   */
  async function openRoom(address, token = null) {
    waiting.stop();
    const path = roomPath(address);
    if (location.pathname !== path) history.pushState(null, '', path);
    if (token !== null) settings.invite = { identity: address, token };
    atDoor.reset();
    const back = settings.rejoin;
    const rejoins = back !== null && back.identity === address;
    if (!rejoins) settings.rejoin = null;
    const known = store.get().user;
    set({
      ...EMPTY_PREVIEW,
      address,
      invite: settings.invite?.identity === address ? settings.invite.token : null,
      name: known?.kind === 'account' ? known.display_name : settings.name,
      room: store.get().home.rooms.find((room) => room.identity === address) ?? null,
    });
    if (rejoins) return comeBack(back);
    dispatch({ type: 'screen', screen: 'preview' });
    followDoor();
    try {
      if (!(await authenticated())) return void signInFirst();
      const { user } = store.get();
      if (user?.kind === 'account' && store.get().preview.name === '') set({ name: user.display_name });
      await look();
    } catch (error) {
      refuse(error);
      // It is not known yet whether the person can come in. Until then they can choose their devices.
      if (isShown() && store.get().preview.room === null) void devices.open();
      lookAgain(error);
    }
  }

  /** Switches the devices as the room wants it before people come in, once the room is known. */
  function followDoor() {
    const { preview, user } = store.get();
    const { room, invite, skew, error, opensAt } = preview;
    if (!room) return;
    const now = Date.now();
    const door = doorOf(room, { user, invited: invite !== null, now, skew, refusal: error, opensAt });
    atDoor.follow(room, door, now);
  }

  /** Asks a server again that cannot be reached or is busy, while the person waits for the preview. @param {unknown} error */
  function lookAgain(error) {
    const { address } = store.get().preview;
    if (!isShown() || !meansLater(error)) return;
    clearTimeout(refreshTimer);
    refreshTimer = window.setTimeout(async () => {
      if (!isShown() || store.get().preview.address !== address || store.get().preview.joining) return;
      try {
        if (await authenticated()) await look();
      } catch (again) {
        refuse(again);
        lookAgain(again);
      }
    }, retryAfterOf(error) ?? AGAIN_MS);
  }

  /** If this server allows no guests, the link of a room leads to the sign-in first. */
  function signInFirst() {
    signIn();
    toast('toast.accountsOnly', {}, 'lock');
  }

  /** Shows the sign-in. A person who has signed in goes on to the room. */
  function signIn() {
    clearTimeout(refreshTimer);
    atDoor.reset();
    devices.close();
    dispatch({ type: 'screen', screen: 'guest' });
  }

  /** Reads the room and the people in it, and repeats this now and then. */
  async function look() {
    clearTimeout(refreshTimer);
    const { address } = store.get().preview;
    const { room } = await session.getRoom({ identity: address });
    if (!isShown() || store.get().preview.address !== address) return;
    const { error } = store.get().preview;
    set({ room, address: room.identity, ...(isPassing(error) ? { error: null } : {}) });
    followDoor();
    // The number in the address bar turns into the link that can be passed on.
    const path = roomPath(room.identity);
    if (location.pathname !== path) history.replaceState(null, '', path);
    document.title = room.name;
    set({ present: room.participants > 0 ? await readPresent(room.identity) : [] });
    void warmUp();
    refreshTimer = window.setTimeout(() => {
      if (isShown() && !store.get().preview.joining) look().catch(lookAgain);
    }, REFRESH_MS);
  }

  /**
   * @param {string} identity
   * @returns {Promise<import('../state/app.js').Preview['present']>} null where the server keeps it to itself
   */
  async function readPresent(identity) {
    try {
      const { participants } = await session.roster({ identity });
      return participants
        .filter((one) => one.connection !== undefined)
        .map((one) => ({ ...one.user, display_name: one.display_name ?? one.user.display_name, role: one.role }));
    } catch {
      return null;
    }
  }

  /** @param {import('./settings.js').Rejoin} back */
  async function comeBack(back) {
    const { identity, password, invite, display_name, held = [] } = back;
    for (const which of /** @type {const} */ (['microphone', 'camera'])) {
      dispatch({ type: 'device', which, device: { wanted: back[which], held: held.includes(which) } });
    }
    set({ name: display_name });
    // The room does not wait for the devices.
    void devices.open();
    const request = { identity, display_name, ...(password ? { password } : {}), ...(invite ? { invite } : {}) };
    try {
      // This comes before the session is resumed, because events of the room follow at once.
      await meeting.prepare();
      if (!(await authenticated(identity))) throw new Error('not signed in');
      await meeting.join(request, true);
    } catch (error) {
      if (meansLater(error)) return comeBackLater(back, error);
      if (/** @type {any} */ (error)?.code !== 'room.waiting') {
        settings.rejoin = null;
        await openRoom(identity);
        return;
      }
      // A person who waited before goes on waiting. At once: the news that a host lets them in may follow right away.
      waiting.begin(request);
      const read = await session.getRoom({ identity }).catch(() => null);
      if (!read || store.get().preview.address !== identity) return;
      set({ room: read.room });
      document.title = read.room.name;
    }
  }

  /** The server is late, or gone for the moment. @param {import('./settings.js').Rejoin} back @param {unknown} error */
  function comeBackLater(back, error) {
    const { address } = store.get().preview;
    dispatch({ type: 'screen', screen: 'preview' });
    set({ error: refusalOf(error) });
    clearTimeout(refreshTimer);
    refreshTimer = window.setTimeout(() => {
      const { preview } = store.get();
      if (isShown() && preview.address === address && !preview.joining && settings.rejoin) void comeBack(back);
    }, retryAfterOf(error) ?? AGAIN_MS);
  }

  /** @param {unknown} error */
  function refuse(error) {
    if (!isShown()) return;
    const code = refusalOf(error);
    const { invite, address } = store.get().preview;
    if (code === 'room.denied' && invite !== null) {
      // The server refuses the link, not the person. Without it the room asks them what it asks everybody.
      settings.invite = null;
      return set({ joining: false, invite: null, error: 'invite.dead' });
    }
    if (code in FINAL) return leave(code === 'room.not_found' && isNumber(address) ? 'notFound.number' : FINAL[code]);
    const wait = code === 'room.not_started' ? retryAfterOf(error) : null;
    set({
      joining: false,
      opensAt: wait === null ? store.get().preview.opensAt : Date.now() + wait,
      askPassword: store.get().preview.askPassword || code === 'room.password_required',
      error: code === 'room.password_required' && !store.get().preview.askPassword ? null : code,
    });
  }

  /** Somebody who waited is refused: the preview says why. @param {unknown} error */
  function backToPreview(error) {
    dispatch({ type: 'screen', screen: 'preview' });
    refuse(error);
    if (isShown()) look().catch(() => {});
  }

  /** The room has another password now. @param {string} error */
  function askAgain(error) {
    dispatch({ type: 'screen', screen: 'preview' });
    set({ askPassword: true, error });
    look().catch(() => {});
  }

  /**
   * A person whose connection was lost may not go back into the meeting at once.
   * @param {unknown} error
   */
  function turnedAway(error) {
    const { left } = meeting;
    const { meeting: inside, preview } = store.get();
    if (!inside) return;
    const { room, names, self } = inside;
    const { password, invite, display_name: name } = left ?? { display_name: names[self] ?? preview.name };
    const request = {
      identity: room.identity,
      display_name: name,
      ...(password ? { password } : {}),
      ...(invite ? { invite } : {}),
    };
    set({ ...EMPTY_PREVIEW, address: room.identity, room, name, invite: invite ?? null, skew: preview.skew });
    dispatch({ type: 'left' });
    atDoor.reset();
    // This begins at once, because the news that a host lets them in may come right behind the refusal.
    if (refusalOf(error) === 'room.waiting') waiting.begin(request);
    else backToPreview(error);
  }
  meeting.onrefused = turnedAway;

  /** @param {string} kind of the notice that ends the way in */
  function leave(kind) {
    const { room, address } = store.get().preview;
    atDoor.reset();
    devices.close();
    settings.rejoin = null;
    dispatch({ type: 'notice', notice: { kind, identity: room?.identity ?? address } });
  }

  /** @param {string} password @param {string} name */
  async function join(password, name) {
    performance.clearMarks('meeting:first-remote-frame');
    performance.mark('meeting:join-click');
    clearTimeout(refreshTimer);
    const { preview } = store.get();
    set({ joining: true, error: null, name });
    if (store.get().user?.kind !== 'account') settings.name = name;
    const request = {
      identity: preview.address,
      display_name: name,
      ...(password ? { password } : {}),
      ...(preview.invite ? { invite: preview.invite } : {}),
    };
    try {
      if (!(await authenticated())) return void signInFirst();
      await joinOnceMore(request);
      set({ joining: false });
    } catch (error) {
      if (/** @type {any} */ (error)?.code === 'room.waiting' && isShown()) return waiting.begin(request);
      refuse(error);
      if (isShown()) look().catch(() => {});
    }
  }

  /** The socket may have been lost unnoticed while the person looked at the preview. So it tries once more on a new one. */
  async function joinOnceMore(/** @type {import('./meeting.js').JoinRequest} */ request) {
    try {
      await meeting.join(request);
    } catch (error) {
      if (/** @type {any} */ (error)?.code !== 'client.closed') throw error;
      await session.connect();
      await meeting.join(request);
    }
  }

  return {
    openRoom,
    join,
    signInToEnter: signIn,
    /** The person goes elsewhere. */
    stopWaiting() {
      waiting.stop();
      atDoor.reset();
    },

    /** A person who signed in on the way to a room goes on to it. @returns {boolean} false when there was none */
    goOn() {
      const { address } = store.get().preview;
      if (address === '' || location.pathname !== roomPath(address)) return false;
      void openRoom(address);
      return true;
    },

    /** Goes straight back into the meeting that the person just left. @param {string} identity */
    rejoin(identity) {
      if (meeting.left?.identity === identity) settings.rejoin = meeting.left;
      return openRoom(identity);
    },
  };
}
