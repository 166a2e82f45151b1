import { BLOCK_BYTES } from './file-hash.js';

/**
 * Writes a file into a link, block by block, from wherever the receiver already has it.
 *
 * The hash grows with the blocks and is shared by everyone who gets the file, so that each block is digested once.
 */
export class FileSender {
  #file;
  #hash;
  #progress;
  /** @type {import('./file-link.js').FileLink|null} */
  #link = null;
  #paused = false;
  /** @type {(() => void)[]} */
  #resumed = [];

  /** @param {Blob} file @param {import('./file-hash.js').FileHash} hash @param {(bytes: number) => void} progress */
  constructor(file, hash, progress) {
    this.#file = file;
    this.#hash = hash;
    this.#progress = progress;
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#paused = paused;
    if (!paused) this.#wake();
  }

  stop() {
    this.#link = null;
    this.#wake();
  }

  /**
   * @param {import('./file-link.js').FileLink} link
   * @param {number} from where to begin; rounded down to the beginning of a block
   * @returns {Promise<void>} when everything is written, or the link is gone
   * @throws {DOMException} the file cannot be read
   */
  async run(link, from) {
    // One link carries the file once, however often the other side asks.
    if (this.#link === link) return;
    this.#link = link;
    for (let at = from - (from % BLOCK_BYTES); at < this.#file.size; at += BLOCK_BYTES) {
      const block = await this.#read(at);
      if (!(await this.#write(link, block, at))) return;
    }
    await this.#digestRest();
    if (this.#link === link) link.tell({ type: 'end', hash: await this.#hash.value() });
  }

  /** @param {import('./file-link.js').FileLink} link @param {Uint8Array<ArrayBuffer>} block @param {number} start */
  async #write(link, block, start) {
    for (let at = 0; at < block.length; at += link.pieceBytes) {
      await this.#mayGo();
      if (this.#link !== link) return false;
      const piece = block.subarray(at, at + link.pieceBytes);
      if (!(await link.write(piece))) return false;
      this.#progress(start + at + piece.length);
    }
    return true;
  }

  /** @param {number} at */
  async #read(at) {
    const block = new Uint8Array(await this.#file.slice(at, at + BLOCK_BYTES).arrayBuffer());
    const index = at / BLOCK_BYTES;
    if (!this.#hash.has(index)) await this.#hash.set(index, block);
    return block;
  }

  /** A receiver that had the beginning already leaves its blocks to be digested now. */
  async #digestRest() {
    for (let at = 0; at < this.#file.size; at += BLOCK_BYTES) {
      if (!this.#hash.has(at / BLOCK_BYTES)) await this.#read(at);
    }
  }

  async #mayGo() {
    while (this.#paused && this.#link) await new Promise((resolve) => this.#resumed.push(() => resolve(null)));
  }

  #wake() {
    for (const resolve of this.#resumed.splice(0)) resolve();
  }
}
