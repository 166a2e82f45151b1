import { codeOf, meansLater } from './errors.js';

/** A Wi-Fi that roams is back within this time (milliseconds); a restart then would only cost. */
const DISCONNECTED_GRACE_MS = 3_000;
/** Browsers give up on a first path after about this time; some never say so. */
const CHECKING_MS = 15_000;
/** A DTLS handshake over a path that works takes a few round trips; one that hangs never ends by itself. */
const HANDSHAKE_MS = 8_000;
const FIRST_RETRY_MS = 5_000;
/** A path that two restarts did not bring back needs a new connection. */
const MOST_RESTARTS = 2;

/**
 * Keeps one connection alive. It restarts ICE when the path is lost (W3C WebRTC 1.0 §5.6.3, RFC 8445 §9), and asks for a
 * new connection where that does not help: after two restarts in vain, when DTLS failed or hangs, and when the other side
 * knows nothing of the connection any more.
 */
export class LinkWatch {
  #pc;
  #io;
  #timers;
  #restarts = 0;
  #stopped = false;
  /** @type {any} */
  #timer = null;
  /** @type {any} */
  #handshakeTimer = null;

  /**
   * @param {RTCPeerConnection} pc
   * @param {{restart: () => unknown, rebuild: (why: string) => void, disturbed?: () => void}} io  restart: may answer a
   *   promise, whose refusal counts · rebuild: this connection will not come back · disturbed: the path is lost for now
   * @param {import('./timers.js').Timers} timers
   */
  constructor(pc, io, timers) {
    this.#pc = pc;
    this.#io = io;
    this.#timers = timers;
    pc.addEventListener('iceconnectionstatechange', () => this.#look());
    pc.addEventListener('connectionstatechange', () => this.#look());
  }

  stop() {
    this.#stopped = true;
    this.#cancel();
    this.#timers.clearTimeout(this.#handshakeTimer);
  }

  /** The network may be another one now: a path that is lost is looked for at once. */
  hurry() {
    const { iceConnectionState: state } = this.#pc;
    if (!this.#stopped && (state === 'disconnected' || state === 'failed')) this.#plan(0);
  }

  #look() {
    if (this.#stopped) return;
    const { iceConnectionState: ice } = this.#pc;
    const hasPath = ice === 'connected' || ice === 'completed';
    this.#watchHandshake(hasPath);
    if (hasDtlsFailed(this.#pc, hasPath)) return this.#rebuild('dtls');
    if (hasPath) {
      this.#cancel();
      this.#restarts = 0;
      return;
    }
    if (ice === 'disconnected' || ice === 'failed') this.#io.disturbed?.();
    // While restarts run, their own pauses count.
    if (this.#restarts > 0) return;
    if (ice === 'failed') this.#plan(0);
    else if (ice === 'disconnected') this.#plan(DISCONNECTED_GRACE_MS);
    else if (ice === 'checking') this.#plan(CHECKING_MS);
  }

  /** @param {boolean} hasPath */
  #watchHandshake(hasPath) {
    const waits = hasPath && this.#pc.connectionState === 'connecting';
    if (waits && this.#handshakeTimer === null) {
      this.#handshakeTimer = this.#timers.setTimeout(() => this.#rebuild('dtls'), HANDSHAKE_MS);
    } else if (!waits) {
      this.#timers.clearTimeout(this.#handshakeTimer);
      this.#handshakeTimer = null;
    }
  }

  /** @param {number} ms */
  #plan(ms) {
    this.#cancel();
    this.#timer = this.#timers.setTimeout(() => {
      if (this.#restarts >= MOST_RESTARTS) return this.#rebuild('ice');
      this.#restarts += 1;
      this.#plan(FIRST_RETRY_MS * 2 ** (this.#restarts - 1));
      void this.#restart();
    }, ms);
  }

  async #restart() {
    try {
      await this.#io.restart();
    } catch (error) {
      // A refusal that means no: there is nothing left over there to restart.
      if (!meansLater(error)) this.#rebuild(codeOf(error) ?? 'restart');
    }
  }

  /** @param {string} why */
  #rebuild(why) {
    if (this.#stopped) return;
    this.stop();
    this.#io.rebuild(why);
  }

  #cancel() {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/**
 * The connection is failed as soon as ICE or DTLS is (W3C WebRTC 1.0 §4.3.3); only DTLS fails for good.
 *
 * @param {RTCPeerConnection} pc
 * @param {boolean} hasPath
 */
function hasDtlsFailed(pc, hasPath) {
  if (pc.connectionState !== 'failed') return false;
  const transports = [...(pc.getSenders?.() ?? []), ...(pc.getReceivers?.() ?? [])].map(({ transport }) => transport);
  return hasPath || transports.some((transport) => transport?.state === 'failed');
}
