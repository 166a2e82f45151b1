/**
 * The ways that sound and picture can take, each by itself: a connection that may use one alone shows whether it is open.
 *
 * @typedef {'udp' | 'tcp' | 'turn_udp' | 'turn_tcp' | 'turn_tls'} Way
 * @typedef {'ok' | 'failed' | 'not_offered'} WayResult
 */

/** @type {Way[]} */
export const WAYS = ['udp', 'tcp', 'turn_udp', 'turn_tcp', 'turn_tls'];

/** @type {Record<Way, string>} the same in every language */
export const WAY_NAMES = { udp: 'UDP', tcp: 'TCP', turn_udp: 'TURN/UDP', turn_tcp: 'TURN/TCP', turn_tls: 'TURN/TLS' };

/** @param {Way} way */
export const isRelay = (way) => way.startsWith('turn');

/** By which way a relay's address is reached (RFC 7065). @param {string} url @returns {Way | null} null: it is no relay's */
export function wayOfUrl(url) {
  if (/^turns:/i.test(url)) return 'turn_tls';
  if (!/^turn:/i.test(url)) return null;
  return /\?transport=tcp$/i.test(url) ? 'turn_tcp' : 'turn_udp';
}

/**
 * The relays that are reached by one way.
 * @param {RTCIceServer[]} servers
 * @param {Way} way
 * @returns {RTCIceServer[]}
 */
export function relaysOf(servers, way) {
  return servers
    .map((server) => ({ ...server, urls: [server.urls].flat().filter((url) => wayOfUrl(url) === way) }))
    .filter(({ urls }) => urls.length > 0);
}

/**
 * Whether a candidate of the server's belongs to a way; a relay reaches every datagram's.
 * @param {string} candidate `candidate:…`
 * @param {Way} way
 */
export function isOn(candidate, way) {
  const [, , transport = ''] = candidate.replace(/^(a=)?candidate:/, '').split(' ');
  return transport.toLowerCase() === (way === 'tcp' ? 'tcp' : 'udp');
}

/** A description without the candidates of other ways. @param {string} sdp @param {Way} way */
export function onlyOn(sdp, way) {
  const lines = sdp.split('\r\n');
  const kept = lines.filter((line) => !line.startsWith('a=candidate:') || isOn(line, way));
  return { sdp: kept.join('\r\n'), left: kept.some((line) => line.startsWith('a=candidate:')) };
}

/**
 * Connections that may use one way alone.
 * @param {Way} way
 * @param {typeof RTCPeerConnection} Base
 * @param {{offered: boolean}} heard  becomes true when the server offers this way
 */
export function only(way, Base, heard) {
  return /** @type {typeof RTCPeerConnection} */ (
    class extends Base {
      /** @param {RTCConfiguration} [config] */
      constructor(config = {}) {
        const iceServers = isRelay(way) ? relaysOf(config.iceServers ?? [], way) : [];
        super({ ...config, iceServers, ...(isRelay(way) && { iceTransportPolicy: /** @type {const} */ ('relay') }) });
        if (iceServers.length > 0) heard.offered = true;
      }

      /** @param {RTCSessionDescriptionInit} description @override */
      async setRemoteDescription(description) {
        const { sdp, left } = onlyOn(description.sdp ?? '', way);
        if (left && !isRelay(way)) heard.offered = true;
        return super.setRemoteDescription({ type: description.type, sdp });
      }

      /** @param {RTCIceCandidateInit | null} [candidate] @override */
      async addIceCandidate(candidate) {
        const line = candidate?.candidate;
        if (line && !isOn(line, way)) return undefined;
        if (line && !isRelay(way)) heard.offered = true;
        return super.addIceCandidate(candidate);
      }
    }
  );
}

/**
 * Which ways a connection has tried, and which of them stands, out of what a browser measures (W3C webrtc-stats).
 * @param {RTCStatsReport} report
 * @returns {Partial<Record<Way, WayResult>>}
 */
export function waysTried(report) {
  /** @type {Partial<Record<Way, WayResult>>} */
  const ways = {};
  for (const pair of report.values()) {
    if (pair.type !== 'candidate-pair') continue;
    const local = report.get(pair.localCandidateId);
    const way = local ? wayOfCandidate(local) : null;
    if (!way) continue;
    if (pair.state === 'succeeded') ways[way] = 'ok';
    else ways[way] ??= 'failed';
  }
  return ways;
}

/** @param {any} local @returns {Way | null} */
function wayOfCandidate({ candidateType, protocol, relayProtocol }) {
  if (candidateType !== 'relay') return protocol === 'tcp' ? 'tcp' : protocol === 'udp' ? 'udp' : null;
  return relayProtocol === 'tls' ? 'turn_tls' : relayProtocol === 'tcp' ? 'turn_tcp' : 'turn_udp';
}
