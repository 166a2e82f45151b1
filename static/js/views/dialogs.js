/**
 * Dialogs that are loaded when somebody first opens them, so that the page itself stays light.
 * Each takes the page's actions; `room` and `identity` say which room it is about.
 *
 * @typedef {import('../flow/actions.js').Actions} Actions
 * @typedef {import('../client/protocol.d.ts').Room} Room
 */

/** @param {Actions} actions @param {import('./settings/settings.js').Tab} [tab] which is shown first */
export async function openSettings(actions, tab) {
  (await import('./settings/settings.js')).openSettings(actions, tab);
}

/** Sound and picture. @param {Actions} actions */
export const openDevices = (actions) => openSettings(actions, 'sound');

/** @param {Actions} actions @param {Room | null} room null makes a new one */
export async function openRoomDialog(actions, room) {
  (await import('./home/room-dialog.js')).openRoomDialog(actions, room);
}

/** @param {Actions} actions @param {Room} room */
export async function openDeleteDialog(actions, room) {
  (await import('./home/room-delete.js')).openDeleteDialog(actions, room);
}

/** Invite links: make, list, revoke. @param {Actions} actions @param {string} identity */
export async function openInvites(actions, identity) {
  (await import('./home/invites.js')).openInvites(actions, identity);
}

/** Who was in the room, and how long. @param {Actions} actions @param {string} identity */
export async function openAttendance(actions, identity) {
  (await import('./home/attendance.js')).openAttendance(actions, identity);
}

/** Who is kept out. @param {Actions} actions @param {string} identity */
export async function openBans(actions, identity) {
  (await import('./home/bans.js')).openBans(actions, identity);
}

/** @param {Actions} actions */
export async function openPassword(actions) {
  (await import('./settings/account.js')).openPassword(actions);
}
