/** More than any real host gathers; the rest of a flood is dropped. */
const MOST_EARLY_CANDIDATES = 64;

/**
 * Remote candidates, kept while there is no description that they belong to.
 */
export class RemoteCandidates {
  #pc;
  #onError;
  /** @type {(RTCIceCandidateInit|null)[]} */
  #early = [];

  /** @param {RTCPeerConnection} pc @param {(error: unknown) => void} onError */
  constructor(pc, onError) {
    this.#pc = pc;
    this.#onError = onError;
  }

  /** @param {RTCIceCandidateInit|string|null} wire */
  add(wire) {
    const candidate = typeof wire === 'string' ? { candidate: wire, sdpMLineIndex: 0 } : wire;
    if (this.#pc.remoteDescription) this.#give(candidate);
    else if (this.#early.length < MOST_EARLY_CANDIDATES) this.#early.push(candidate);
  }

  /** To be called after every remote description. */
  flush() {
    for (const candidate of this.#early.splice(0)) this.#give(candidate);
  }

  /** @param {RTCIceCandidateInit|null} candidate */
  #give(candidate) {
    // The end of candidates carries no mid, which older browsers refuse; they notice the end by themselves.
    if (candidate) this.#pc.addIceCandidate(candidate).catch(this.#onError);
  }
}

/**
 * Hands on what the browser gathers, except TCP: browsers gather only active TCP candidates (RFC 6544 §4.5), of use to
 * a peer that listens on TCP, which neither our server nor another browser does.
 *
 * @param {RTCPeerConnection} pc
 * @param {(candidate: RTCIceCandidateInit|null) => void} send gets null at the end
 */
export function trickle(pc, send) {
  pc.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate?.protocol !== 'tcp') send(candidate && candidate.toJSON());
  });
}
