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
   * @param {{field?: string|null, retryAfterMs?: number|null, closeCode?: number|null}} [details]
   */
  constructor(code, message, { field = null, retryAfterMs = null, closeCode = null } = {}) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
    /** The offending field of a `protocol.bad_field`, such as `data.name`. */
    this.field = field;
    /** How long to wait before trying again, in milliseconds; null where the server does not say. */
    this.retryAfterMs = retryAfterMs;
    /** The WebSocket close code behind a `client.closed`, else null. */
    this.closeCode = closeCode;
  }

  /** @param {WireError} body */
  static fromWire(body) {
    return new ProtocolError(body.code, body.message, {
      field: body.field ?? null,
      retryAfterMs: body.retry_after_ms ?? null,
    });
  }
}

/** @param {unknown} error */
export const codeOf = (error) => (error instanceof ProtocolError ? error.code : null);
