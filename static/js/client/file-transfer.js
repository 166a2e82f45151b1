import { Emitter } from './emitter.js';
import { FileHash } from './file-hash.js';
import { FileLink } from './file-link.js';
import { isConnection, isUnwanted, readOffer, unwanted, wanted, writeOffer } from './file-offer.js';
import { FileReceiver } from './file-receive.js';
import { FileSender } from './file-send.js';
import { systemTimers } from './timers.js';

/**
 * Files from browser to browser: static/docs/protocol.md §11. The sender writes pieces of 64 KiB while less than 4 MiB wait.
 * Both sides digest blocks of 1 MiB, and the last message is the SHA-256 of the blocks' SHA-256 values. A transfer whose
 * connection breaks goes on at the last whole block. An open channel outlives a lost socket. When the channel is gone
 * and nobody is there to answer, the transfer ends, and what arrived of it is let go.
 */

/**
 * @typedef {'offered'|'connecting'|'moving'|'paused'|'done'|'declined'|'cancelled'|'failed'} TransferState
 * @typedef {'gone'|'lost'|'connection'|'damaged'|'unreadable'|'refused'} TransferProblem  the person left · this side came
 *   back as somebody new, and the way to agree on a connection is lost · no way through · the hash differs · the file
 *   cannot be read any more · the server forbids it
 *
 * @typedef {object} Transfer one file between this participant and one other; a file for several is several transfers
 * @property {string} id
 * @property {string} file the same for all transfers of one file
 * @property {boolean} outgoing
 * @property {string} peer participant id
 * @property {boolean} everyone the sender offered it to everyone
 * @property {string} name
 * @property {number} size bytes
 * @property {number} bytes of it that moved
 * @property {TransferState} state
 * @property {boolean} pausedHere this side paused it, and can resume it
 * @property {TransferProblem|null} problem
 * @property {Blob|null} blob what was received, once its hash was right
 *
 * @typedef {object} Work what a transfer holds besides what is shown
 * @property {Transfer} shown
 * @property {string} connection the name in `signal.*`
 * @property {string} type media type
 * @property {FileSender|null} sender
 * @property {FileReceiver|null} receiver
 * @property {FileLink|null} link
 * @property {boolean} pausedThere
 * @property {number} attempts connections in vain since the last progress
 * @property {TransferProblem|null} doomed why this connection is the last one: nobody would answer a new one
 */

/** The largest file, bytes. A receiver keeps it in the browser until it is saved. */
export const MOST_FILE_BYTES = 1024 * 1024 * 1024;
/** Offers of one person that wait for an answer; the rest of a flood is dropped. */
const MOST_OFFERS = 16;
const MOST_ATTEMPTS = 4;
const RETRY_MS = 1_000;
/** A connection that is not there by then will not come. */
const CONNECT_MS = 15_000;
/** Offers to many people are spread, so that they stay within the limit on requests. */
const OFFERS_AT_ONCE = 10;
const OFFER_PAUSE_MS = 100;
/** Progress is told at most this often. */
const TELL_MS = 150;

/** @type {ReadonlySet<TransferState>} */
const OVER = new Set(/** @type {TransferState[]} */ (['done', 'declined', 'cancelled', 'failed']));

/**
 * Files from browser to browser, over data channels of their own that `signal.*` sets up under the connection
 * `file:<id>`. The offer is a description without media; only when it was accepted do the two connect.
 *
 * Events: `transfer` with every {@link Transfer} that is new or changed.
 */
export class FileTransfers extends Emitter {
  #session;
  #options;
  #timers;
  /** @type {Map<string, Work>} by transfer id */
  #works = new Map();
  /** @type {(() => void)[]} */
  #unsubscribe;
  /** @type {Set<string>} transfers whose progress is about to be told */
  #untold = new Set();

  /**
   * @param {import('./session.js').Session} session
   * @param {{iceServers?: RTCIceServer[], RTCPeerConnection?: typeof RTCPeerConnection,
   *   timers?: import('./timers.js').Timers}} [options]
   */
  constructor(session, options = {}) {
    super();
    this.#session = session;
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#unsubscribe = [
      session.on('signal.offer', (data) => this.#offered(data)),
      session.on('signal.answer', (data) => this.#answered(data)),
      session.on('signal.candidate', ({ from, connection, candidate }) => {
        this.#works.get(idOf(from, connection))?.link?.addCandidate(candidate);
      }),
      session.on('participant.left', (data) => this.#left(data)),
      session.on('joined', (reply, { again, same }) => again && this.#cameBack(reply, same)),
    ];
  }

  /** Connections that are made from now on use these. @param {RTCIceServer[]} iceServers */
  useIceServers(iceServers) {
    this.#options = { ...this.#options, iceServers };
  }

  /**
   * Offers a file.
   *
   * @param {Blob} file at most {@link MOST_FILE_BYTES}
   * @param {string} name
   * @param {string[]} peers participant ids
   * @param {{everyone?: boolean}} [options] everyone: it is meant for all who are here
   * @returns {Promise<void>} when all offers are on their way
   */
  async offer(file, name, peers, { everyone = false } = {}) {
    if (file.size > MOST_FILE_BYTES) throw new RangeError('The file is too large.');
    const connection = `file:${crypto.randomUUID()}`;
    const hash = new FileHash();
    const sdp = writeOffer({ name, size: file.size, type: file.type, everyone });
    const works = peers.map((peer) => {
      const work = this.#add(peer, connection, { outgoing: true, name, size: file.size, everyone, type: file.type });
      work.sender = new FileSender(file, hash, (bytes) => this.#progress(work, bytes));
      return work;
    });
    for (const [index, work] of works.entries()) {
      if (index >= OFFERS_AT_ONCE) {
        await new Promise((resolve) => this.#timers.setTimeout(() => resolve(null), OFFER_PAUSE_MS));
      }
      await this.#signal(work, 'signal.offer', { sdp });
    }
  }

  /** @param {string} id of an incoming transfer */
  accept(id) {
    const work = this.#works.get(id);
    if (!work || work.shown.outgoing || work.shown.state !== 'offered') return;
    work.receiver = new FileReceiver(work.shown.size);
    this.#show(work, { state: 'connecting' });
    void this.#signal(work, 'signal.answer', { sdp: wanted() });
  }

  /** Pauses or resumes this side. @param {string} id @param {boolean} paused */
  pause(id, paused) {
    const work = this.#works.get(id);
    if (!work || OVER.has(work.shown.state)) return;
    work.link?.tell({ type: paused ? 'pause' : 'resume' });
    this.#show(work, { pausedHere: paused });
    this.#settlePause(work);
  }

  /** Declines an offer, takes one back, or breaks a transfer off. @param {string} id */
  cancel(id) {
    const work = this.#works.get(id);
    if (!work || OVER.has(work.shown.state)) return;
    const { outgoing, state } = work.shown;
    work.link?.tell({ type: 'cancel' });
    if (!work.link) void this.#signal(work, outgoing ? 'signal.offer' : 'signal.answer', { sdp: unwanted() });
    this.#end(work, { state: state === 'offered' && !outgoing ? 'declined' : 'cancelled' }, true);
  }

  /** Breaks everything off; for the end of a meeting. */
  close() {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const work of this.#works.values()) {
      work.sender?.stop();
      work.link?.close();
    }
    this.#works.clear();
  }

  /** @param {{from: string, connection: string|null, sdp: string}} data */
  #offered({ from, connection, sdp }) {
    if (!connection?.startsWith('file:')) return;
    const work = this.#works.get(idOf(from, connection));
    if (work?.shown.outgoing) return;
    if (isUnwanted(sdp)) {
      if (work && !OVER.has(work.shown.state)) this.#end(work, { state: 'cancelled' });
    } else if (isConnection(sdp)) {
      if (work?.receiver && !OVER.has(work.shown.state)) this.#connect(work, (link) => link.answer(sdp));
    } else if (!work) {
      const offer = readOffer(sdp);
      const waiting = [...this.#works.values()].filter(({ shown }) => shown.peer === from && shown.state === 'offered');
      if (!offer || offer.size > MOST_FILE_BYTES || waiting.length >= MOST_OFFERS) return;
      this.#show(this.#add(from, connection, { outgoing: false, ...offer }), {});
    }
  }

  /** @param {{from: string, connection: string|null, sdp: string}} data */
  #answered({ from, connection, sdp }) {
    const work = this.#works.get(idOf(from, connection));
    if (!work?.shown.outgoing || OVER.has(work.shown.state)) return;
    if (isUnwanted(sdp)) this.#end(work, { state: work.shown.state === 'offered' ? 'declined' : 'cancelled' });
    else if (isConnection(sdp)) work.link?.accept(sdp).catch(() => this.#retry(work));
    else if (work.shown.state === 'offered') this.#dial(work);
  }

  /** @param {{participant: string, reason: import('./protocol.d.ts').LeaveReason}} data */
  #left({ participant, reason }) {
    for (const work of this.#works.values()) {
      if (work.shown.peer !== participant || OVER.has(work.shown.state)) continue;
      // An open channel outlives a lost socket; what still has to be signalled does not.
      if (reason === 'lost' && work.link?.isConnected) work.doomed = 'gone';
      else this.#fail(work, 'gone');
    }
  }

  /**
   * As a new participant this side is nobody whom the others had to do with. As the same one it may have missed who left.
   *
   * @param {import('./protocol.d.ts').Joined} reply
   * @param {boolean} same
   */
  #cameBack({ participants }, same) {
    const here = new Set(participants.map(({ id }) => id));
    for (const work of this.#works.values()) {
      const { peer, state } = work.shown;
      if (OVER.has(state) || (same && here.has(peer))) continue;
      if (same) this.#left({ participant: peer, reason: 'lost' });
      else if (work.link?.isConnected) work.doomed ??= 'lost';
      else this.#fail(work, 'lost');
    }
  }

  /** @param {Work} work */
  #dial(work) {
    this.#show(work, { state: 'connecting' });
    this.#connect(work, (link) => link.offer());
  }

  /** @param {Work} work @param {(link: FileLink) => Promise<void>} begin */
  #connect(work, begin) {
    work.link?.close();
    const PeerConnection = this.#options.RTCPeerConnection ?? globalThis.RTCPeerConnection;
    const link = new FileLink(new PeerConnection({ iceServers: this.#options.iceServers ?? [] }), {
      send: (type, data) => this.#signal(work, type, data),
      sendCandidate: (candidate) => this.#request(work, 'signal.candidate', { candidate }),
      open: () => this.#opened(work),
      told: (message) => this.#heard(work, message),
      bytes: (bytes) => this.#received(work, bytes),
      unsure: () => work.doomed && this.#retry(work),
      lost: () => this.#retry(work),
    });
    work.link = link;
    this.#timers.setTimeout(() => {
      if (work.link === link && work.shown.state === 'connecting') this.#retry(work);
    }, CONNECT_MS);
    begin(link).catch(() => this.#retry(work));
  }

  /** @param {Work} work */
  #opened(work) {
    const { receiver, link } = work;
    if (receiver) {
      const from = receiver.restart();
      link?.tell({ type: 'want', from });
      this.#show(work, { bytes: from });
    }
    if (work.shown.pausedHere) link?.tell({ type: 'pause' });
    this.#settlePause(work);
  }

  /** @param {Work} work @param {any} message */
  #heard(work, message) {
    if (OVER.has(work.shown.state)) return;
    const { sender, link } = work;
    if (message?.type === 'pause' || message?.type === 'resume') {
      work.pausedThere = message.type === 'pause';
      this.#settlePause(work);
    } else if (message?.type === 'cancel') this.#end(work, { state: 'cancelled' });
    else if (sender && link && message?.type === 'want' && Number.isSafeInteger(message.from)) {
      sender.run(link, Math.max(0, message.from)).catch(() => this.#giveUp(work));
    } else if (sender && message?.type === 'done') {
      this.#end(work, message.ok === true ? { state: 'done', bytes: work.shown.size } : DAMAGED);
    } else if (message?.type === 'end' && typeof message.hash === 'string') void this.#finish(work, message.hash);
  }

  /** @param {Work} work @param {ArrayBuffer} bytes */
  #received(work, bytes) {
    if (!work.receiver || OVER.has(work.shown.state)) return;
    if (work.receiver.add(bytes)) this.#progress(work, work.receiver.received);
    else this.#refuse(work);
  }

  /** @param {Work} work @param {string} hash */
  async #finish(work, hash) {
    const blob = (await work.receiver?.finish(work.type, hash)) ?? null;
    if (!blob) return this.#refuse(work);
    work.link?.tell({ type: 'done', ok: true });
    this.#end(work, { state: 'done', blob, bytes: work.shown.size }, true);
  }

  /** @param {Work} work that brought something else than was offered */
  #refuse(work) {
    work.link?.tell({ type: 'done', ok: false });
    this.#end(work, DAMAGED, true);
  }

  /** @param {Work} work whose file was moved, changed or deleted meanwhile */
  #giveUp(work) {
    work.link?.tell({ type: 'cancel' });
    this.#end(work, { state: 'failed', problem: 'unreadable' }, true);
  }

  /** @param {Work} work whose connection broke: the sender dials again, the receiver waits for it */
  #retry(work) {
    if (OVER.has(work.shown.state)) return;
    work.sender?.stop();
    work.link?.close();
    work.link = null;
    work.attempts += 1;
    if (work.doomed) return this.#fail(work, work.doomed);
    if (work.attempts > MOST_ATTEMPTS) {
      // Or the other side would wait for another call.
      void this.#signal(work, work.shown.outgoing ? 'signal.offer' : 'signal.answer', { sdp: unwanted() });
      return this.#fail(work, 'connection');
    }
    this.#show(work, { state: 'connecting' });
    const wait = RETRY_MS * 2 ** work.attempts;
    this.#timers.setTimeout(() => {
      if (OVER.has(work.shown.state) || work.link || !this.#works.has(work.shown.id)) return;
      if (work.shown.outgoing) this.#dial(work);
      else this.#retry(work);
    }, wait);
  }

  /** @param {Work} work */
  #settlePause(work) {
    const paused = work.shown.pausedHere || work.pausedThere;
    work.sender?.pause(paused);
    if (work.link) this.#show(work, { state: paused ? 'paused' : 'moving' });
  }

  /** @param {Work} work @param {number} bytes */
  #progress(work, bytes) {
    work.attempts = 0;
    work.shown = { ...work.shown, bytes };
    const { id } = work.shown;
    if (this.#untold.has(id)) return;
    this.#untold.add(id);
    // The newest figure is told, also when nothing comes after it.
    this.#timers.setTimeout(() => {
      this.#untold.delete(id);
      if (this.#works.has(id) && !OVER.has(work.shown.state)) this.emit('transfer', work.shown);
    }, TELL_MS);
  }

  /** @param {Work} work @param {TransferProblem} problem */
  #fail(work, problem) {
    this.#end(work, { state: 'failed', problem });
  }

  /** @param {Work} work @param {Partial<Transfer>} change @param {boolean} [lastWord] something is still to be sent */
  #end(work, change, lastWord = false) {
    const { link } = work;
    work.sender?.stop();
    // What arrived of a file that did not come to its end is let go.
    work.link = work.sender = work.receiver = null;
    this.#show(work, change);
    // Closing at once would lose the last word on its way.
    if (lastWord) this.#timers.setTimeout(() => link?.close(), RETRY_MS);
    else link?.close();
  }

  /** @param {Work} work @param {Partial<Transfer>} change */
  #show(work, change) {
    work.shown = { ...work.shown, ...change };
    this.emit('transfer', work.shown);
  }

  /**
   * @param {string} peer
   * @param {string} connection
   * @param {{outgoing: boolean, name: string, size: number, everyone: boolean, type: string}} what
   * @returns {Work}
   */
  #add(peer, connection, { outgoing, name, size, everyone, type }) {
    const id = idOf(peer, connection);
    /** @type {Transfer} */
    const shown = {
      ...{ id, file: connection, outgoing, peer, everyone, name, size },
      ...{ bytes: 0, state: 'offered', pausedHere: false, problem: null, blob: null },
    };
    /** @type {Work} */
    const work = {
      ...{ shown, connection, type, sender: null, receiver: null, link: null },
      ...{ pausedThere: false, attempts: 0, doomed: null },
    };
    this.#works.set(id, work);
    if (outgoing) this.emit('transfer', shown);
    return work;
  }

  /** @param {Work} work @param {string} type @param {{sdp: string}} data */
  async #signal(work, type, data) {
    try {
      await this.#request(work, type, data);
    } catch (error) {
      const code = /** @type {any} */ (error)?.code;
      if (OVER.has(work.shown.state)) return;
      if (code === 'participant.not_found') this.#fail(work, 'gone');
      else if (code === 'perm.denied') this.#fail(work, 'refused');
      else if (work.shown.state !== 'offered') this.#retry(work);
      else this.#fail(work, 'connection');
    }
  }

  /** @param {Work} work @param {string} type @param {object} data */
  #request({ shown, connection }, type, data) {
    return this.#session.request(type, { to: shown.peer, connection, ...data });
  }
}

/** @type {Partial<Transfer>} */
const DAMAGED = { state: 'failed', problem: 'damaged' };

/** @param {string} peer @param {string|null} connection */
const idOf = (peer, connection) => `${peer}/${connection}`;
