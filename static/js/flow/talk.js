/**
 * One's own voice: on, off, held, and what the room allows.
 *
 * @typedef {import('../state/app.js').Problem} Problem
 */

import { mayUnmute } from '../state/people.js';
import { refusalOf } from './refusal.js';

export class Talk {
  #io;

  /**
   * @param {{
   *   call: () => import('./meeting.js').Call | null,
   *   meeting: () => import('../state/meeting.js').Meeting | null,
   *   devices: import('./devices.js').Devices,
   *   used: () => void,
   * }} io  used: the microphone is on, so that a right to switch it on once is used up
   */
  constructor(io) {
    this.#io = io;
  }

  /**
   * @param {boolean} on
   * @returns {Promise<Problem | 'forbidden' | null>} why not
   */
  async set(on) {
    const { call, meeting, devices, used } = this.#io;
    const now = meeting();
    if (on && now && !mayUnmute(now)) return 'forbidden';
    const problem = await devices.setMicrophone(on);
    const running = call();
    if (problem || !running) return problem;
    try {
      await running.setMuted('microphone', !on);
      if (on) used();
      return null;
    } catch (error) {
      if (/** @type {any} */ (error)?.code !== 'perm.denied') console.warn('mute', refusalOf(error));
      else if (call() === running) return this.#refused(running);
      return null;
    }
  }

  /**
   * The room forbade it meanwhile: what the person sees must be what the others hear.
   * @param {import('./meeting.js').Call} call
   */
  async #refused(call) {
    await this.#io.devices.setMicrophone(false);
    call.setMuted('microphone', true).catch(() => {});
    return /** @type {const} */ ('forbidden');
  }

  /** Where members may not unmute, one comes in muted. @param {boolean} wanted */
  arrive(wanted) {
    const { call, meeting, devices } = this.#io;
    const now = meeting();
    if (!now || mayUnmute(now) || !wanted) return;
    void devices.setMicrophone(false);
    // Sent as it is, it would be refused.
    call()?.setMuted('microphone', true).catch(() => {});
  }
}
