/**
 * Short tones, made in the page. Each kind has its own tune, so that people know what happened without looking.
 *
 * @typedef {'knock' | 'admitted' | 'join' | 'leave' | 'hand' | 'message'} Tune
 */

/** Hertz, and seconds from the beginning. @type {Record<Tune, {pitch: number, at: number, length: number}[]>} */
const TUNES = {
  knock: [
    { pitch: 392, at: 0, length: 0.12 },
    { pitch: 392, at: 0.16, length: 0.12 },
    { pitch: 523.25, at: 0.36, length: 0.28 },
  ],
  admitted: [
    { pitch: 523.25, at: 0, length: 0.18 },
    { pitch: 659.25, at: 0.14, length: 0.18 },
    { pitch: 783.99, at: 0.28, length: 0.34 },
  ],
  join: [
    { pitch: 523.25, at: 0, length: 0.14 },
    { pitch: 659.25, at: 0.1, length: 0.2 },
  ],
  leave: [
    { pitch: 659.25, at: 0, length: 0.14 },
    { pitch: 523.25, at: 0.1, length: 0.2 },
  ],
  hand: [{ pitch: 698.46, at: 0, length: 0.24 }],
  message: [{ pitch: 880, at: 0, length: 0.16 }],
};
/** Much quieter than a voice: a tone must not cover what somebody says. */
const LOUDNESS = 0.09;

export class Tones {
  /** @type {AudioContext | null} */
  #context = null;
  #speaker;

  /** @param {() => string} speaker the chosen output device; empty for the system's choice */
  constructor(speaker) {
    this.#speaker = speaker;
  }

  /** @param {Tune} tune */
  async play(tune) {
    try {
      const context = (this.#context ??= new AudioContext());
      const sink = /** @type {any} */ (context);
      // The sound stays on the system's choice when the device was unplugged meanwhile.
      if (sink.setSinkId && sink.sinkId !== this.#speaker()) await sink.setSinkId(this.#speaker()).catch(() => {});
      // A person who has not touched the page yet hears nothing. Then resume() may never settle, so the wait is limited.
      if (context.state !== 'running') await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 500))]);
      if (context.state !== 'running') return;
      const from = context.currentTime + 0.02;
      for (const note of TUNES[tune]) sound(context, note.pitch, from + note.at, note.length);
    } catch {
      // A machine without sound plays nothing.
    }
  }
}

/** @param {AudioContext} context @param {number} pitch @param {number} from @param {number} length */
function sound(context, pitch, from, length) {
  const voice = context.createOscillator();
  const loudness = context.createGain();
  voice.type = 'triangle';
  voice.frequency.value = pitch;
  // A note clicks if it does not begin and end softly.
  loudness.gain.setValueAtTime(0, from);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, from + 0.015);
  loudness.gain.setTargetAtTime(0, from + length / 2, length / 5);
  voice.connect(loudness).connect(context.destination);
  voice.start(from);
  voice.stop(from + length + 0.1);
}
