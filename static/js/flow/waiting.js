/**
 * Waiting to be let in: waits for the server's decision, and asks for it again after a lost socket.
 *
 * @typedef {import('./actions.js').Parts} Parts
 * @typedef {import('./meeting.js').JoinRequest} JoinRequest
 * @typedef {import('../client/protocol.d.ts').LobbyDenial} LobbyDenial
 */

import { meansLater } from '../client/errors.js';
import { NOTICE_BY_CLOSE, NOTICE_BY_DENIAL } from './notices.js';
import { refusalOf, retryAfterOf } from './refusal.js';
import { settings } from './settings.js';

/** The join is tried again after this time when the server gave no answer. */
const AGAIN_MS = 3_000;

/**
 * @param {Pick<Parts, 'session' | 'store' | 'meeting'>} parts
 * @param {{
 *   refuse: (error: unknown) => void, askAgain: (error: string) => void, leave: (notice: string) => void,
 * }} ways  what happens when the door shuts: refuse: the preview says why · askAgain: the preview asks for the password ·
 *   leave: a screen of its own
 */
export function createWaiting({ session, store, meeting }, { refuse, askAgain, leave }) {
  const { dispatch } = store;
  /** @type {JoinRequest | null} the request that waits for its answer */
  let request = null;
  let asking = false;

  /** @param {JoinRequest} asked the request that the server answered with `room.waiting` */
  function begin(asked) {
    request = asked;
    // The person still waits after a reload.
    settings.enter(asked, store.get().devices);
    dispatch({ type: 'preview', preview: { joining: false, error: null, waitingSince: Date.now() } });
    dispatch({ type: 'screen', screen: 'waiting' });
  }

  function end() {
    request = null;
    dispatch({ type: 'preview', preview: { waitingSince: null, host: null } });
  }

  /**
   * Joins with the same request as before. A person who was admitted comes in, a person whom the server lost queues again,
   * and the session learns which room it comes back to.
   */
  async function ask() {
    if (!request || asking) return;
    const asked = request;
    asking = true;
    try {
      await meeting.join(asked);
      if (request === asked) end();
    } catch (error) {
      const code = refusalOf(error);
      // The person still waits, or the socket was lost again. The next socket asks again.
      if (request !== asked || code === 'room.waiting' || code === 'client.closed') return;
      // "Later" is no refusal: the person goes on waiting.
      if (meansLater(error)) return void setTimeout(() => void ask(), retryAfterOf(error) ?? AGAIN_MS);
      end();
      settings.rejoin = null;
      refuse(error);
    } finally {
      asking = false;
    }
  }

  /** @param {LobbyDenial} reason */
  function denied(reason) {
    if (!request) return;
    end();
    settings.rejoin = null;
    if (reason === 'password') askAgain('lobby.password');
    else if (reason === 'accounts_only') refuse({ code: 'room.accounts_only' });
    else leave(NOTICE_BY_DENIAL[reason] ?? 'denied');
  }

  session.on('lobby.updated', ({ hosted, reconnecting }) => {
    dispatch({ type: 'preview', preview: { host: hosted ? 'here' : reconnecting ? 'away' : 'absent' } });
  });
  session.on('lobby.admitted', () => {
    if (request) meeting.notifier?.admitted(store.get().preview.room?.name ?? '');
    void ask();
  });
  session.on('lobby.denied', ({ reason }) => denied(reason));
  session.on('session.replaced', () => {
    if (!request) return;
    end();
    leave('replaced');
  });
  session.on('state', ({ state, code }) => {
    if (!request) return;
    if (state === 'online') void ask();
    if (state !== 'closed') return;
    end();
    leave(NOTICE_BY_CLOSE[code ?? 0] ?? 'lost');
  });

  return {
    begin,

    /** Stops waiting. */
    stop() {
      if (!request) return;
      end();
      settings.rejoin = null;
      session.leaveRoom().catch(() => {});
    },
  };
}
