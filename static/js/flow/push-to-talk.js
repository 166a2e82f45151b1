/**
 * Holding a key to talk: unmutes while it is held, and mutes again what was muted before.
 */

/**
 * @param {{isMuted: () => boolean, setMicrophone: (on: boolean) => Promise<unknown>}} microphone
 */
export function createPushToTalk({ isMuted, setMicrophone }) {
  let held = false;
  /** One change after the other: a short press must not end unmuted. @type {Promise<unknown>} */
  let queue = Promise.resolve();

  return {
    /** @param {boolean} on @returns {Promise<unknown>} once the microphone follows */
    hold(on) {
      if (on === held || (on && !isMuted())) return queue;
      held = on;
      queue = queue.then(() => setMicrophone(on)).catch(() => {});
      return queue;
    },
    get held() {
      return held;
    },
  };
}
