/** Rooms for the tests, made over the wire by an account of their own. */
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';

/**
 * Somebody with an account who speaks the protocol without a page; close it when the tests end.
 *
 * @param {{server: {socket: string}}} stage
 * @param {string} [name] to be shown
 */
export async function registered(stage, name) {
  const session = new Session(stage.server.socket, { WebSocket });
  const account = { username: `host-${crypto.randomUUID().slice(0, 8)}`, password: `pass-${crypto.randomUUID()}` };
  await session.register(name === undefined ? account : { ...account, display_name: name });
  return session;
}

/**
 * @param {{server: {socket: string}}} stage
 * @param {object} [fields] of room.create
 * @returns {Promise<string>} the room's identity
 */
export async function makeRoom(stage, fields = {}) {
  const session = await registered(stage);
  const { room } = await session.createRoom({ name: 'Test room', ...fields });
  session.close();
  return room.identity;
}
