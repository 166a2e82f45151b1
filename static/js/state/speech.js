/**
 * Who speaks, and what follows from it: who moves to the first page, and whom the speaker layout shows.
 *
 * @typedef {import('./meeting.js').Meeting} Meeting
 */

import { hands, pageOrder } from './people.js';

/** A speaker on another page comes to the first page after this time. */
const SPEECH_MS = 3000;
/** At least this time passes between two of these exchanges. */
const EXCHANGE_MS = 5000;
/** The large tile follows a voice after this time. */
const FOLLOW_MS = 1200;
/** The large tile then stays with that person for at least this time. */
const HOLD_MS = 3000;

/** @param {Meeting} state @param {string[]} speakers @param {number} at @returns {Meeting} */
export function speak(state, speakers, at) {
  const present = speakers.filter((id) => id in state.participants);
  const since = Object.fromEntries(present.map((id) => [id, state.since[id] ?? at]));
  const spoke = { ...state.spoke };
  // The people who stop now spoke until now.
  for (const id of [...state.speakers, ...present]) spoke[id] = at;
  return follow({ ...state, speakers: present, since, spoke }, at);
}

/**
 * Shows the person who speaks on the large tile. It never shows one's own picture there, because one knows how one looks.
 * @param {Meeting} state
 * @param {number} at
 * @returns {Meeting}
 */
export function follow(state, at) {
  const gone = state.main === null || !(state.main in state.participants);
  if (!gone && at - state.mainSince < HOLD_MS) return state;
  const heard = state.speakers.find((id) => id !== state.self && at - state.since[id] >= FOLLOW_MS);
  if (heard === undefined) return gone && state.main !== null ? { ...state, main: null } : state;
  return heard === state.main ? state : { ...state, main: heard, mainSince: at };
}

/**
 * Brings a person who has spoken for a while onto the first page, in place of the person there who has been silent longest.
 * Nobody else moves. The pinned person and speakers keep their places. People with raised hands also keep theirs if there is
 * another place.
 * @param {Meeting} state
 * @param {number} at
 * @returns {Meeting}
 */
export function exchange(state, at) {
  const fits = state.firstPage;
  if (state.seats.length <= fits || at - state.swappedAt < EXCHANGE_MS) return state;
  const order = pageOrder(state.seats, hands(state).map((one) => one.id), fits, state.main);
  const heard = state.speakers.find((id) => order.indexOf(id) >= fits && at - state.since[id] >= SPEECH_MS);
  if (heard === undefined) return state;
  const rests = (/** @type {string} */ id) => id !== state.pin && !state.speakers.includes(id);
  const shown = order.slice(0, fits).filter((id) => rests(id) && !state.participants[id]?.hand_raised_at);
  // If raised hands fill the page, the seat of one of them may be used: the raised hand itself keeps that person there.
  const movable = shown.length > 0 ? shown : state.seats.slice(0, fits).filter(rests);
  if (movable.length === 0) return state;
  const quietest = movable.reduce((a, b) => ((state.spoke[b] ?? 0) < (state.spoke[a] ?? 0) ? b : a));
  const seats = state.seats.map((id) => (id === heard ? quietest : id === quietest ? heard : id));
  return { ...state, seats, swappedAt: at };
}
