/**
 * Time zones: what the clocks on the wall of a place show, to the minute, written as a form's `datetime-local` is.
 */

const MINUTE = 60_000;
const DAY = 86_400_000;
/** The zone of rooms that name none. */
export const UTC = 'UTC';

/** The person's own zone, by its IANA name. */
export function ownZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * Every zone that this browser offers, and these.
 * @param {...string} more
 * @returns {string[]}
 */
export function zoneNames(...more) {
  return [...new Set([...(Intl.supportedValuesOf?.('timeZone') ?? []), UTC, ...more])].sort();
}

/** Whether this browser knows the zone's clocks. @param {string} zone */
export function isZone(zone) {
  try {
    clocks(zone);
    return true;
  } catch {
    return false;
  }
}

/**
 * What clocks in `zone` show.
 * @param {number} at in milliseconds since 1970
 * @param {string} zone
 * @returns {string} such as `2026-03-02T09:00`
 */
export function wallOf(at, zone) {
  const part = Object.fromEntries(
    clocks(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return `${part.year.padStart(4, '0')}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
}

/**
 * When clocks in `zone` show `wall`, as the server has it (RFC 5545 §3.3.5): the first time when they show it twice; what
 * they leave out counts by the offset before the gap.
 * @param {string} wall
 * @param {string} zone
 * @returns {number | null} in milliseconds since 1970; null when it is no time
 */
export function instantOf(wall, zone) {
  const shown = Date.parse(`${wall}Z`);
  if (Number.isNaN(shown)) return null;
  const before = shown - offset(shown - DAY, zone);
  const after = shown - offset(shown + DAY, zone);
  const read = [before, after].filter((at) => wallOf(at, zone) === wall.slice(0, 16));
  return read.length > 0 ? Math.min(...read) : before;
}

/** How far clocks in `zone` are ahead of UTC then, in milliseconds. @param {number} at @param {string} zone */
function offset(at, zone) {
  return Date.parse(`${wallOf(at, zone)}Z`) - Math.floor(at / MINUTE) * MINUTE;
}

/** They take longer to make than to use. @type {Map<string, Intl.DateTimeFormat>} */
const CLOCKS = new Map();

/** @param {string} zone */
function clocks(zone) {
  const known = CLOCKS.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  CLOCKS.set(zone, made);
  return made;
}
