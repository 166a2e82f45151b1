/**
 * What of one's own sound and picture the others get, and why not. What is not sent is shown as off: the page must not
 * claim that somebody is heard who is not.
 *
 * @typedef {import('./app.js').AppState} AppState
 * @typedef {import('./meeting.js').Meeting} Meeting
 */

/** Why nothing of a device is sent, or null. @param {Meeting | null} meeting @param {'microphone' | 'camera'} which */
export function unsent(meeting, which) {
  if (meeting === null) return null;
  return meeting.unsent[which] ?? meeting.health.up?.code ?? toNobody(meeting, which);
}

/**
 * Where there is no server in the middle: what keeps it from everybody. As long as one of them gets it, it is sent.
 * @param {Meeting} meeting @param {'microphone' | 'camera'} which @returns {string | null}
 */
function toNobody({ participants, self, health, withheld }, which) {
  const others = Object.keys(participants).filter((id) => id !== self);
  const reasons = others.map((id) => health.peers[id]?.code ?? withheld[id]?.[which] ?? null);
  return reasons.every((reason) => reason !== null) ? (reasons[0] ?? null) : null;
}

/** Whether nothing at all leaves. @param {Meeting} meeting */
export function sendsNothing(meeting) {
  return meeting.health.up !== null || (unsent(meeting, 'microphone') !== null && unsent(meeting, 'camera') !== null);
}

/** Whether the others can hear, or see, this person. @param {AppState} state @param {'microphone' | 'camera'} which */
export function isOn({ devices, meeting }, which) {
  return devices[which].wanted && devices[which].live && unsent(meeting, which) === null;
}
