/**
 * Which devices are on when a person comes in. A room may keep some off; the person may switch them on afterwards.
 *
 * @typedef {import('./coming-in.js').Io} Io
 */

import { may } from '../state/people.js';
import { free, hold } from './coming-in.js';

/**
 * The reasons that counted at the door no longer count inside. A member comes in muted, or without a camera, when the room
 * says so or gives no right to a camera.
 * @param {Io & {session: import('../client/session.js').Session}} io
 * @param {boolean} returns the person comes back, and goes on with what they had
 */
export function comeIn(io, returns) {
  const { meeting } = io.store.get();
  if (!meeting) return;
  const isFreed = !returns && free(io);
  keepOff(io, meeting, returns);
  // A device that was kept off at the door was not opened there.
  if (isFreed) void io.devices.open();
}

/** @param {Parameters<typeof comeIn>[0]} io @param {import('../state/meeting.js').Meeting} meeting @param {boolean} returns */
function keepOff(io, meeting, returns) {
  if (!may(meeting, 'camera')) hold(io, 'camera');
  const { room, participants, self } = meeting;
  if (returns || participants[self]?.role !== 'member') return;
  if (room.start_muted) hold(io, 'microphone');
  if (room.start_camera_off) hold(io, 'camera');
  // From now on the person decides. The server no longer mutes what they begin to send.
  if (room.start_muted || room.start_camera_off) io.session.updateParticipant({ audio: false, video: false }).catch(() => {});
}
