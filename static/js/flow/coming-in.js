/**
 * What a room keeps off at its door, which the person may switch on afterwards. What it keeps off on entering: see arrival.js.
 *
 * @typedef {import('../state/door.js').Door} Door
 * @typedef {import('./devices.js').Which} Which
 * @typedef {{
 *   devices: import('./devices.js').Devices, store: Pick<import('./actions.js').Parts['store'], 'get' | 'dispatch'>,
 * }} Io
 */

import { comesInOff, opensLate } from '../state/door.js';

const BOTH = /** @type {const} */ (['microphone', 'camera']);

/**
 * Keeps a device off for a room's sake. The person may switch it on nevertheless; otherwise {@link free} gives it back.
 * @param {Io} io
 * @param {Which} which
 */
export function hold({ devices, store }, which) {
  if (!store.get().devices[which].wanted) return;
  void (which === 'camera' ? devices.setCamera(false) : devices.setMicrophone(false));
  store.dispatch({ type: 'device', which, device: { held: true } });
}

/**
 * What was kept off for a room's sake is wanted again, as it was before.
 * @param {Pick<Io, 'store'>} io
 * @returns {boolean} whether there was any
 */
export function free({ store }) {
  const held = BOTH.filter((which) => store.get().devices[which].held);
  for (const which of held) store.dispatch({ type: 'device', which, device: { wanted: true, held: false } });
  return held.length > 0;
}

/**
 * Nobody looks at somebody who cannot come in: before a locked door the camera stays off; where one cannot wait for it to
 * open nothing listens either.
 * @param {Io} io
 */
export function createDoorDevices(io) {
  const { devices } = io;
  /** @type {string | null} what was kept off at the last look */
  let kept = null;

  return {
    /** Somebody stands at the door no more, or at another one. */
    reset() {
      kept = null;
      free(io);
    },

    /**
     * @param {import('../client/protocol.d.ts').Room} room
     * @param {Door} door
     * @param {number} now this machine's clock
     */
    follow(room, door, now) {
      const shut = opensLate(door, now) || door.state === 'accounts' || door.state === 'ended';
      const camera = shut || door.state === 'locked' || comesInOff(room, door).camera;
      const next = shut ? 'both' : camera ? 'camera' : 'nothing';
      if (next === kept) return;
      kept = next;
      free(io);
      if (shut) {
        hold(io, 'microphone');
        hold(io, 'camera');
        return devices.close();
      }
      if (camera) hold(io, 'camera');
      void devices.open();
    },
  };
}
