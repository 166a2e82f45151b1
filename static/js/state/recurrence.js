/**
 * How a meeting comes again, between the few choices of a form and a recurrence rule (RFC 5545 §3.3.10). A rule that is
 * none of the choices is kept as it is. Rules are counted by the clocks of the room's time zone, so that days are those
 * of the people there.
 *
 * @typedef {'none' | 'daily' | 'weekdays' | 'weekly' | 'fortnightly' | 'monthly' | 'other'} Recurrence
 */

/** @type {Recurrence[]} */
export const CHOICES = ['none', 'daily', 'weekdays', 'weekly', 'fortnightly', 'monthly'];
const RULES = /** @type {const} */ ({
  daily: 'FREQ=DAILY',
  weekdays: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
  weekly: 'FREQ=WEEKLY',
  fortnightly: 'FREQ=WEEKLY;INTERVAL=2',
  monthly: 'FREQ=MONTHLY',
});

/**
 * @param {Recurrence} choice not `other`
 * @returns {string | null}
 */
export function ruleOf(choice) {
  return choice === 'none' || choice === 'other' ? null : RULES[choice];
}

/**
 * @param {string | null} rule
 * @returns {Recurrence}
 */
export function choiceOf(rule) {
  if (rule === null) return 'none';
  const parts = canonical(rule);
  return CHOICES.find((choice) => choice !== 'none' && canonical(ruleOf(choice) ?? '') === parts) ?? 'other';
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
