/**
 * Notifications of the system: whether this browser can show them for this page, and how.
 *
 * Browsers on phones have the constructor and throw when it is used: there a service worker alone may notify (Notifications
 * API §2.8). Where the page has none, nothing is offered.
 *
 * @typedef {import('./notifier.js').Subject} Subject
 */

import { asset } from '../place.js';

/** The constructor threw an error in this page. */
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
  // With the permission given, this test would show a notification to the person.
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
 * @param {Subject} subject a newer notification replaces the older one with the same subject
 * @param {(subject: Subject) => void} opened called when the person pressed it
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
    // A failure is not reported: a notification is not worth an error message.
    await (await worker())?.showNotification(title, options).catch(() => {});
  }
}
