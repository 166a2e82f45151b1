/**
 * What belongs to one page alone, and outlives its reload. A browser copies sessionStorage into a duplicated tab; two pages
 * with one session would take it from each other for ever. A lock tells them apart: a page that is gone holds none.
 */

import { TICKET_KEY } from '../client/ticket.js';
import { settings } from './settings.js';

const TAB_KEY = 'meeting.tab';
/** A page that is loaded anew may be there before the browser has let go of what the one before held. */
const RELEASED_MS = 500;

/**
 * @param {LockManager | null} [locks] none outside of a secure context
 * @returns {Promise<Storage | undefined>} for what only this page may know; none where nothing tells pages apart
 */
export async function claimTab(locks = navigator.locks) {
  if (!locks) return undefined;
  try {
    const known = sessionStorage.getItem(TAB_KEY);
    if (known !== null && (await holds(locks, known))) return sessionStorage;
    if (known !== null) {
      // The first page goes on with all of it, and this one begins.
      settings.disown();
      sessionStorage.removeItem(TICKET_KEY);
    }
    const tab = crypto.randomUUID();
    sessionStorage.setItem(TAB_KEY, tab);
    void holds(locks, tab);
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/** Holds a lock as long as the page lives. @param {LockManager} locks @param {string} tab @returns {Promise<boolean>} */
function holds(locks, tab) {
  const waiting = new AbortController();
  setTimeout(() => waiting.abort(), RELEASED_MS);
  return new Promise((resolve) => {
    const held = locks.request(`meeting.tab.${tab}`, { signal: waiting.signal }, () => {
      resolve(true);
      return new Promise(() => {});
    });
    held.catch(() => resolve(false));
  });
}
