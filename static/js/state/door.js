/**
 * The way into a room as somebody sees it who stands before it: may they come in now, must they ask, or is it shut,
 * and until when. The page only foretells here; the server decides.
 *
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {'open' | 'ask' | 'early' | 'locked' | 'full' | 'ended'} DoorState
 * @typedef {{state: DoorState, opensAt: number | null, asksPassword: boolean}} Door
 *   opensAt: when an early one may come in, by this machine's clock
 */

/** Which refusals tell more than the room itself does. @type {Record<string, DoorState>} */
const BY_REFUSAL = {
  'room.locked': 'locked',
  'room.full': 'full',
  'room.not_started': 'early',
  'room.ended': 'ended',
};

/**
 * @param {Room} room
 * @param {{
 *   user: {id: string, kind: string} | null, invited: boolean, now: number, skew?: number, refusal?: string | null,
 *   opensAt?: number | null,
 * }} visitor  now: this machine's clock · skew: the server's minus this machine's · refusal: the last answer to a join ·
 *   opensAt: what the server said of the beginning
 * @returns {Door}
 */
export function doorOf(room, { user, invited, now, skew = 0, refusal = null, opensAt = null }) {
  const mine = user?.kind === 'account' && room.owner.id === user.id;
  const opening = opensAt ?? openingOf(room, skew);
  const early = opening !== null && opening > now;
  return {
    state: stateOf(room, { mine, invited, early, refusal }),
    opensAt: early ? opening : null,
    asksPassword: room.has_password && !mine && !invited,
  };
}

/**
 * @param {Room} room
 * @param {{mine: boolean, invited: boolean, early: boolean, refusal: string | null}} visitor
 * @returns {DoorState}
 */
function stateOf(room, { mine, invited, early, refusal }) {
  // Somebody refused before its opening waits for it; afterwards the old answer means nothing.
  const refused = refusal === null ? undefined : BY_REFUSAL[refusal];
  if (refused !== undefined && (refused !== 'early' || early)) return refused;
  if (room.state === 'ended') return 'ended';
  if (mine) return 'open';
  if (early && !invited) return 'early';
  if (room.locked) return 'locked';
  if (room.participants >= room.max_participants) return 'full';
  return room.lobby && !invited ? 'ask' : 'open';
}

/**
 * When people may come into the next planned meeting.
 * @param {Room} room
 * @param {number} skew
 * @returns {number | null} by this machine's clock
 */
function openingOf(room, skew) {
  if (!room.next) return null;
  return Date.parse(room.next.begin_at) - room.early_ms - skew;
}
