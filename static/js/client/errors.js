/** @typedef {import('./protocol.d.ts').WireError} WireError */

/**
 * A request that was refused, or that never got its answer.
 *
 * `code` is stable and meant for programs; `message` is English and meant for logs.
 */
export class ProtocolError extends Error {
  /**
   * @param {string} code the wire's error code, or `client.closed`, `client.timeout`, `client.unsupported`
   * @param {string} message
   * @param {{field?: string|null, retryAfterMs?: number|null, closeCode?: number|null, request?: string|null}} [details]
   */
  constructor(code, message, { field = null, retryAfterMs = null, closeCode = null, request = null } = {}) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
    /** The offending field of a `protocol.bad_field`, such as `data.name`. */
    this.field = field;
    /** How long to wait before trying again, in milliseconds; null where the server does not say. */
    this.retryAfterMs = retryAfterMs;
    /** The WebSocket close code behind a `client.closed`, else null. */
    this.closeCode = closeCode;
    /** The type of the request that this answers, such as `media.publish`; null where it answers none. */
    this.request = request;
  }

  /** @param {WireError} body @param {string|null} [request] the type of the request that it answers */
  static fromWire(body, request = null) {
    return new ProtocolError(body.code, body.message, {
      field: body.field ?? null,
      retryAfterMs: body.retry_after_ms ?? null,
      request,
    });
  }
}

/**
 * @param {number} code
 * @param {string} reason
 * @param {string|null} [request] that was not answered
 */
export function closedError(code, reason, request = null) {
  return new ProtocolError('client.closed', `The socket is closed (${code}${reason ? `, ${reason}` : ''}).`, {
    closeCode: code,
    request,
  });
}

/** @param {unknown} error */
export const codeOf = (error) => (error instanceof ProtocolError ? error.code : null);

/**
 * Whether the same request may well be taken later: the server is busy, restarts or is in trouble, or nothing came back.
 * Every other refusal means no, and asking again changes nothing.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
export function meansLater(error) {
  const code = codeOf(error);
  return code !== null && isLate(code);
}

/** The same of a code alone. @param {string} code */
export function isLate(code) {
  if (code === 'client.unsupported') return false;
  return code.startsWith('server.') || code.startsWith('client.') || code === 'rate.limited';
}
