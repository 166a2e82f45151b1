/**
 * The keys that work everywhere in the meeting.
 */

/**
 * @param {{
 *   actions: import('../../flow/actions.js').Actions, panel: () => string | null, inMeeting: () => boolean,
 *   cycle: (step: number) => void, help: () => void, muted: () => boolean,
 * }} room
 */
export function roomKeys({ actions, panel, inMeeting, cycle, help, muted }) {
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
    const talks = event.code === 'Space' && !wantsSpace(event.target) && (talking || (mayHold() && muted()));
    const run = talks ? () => hold(event.repeat) : meaning(event);
    if (!run) return;
    event.preventDefault();
    void run();
  }
  let talking = false;

  /** Not for those who switched the keys off, all of them or this one. */
  function mayHold() {
    return actions.shortcuts() && actions.help().pushToTalk;
  }

  /** Space talks for as long as it is held, for those who are muted. @param {boolean} repeated */
  function hold(repeated) {
    if (repeated || talking) return;
    talking = true;
    void actions.holdToTalk(true);
  }

  function hush() {
    if (!talking) return;
    talking = false;
    void actions.holdToTalk(false);
  }

  /** @param {KeyboardEvent} event */
  function release(event) {
    if (event.code !== 'Space' || !talking) return;
    // Or a button that still has the focus would be pressed by it.
    event.preventDefault();
    hush();
  }

  return {
    start() {
      document.addEventListener('keydown', press);
      document.addEventListener('keyup', release);
      // A key that is let go elsewhere is never heard of here.
      window.addEventListener('blur', hush);
    },
    stop() {
      hush();
      document.removeEventListener('keydown', press);
      document.removeEventListener('keyup', release);
      window.removeEventListener('blur', hush);
    },
  };
}

/**
 * Space belongs to fields, and to the button somebody walked to by keyboard; but not to one that only keeps the
 * focus because it was clicked, such as the microphone's.
 * @param {EventTarget | null} target
 */
function wantsSpace(target) {
  return isField(target) || (target instanceof HTMLElement && target.matches(':is(button, a):focus-visible'));
}

/** @param {EventTarget | null} target */
function isField(target) {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}
