const HOUR_MS = 3_600_000;

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
  const { code, request } = /** @type {any} */ (error) ?? {};
  if (typeof code === 'string') return (request === 'room.create' && noRoomFor(code, retryAfterOf(error))) || code;
  // Not a refusal but a mistake of the page itself: it belongs in the console, with its stack.
  console.error(error);
  return 'unknown';
}

/**
 * Who may make rooms is refused another for one of two reasons, which the code alone does not tell.
 * @param {string} code
 * @param {number | null} wait
 */
function noRoomFor(code, wait) {
  if (code === 'perm.denied') return 'room.most';
  // Making them too fast is over in less.
  return code === 'rate.limited' && (wait ?? 0) >= HOUR_MS ? 'room.mostToday' : null;
}
