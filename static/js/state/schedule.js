/**
 * Readings of rooms by the clock: what comes next, how to say when. The clock is passed in.
 *
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {import('../client/protocol.d.ts').Occurrence} Occurrence
 * @typedef {Room & {next: Occurrence}} PlannedRoom
 */

const HOUR = 3_600_000;
/** A meeting further away than this is shown on the quiet card. */
export const SOON_MS = 8 * HOUR;

/**
 * The meeting to show first: one that runs or begins next.
 * @param {Room[]} rooms
 * @returns {Room | null}
 */
export function nextMeeting(rooms) {
  return upcoming(rooms)[0] ?? rooms.find((room) => room.participants > 0 && room.state === 'live') ?? null;
}

/**
 * Rooms with a meeting that runs or comes, earliest first. Which one that is, the server says.
 * @param {Room[]} rooms
 * @returns {PlannedRoom[]}
 */
export function upcoming(rooms) {
  const planned = /** @type {PlannedRoom[]} */ (rooms.filter((room) => room.next !== null && room.state !== 'ended'));
  return planned.sort((a, b) => Date.parse(a.next.begin_at) - Date.parse(b.next.begin_at));
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
