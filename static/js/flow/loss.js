/**
 * What is lost between this page and the meeting: the socket, the paths of the media. One word about it, however many
 * are lost, and none for a loss that is over before one has read it.
 */

/** A loss shorter than this is not worth a banner. */
const TOLD_AFTER_MS = 1500;

export class Loss {
  /** @type {Set<string>} */
  #lost = new Set();
  #timer = 0;
  #told = false;

  /** @type {(lost: boolean) => void} */
  ontold = () => {};

  /** @param {string} what @param {boolean} isLost */
  set(what, isLost) {
    if (isLost) this.#lost.add(what);
    else this.#lost.delete(what);
    if (this.#lost.size === 0) this.clear();
    else this.#timer ||= window.setTimeout(() => this.#tell(true), TOLD_AFTER_MS);
  }

  /** Everything is new. */
  clear() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#lost.clear();
    this.#tell(false);
  }

  /** @param {boolean} lost */
  #tell(lost) {
    if (this.#told === lost) return;
    this.#told = lost;
    this.ontold(lost);
  }
}
