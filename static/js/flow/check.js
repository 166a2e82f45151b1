/**
 * The connection check: sends a drawn picture and a tone from one session to another through a room of its own on the
 * server, and measures both ends. No camera, no microphone.
 *
 * @typedef {import('../client/session.js').Session} Session
 * @typedef {import('../client/call.js').Call} Call
 * @typedef {import('../client/stats.js').CallStats} CallStats
 * @typedef {import('../state/check.js').Findings} Findings
 * @typedef {{picture: MediaStreamTrack, tone: MediaStreamTrack, stop: () => void}} Sample
 */

import { ProtocolError } from '../client/errors.js';
import { WAYS } from '../client/ways.js';
import { NOTHING_YET } from '../state/check.js';
import { refusalOf } from './refusal.js';

const CONNECT_MS = 12_000;
/** The picture gets sharper in the first seconds; what is measured comes after them. */
const SETTLE_MS = 2500;
const MEASURE_MS = 4000;
const POLL_MS = 200;
const PINGS = 4;

/**
 * @param {{
 *   authenticated: () => Promise<Session>,
 *   second: (token: string) => Promise<Session>,
 *   startCall: (session: Session, identity: string) => Promise<Call>,
 *   tryWay: (token: string, identity: string, way: import('../client/ways.js').Way) => Promise<import('../client/ways.js').WayResult>,
 *   sample: () => Promise<Sample>,
 *   secure: boolean,
 *   local: boolean,
 *   tell: (found: Findings) => void,
 *   now?: () => number,
 *   wait?: (ms: number) => Promise<unknown>,
 * }} means  authenticated: the page's own session, somebody being signed in · second: another session of the same person
 *   · tryWay: whether one way alone is open
 * @returns {Promise<Findings>}
 */
export async function runCheck({ authenticated, second, startCall, tryWay, sample, secure, local, tell, now = Date.now, wait = pause }) {
  const began = now();
  /** @type {Findings} */
  let found = { ...NOTHING_YET, secure, local };
  const learn = (/** @type {Partial<Findings>} */ more) => {
    found = { ...found, ...more, tookMs: now() - began };
    tell(found);
  };
  /** @type {Array<() => unknown>} undone in reverse */
  const after = [];
  try {
    const session = await authenticated();
    learn({ server: { rttMs: await pingMs(session, now) } });
    const { identity } = await session.request('check.begin', {});
    await tryWays((way) => tryWay(session.token ?? '', identity, way), learn);
    const ends = await Promise.all([second(session.token ?? ''), second(session.token ?? '')]);
    after.push(() => ends.forEach((end) => end.close()));
    after.push(() => Promise.all(ends.map((end) => end.leaveRoom().catch(() => {}))));
    const media = await sample();
    after.push(() => media.stop());
    const [there, back] = await calls(ends, identity, startCall, after);
    await Promise.all([there.setSource('camera', media.picture), there.setSource('microphone', media.tone)]);
    const connected = await holds(() => bothConnected(there, back), CONNECT_MS, now, wait);
    learn({ media: { connected } });
    if (connected) await measure(there, back, learn, wait);
  } catch (error) {
    learn({ failed: refusalOf(error), failedAt: failingOf(error) });
  } finally {
    for (const undo of after.reverse()) await undo();
  }
  return found;
}

/**
 * Two at a time, as many as the test meeting has places for.
 * @param {(way: import('../client/ways.js').Way) => Promise<import('../client/ways.js').WayResult>} tryWay
 * @param {(more: Partial<Findings>) => void} learn
 */
async function tryWays(tryWay, learn) {
  /** @type {Findings['ways']} */
  const ways = {};
  for (let at = 0; at < WAYS.length; at += 2) {
    const some = WAYS.slice(at, at + 2);
    // What cannot even be tried is not known; the measurement that follows says why.
    const results = await Promise.all(some.map((way) => tryWay(way).catch(() => undefined)));
    some.forEach((way, n) => results[n] && (ways[way] = results[n]));
    learn({ ways: { ...ways } });
  }
}

/** Which step a refusal stopped. @param {unknown} error @returns {import('../state/findings.js').Failing} */
function failingOf(error) {
  const { request } = /** @type {{request?: string | null}} */ (error);
  if (request === 'media.publish' || request === 'media.source') return 'publish';
  if (request === 'media.receive' || request === 'media.answer') return 'receive';
  return error instanceof ProtocolError ? 'meeting' : 'sample';
}

/**
 * @param {Session[]} ends
 * @param {string} identity
 * @param {(session: Session, identity: string) => Promise<Call>} startCall
 * @param {Array<() => unknown>} after
 * @returns {Promise<[Call, Call]>} who sends, who receives
 */
async function calls([sender, receiver], identity, startCall, after) {
  const back = await startCall(receiver, identity);
  after.push(() => back.close());
  /** @type {Map<string, import('../client/protocol.d.ts').Tile>} */
  const wanted = new Map();
  receiver.on('media.track.published', ({ track }) => {
    if (track.kind !== 'video') return;
    wanted.set(track.id, { track: track.id, width: 640, height: 360 });
    back.view([...wanted.values()]);
  });
  const there = await startCall(sender, identity);
  after.push(() => there.close());
  return [there, back];
}

/** @param {Session} session @param {() => number} now @returns {Promise<number>} the quickest of a few, in milliseconds */
async function pingMs(session, now) {
  let best = Infinity;
  for (let n = 0; n < PINGS; n += 1) {
    const sent = now();
    await session.ping();
    best = Math.min(best, now() - sent);
  }
  return Math.round(best);
}

/** @param {Call} there @param {Call} back */
async function bothConnected(there, back) {
  const [up, down] = await Promise.all([there.stats(), back.stats()]);
  return up.connections.up?.state === 'connected' && down.connections.down?.state === 'connected';
}

/**
 * @param {() => Promise<boolean>} probe
 * @param {number} withinMs
 * @param {() => number} now
 * @param {(ms: number) => Promise<unknown>} wait
 */
async function holds(probe, withinMs, now, wait) {
  const end = now() + withinMs;
  for (;;) {
    if (await probe()) return true;
    if (now() >= end) return false;
    await wait(POLL_MS);
  }
}

/**
 * @param {Call} there
 * @param {Call} back
 * @param {(more: Partial<Findings>) => void} learn
 * @param {(ms: number) => Promise<unknown>} wait
 */
async function measure(there, back, learn, wait) {
  await wait(SETTLE_MS);
  const [upBefore, downBefore] = await Promise.all([there.stats(), back.stats()]);
  await wait(MEASURE_MS);
  const [up, down] = await Promise.all([there.stats(), back.stats()]);
  const seconds = MEASURE_MS / 1000;
  const sent = change(upBefore, up, 'send');
  const got = change(downBefore, down, 'receive');
  const all = got.packets + got.lost;
  learn({ sent: { kbps: kbps(sent.bytes, seconds) } });
  learn({
    received: {
      kbps: kbps(got.bytes, seconds),
      fps: Math.round(got.frames / seconds),
      lossPercent: all === 0 ? 0 : Math.round((1000 * got.lost) / all) / 10,
      // Before a first click a page may not sound, so what is counted is the way of the voice, not its loudness.
      sound: got.voice > 0,
    },
  });
  const rtts = [up.connections.up?.rttMs, down.connections.down?.rttMs].filter((ms) => typeof ms === 'number');
  // The way of a voice: up from one, down to the other.
  if (rtts.length > 0) learn({ delay: { rttMs: Math.round(Math.max(...rtts)), jitterMs: jitterOf(down) } });
}

/** @param {CallStats} before @param {CallStats} after @param {'send' | 'receive'} direction */
function change(before, after, direction) {
  const sum = (/** @type {CallStats} */ stats) => {
    const total = { bytes: 0, packets: 0, lost: 0, frames: 0, voice: 0 };
    for (const track of stats.tracks) {
      if (track.direction !== direction) continue;
      total.bytes += track.bytes;
      total.packets += track.packets;
      total.lost += track.packetsLost;
      total.frames += track.framesDecoded;
      if (track.kind === 'audio') total.voice += track.packets;
    }
    return total;
  };
  const [from, to] = [sum(before), sum(after)];
  return {
    bytes: to.bytes - from.bytes,
    packets: to.packets - from.packets,
    lost: Math.max(0, to.lost - from.lost),
    frames: to.frames - from.frames,
    voice: to.voice - from.voice,
  };
}

/** @param {CallStats} stats */
function jitterOf(stats) {
  const all = stats.tracks.map((track) => track.jitterMs).filter((ms) => ms !== null);
  return all.length === 0 ? null : Math.round(Math.max(...all));
}

/** @param {number} bytes @param {number} seconds */
function kbps(bytes, seconds) {
  return Math.round((bytes * 8) / 1000 / seconds);
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
