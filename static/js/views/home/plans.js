/**
 * What is said of meetings that come again. It takes the rules of calendars and of time zones, which few homes need: they
 * are loaded with the first such room, and until then nothing is said.
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

/** @type {typeof import('./when.js') | null} */
let words = null;
let loading = false;

/** @param {readonly Room[]} rooms @param {() => void} then called once, when there are words for them */
export async function wantPlans(rooms, then) {
  if (loading || words !== null || rooms.every(({ recurrence }) => recurrence === null)) return;
  loading = true;
  try {
    words = await import('./when.js');
    then();
  } catch {
    // The next drawing tries again.
  } finally {
    loading = false;
  }
}

/** How it comes again. @param {Room} room */
export const repeatsOf = (room) => words?.repeats(room) ?? null;

/** When it is by the clocks of the room, where that is another time. @param {Room} room */
export const thereOf = (room) => words?.there(room) ?? null;
