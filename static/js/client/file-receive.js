import { BLOCK_BYTES, FileHash } from './file-hash.js';

/**
 * Collects the pieces of a file. Whole blocks are digested and put away as blobs, which a browser keeps on disk when
 * they grow; only the block that is being received is in memory.
 */
export class FileReceiver {
  #size;
  #hash = new FileHash();
  /** @type {Blob[]} */
  #blocks = [];
  /** @type {ArrayBuffer[]} */
  #pieces = [];
  #inBlock = 0;
  /** Blocks are digested in their order. @type {Promise<void>} */
  #work = Promise.resolve();

  /** @param {number} size in bytes, as it was offered */
  constructor(size) {
    this.#size = size;
  }

  /** Bytes that are here. */
  get received() {
    return this.#blocks.length * BLOCK_BYTES + this.#inBlock;
  }

  /** From where a new connection has to go on; what came of an unfinished block is dropped. */
  restart() {
    this.#pieces = [];
    this.#inBlock = 0;
    return this.#blocks.length * BLOCK_BYTES;
  }

  /**
   * @param {ArrayBuffer} piece
   * @returns {boolean} false when this is more than was offered
   */
  add(piece) {
    if (this.received + piece.byteLength > this.#size) return false;
    let at = 0;
    while (at < piece.byteLength) {
      const part = piece.slice(at, at + BLOCK_BYTES - this.#inBlock);
      this.#pieces.push(part);
      this.#inBlock += part.byteLength;
      at += part.byteLength;
      if (this.#inBlock === BLOCK_BYTES) this.#finishBlock();
    }
    return true;
  }

  /**
   * @param {string} type media type
   * @param {string} hash what the sender calculated
   * @returns {Promise<Blob|null>} null when the file is not what was sent
   */
  async finish(type, hash) {
    if (this.received !== this.#size) return null;
    if (this.#inBlock > 0) this.#finishBlock();
    await this.#work;
    return (await this.#hash.value()) === hash ? new Blob(this.#blocks, { type }) : null;
  }

  #finishBlock() {
    const block = new Blob(this.#pieces);
    const index = this.#blocks.push(block) - 1;
    this.#pieces = [];
    this.#inBlock = 0;
    this.#work = this.#work.then(async () => this.#hash.set(index, await block.arrayBuffer()));
  }
}
