/**
 * Listens to audio tracks and tells how loud they are: for the level meter of the preview, and for the
 * speaking rings of rooms without a server in the middle.
 */

const STEP_MS = 100;
/** Root mean square above which somebody counts as speaking; quiet rooms stay well below. */
const SPEAKING = 0.02;
/** Pauses between words shorter than this do not end a speech. */
const HOLD_MS = 400;

export class Voices {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Map<string, {source: MediaStreamAudioSourceNode, analyser: AnalyserNode, heard: number}>} */
  #voices = new Map();
  /** @type {number | undefined} */
  #timer;
  #buffer = new Float32Array(512);

  /** @type {(levels: Map<string, number>, speaking: string[]) => void} levels from 0 to 1 */
  onlevels = () => {};

  /**
   * @param {string} id
   * @param {MediaStreamTrack | null} track null stops listening
   */
  set(id, track) {
    this.#voices.get(id)?.source.disconnect();
    this.#voices.delete(id);
    if (track) {
      this.#context ??= new AudioContext();
      // Created before a first click it is suspended; any later use of the page wakes it.
      if (this.#context.state === 'suspended') void this.#context.resume().catch(() => {});
      const source = this.#context.createMediaStreamSource(new MediaStream([track]));
      const analyser = this.#context.createAnalyser();
      analyser.fftSize = this.#buffer.length;
      source.connect(analyser);
      this.#voices.set(id, { source, analyser, heard: -Infinity });
    }
    if (this.#voices.size > 0) this.#timer ??= window.setInterval(() => this.#listen(), STEP_MS);
    else this.#stop();
  }

  clear() {
    for (const id of [...this.#voices.keys()]) this.set(id, null);
  }

  #listen() {
    const now = performance.now();
    /** @type {Map<string, number>} */
    const levels = new Map();
    for (const [id, voice] of this.#voices) {
      voice.analyser.getFloatTimeDomainData(this.#buffer);
      let sum = 0;
      for (const sample of this.#buffer) sum += sample * sample;
      const level = Math.sqrt(sum / this.#buffer.length);
      if (level > SPEAKING) voice.heard = now;
      levels.set(id, level);
    }
    const speaking = [...levels.keys()]
      .filter((id) => now - (this.#voices.get(id)?.heard ?? -Infinity) < HOLD_MS)
      .sort((a, b) => (levels.get(b) ?? 0) - (levels.get(a) ?? 0));
    this.onlevels(levels, speaking);
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * A level on the meter's scale. Ears hear loudness by ratio, so the steps are decibels: −54 dB and below
 * is 0, −6 dB is 12.
 * @param {number} level 0 to 1
 * @returns {number} 0 to 12
 */
export function meterSteps(level) {
  const decibels = 20 * Math.log10(Math.max(level, 1e-6));
  return Math.max(0, Math.min(12, Math.round((decibels + 54) / 4)));
}
