import { Emitter } from './emitter.js';

/**
 * @typedef {import('./protocol.d.ts').Ban} Ban
 * @typedef {import('./protocol.d.ts').ChatMessage} ChatMessage
 * @typedef {import('./protocol.d.ts').Participant} Participant
 * @typedef {import('./protocol.d.ts').Role} Role
 * @typedef {import('./protocol.d.ts').Visit} Visit
 * @typedef {import('./protocol.d.ts').Room} Room
 * @typedef {import('./protocol.d.ts').Source} Source
 * @typedef {import('./protocol.d.ts').Timer} Timer
 */

/**
 * The requests that change nothing in the session itself. Each takes the `data` of the request and gives that of the reply.
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
    return Promise.reject(new Error('A class that extends Requests says how to send them.'));
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
   * @returns {Promise<{rooms: Room[], total: number, visits?: Visit[]}>}
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

  /** @param {{participant: string, source: Source, allow_unmute?: boolean}} data everyone with the participant "all" */
  muteParticipant(data) {
    return this.request('participant.mute', data);
  }

  /** Nobody can unmute another person; this asks them to do it. @param {{participant: string, source?: Source}} data */
  askUnmute(data) {
    return this.request('participant.ask_unmute', data);
  }

  /** @param {{participant: string}} data everyone's with "all" */
  lowerHand(data) {
    return this.request('participant.lower_hand', data);
  }

  /** @param {{participant: string, display_name: string}} data */
  renameParticipant(data) {
    return this.request('participant.rename', data);
  }

  /** @param {{participant: string, role: Role}} data */
  setRole(data) {
    return this.request('participant.set_role', data);
  }

  /** @param {{participant: string, ban?: boolean|'meeting'|'forever'}} data */
  removeParticipant(data) {
    return this.request('participant.remove', data);
  }

  /** @param {{participants: string[]|'all'}} data */
  admit(data) {
    return this.request('lobby.admit', data);
  }

  /** @param {{participants: string[]|'all'}} data */
  deny(data) {
    return this.request('lobby.deny', data);
  }

  /** @param {{identity: string}} data @returns {Promise<{bans: Ban[]}>} */
  bans(data) {
    return this.request('room.bans', data);
  }

  /** @param {{identity: string, user: string}} data */
  unban(data) {
    return this.request('room.unban', data);
  }

  /** @param {{emoji: string}} data */
  react(data) {
    return this.request('reaction.send', data);
  }

  /** @param {{participants: string[]}} data at most four; nobody when empty */
  setSpotlight(data) {
    return this.request('spotlight.set', data);
  }

  /** @param {{duration_ms: number|null}} data null stops it @returns {Promise<{timer: Timer|null}>} */
  setTimer(data) {
    return this.request('timer.set', data);
  }

  /** @param {{message: string}} data */
  deleteChat(data) {
    return this.request('chat.delete', data);
  }
}
