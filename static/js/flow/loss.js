/**
 * What is lost between this page and the meeting: the socket, the paths of the media. One word about it, however many
 * are lost, and none for a loss that is over before one has read it. Without a server in the middle it counts only when
 * every path is lost; the lost path to one person shows at their tile (`cut` in the state).
 */

/** @typedef {import('../state/trouble.js').Lost} Lost */

/** A loss shorter than this is not worth a banner. */
const TOLD_AFTER_MS = 1500;

export class Loss {
  /** @type {Set<string>} */
  #lost = new Set();
  /** Whether the path to somebody is lost, in a room without a server in the middle. @type {Map<string, boolean>} */
  #peers = new Map();
  #timer = 0;
  /** @type {Lost | null} */
  #told = null;
  /** Whose paths are lost, and when that is told, or null once it was. @type {Map<string, number | null>} */
  #away = new Map();

  /** @type {(lost: Lost | null) => void} */
  ontold = () => {};
  /** Whose path is lost or back, in a room without a server in the middle. @type {(participant: string, lost: boolean) => void} */
  onpeer = () => {};

  /** The socket is lost. Where the room has to be joined anew, everything is: see {@link clear}. */
  socket() {
    this.#set('socket', true);
  }

  /** There is a socket again, and nothing was missed; the media have ways of their own. */
  socketBack() {
    this.#lost.delete('silent');
    this.#set('socket', false);
  }

  /** An open socket gives no answer, or gives one again. It has been waited for already, so it is told at once. @param {boolean} silent */
  silence(silent) {
    this.#set('silent', silent);
    if (silent) this.#tell(this.#what());
  }

  /**
   * The media may lose their way while the socket stands.
   * @param {{connection: string, state: RTCPeerConnectionState}} change
   * @param {import('../client/protocol.d.ts').Topology} topology
   */
  path({ connection, state }, topology) {
    const lost = state === 'disconnected' || state === 'failed';
    if (!lost && state !== 'connected') return;
    if (topology !== 'p2p') return this.#set(connection, lost);
    this.#peers.set(connection, lost);
    this.#judgePeers();
    this.#settlePeer(connection, lost);
  }

  /** @param {string} participant */
  left(participant) {
    if (this.#peers.delete(participant)) this.#judgePeers();
    this.#settlePeer(participant, false);
  }

  /** Everything is new. */
  clear() {
    for (const participant of [...this.#away.keys()]) this.#settlePeer(participant, false);
    this.#peers.clear();
    this.#lost.clear();
    this.#settle();
  }

  /** Without a server in the middle each path leads to one person: it is their network or ours, unless all are lost. */
  #judgePeers() {
    const all = [...this.#peers.values()];
    this.#set('peers', all.length > 0 && all.every((lost) => lost));
  }

  /** @param {string} participant @param {boolean} isLost */
  #settlePeer(participant, isLost) {
    if (isLost) {
      if (this.#away.has(participant)) return;
      const tell = () => {
        this.#away.set(participant, null);
        this.onpeer(participant, true);
      };
      this.#away.set(participant, window.setTimeout(tell, TOLD_AFTER_MS));
      return;
    }
    const timer = this.#away.get(participant);
    this.#away.delete(participant);
    if (timer === null) this.onpeer(participant, false);
    else clearTimeout(timer);
  }

  /** @param {string} what @param {boolean} isLost */
  #set(what, isLost) {
    if (isLost) this.#lost.add(what);
    else this.#lost.delete(what);
    this.#settle();
  }

  #settle() {
    if (this.#lost.size > 0) {
      // What is told already only changes its words.
      if (this.#told !== null) this.#tell(this.#what());
      else this.#timer ||= window.setTimeout(() => this.#tell(this.#what()), TOLD_AFTER_MS);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#tell(null);
  }

  /** @returns {Lost | null} */
  #what() {
    const lost = this.#lost;
    if (lost.size === 0) return null;
    const media = lost.has('up') || lost.has('down') || lost.has('peers');
    if (lost.has('socket')) return media ? 'all' : 'socket';
    return lost.has('silent') ? 'silent' : 'media';
  }

  /** @param {Lost | null} lost */
  #tell(lost) {
    if (this.#told === lost) return;
    this.#told = lost;
    this.ontold(lost);
  }
}
