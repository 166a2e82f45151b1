/**
 * Readings of rooms by the clock: what comes next, how to say when. The clock is passed in.
 *
 * @typedef {import('../client/protocol.d.ts').Room} Room
 */

const HOUR = 3_600_000;
/** A meeting further away than this is shown on the quiet card. */
export const SOON_MS = 8 * HOUR;

/**
 * The meeting to show first: one that runs or begins next.
 * @param {Room[]} rooms
 * @param {number} now
 * @returns {Room | null}
 */
export function nextMeeting(rooms, now) {
  const planned = upcoming(rooms, now);
  return planned[0] ?? rooms.find((room) => room.participants > 0 && room.state === 'live') ?? null;
}

/**
 * Rooms with a time that has not passed, earliest first.
 * @param {Room[]} rooms
 * @param {number} now
 * @returns {Room[]}
 */
export function upcoming(rooms, now) {
  return rooms
    .filter((room) => room.begin_at !== null && endOf(room) > now && room.state !== 'ended')
    .sort((a, b) => Date.parse(a.begin_at ?? '') - Date.parse(b.begin_at ?? ''));
}

/** Without an end a meeting counts as over two hours after its begin. @param {Room} room */
function endOf(room) {
  return room.end_at !== null ? Date.parse(room.end_at) : Date.parse(room.begin_at ?? '') + 2 * HOUR;
}

/**
 * Midnights between now and then: 0 today, 1 tomorrow.
 * @param {number} then
 * @param {number} now
 */
export function daysUntil(then, now) {
  const day = (/** @type {number} */ at) => new Date(at).setHours(0, 0, 0, 0);
  return Math.round((day(then) - day(now)) / (24 * HOUR));
}

/** Which greeting fits the hour. @param {number} hour 0 to 23 @returns {'morning' | 'afternoon' | 'evening'} */
export function dayPart(hour) {
  if (hour >= 5 && hour < 12) return 'morning';
  return hour >= 12 && hour < 18 ? 'afternoon' : 'evening';
}
