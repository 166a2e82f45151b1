/**
 * Two notes on the chosen speaker, to hear whether one hears.
 */

/** Hertz, and seconds from the beginning. */
const NOTES = [
  { pitch: 523.25, at: 0 },
  { pitch: 783.99, at: 0.35 },
];
const NOTE_S = 0.5;
const LOUDNESS = 0.25;
const TAIL_MS = 150;

/**
 * @param {string} speaker id of an output device; empty for the system's choice
 * @returns {Promise<boolean>} after the last note; false when the browser did not play
 */
export async function playTestTone(speaker) {
  const context = new AudioContext();
  const element = new Audio();
  try {
    const way = context.createMediaStreamDestination();
    element.srcObject = way.stream;
    // A device that was pulled out meanwhile leaves the sound with the system's choice.
    if (speaker !== '' && 'setSinkId' in element) await element.setSinkId(speaker).catch(() => {});
    await context.resume();
    await element.play();
    const from = context.currentTime + 0.05;
    for (const { pitch, at } of NOTES) note(context, way, pitch, from + at);
    const length = (NOTES[NOTES.length - 1].at + NOTE_S) * 1000 + TAIL_MS;
    await new Promise((resolve) => setTimeout(resolve, length));
    return true;
  } catch {
    return false;
  } finally {
    element.srcObject = null;
    void context.close();
  }
}

/** @param {AudioContext} context @param {AudioNode} way @param {number} pitch @param {number} from */
function note(context, way, pitch, from) {
  const voice = context.createOscillator();
  const loudness = context.createGain();
  voice.frequency.value = pitch;
  // Without a soft begin and end a note clicks.
  loudness.gain.setValueAtTime(0, from);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, from + 0.03);
  loudness.gain.setTargetAtTime(0, from + NOTE_S - 0.2, 0.06);
  voice.connect(loudness).connect(way);
  voice.start(from);
  voice.stop(from + NOTE_S);
}
