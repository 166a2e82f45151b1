import { Emitter } from './emitter.js';

/**
 * @typedef {import('./protocol.d.ts').ChatMessage} ChatMessage
 * @typedef {import('./protocol.d.ts').Participant} Participant
 * @typedef {import('./protocol.d.ts').Room} Room
 */

/**
 * The requests that change nothing in the session itself: each takes the wire's `data` and answers the reply's.
 *
 * @abstract
 */
export class Requests extends Emitter {
  /**
   * @param {string} _type
   * @param {object} [_data]
   * @returns {Promise<any>}
   */
  request(_type, _data) {
    return Promise.reject(new Error('Whoever extends Requests says how to send them.'));
  }

  /** @param {{name: string, [field: string]: any}} data @returns {Promise<{room: Room}>} */
  createRoom(data) {
    return this.request('room.create', data);
  }

  /** @param {{identity: string, version?: number, [field: string]: any}} data @returns {Promise<{room: Room}>} */
  editRoom(data) {
    return this.request('room.edit', data);
  }

  /** @param {{identity: string}} data */
  deleteRoom(data) {
    return this.request('room.delete', data);
  }

  /**
   * @param {{page?: number, size?: number, keyword?: string, scope?: 'mine'|'joined'|'public'}} [data]
   * @returns {Promise<{rooms: Room[], total: number}>}
   */
  listRooms(data = {}) {
    return this.request('room.list', data);
  }

  /** @param {{identity: string}} data @returns {Promise<{room: Room}>} */
  getRoom(data) {
    return this.request('room.get', data);
  }

  /** @param {{identity: string}} data @returns {Promise<{participants: any[]}>} */
  roster(data) {
    return this.request('room.roster', data);
  }

  /**
   * @param {{display_name?: string, audio?: boolean, video?: boolean, hand?: boolean}} data
   * @returns {Promise<{participant: Participant}>}
   */
  updateParticipant(data) {
    return this.request('participant.update', data);
  }

  /** @param {{text: string, to?: string, client_id?: string}} data @returns {Promise<{message: ChatMessage}>} */
  sendChat(data) {
    return this.request('chat.send', data);
  }

  /** @param {{before?: string, limit?: number}} [data] @returns {Promise<{messages: ChatMessage[], more: boolean}>} */
  chatHistory(data = {}) {
    return this.request('chat.history', data);
  }

  /** @returns {Promise<{time: string}>} */
  ping() {
    return this.request('ping');
  }
}
