/**
 * What a peer takes of what was offered to it, read from two session descriptions (RFC 3264 §6, RFC 9143 §6).
 *
 * @typedef {{type: string, sdp: string}} Description
 */

/**
 * Which of one's own m-lines the peer does not take, though it was to be sent on them.
 *
 * @param {Description} local the one in force
 * @param {Description} remote the one in force
 * @returns {Set<string>} their mids
 */
export function notTaken(local, remote) {
  const theirs = sections(remote.sdp);
  const mids = new Set();
  for (const [at, ours] of sections(local.sdp).entries()) {
    const other = theirs[at];
    if (ours.mid === null || other === undefined) continue;
    // An answer of ours says no more than their offer allows.
    const isOffered = local.type !== 'offer' || (!ours.isRejected && SENDS.has(ours.direction));
    if (isOffered && (other.isRejected || !RECEIVES.has(other.direction))) mids.add(ours.mid);
  }
  return mids;
}

const SENDS = new Set(['sendrecv', 'sendonly']);
const RECEIVES = new Set(['sendrecv', 'recvonly']);

/** The m-lines in their order, which is the same in offer and answer. @param {string} sdp */
function sections(sdp) {
  return sdp.split(/^m=/m).slice(1).map((section) => ({
    mid: /^a=mid:(\S+)/m.exec(section)?.[1] ?? null,
    direction: /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section)?.[1] ?? 'sendrecv',
    // Port 0 is no rejection of an m-line that is only part of a bundle.
    isRejected: /^\S+ 0[ /]/.test(section) && !/^a=bundle-only\s*$/m.test(section),
  }));
}
