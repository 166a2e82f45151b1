/** Rooms for the tests, made over the wire by an account of their own. */
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';

/**
 * @param {{server: {socket: string}}} stage
 * @param {object} [fields] of room.create
 * @returns {Promise<string>} the room's identity
 */
export async function makeRoom(stage, fields = {}) {
  const session = new Session(stage.server.socket, { WebSocket });
  await session.register({ username: `host-${crypto.randomUUID().slice(0, 8)}`, password: `pass-${crypto.randomUUID()}` });
  const { room } = await session.createRoom({ name: 'Test room', ...fields });
  session.close();
  return room.identity;
}
