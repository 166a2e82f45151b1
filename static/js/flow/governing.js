/**
 * What those who look after a room do beside the meeting: invites, attendance, bans.
 *
 * @typedef {import('./actions.js').Parts} Parts
 * @typedef {import('../client/protocol.d.ts').Requests} Requests
 * @typedef {import('../client/protocol.d.ts').Attendance} Attendance
 */

import { refusalOf } from './refusal.js';

/** How much of an attendance list is asked for at once. */
const PAGE = 500;

/** @param {Pick<Parts, 'session'>} parts */
export function createGoverning({ session }) {
  /**
   * @template {keyof Requests} T
   * @param {T} type
   * @param {Requests[T]['data']} data
   * @returns {Promise<{answer: Requests[T]['answer'], refused: null} | {answer: null, refused: string}>}
   */
  async function ask(type, data) {
    try {
      return { answer: await session.request(type, data), refused: null };
    } catch (error) {
      return { answer: null, refused: refusalOf(error) };
    }
  }

  return {
    /** @param {string} identity */
    invites: (identity) => ask('invite.list', { identity }),
    /** @param {Requests['invite.create']['data']} data */
    makeInvite: (data) => ask('invite.create', data),
    /** @param {string} identity @param {string} invite */
    revokeInvite: (identity, invite) => ask('invite.revoke', { identity, invite }),
    /** @param {string} identity */
    bans: (identity) => ask('room.bans', { identity }),
    /** @param {string} identity @param {string} user */
    unban: (identity, user) => ask('room.unban', { identity, user }),
    /** @param {string} identity @param {number} [page] */
    attendance: (identity, page = 1) => ask('room.attendance', { identity, page, size: PAGE }),

    /**
     * All pages of the attendance.
     * @param {string} identity
     * @returns {Promise<{answer: Attendance[], refused: null} | {answer: null, refused: string}>}
     */
    async wholeAttendance(identity) {
      /** @type {Attendance[]} */
      const all = [];
      for (let page = 1; ; page += 1) {
        const { answer, refused } = await this.attendance(identity, page);
        if (answer === null) return { answer, refused };
        all.push(...answer.attendance);
        if (all.length >= answer.total || answer.attendance.length === 0) return { answer: all, refused: null };
      }
    },
  };
}
