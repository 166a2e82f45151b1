/**
 * Watches the level of one's own microphone for two things one cannot notice oneself: talking while muted, and a
 * microphone that gives nothing. Pure: levels and the time come in, a hint comes out.
 *
 * @typedef {'talking' | 'silent'} Hint
 */

/** Root mean square of somebody who speaks into a microphone, on a scale to 1. */
const SPEECH = 0.03;
/**
 * Below this the microphone gives nothing: −86 dB. A quiet room after the browser's noise suppression still gives more,
 * a switch on the headset or a wrong device does not.
 */
const NOTHING = 0.00005;
/** So much speech within the window is a sentence and not a cough. */
const SENTENCE_MS = 700;
const WINDOW_MS = 2000;
const SILENCE_MS = 12_000;
/** Who ignored the hint has a reason. */
const AGAIN_MS = 45_000;

export class VoiceWatch {
  #spoken = 0;
  #windowFrom = -Infinity;
  #last = -Infinity;
  #hintedAt = -Infinity;
  #silentSince = -Infinity;
  #silentSaid = false;

  /** Another microphone: what was heard of the last one says nothing. */
  reset() {
    this.#silentSince = -Infinity;
    this.#silentSaid = false;
    this.#forget();
  }

  /**
   * @param {{level: number, muted: boolean, now: number}} sample level from 0 to 1; now in milliseconds
   * @returns {Hint | null} what is to be said, until it is {@link said}
   */
  hear({ level, muted, now }) {
    // After a pause of the page the time between two samples was not listened to.
    const passed = Math.min(now - this.#last, 250);
    this.#last = now;
    return muted ? this.#whileMuted(level, now, passed) : this.#whileOn(level, now);
  }

  /** The person was told. @param {Hint} hint @param {number} now milliseconds */
  said(hint, now) {
    if (hint === 'talking') this.#hintedAt = now;
    else this.#silentSaid = true;
  }

  /** @param {number} level @param {number} now @param {number} passed @returns {Hint | null} */
  #whileMuted(level, now, passed) {
    this.#silentSince = -Infinity;
    if (now - this.#windowFrom > WINDOW_MS) {
      this.#windowFrom = now;
      this.#spoken = 0;
    }
    if (level > SPEECH) this.#spoken += passed;
    return this.#spoken < SENTENCE_MS || now - this.#hintedAt < AGAIN_MS ? null : 'talking';
  }

  /** @param {number} level @param {number} now @returns {Hint | null} */
  #whileOn(level, now) {
    this.#forget();
    if (level > NOTHING) {
      this.#silentSince = now;
      return null;
    }
    if (this.#silentSince === -Infinity) this.#silentSince = now;
    return this.#silentSaid || now - this.#silentSince < SILENCE_MS ? null : 'silent';
  }

  #forget() {
    this.#spoken = 0;
    this.#windowFrom = -Infinity;
  }
}
