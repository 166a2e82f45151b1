import { Call } from './call.js';
import { PeerCall } from './peer-call.js';

/** @typedef {import('./protocol.d.ts').Joined} Joined */

/**
 * The call that fits the room's topology.
 *
 * @param {import('./session.js').Session} session
 * @param {Joined} reply
 * @param {import('./call.js').CallOptions} [options]
 * @returns {Call|PeerCall}
 */
export function createCall(session, reply, options) {
  return reply.room.topology === 'p2p' ? new PeerCall(session, reply, options) : new Call(session, reply, options);
}
