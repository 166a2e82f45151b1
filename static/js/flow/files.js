/**
 * Files of a meeting: offers, answers and progress between the page and the transfers.
 *
 * @typedef {import('../state/app.js').AppState} AppState
 */

import { FileTransfers, MOST_FILE_BYTES } from '../client/file-transfer.js';
import { graphemes } from '../state/text.js';

/** Letters of a name in a short message. */
const LONGEST = 40;

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

  /** What is sent from now on takes these ways: credentials of a relay run out. @param {RTCIceServer[]} iceServers */
  refresh(iceServers) {
    this.#transfers?.useIceServers(iceServers);
  }

  close() {
    this.#transfers?.close();
    this.#transfers = null;
  }

  /** @param {File} file @param {string | null} to one participant, or null for everyone */
  offer(file, to) {
    const { meeting, toast } = this.#io;
    const peers = to === null ? (meeting()?.seats ?? []) : [to];
    if (file.size > MOST_FILE_BYTES) return toast('toast.file.large', { name: shorten(file.name) }, 'warning');
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

  /** @param {import('../client/file-transfer.js').Transfer} file */
  #show(file) {
    const { meeting, dispatch, toast } = this.#io;
    const now = meeting();
    const before = now?.files[file.id];
    dispatch({ type: 'file', file, at: new Date().toISOString() });
    // In the open chat the card itself says it.
    if (file.outgoing || now?.panel === 'chat') return;
    const show = { label: 'toast.show', name: 'chat' };
    const words = { name: now?.names[file.peer] ?? '', file: shorten(file.name) };
    if (!before) toast('toast.file.offered', words, 'file', show);
    else if (before.state === file.state || before.state === 'offered') return;
    else if (file.state === 'done') toast('toast.file.done', words, 'file', show);
    else if (file.state === 'failed') toast('toast.file.failed', words, 'warning', show);
  }
}

/** A name for one line of a short message: its beginning, and its end, which says what it is. @param {string} name */
function shorten(name) {
  const letters = graphemes(name);
  return letters.length <= LONGEST ? name : `${letters.slice(0, LONGEST - 13).join('')}…${letters.slice(-12).join('')}`;
}
