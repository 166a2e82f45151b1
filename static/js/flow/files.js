/**
 * Files of a meeting: offers, answers and progress between the page and the transfers.
 *
 * @typedef {import('../state/app.js').AppState} AppState
 */

import { FileTransfers, MOST_FILE_BYTES } from '../client/file_transfer.js';

export class Files {
  #io;
  /** @type {FileTransfers | null} */
  #transfers = null;

  /**
   * @param {{
   *   session: import('../client/session.js').Session,
   *   meeting: () => import('../state/meeting.js').Meeting | null,
   *   dispatch: (action: import('../state/meeting.js').MeetingAction) => void,
   *   toast: import('./room-events.js').Toast,
   * }} io
   */
  constructor(io) {
    this.#io = io;
  }

  /** @param {RTCIceServer[]} iceServers */
  open(iceServers) {
    this.close();
    const transfers = new FileTransfers(this.#io.session, { iceServers });
    transfers.on('transfer', (file) => this.#show(file));
    this.#transfers = transfers;
  }

  close() {
    this.#transfers?.close();
    this.#transfers = null;
  }

  /** @param {File} file @param {string | null} to one participant, or null for everyone */
  offer(file, to) {
    const { meeting, toast } = this.#io;
    const peers = to === null ? (meeting()?.seats ?? []) : [to];
    if (file.size > MOST_FILE_BYTES) return toast('toast.file.large', { name: file.name }, 'warning');
    if (peers.length === 0) return toast('toast.file.nobody', {}, 'info');
    void this.#transfers?.offer(file, file.name, peers, { everyone: to === null });
  }

  /** @param {string} id */
  accept(id) {
    this.#transfers?.accept(id);
  }

  /** @param {string} file all transfers of it @param {boolean} paused */
  pause(file, paused) {
    for (const id of this.#of(file)) this.#transfers?.pause(id, paused);
  }

  /** @param {string} file */
  cancel(file) {
    for (const id of this.#of(file)) this.#transfers?.cancel(id);
  }

  /** @param {string} file */
  #of(file) {
    return Object.values(this.#io.meeting()?.files ?? {})
      .filter((one) => one.file === file)
      .map((one) => one.id);
  }

  /** @param {import('../client/file_transfer.js').Transfer} file */
  #show(file) {
    const { meeting, dispatch, toast } = this.#io;
    const now = meeting();
    const known = now !== null && file.id in now.files;
    dispatch({ type: 'file', file, at: new Date().toISOString() });
    const name = now?.names[file.peer] ?? '';
    if (!known && !file.outgoing && now?.panel !== 'chat') {
      toast('toast.file.offered', { name, file: file.name }, 'file', { label: 'toast.show', name: 'chat' });
    }
  }
}
