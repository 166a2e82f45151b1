/**
 * Tries each way of sound and picture by itself, and sends the verdict to the server, where its operator finds it.
 *
 * @typedef {import('../client/ways.js').Way} Way
 * @typedef {import('../client/ways.js').WayResult} WayResult
 * @typedef {import('../client/session.js').Session} Session
 */

import { only } from '../client/ways.js';

/** A way that is open connects within a second or two; a datagram that is lost may be sent again meanwhile. */
const WITHIN_MS = 7_000;
const POLL_MS = 150;

/**
 * @param {Way} way
 * @param {{
 *   session: () => Promise<Session>,
 *   call: (session: Session, PeerConnection: typeof RTCPeerConnection) => Promise<import('../client/call.js').Call>,
 *   PeerConnection?: typeof RTCPeerConnection,
 *   now?: () => number,
 *   wait?: (ms: number) => Promise<unknown>,
 * }} means  session: one of its own · call: one in the test meeting, over these connections, which has begun
 * @returns {Promise<WayResult>}
 */
export async function tryWay(way, { session, call, PeerConnection = RTCPeerConnection, now = Date.now, wait = pause }) {
  const heard = { offered: false };
  const own = await session();
  let connected = false;
  try {
    const tried = await call(own, only(way, PeerConnection, heard));
    const end = now() + WITHIN_MS;
    while (heard.offered && now() < end && !(connected = await stands(tried))) await wait(POLL_MS);
    tried.close();
  } finally {
    await own.leaveRoom().catch(() => {});
    own.close();
  }
  if (!heard.offered) return 'not_offered';
  return connected ? 'ok' : 'failed';
}

/** @param {import('../client/call.js').Call} call */
async function stands(call) {
  const { connections } = await call.stats();
  return connections.up?.state === 'connected' && connections.down?.state === 'connected';
}

/**
 * @param {ReturnType<typeof import('../state/check-report.js').wireReport>} report
 * @param {(path: string, init: RequestInit) => Promise<Response>} [send]
 * @returns {Promise<string | null>} the code by which it is found; null where the server did not take it
 */
export async function leaveReport(report, send = (path, init) => fetch(path, init)) {
  const { at } = await import('../place.js');
  try {
    const answer = await send(at('check/report'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(report),
    });
    if (!answer.ok) return null;
    const { code } = await answer.json();
    return typeof code === 'string' ? code : null;
  } catch {
    // A server that cannot be reached gives no code. The verdict is shown without one.
    return null;
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
