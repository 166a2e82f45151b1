/**
 * The keys that work everywhere in the meeting. Space, which talks while it is held, is followed elsewhere.
 */

/**
 * @param {{
 *   actions: import('../flow/actions.js').Actions, panel: () => string | null, inMeeting: () => boolean,
 *   cycle: (step: number) => void, help: () => void,
 * }} room
 */
export function roomKeys({ actions, panel, inMeeting, cycle, help }) {
  /** @param {KeyboardEvent} event @returns {(() => unknown) | null} */
  function meaning(event) {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    // These belong to the page's structure, and stay when the shortcuts are off.
    if (event.key === 'F6' && !command) return () => cycle(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape' && panel() !== null) return () => actions.closePanel();
    if (!actions.shortcuts()) return null;
    if (command && !event.shiftKey && !event.altKey) {
      if (key === 'd') return () => actions.toggleMicrophone();
      if (key === 'e') return () => actions.toggleCamera();
    }
    if (command && event.altKey) {
      if (event.code === 'KeyH') return () => actions.toggleHand();
      if (event.code === 'KeyC') return () => actions.togglePanel('chat');
      if (event.code === 'KeyP') return () => actions.togglePanel('people');
    }
    if (event.key === '?' && !command && !isField(event.target)) return help;
    return null;
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (!inMeeting() || document.querySelector('[role="menu"], dialog[open]')) return;
    const run = meaning(event);
    if (!run) return;
    event.preventDefault();
    void run();
  }
  return {
    start: () => document.addEventListener('keydown', press),
    stop: () => document.removeEventListener('keydown', press),
  };
}

/** @param {EventTarget | null} target */
function isField(target) {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}
