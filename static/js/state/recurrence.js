/**
 * How a meeting comes again, between the few choices of a form and a recurrence rule (RFC 5545 §3.3.10). A rule that is
 * none of the choices is kept as it is.
 *
 * The server reckons rules in UTC, so that "every working day" names the days on which the meeting begins there.
 *
 * @typedef {'none' | 'daily' | 'weekdays' | 'weekly' | 'fortnightly' | 'monthly' | 'other'} Recurrence
 */

/** @type {Recurrence[]} */
export const CHOICES = ['none', 'daily', 'weekdays', 'weekly', 'fortnightly', 'monthly'];
const DAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const PLAIN = /** @type {const} */ ({
  daily: 'FREQ=DAILY',
  weekly: 'FREQ=WEEKLY',
  fortnightly: 'FREQ=WEEKLY;INTERVAL=2',
  monthly: 'FREQ=MONTHLY',
});

/**
 * @param {Recurrence} choice not `other`
 * @param {Date} begin
 * @returns {string | null}
 */
export function ruleOf(choice, begin) {
  if (choice === 'none' || choice === 'other') return null;
  return choice === 'weekdays' ? `FREQ=WEEKLY;BYDAY=${workingDays(begin).join(',')}` : PLAIN[choice];
}

/**
 * @param {string | null} rule
 * @param {Date} begin
 * @returns {Recurrence}
 */
export function choiceOf(rule, begin) {
  if (rule === null) return 'none';
  const parts = canonical(rule);
  return CHOICES.find((choice) => choice !== 'none' && canonical(ruleOf(choice, begin) ?? '') === parts) ?? 'other';
}

/** Monday to Friday of the person, as the days on which the meeting begins in UTC. @param {Date} begin */
function workingDays(begin) {
  const shift = (begin.getUTCDay() - begin.getDay() + 7) % 7;
  return [1, 2, 3, 4, 5].map((day) => DAYS[(day + shift) % 7]);
}

/** Parts and lists in one order, without what is meant anyway. @param {string} rule */
function canonical(rule) {
  return rule
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
    .split(';')
    .filter((part) => part !== '' && part !== 'INTERVAL=1' && !part.startsWith('WKST='))
    .map((part) => part.replace(/(?<==).*/, (list) => list.split(',').sort().join(',')))
    .sort()
    .join(';');
}
