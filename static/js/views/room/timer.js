/**
 * The timer of the meeting: how long it still runs, beside the clock, and two soft tones at its end.
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 */

import { t } from '../../i18n/index.js';
import { countdown } from '../../state/text.js';
import { attribute, el, show, text } from '../kit/dom.js';

const TICK_MS = 250;
/** Someone who comes back this long after the end is not rung at, and the zeros are gone by then. */
const OVER_MS = 5000;
const TONES_HZ = [660, 880];
const TONE_S = 0.5;
const LOUDNESS = 0.08;

/** @param {{ended: () => void}} io told when it rings */
export function timer({ ended }) {
  const nodes = [0, 1].map(() =>
    el('span', { class: 'timer num', role: 'timer', 'aria-live': 'off', hidden: true, 'data-testid': 'timer' }),
  );
  /** @type {Meeting | null} */
  let latest = null;
  let rung = '';
  let ticking = 0;

  function tick() {
    const running = latest?.timer ?? null;
    const left = running ? Date.parse(running.ends_at) - (Date.now() + (latest?.skew ?? 0)) : 0;
    const shown = running !== null && left > -OVER_MS;
    for (const node of nodes) {
      show(node, shown);
      if (!running || !shown) continue;
      text(node, countdown(left));
      node.classList.toggle('soon', left < 60_000);
      attribute(node, 'aria-label', t('timer.left', { time: countdown(left) }));
    }
    if (running && left <= 0 && left > -OVER_MS && rung !== running.ends_at) {
      rung = running.ends_at;
      ring();
      ended();
    }
  }

  return {
    nodes,
    /** @param {Meeting} meeting */
    update(meeting) {
      latest = meeting;
      tick();
    },
    start() {
      ticking = window.setInterval(tick, TICK_MS);
    },
    stop: () => clearInterval(ticking),
  };
}

function ring() {
  try {
    const context = new AudioContext();
    TONES_HZ.forEach((frequency, k) => {
      const tone = new OscillatorNode(context, { frequency });
      const level = new GainNode(context, { gain: 0 });
      const at = context.currentTime + k * TONE_S;
      level.gain.setValueAtTime(0, at);
      level.gain.linearRampToValueAtTime(LOUDNESS, at + 0.03);
      level.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
      tone.connect(level).connect(context.destination);
      tone.start(at);
      tone.stop(at + TONE_S);
    });
    setTimeout(() => void context.close(), (TONES_HZ.length + 1) * TONE_S * 1000);
  } catch {
    // Without sound the words are still shown.
  }
}
