import { RemoteCandidates, trickle } from './candidates.js';

/**
 * @typedef {object} FileLinkIo
 * @property {(type: 'signal.offer'|'signal.answer', data: {sdp: string}) => Promise<unknown>} send
 * @property {(candidate: RTCIceCandidateInit|null) => Promise<unknown>} sendCandidate
 * @property {() => void} open the channel can be written to
 * @property {(message: any) => void} told a word of the other side
 * @property {(bytes: ArrayBuffer) => void} bytes a piece of the file
 * @property {() => void} unsure nothing comes through for now
 * @property {() => void} lost the connection is over, and nobody here closed it
 */

const LABEL = 'file';
/** The most that one message carries: every browser takes this much. */
const PIECE_BYTES = 64 * 1024;
/** Above this nothing more is written, */
const FULL_BYTES = 4 * 1024 * 1024;
/** until this little waits. */
const LOW_BYTES = 512 * 1024;

/** One data channel to one participant, for one file. */
export class FileLink {
  #io;
  #pc;
  #candidates;
  /** @type {RTCDataChannel|null} */
  #channel = null;
  #opened = false;
  #closed = false;
  /** @type {(() => void)[]} */
  #drained = [];

  /** @param {RTCPeerConnection} pc @param {FileLinkIo} io */
  constructor(pc, io) {
    this.#pc = pc;
    this.#io = io;
    this.#candidates = new RemoteCandidates(pc, () => {});
    trickle(pc, (candidate) => void io.sendCandidate(candidate).catch(() => {}));
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'failed' || pc.connectionState === 'closed') this.#lose();
      else if (pc.connectionState === 'disconnected') io.unsure();
    });
    pc.addEventListener('datachannel', ({ channel }) => {
      if (channel.label === LABEL) this.#adopt(channel);
    });
  }

  /** The sender's side connects. */
  async offer() {
    this.#adopt(this.#pc.createDataChannel(LABEL));
    await this.#pc.setLocalDescription();
    await this.#io.send('signal.offer', { sdp: this.#pc.localDescription?.sdp ?? '' });
  }

  /** @param {string} sdp the sender's offer */
  async answer(sdp) {
    await this.#pc.setRemoteDescription({ type: 'offer', sdp });
    this.#candidates.flush();
    await this.#pc.setLocalDescription();
    await this.#io.send('signal.answer', { sdp: this.#pc.localDescription?.sdp ?? '' });
  }

  /** @param {string} sdp the receiver's answer */
  async accept(sdp) {
    await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    this.#candidates.flush();
  }

  /** @param {any} candidate */
  addCandidate(candidate) {
    this.#candidates.add(candidate);
  }

  get isConnected() {
    return this.#pc.connectionState === 'connected' && this.#channel?.readyState === 'open';
  }

  get pieceBytes() {
    return Math.min(PIECE_BYTES, this.#pc.sctp?.maxMessageSize ?? PIECE_BYTES);
  }

  /** @param {object} message */
  tell(message) {
    if (this.#channel?.readyState === 'open') this.#channel.send(JSON.stringify(message));
  }

  /**
   * Writes a piece once the channel has room for it.
   * @param {Uint8Array<ArrayBuffer>} piece
   * @returns {Promise<boolean>} false when the channel is gone
   */
  async write(piece) {
    const channel = this.#channel;
    while (channel && !this.#closed && channel.readyState === 'open' && channel.bufferedAmount > FULL_BYTES) {
      await new Promise((resolve) => this.#drained.push(() => resolve(null)));
    }
    if (!channel || this.#closed || channel.readyState !== 'open') return false;
    channel.send(piece);
    return true;
  }

  close() {
    this.#closed = true;
    this.#wake();
    this.#pc.close();
  }

  /** @param {RTCDataChannel} channel */
  #adopt(channel) {
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW_BYTES;
    channel.addEventListener('bufferedamountlow', () => this.#wake());
    channel.addEventListener('open', () => this.#open());
    channel.addEventListener('close', () => this.#lose());
    channel.addEventListener('message', ({ data }) => this.#hear(data));
    // One that was handed over may be open already.
    if (channel.readyState === 'open') this.#open();
  }

  /** Once, although a browser may say it after the channel already was. */
  #open() {
    if (this.#opened) return;
    this.#opened = true;
    this.#io.open();
  }

  /** @param {string|ArrayBuffer} data */
  #hear(data) {
    if (this.#closed) return;
    if (typeof data !== 'string') return this.#io.bytes(data);
    try {
      this.#io.told(JSON.parse(data));
    } catch {
      // What cannot be read was not written by this page, and says nothing.
    }
  }

  #lose() {
    if (this.#closed) return;
    this.close();
    this.#io.lost();
  }

  #wake() {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
