/**
 * The way into a room as somebody sees it who stands before it: may they come in now, must they ask, or is it shut,
 * and until when. The page only foretells here; the server decides.
 *
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {'open' | 'ask' | 'early' | 'locked' | 'full' | 'ended' | 'accounts'} DoorState
 * @typedef {{state: DoorState, opensAt: number | null, asksPassword: boolean, mine: boolean}} Door
 *   opensAt: when an early one may come in, by this machine's clock · mine: the room is one's own
 * @typedef {'open' | 'password' | 'ask' | 'guestsAsk' | 'accounts' | 'early' | 'locked' | 'full' | 'ended'} Chip
 */

/** Which refusals tell more than the room itself does. @type {Record<string, DoorState>} */
const BY_REFUSAL = {
  'room.locked': 'locked',
  'room.full': 'full',
  'room.not_started': 'early',
  'room.ended': 'ended',
  'room.accounts_only': 'accounts',
};

/** From here on nobody waits with the page open. */
const LATE_MS = 3_600_000;

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
  const guest = user !== null && user.kind !== 'account';
  return {
    state: stateOf(room, { mine, guest, invited, early, refusal }),
    mine,
    opensAt: early ? opening : null,
    asksPassword: room.has_password && !mine && !invited,
  };
}

/**
 * @param {Room} room
 * @param {{mine: boolean, guest: boolean, invited: boolean, early: boolean, refusal: string | null}} visitor
 * @returns {DoorState}
 */
function stateOf(room, { mine, guest, invited, early, refusal }) {
  // Somebody refused before its opening waits for it; afterwards the old answer means nothing.
  const refused = refusal === null ? undefined : BY_REFUSAL[refusal];
  const overtaken = (refused === 'early' && !early) || (refused === 'accounts' && (!guest || room.guests !== false));
  if (refused !== undefined && !overtaken) return refused;
  if (room.state === 'ended') return 'ended';
  if (mine) return 'open';
  // An invite may give more than a member is; only the server knows.
  if (guest && !invited && room.guests === false) return 'accounts';
  if (early && !invited) return 'early';
  if (room.locked) return 'locked';
  if (room.participants >= room.max_participants) return 'full';
  return waits(room, guest) && !invited ? 'ask' : 'open';
}

/** @param {Room} room @param {boolean} guest */
function waits({ waiting }, guest) {
  return waiting === 'everyone' || (waiting === 'guests' && guest);
}

/**
 * What is to be known of a room at its door, the most important first. A room is called open when nothing stands between
 * its link and being in it.
 * @param {Room} room
 * @param {Door} door
 * @param {boolean} invited
 * @returns {Chip[]}
 */
export function chipsOf(room, { state }, invited) {
  if (state !== 'open' && state !== 'ask') return [state];
  /** @type {Chip[]} */
  const chips = [];
  if (state === 'ask' || (room.waiting === 'everyone' && !invited)) chips.push('ask');
  else if (room.waiting === 'guests' && !invited) chips.push('guestsAsk');
  if (room.guests === false) chips.push('accounts');
  if (room.has_password && !invited) chips.push('password');
  return chips.length > 0 ? chips : ['open'];
}

/**
 * Whether it is so long until one may come in that nobody waits for it before the page.
 * @param {Door} door
 * @param {number} now
 */
export function opensLate({ opensAt }, now) {
  return opensAt !== null && opensAt - now > LATE_MS;
}

/**
 * What is off when one comes in. Of those who govern the page only knows whose room it is.
 * @param {Room} room
 * @param {Door} door
 */
export function comesInOff(room, { mine }) {
  const camera = room.start_camera_off === true || room.permissions?.camera === false;
  return { microphone: !mine && (room.start_muted === true || room.permissions?.unmute === false), camera: !mine && camera };
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
