/**
 * How long the server asks to wait before the next try.
 * @param {unknown} error
 * @returns {number | null} milliseconds
 */
export function retryAfterOf(error) {
  const wait = /** @type {any} */ (error)?.retryAfterMs;
  return typeof wait === 'number' ? wait : null;
}

/**
 * The code of whatever went wrong with a request, in the terms of the language files.
 * @param {unknown} error
 * @returns {string}
 */
export function refusalOf(error) {
  const code = /** @type {any} */ (error)?.code;
  if (typeof code === 'string') return code;
  // Not a refusal but a mistake of the page itself: it belongs in the console, with its stack.
  console.error(error);
  return 'unknown';
}
