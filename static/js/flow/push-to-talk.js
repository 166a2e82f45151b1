/**
 * Holding a key to talk: unmutes while it is held, and mutes again what was muted before.
 */

/** Where the space bar writes or scrolls. */
const FIELDS = 'input, textarea, select, [contenteditable], dialog, [role="menu"]';

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

/**
 * Follows the space bar wherever it means nothing else.
 * @param {Window} page
 * @param {(on: boolean) => void} hold
 * @param {() => boolean} isWanted
 */
export function followSpace(page, hold, isWanted) {
  let talking = false;
  page.addEventListener('keydown', (event) => {
    if (event.code !== 'Space' || !isWanted() || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!event.repeat) talking = isFree(event.target);
    if (!talking) return;
    // The space bar scrolls, and presses the button that was clicked last.
    event.preventDefault();
    if (!event.repeat) hold(true);
  });
  page.addEventListener('keyup', (event) => {
    if (event.code !== 'Space' || !talking) return;
    event.preventDefault();
    talking = false;
    hold(false);
  });
  // A key that is let go in another window is never heard of here.
  page.addEventListener('blur', () => hold(false));
}

/** A button belongs to whoever came to it by the keyboard; after a click it only still has the focus. @param {EventTarget | null} target */
function isFree(target) {
  if (!(target instanceof Element)) return true;
  return !target.closest(FIELDS) && (target === document.body || !target.matches(':focus-visible'));
}
