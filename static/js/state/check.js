/**
 * Turns the findings of a connection check into seven lines and a verdict. Pure: it takes figures and gives keys of the
 * language files.
 *
 * @typedef {'waiting' | 'running' | 'ok' | 'warn' | 'bad' | 'none'} Look  none: there is nothing to judge
 * @typedef {{
 *   name: Step, look: Look, title: string, detail: string, word: string, figures: Record<string, string | number>,
 * }} Line  title, detail and word are keys
 * @typedef {'server' | 'udp' | 'tcp' | 'relay' | 'publish' | 'receive' | 'delay'} Step
 *
 * @typedef {import('./findings.js').Findings} Findings
 */

import { WAYS, WAY_NAMES, isRelay } from '../client/ways.js';
import { whyOf } from './trouble.js';

export { NOTHING_YET } from './findings.js';

/** @type {Step[]} */
export const STEPS = ['server', 'udp', 'tcp', 'relay', 'publish', 'receive', 'delay'];

/** People notice values above these (ITU-T G.114 for the delay of a voice; here it is the round trip). */
const SLOW_MS = 300;
const LOST_PERCENT = 3;
/** Fewer pictures a second look like a row of photographs. */
const FEW_FRAMES = 7;

/**
 * @param {Findings} found
 * @param {boolean} running
 * @returns {Line[]}
 */
export function linesOf(found, running) {
  let reached = false;
  return STEPS.map((name) => {
    const judged = JUDGES[name](found);
    if (judged) return { name, figures: {}, ...judged, ...keysOf(name, judged) };
    // The first line without an answer is the one that runs now.
    const look = !running ? 'none' : reached ? 'waiting' : 'running';
    reached = true;
    const state = look === 'none' ? 'unknown' : look;
    return { name, look, figures: {}, ...keysOf(name, { state }) };
  });
}

/**
 * @param {Findings} found
 * @param {boolean} running
 * @returns {{look: Look, title: string, detail: string, reason: string | null}} keys
 */
export function verdictOf(found, running) {
  const kind = kindOf(found, running);
  const { failed, failedAt } = found;
  if (kind === 'unfinished' && failed !== null) {
    const [title, detail] = [`check.verdict.${kind}`, `check.failed.${failedAt ?? 'meeting'}`];
    return { look: LOOKS[kind], title, detail, reason: whyOf(failed) };
  }
  return { look: LOOKS[kind], title: `check.verdict.${kind}`, detail: `check.verdict.${kind}.do`, reason: null };
}

/** A missing finding is not a fault of the connection. */
const LOOKS = /** @type {const} */ ({
  running: 'running',
  good: 'ok',
  weak: 'warn',
  sound: 'warn',
  guests: 'warn',
  unfinished: 'warn',
  silent: 'bad',
  blocked: 'bad',
  unreachable: 'bad',
});

/** The verdict of a finished check in one word. @param {Findings} found */
export const verdictWord = (found) => kindOf(found, false);

/** @param {Findings} found @param {boolean} running @returns {keyof typeof LOOKS} */
function kindOf(found, running) {
  if (running) return 'running';
  if (!found.server) return 'unreachable';
  if (found.failed?.startsWith('auth.')) return 'guests';
  if (found.media && !found.media.connected) return 'blocked';
  if (found.failed !== null || !found.sent || !found.received) return 'unfinished';
  if (found.received.fps === 0) return found.received.sound ? 'sound' : 'silent';
  return linesOf(found, false).some((line) => line.look === 'warn' || line.look === 'bad') ? 'weak' : 'good';
}

/** @typedef {{state: string, look: Look, figures?: Record<string, string | number>}} Judged */

/** @type {Record<Step, (found: Findings) => Judged | null>} */
const JUDGES = {
  server({ server, secure, local, failed }) {
    if (!server) return failed === null ? null : { state: 'bad', look: 'bad' };
    if (!secure) return { state: 'plain', look: 'warn' };
    return { state: local ? 'local' : 'ok', look: 'ok' };
  },
  udp({ ways }) {
    if (!ways.udp) return null;
    if (ways.udp === 'ok') return { state: 'ok', look: 'ok' };
    // A detour is slower, but good enough.
    return isOpen(ways) ? { state: 'around', look: 'warn' } : { state: 'bad', look: 'bad' };
  },
  tcp({ ways, server }) {
    if (!ways.tcp) return null;
    const figures = { ms: server?.rttMs ?? 0 };
    if (ways.tcp === 'not_offered') return { state: 'ok', look: 'none', figures };
    if (ways.tcp === 'ok') return { state: 'media', look: 'ok', figures };
    return { state: 'bad', look: spare(ways), figures };
  },
  relay({ ways }) {
    const tried = RELAYS.filter((way) => ways[way] === 'ok' || ways[way] === 'failed');
    if (RELAYS.some((way) => !ways[way])) return null;
    if (tried.length === 0) return { state: 'none', look: 'none' };
    const open = tried.filter((way) => ways[way] === 'ok');
    const figures = { open: namesOf(open), shut: namesOf(tried.filter((way) => ways[way] !== 'ok')) };
    if (open.length === tried.length) return { state: 'ok', look: 'ok', figures };
    if (open.length > 0) return { state: 'some', look: 'none', figures };
    return { state: 'bad', look: spare(ways), figures };
  },
  publish({ sent, failed, failedAt }) {
    if (failed !== null && failedAt === 'publish') return refusedBy(failed);
    if (!sent) return null;
    return { state: sent.kbps > 0 ? 'ok' : 'bad', look: sent.kbps > 0 ? 'ok' : 'bad', figures: { kbps: sent.kbps } };
  },
  receive({ received, failed, failedAt }) {
    if (failed !== null && failedAt === 'receive') return refusedBy(failed);
    if (!received) return null;
    const { kbps, fps, lossPercent, sound } = received;
    const figures = { kbps, fps, loss: lossPercent };
    if (fps === 0) return { state: sound ? 'sound' : 'bad', look: sound ? 'warn' : 'bad', figures };
    const weak = lossPercent >= LOST_PERCENT || fps < FEW_FRAMES || !sound;
    return { state: weak ? 'weak' : 'ok', look: weak ? 'warn' : 'ok', figures };
  },
  delay({ delay }) {
    if (!delay) return null;
    const slow = delay.rttMs >= SLOW_MS;
    return { state: slow ? 'weak' : 'ok', look: slow ? 'warn' : 'ok', figures: { ms: delay.rttMs } };
  },
};

const RELAYS = WAYS.filter(isRelay);

/** @typedef {Findings['ways']} Ways */

/** @param {Ways} ways */
const isOpen = (ways) => Object.values(ways).includes('ok');

/** A closed way that is not needed is not a fault of the connection. @param {Ways} ways @returns {Look} */
const spare = (ways) => (isOpen(ways) ? 'none' : 'bad');

/** @param {import('../client/ways.js').Way[]} ways */
export const namesOf = (ways) => ways.map((way) => WAY_NAMES[way]).join(', ');

/** @param {string} code @returns {Judged} the reason among the figures is a key */
function refusedBy(code) {
  return { state: 'refused', look: 'bad', figures: { reason: whyOf(code) } };
}

/** @param {Step} name @param {{state: string}} judged */
function keysOf(name, { state }) {
  const key = `check.${name}.${state}`;
  if (state === 'waiting' || state === 'running' || state === 'unknown') {
    return { title: `check.${name}`, detail: `check.${state}.detail`, word: `check.${state}` };
  }
  return { title: key, detail: `${key}.detail`, word: `${key}.word` };
}

/**
 * A report that may be given to the operator of the server: figures, no addresses, no names.
 * @param {Findings} found
 * @param {{at: string, browser: string, server: string}} about  server: its name and version
 */
export function reportOf(found, { at, browser, server }) {
  const lines = linesOf(found, false).map(({ name, look, figures }) => ({ name, result: look, ...figures }));
  const { secure, failed, failedAt, tookMs, delay } = found;
  return {
    at,
    browser,
    server,
    verdict: verdictWord(found),
    secure,
    failed,
    failed_at: failedAt,
    took_ms: tookMs,
    jitter_ms: delay?.jitterMs ?? null,
    ways: found.ways,
    lines,
  };
}
