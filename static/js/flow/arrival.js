/**
 * With what one comes in: what a room keeps off on entering, which the person may switch on afterwards.
 *
 * @typedef {import('./coming-in.js').Io} Io
 */

import { may } from '../state/people.js';
import { free, hold } from './coming-in.js';

/**
 * The reasons of the door are over with it. A member comes in muted, or unseen, where the room says so or gives no right to a
 * camera.
 * @param {Io & {session: import('../client/session.js').Session}} io
 * @param {boolean} returns whoever comes back goes on with what they had
 */
export function comeIn(io, returns) {
  const { meeting } = io.store.get();
  if (!meeting) return;
  const isFreed = !returns && free(io);
  keepOff(io, meeting, returns);
  // What the door kept off was not even opened.
  if (isFreed) void io.devices.open();
}

/** @param {Parameters<typeof comeIn>[0]} io @param {import('../state/meeting.js').Meeting} meeting @param {boolean} returns */
function keepOff(io, meeting, returns) {
  if (!may(meeting, 'camera')) hold(io, 'camera');
  const { room, participants, self } = meeting;
  if (returns || participants[self]?.role !== 'member') return;
  if (room.start_muted) hold(io, 'microphone');
  if (room.start_camera_off) hold(io, 'camera');
  // From here on it is the person who switches, and the server does not begin anything muted for them.
  if (room.start_muted || room.start_camera_off) io.session.updateParticipant({ audio: false, video: false }).catch(() => {});
}
