/**
 * Readings of devices that need no device: why one gives nothing, which one is meant, what was plugged in or out.
 *
 * @typedef {import('./app.js').Choice} Choice
 * @typedef {import('./app.js').Problem} Problem
 */

/** Chromium lists the system's choice a second time under these ids. */
const ALIASES = new Set(['default', 'communications', '']);

/**
 * Why getUserMedia failed (Media Capture and Streams §10.3). Browsers tell the person's no from the system's only in
 * the error's message.
 * @param {unknown} error
 * @returns {Problem}
 */
export function problemOf(error) {
  const { name = '', message = '' } = /** @type {{name?: string, message?: string}} */ (error ?? {});
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (/system|platform denied/i.test(message)) return 'system';
      return /dismiss/i.test(message) ? 'dismissed' : 'denied';
    case 'NotFoundError':
      return 'missing';
    case 'OverconstrainedError':
      return 'unsuitable';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unknown';
  }
}

/**
 * The remembered device among those that are there. Ids change when a site's data is cleared; names stay.
 * @param {Choice[]} list
 * @param {{id?: string, label?: string}} remembered
 * @returns {Choice | null}
 */
export function remembered(list, { id = '', label = '' }) {
  const found = id === '' ? undefined : list.find((choice) => choice.id === id);
  return found ?? (label === '' ? null : (list.find((choice) => choice.label === label) ?? null));
}

/**
 * What was plugged in and out between two lists of one kind. The first list a page sees without names says nothing.
 * @param {Choice[]} before
 * @param {Choice[]} after
 * @returns {{added: Choice[], removed: Choice[]}}
 */
export function changesOf(before, after) {
  const real = (/** @type {Choice[]} */ list) => list.filter((choice) => !ALIASES.has(choice.id));
  const missing = (/** @type {Choice[]} */ from, /** @type {Choice[]} */ those) =>
    real(those).filter((choice) => !from.some((other) => other.id === choice.id));
  return before.length === 0
    ? { added: [], removed: [] }
    : { added: missing(before, after), removed: missing(after, before) };
}
