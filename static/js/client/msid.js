/**
 * Which media stream each m-line sends, read from a session description (RFC 8830 §2).
 *
 * Browsers tell of streams through `ontrack` only when an m-line begins to send; a sender that changes its stream
 * later goes unnoticed, so the description itself is asked.
 *
 * @param {string} sdp
 * @returns {Map<string, string>} mid → stream id, for the m-lines that send and name a stream
 */
export function streamsByMid(sdp) {
  const streams = new Map();
  for (const section of sdp.split(/^m=/m).slice(1)) {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const stream = /^a=msid:(\S+)/m.exec(section)?.[1];
    const sends = /^a=(sendrecv|sendonly)\s*$/m.test(section);
    if (mid && sends) streams.set(mid, stream ?? '-');
  }
  return streams;
}

/**
 * A browser names its streams itself. The roster's track ids take their place in what is sent to the peer, who can
 * then tell camera from screen.
 *
 * @param {string} sdp
 * @param {Iterable<{streamId: string, trackId: string}>} names
 */
export function renameStreams(sdp, names) {
  let renamed = sdp;
  for (const { streamId, trackId } of names) renamed = renamed.replaceAll(streamId, trackId);
  return renamed;
}
