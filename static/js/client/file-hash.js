/**
 * The check at the end of a file: SHA-256 (FIPS 180-4) over the SHA-256 values of its blocks, in their order. Block by
 * block, because the browser's digest takes no stream and a whole file does not fit into memory.
 */

/** Bytes of a block; the last one may be shorter. */
export const BLOCK_BYTES = 1024 * 1024;

export class FileHash {
  /** @type {Uint8Array[]} */
  #blocks = [];

  /** Blocks that are known. */
  get length() {
    return this.#blocks.length;
  }

  /** @param {number} index @param {BufferSource} bytes */
  async set(index, bytes) {
    this.#blocks[index] = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  }

  /** @param {number} index */
  has(index) {
    return this.#blocks[index] !== undefined;
  }

  /** @returns {Promise<string>} hexadecimal */
  async value() {
    const all = new Uint8Array(await new Blob(/** @type {BlobPart[]} */ (this.#blocks)).arrayBuffer());
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
    return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}
