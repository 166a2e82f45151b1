/**
 * When a room's meetings are, in words.
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { clockIn, dateOf, list, t, weekday } from '../../i18n/index.js';
import { WEEK, planOf, weekdayOf } from '../../state/recurrence.js';
import { UTC, isZone, ownZone, wallOf } from '../../state/zones.js';

/** How they come again: "Every week on Mon and Wed · 4 times". @param {Room} room @returns {string | null} */
export function repeats({ recurrence, begin_at, time_zone }) {
  if (recurrence === null || begin_at === null) return null;
  const zone = isZone(time_zone ?? UTC) ? (time_zone ?? UTC) : UTC;
  const first = { wall: wallOf(Date.parse(begin_at), zone), zone };
  const { choice, days, end } = planOf(recurrence, first);
  if (choice === 'other') return t('repeat.other.short');
  const repeat = t(`repeat.${choice}`);
  // The day of the first meeting alone goes without saying.
  const own = days.length === 0 || (days.length === 1 && days[0] === weekdayOf(first.wall));
  const names = days.map((day) => weekday(WEEK.indexOf(day), 'short'));
  const parts = [own ? repeat : t('repeat.on', { repeat, days: list(names) })];
  if (end.kind === 'count') parts.push(t('repeat.times', { n: end.count }));
  if (end.kind === 'until') parts.push(t('repeat.until', { day: dateOf(end.day) }));
  return parts.join(' · ');
}

/**
 * What the clocks of the room's zone show when its next meeting begins, where they show something else than one's own:
 * "09:00 Central European Time".
 * @param {Room} room
 * @param {string} [own] zone of the person
 * @returns {string | null}
 */
export function there({ next, recurrence, time_zone }, own = ownZone()) {
  // Only what comes again is counted by the clocks of a zone.
  if (next === null || recurrence === null || time_zone === null || !isZone(time_zone)) return null;
  const at = Date.parse(next.begin_at);
  const [here, away] = [wallOf(at, own), wallOf(at, time_zone)];
  if (here === away) return null;
  return t('when.there', clockIn(at, time_zone, here.slice(0, 10) !== away.slice(0, 10)));
}
