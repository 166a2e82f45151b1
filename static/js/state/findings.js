/**
 * What a connection check finds; how it is read stands in check.js, which only the check's screen needs.
 *
 * @typedef {{
 *   secure: boolean,
 *   server: {rttMs: number} | null,
 *   media: {connected: boolean} | null,
 *   sent: {kbps: number} | null,
 *   received: {kbps: number, fps: number, lossPercent: number, sound: boolean} | null,
 *   delay: {rttMs: number, jitterMs: number | null} | null,
 *   failed: string | null, failedAt: Failing | null, tookMs: number,
 * }} Findings  null: not measured, or not yet · failed: the code of what stopped the check
 * @typedef {'meeting' | 'publish' | 'receive' | 'sample'} Failing
 *   meeting: the test meeting was not opened · sample: the browser made no picture or tone
 */

/** @type {Findings} */
export const NOTHING_YET = {
  secure: true,
  server: null,
  media: null,
  sent: null,
  received: null,
  delay: null,
  failed: null,
  failedAt: null,
  tookMs: 0,
};
