/**
 * What of one's own sound and picture the others get, and why not. What is not sent is shown as off: the page must not
 * claim that somebody is heard who is not.
 *
 * @typedef {import('./app.js').AppState} AppState
 * @typedef {import('./meeting.js').Meeting} Meeting
 */

/** Why nothing of a device is sent, or null. @param {Meeting | null} meeting @param {'microphone' | 'camera'} which */
export function unsent(meeting, which) {
  return meeting?.unsent[which] ?? meeting?.health.up?.code ?? null;
}

/** Whether the others can hear, or see, this person. @param {AppState} state @param {'microphone' | 'camera'} which */
export function isOn({ devices, meeting }, which) {
  return devices[which].wanted && devices[which].live && unsent(meeting, which) === null;
}
