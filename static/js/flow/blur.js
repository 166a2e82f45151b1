/**
 * Blurs what is behind the person, where the browser or its system can: our own would cost every machine a model and a
 * processor.
 */

import { settings } from './settings.js';

export class Blur {
  #io;

  /**
   * @param {{
   *   camera: () => MediaStreamTrack | null,
   *   tell: (change: Partial<import('../state/app.js').Devices['blur']>) => void,
   * }} io
   */
  constructor(io) {
    this.#io = io;
  }

  /** @param {boolean} on also for cameras that are opened later */
  async set(on) {
    settings.blur = on;
    const camera = this.#io.camera();
    this.#io.tell({ on: camera ? await apply(camera, on) : on });
  }

  /** @param {MediaStreamTrack} track a camera that was just opened */
  async follow(track) {
    const read = () => {
      if (this.#io.camera() === track) this.#io.tell({ offered: canBlur(track), on: isBlurred(track) });
    };
    read();
    // The person may switch it in their system's own menu.
    track.addEventListener('configurationchange', read);
    if (!canBlur(track) || settings.blur === isBlurred(track)) return;
    this.#io.tell({ on: await apply(track, settings.blur) });
  }
}

/**
 * Whether the browser or its system can blur what is behind the person (Media Capture and Streams Extensions,
 * backgroundBlur). Some systems have it always on or always off; then there is nothing to choose.
 * @param {MediaStreamTrack} track
 */
function canBlur(track) {
  const { backgroundBlur } = /** @type {{backgroundBlur?: boolean[]}} */ (track.getCapabilities?.() ?? {});
  return Array.isArray(backgroundBlur) && backgroundBlur.includes(true) && backgroundBlur.includes(false);
}

/** @param {MediaStreamTrack} track */
function isBlurred(track) {
  return /** @type {{backgroundBlur?: boolean}} */ (track.getSettings()).backgroundBlur === true;
}

/**
 * @param {MediaStreamTrack} track
 * @param {boolean} on
 * @returns {Promise<boolean>} whether it is on now
 */
async function apply(track, on) {
  try {
    await track.applyConstraints({ ...track.getConstraints(), .../** @type {any} */ ({ backgroundBlur: on }) });
  } catch {
    // It stays as it was.
  }
  return isBlurred(track);
}
