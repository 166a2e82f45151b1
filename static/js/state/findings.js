/**
 * What a connection check finds; how it is read stands in check.js, which only the check's screen needs.
 *
 * @typedef {{
 *   secure: boolean, local: boolean,
 *   server: {rttMs: number} | null,
 *   media: {connected: boolean} | null,
 *   sent: {kbps: number} | null,
 *   received: {kbps: number, fps: number, lossPercent: number, sound: boolean} | null,
 *   delay: {rttMs: number, jitterMs: number | null} | null,
 *   ways: Partial<Record<import('../client/ways.js').Way, import('../client/ways.js').WayResult>>,
 *   failed: string | null, failedAt: Failing | null, tookMs: number,
 * }} Findings  null: not measured, or not yet · failed: the code of what stopped the check · secure: browsers give
 *   out devices here (a secure context) · local: only because the page comes from this very machine
 * @typedef {'meeting' | 'publish' | 'receive' | 'sample'} Failing
 *   meeting: the test meeting was not opened · sample: the browser made no picture or tone
 */

/** @type {Findings} */
export const NOTHING_YET = {
  secure: true,
  local: false,
  server: null,
  media: null,
  sent: null,
  received: null,
  delay: null,
  ways: {},
  failed: null,
  failedAt: null,
  tookMs: 0,
};
