/**
 * Plays what the others say: one hidden audio element for each audio slot, kept as long as the call.
 */

export class Sinks {
  /** @type {Map<string, HTMLAudioElement>} */
  #elements = new Map();
  #speaker = '';
  #host = document.createElement('div');

  /** @type {(blocked: boolean) => void} told when the browser wants a tap before it plays, and when it plays */
  onblocked = () => {};

  constructor() {
    this.#host.hidden = true;
    this.#host.dataset.testid = 'sinks';
    document.body.append(this.#host);
  }

  /** @param {string} slot @param {MediaStreamTrack | null} track */
  set(slot, track) {
    let element = this.#elements.get(slot);
    if (!track) {
      // The element stays: the slot will soon carry another voice.
      if (element) element.srcObject = null;
      return;
    }
    if (!element) {
      element = document.createElement('audio');
      element.autoplay = true;
      this.#elements.set(slot, element);
      this.#host.append(element);
      this.#route(element);
    }
    element.srcObject = new MediaStream([track]);
    void this.#play(element);
  }

  /** Plays everything; called from a tap, which is what the browser waited for. */
  async resume() {
    await Promise.all([...this.#elements.values()].map((element) => this.#play(element)));
  }

  /** @param {string} id of an output device; empty for the system's choice */
  setSpeaker(id) {
    this.#speaker = id;
    for (const element of this.#elements.values()) this.#route(element);
  }

  clear() {
    for (const element of this.#elements.values()) {
      element.srcObject = null;
      element.remove();
    }
    this.#elements.clear();
  }

  /** @param {HTMLAudioElement} element */
  #route(element) {
    // A remembered device that is gone leaves the sound where it was; the empty id is the system's choice.
    if ('setSinkId' in element && element.sinkId !== this.#speaker) element.setSinkId(this.#speaker).catch(() => {});
  }

  /** @param {HTMLAudioElement} element */
  async #play(element) {
    if (!element.srcObject) return;
    try {
      await element.play();
      this.onblocked(false);
    } catch (error) {
      // AbortError only means that the slot turned to another track meanwhile.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.onblocked(true);
    }
  }
}
