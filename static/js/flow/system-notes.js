/**
 * Notifications of the system: whether this browser can show them for this page, and how.
 *
 * Browsers on phones have the constructor and throw when it is used: there a service worker alone may notify (Notifications
 * API §2.8). Where the page has none, nothing is offered.
 *
 * @typedef {import('./notifier.js').Subject} Subject
 */

import { asset } from '../place.js';

/** One was refused by its constructor, in this page. */
let isBroken = false;

/** A service worker that can notify for this page. */
async function worker() {
  const registration = await globalThis.navigator?.serviceWorker?.getRegistration().catch(() => null);
  return registration?.active ? registration : null;
}

/** Whether there is anything to switch on. @returns {Promise<boolean>} */
export async function canNotify() {
  if (!('Notification' in window)) return false;
  return (await worker()) !== null || canConstruct();
}

function canConstruct() {
  // Whoever gave leave would be shown what is only a try.
  if (isBroken || Notification.permission === 'granted') return !isBroken;
  try {
    new Notification('').close();
  } catch {
    isBroken = true;
  }
  return !isBroken;
}

/**
 * A notification of the system, where the person allowed it.
 * @param {string} title
 * @param {string} body
 * @param {Subject} subject newer ones take the place of those before
 * @param {(subject: Subject) => void} opened it was pressed
 * @returns {Promise<void>}
 */
export async function showNotification(title, body, subject, opened) {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  const options = { body, tag: `meeting-${subject}`, icon: asset('icons/favicon.svg'), silent: true };
  try {
    const shown = new Notification(title, options);
    shown.addEventListener('click', () => {
      window.focus();
      shown.close();
      opened(subject);
    });
  } catch {
    isBroken = true;
    // Nobody is told by a message that their message failed.
    await (await worker())?.showNotification(title, options).catch(() => {});
  }
}
