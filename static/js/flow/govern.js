/**
 * What people do to a meeting and to each other in it. The server decides; a refusal becomes a sentence.
 *
 * @typedef {import('../client/protocol.d.ts').Role} Role
 * @typedef {import('../client/protocol.d.ts').Source} Source
 * @typedef {import('../client/protocol.d.ts').BanLength} BanLength
 * @typedef {import('../state/app.js').AppState} AppState
 */

import { refusalOf } from './refusal.js';

const MINUTE_MS = 60_000;
const OLDER_AT_ONCE = 50;
/** As many as the server shows large at once. */
const MOST_SPOTLIT = 4;

/**
 * @param {import('./actions.js').Parts} parts
 * @param {import('./room-events.js').Toast} toast
 */
export function createGovern({ session, store }, toast) {
  const meeting = () => store.get().meeting;
  const dispatch = (/** @type {import('../state/meeting.js').MeetingAction} */ action) =>
    store.dispatch({ type: 'meeting', action });

  /**
   * @template T
   * @param {Promise<T>} request
   * @param {(() => void) | null} [then]
   * @returns {Promise<string | null>} the code of a refusal
   */
  async function tell(request, then = null) {
    try {
      await request;
      then?.();
      return null;
    } catch (error) {
      const code = refusalOf(error);
      toast(`error.${code}`, {}, 'warning');
      return code;
    }
  }

  /** @param {Record<string, unknown>} change */
  function editRoom(change) {
    const identity = meeting()?.room.identity;
    return identity ? tell(session.editRoom({ identity, ...change })) : Promise.resolve(null);
  }

  return {
    /** @param {string} participant or "all" @param {Source} source @param {boolean} [allowUnmute] */
    mute(participant, source, allowUnmute) {
      const rule = allowUnmute === undefined ? {} : { allow_unmute: allowUnmute };
      return tell(session.muteParticipant({ participant, source, ...rule }), () => {
        if (participant === 'all') toast(allowUnmute === false ? 'toast.mutedAll.hard' : 'toast.mutedAll', {}, 'mic-off');
      });
    },

    /** @param {string} participant @param {Source} source */
    askUnmute: (participant, source) =>
      tell(session.askUnmute({ participant, source }), () => toast('toast.asked', {}, 'check')),

    /** @param {string} participant or "all" */
    lowerHand: (participant) => tell(session.lowerHand({ participant })),

    /** @param {string} participant @param {string} name */
    rename(participant, name) {
      const own = participant === meeting()?.self;
      return tell(
        own
          ? session.updateParticipant({ display_name: name }).then((reply) =>
              dispatch({ type: 'participant.updated', participant: reply.participant }),
            )
          : session.renameParticipant({ participant, display_name: name }),
      );
    },

    /** @param {string} participant @param {Role} role */
    setRole: (participant, role) => tell(session.setRole({ participant, role })),

    /** @param {string} participant @param {BanLength | null} ban */
    remove(participant, ban) {
      const name = meeting()?.names[participant] ?? '';
      return tell(session.removeParticipant({ participant, ...(ban ? { ban } : {}) }), () =>
        toast(ban ? 'toast.banned' : 'toast.removed', { name }, 'remove'),
      );
    },

    /** @param {string[] | 'all'} participants */
    admit: (participants) => tell(session.admit({ participants })),
    /** @param {string[] | 'all'} participants */
    deny: (participants) => tell(session.deny({ participants })),

    /** @param {boolean} locked */
    setLocked: (locked) => editRoom({ locked }),
    /** @param {import('../client/protocol.d.ts').WhoWaits} waiting */
    setWaiting: (waiting) => editRoom({ waiting }),
    /** @param {boolean} guests */
    setGuests: (guests) => editRoom({ guests }),
    /** @param {{start_muted?: boolean, start_camera_off?: boolean}} change */
    setArrival: (change) => editRoom(change),
    /** @param {boolean} hidden */
    setNumberHidden: (hidden) => editRoom({ hide_number: hidden }),
    /** @param {keyof import('../client/protocol.d.ts').Permissions} key @param {boolean} allowed */
    setPermission: (key, allowed) => editRoom({ permissions: { [key]: allowed } }),

    /** @param {string} participant @param {boolean} on */
    setSpotlight(participant, on) {
      const now = (meeting()?.spotlight ?? []).filter((id) => id !== participant);
      // The one who stood there longest makes room.
      return tell(session.setSpotlight({ participants: on ? [...now, participant].slice(-MOST_SPOTLIT) : now }));
    },

    /** @param {number | null} minutes null stops it */
    setTimer: (minutes) => tell(session.setTimer({ duration_ms: minutes === null ? null : minutes * MINUTE_MS })),

    /** @param {string} emoji */
    react: (emoji) => tell(session.react({ emoji })),

    /** @param {string} message */
    deleteMessage: (message) => tell(session.deleteChat({ message })),

    /** @param {string | null} before the oldest message that is here */
    async loadOlder(before) {
      await tell(
        session
          .chatHistory({ limit: OLDER_AT_ONCE, ...(before ? { before } : {}) })
          .then(({ messages, more }) => dispatch({ type: 'chat.older', messages, more })),
      );
    },
  };
}
