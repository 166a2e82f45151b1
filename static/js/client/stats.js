/**
 * @typedef {object} TrackStats
 * @property {'send'|'receive'} direction
 * @property {string|null} mid
 * @property {string|null} rid of the layer, for one of several that are sent
 * @property {'audio'|'video'} kind
 * @property {string|null} track the roster's track id, where it is known
 * @property {string|null} source the own source; null for what is received
 * @property {string|null} codec such as `video/VP8`
 * @property {number} packets sent or received
 * @property {number} packetsLost on the way to the receiver
 * @property {number} bytes of payload
 * @property {number} framesDecoded 0 for audio and for what is sent
 * @property {number} framesEncoded 0 for audio and for what is received
 * @property {number} framesDropped that came and were not shown, because the machine could not keep up
 * @property {'none'|'cpu'|'bandwidth'|'other'|null} limitedBy what keeps a sent picture small, as the encoder says
 * @property {number} width of the newest frame, pixels
 * @property {number} height
 * @property {number} freezes times the picture stood still
 * @property {number} audioEnergy rises while there is sound (W3C webrtc-stats, totalAudioEnergy)
 * @property {number|null} jitterMs
 *
 * @typedef {object} CallStats
 * @property {Record<string, {state: RTCPeerConnectionState, rttMs: number|null}>} connections by `up`, `down`, or participant id
 * @property {TrackStats[]} tracks
 */

/**
 * What a page shows, out of what a browser measures (W3C webrtc-stats).
 *
 * @param {RTCStatsReport} report
 * @returns {{rttMs: number|null, tracks: TrackStats[]}}
 */
export function summarise(report) {
  /** @type {TrackStats[]} */
  const tracks = [];
  /** @type {number|null} */
  let rttMs = null;
  for (const entry of report.values()) {
    if (entry.type === 'inbound-rtp') tracks.push(received(entry, report));
    if (entry.type === 'outbound-rtp') tracks.push(sent(entry, report));
    if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
      // Seconds in the report. The pair in use is the one nominated last; others keep an old time.
      const seconds = entry.currentRoundTripTime;
      if (typeof seconds === 'number') rttMs = Math.min(rttMs ?? Infinity, seconds * 1000);
    }
  }
  return { rttMs, tracks };
}

/** @param {any} entry @param {any} report @returns {TrackStats} */
function received(entry, report) {
  return {
    ...common(entry, report),
    direction: 'receive',
    packets: entry.packetsReceived ?? 0,
    packetsLost: entry.packetsLost ?? 0,
    bytes: entry.bytesReceived ?? 0,
    audioEnergy: entry.totalAudioEnergy ?? 0,
    jitterMs: typeof entry.jitter === 'number' ? entry.jitter * 1000 : null,
  };
}

/** @param {any} entry @param {any} report @returns {TrackStats} */
function sent(entry, report) {
  const remote = report.get(entry.remoteId);
  return {
    ...common(entry, report),
    // A layer that is switched off still tells what it was.
    ...(entry.active === false && { width: 0, height: 0, limitedBy: null }),
    direction: 'send',
    packets: entry.packetsSent ?? 0,
    packetsLost: remote?.packetsLost ?? 0,
    bytes: entry.bytesSent ?? 0,
    audioEnergy: report.get(entry.mediaSourceId)?.totalAudioEnergy ?? 0,
    jitterMs: typeof remote?.jitter === 'number' ? remote.jitter * 1000 : null,
  };
}

/** @param {any} entry @param {any} report */
function common(entry, report) {
  return {
    mid: entry.mid ?? null,
    rid: entry.rid ?? null,
    kind: entry.kind,
    track: null,
    source: null,
    codec: report.get(entry.codecId)?.mimeType ?? null,
    framesDecoded: entry.framesDecoded ?? 0,
    framesEncoded: entry.framesEncoded ?? 0,
    framesDropped: entry.framesDropped ?? 0,
    limitedBy: entry.qualityLimitationReason ?? null,
    width: entry.frameWidth ?? 0,
    height: entry.frameHeight ?? 0,
    freezes: entry.freezeCount ?? 0,
  };
}
