/**
 * What wants to be noticed: how many things, and what the title says of them. A tab's title is seen from other tabs.
 *
 * @typedef {import('./meeting.js').Meeting} Meeting
 */

import { may } from './people.js';

/** Messages that were not read, and people who wait for somebody who may admit them. @param {Meeting} meeting */
export function heed(meeting) {
  return meeting.unread + (may(meeting, 'admit') ? meeting.lobby.length : 0);
}

/** "(2) Room" @param {Meeting} meeting */
export function titleOf(meeting) {
  const count = heed(meeting);
  return count > 0 ? `(${count}) ${meeting.room.name}` : meeting.room.name;
}

/**
 * Whether a toast is a message that somebody wrote.
 * @param {Pick<import('./app.js').Toast, 'text' | 'action'>} toast
 */
export function isOfSomebody({ text, action }) {
  return (text === 'toast.message' || text === 'toast.message.private') && action !== null;
}

/**
 * The beginning of a message, for a line of its own.
 * @param {string} text
 * @param {number} [most] letters
 */
export function firstLine(text, most = 80) {
  const [line = ''] = text.split('\n').filter((one) => one.trim() !== '');
  const letters = [...line.trim()];
  const cut = letters.length > most;
  const whole = !cut && text.trim() === line.trim();
  return whole ? line.trim() : `${letters.slice(0, most).join('').trimEnd()}…`;
}
