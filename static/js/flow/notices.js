/** Which calm screen fits the way a meeting ended. */

/** What the page says after the server closed the socket (static/docs/protocol.md §3.6). @type {Record<number, string>} */
export const NOTICE_BY_CLOSE = {
  1009: 'protocol',
  4400: 'protocol',
  4401: 'signedOut',
  4403: 'removed',
  4404: 'ended',
  4409: 'replaced',
  4429: 'tooMany',
};

/**
 * And when the room said no to a session that came back: one that is only late is asked again by itself. Refusals that are
 * not here are told where one enters: by the waiting screen or the preview.
 * @type {Record<string, string>}
 */
export const NOTICE_BY_REFUSAL = {
  'room.not_found': 'deleted',
  'room.ended': 'ended',
  'room.banned': 'banned',
  'room.full': 'full',
  'room.locked': 'locked',
};

/** When the meeting is over for everybody. @type {Record<import('../client/protocol.d.ts').EndReason, string>} */
export const NOTICE_BY_END = { host: 'ended', time: 'ended.time', operator: 'ended.operator' };

/** When somebody who waited is sent away. Of a changed password the preview speaks. */
export const NOTICE_BY_DENIAL = /** @type {const} */ ({ denied: 'denied', banned: 'banned', ended: 'ended' });
