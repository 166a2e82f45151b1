/**
 * The report that stays at the server for its operator: words of a fixed list and figures, and no names.
 *
 * @typedef {import('../client/ways.js').Way} Way
 * @typedef {import('../client/ways.js').WayResult} WayResult
 */

import { WAYS } from '../client/ways.js';

/** @param {Partial<Record<Way, WayResult>>} ways */
const listed = (ways) => WAYS.flatMap((way) => (ways[way] ? [{ way, result: ways[way] }] : []));

/** Only codes are sent as words; the message of a browser is not. @param {string | null} code */
const word = (code) => (code !== null && /^[\w.-]{1,40}$/.test(code) ? code : null);

/**
 * The report of a connection check.
 * @param {import('./findings.js').Findings} found
 * @param {string} verdict  in one word
 */
export function wireReport(found, verdict) {
  const { server, ways, failed, sent, received } = found;
  return {
    place: 'check',
    verdict,
    ways: listed(ways),
    socket_ms: server?.rttMs ?? null,
    failed: word(failed),
    sent_kbps: sent?.kbps ?? null,
    received_kbps: received?.kbps ?? null,
    loss_percent: received?.lossPercent ?? null,
  };
}

/**
 * The report of a meeting in which sound and picture find no way.
 * @param {string} code
 * @param {Partial<Record<Way, WayResult>>} ways
 */
export function meetingReport(code, ways) {
  return { ...wireReport(NOTHING, 'blocked'), place: 'meeting', ways: listed(ways), failed: word(code) };
}

const NOTHING = /** @type {any} */ ({ server: null, ways: {}, failed: null, sent: null, received: null });
