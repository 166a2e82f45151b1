/**
 * Which message stands at the edge of the page, and what waits for its turn. One at a time: what asks for an answer is not
 * covered, and of several words from people none is lost.
 *
 * @typedef {import('../state/app.js').Toast} Toast
 * @typedef {import('./room-events.js').ToastAction} ToastAction
 * @typedef {[text: string, params?: Record<string, string | number>, icon?: string, action?: ToastAction | null,
 *   other?: ToastAction | null]} Words
 * @typedef {{words: Words, more: number}} Held  more: how many messages came beside it, and are not shown
 */

import { isOfSomebody } from '../state/heed.js';

/** Words to oneself alone. */
const PRIVATE = 'toast.message.private';

/** @param {import('./actions.js').Parts['store']} store */
export function createToasting(store) {
  const { dispatch } = store;
  let number = 0;
  /** The message that waits for its turn. @type {Held | null} */
  let held = null;
  /** Somebody reads it, or is about to press: nothing moves under their hand. */
  let isTouched = false;

  /** @param {Words} words @param {number} more */
  function show([text, params = {}, icon = 'info', action = null, other = null], more) {
    number += 1;
    dispatch({ type: 'toast', toast: { id: number, text, params, icon, action, other, more } });
  }

  /** What was shown comes again, when its place is free. @param {Toast} toast */
  function putBack({ text, params, icon, action, other, more = 0 }) {
    const before = held;
    held = { words: [text, params, icon, action, other], more: more + (before ? before.more + 1 : 0) };
  }

  /** @param {Words} words */
  function toast(...words) {
    const { toast: shown } = store.get();
    if (shown && isOfSomebody(shown) && words[0] !== shown.text) putBack(shown);
    show(words, 0);
  }

  /** A message of somebody. @param {Words} words @returns {boolean} whether it is shown at once */
  function message(...words) {
    const { toast: shown } = store.get();
    if (shown && isOfSomebody(shown)) {
      const more = (shown.more ?? 0) + 1;
      const isKept = isTouched || (shown.text === PRIVATE && words[0] !== PRIVATE);
      if (isKept) dispatch({ type: 'toast', toast: { ...shown, more } });
      else show(words, more);
      return !isKept;
    }
    if (shown === null || shown.action === null) {
      show(words, 0);
      return true;
    }
    const isKept = held !== null && held.words[0] === PRIVATE && words[0] !== PRIVATE;
    const more = held ? held.more + 1 : 0;
    held = isKept && held ? { ...held, more } : { words, more };
    return false;
  }

  /** A hint of the page takes no place from what asks for an answer. @param {Words} words @returns {boolean} */
  function hint(...words) {
    const { toast: shown } = store.get();
    const free = shown === null || shown.action === null;
    if (free) show(words, 0);
    else held ??= { words, more: 0 };
    return free;
  }

  store.subscribe(({ toast: shown, meeting }) => {
    if (shown === null) isTouched = false;
    if (held === null || shown !== null) return;
    const { words, more } = held;
    held = null;
    if (meeting && meeting.panel !== 'chat') show(words, more);
  });

  return {
    toast,
    /** As a toast, unless another one waits for an answer. @param {Words} words */
    toastWhenFree: (...words) => (isOfSomebody({ text: words[0], action: words[3] ?? null }) ? message : hint)(...words),
    /** @param {boolean} touched by the pointer, or by the focus */
    holdToast: (touched) => void (isTouched = touched),
    dismissToast: () => dispatch({ type: 'toast', toast: null }),
  };
}
