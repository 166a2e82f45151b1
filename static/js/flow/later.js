/**
 * Actions of a module that is loaded with the first of them. Each answers with a promise, so that nobody sees the
 * difference; their names stand here, as the page hands them out before it has them.
 */

/** Of govern.js. */
export const GOVERN = [
  ...['mute', 'askUnmute', 'lowerHand', 'rename', 'setRole', 'remove', 'admit', 'deny', 'setLocked', 'setWaiting'],
  ...['setGuests', 'setArrival', 'setNumberHidden', 'setPermission', 'setSpotlight', 'setTimer', 'react'],
  ...['deleteMessage', 'loadOlder'],
];
/** Of governing.js. */
export const GOVERNING = ['invites', 'makeInvite', 'revokeInvite', 'bans', 'unban', 'attendance', 'wholeAttendance'];

/**
 * @template {Record<string, (...given: any[]) => Promise<unknown>>} T
 * @param {string[]} names
 * @param {() => Promise<T>} load
 * @returns {T}
 */
export function later(names, load) {
  /** @type {Promise<T> | null} */
  let loaded = null;
  const call = (/** @type {string} */ name) => async (/** @type {unknown[]} */ ...given) => {
    loaded ??= load();
    // What could not be loaded may be there the next time.
    loaded.catch(() => (loaded = null));
    return (await loaded)[name](...given);
  };
  return /** @type {any} */ (Object.fromEntries(names.map((name) => [name, call(name)])));
}
