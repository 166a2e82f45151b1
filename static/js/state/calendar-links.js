/**
 * A planned meeting as links that fill in a form of somebody's calendar on the web. Nothing is sent anywhere before the
 * person follows one.
 *
 * @typedef {import('../client/protocol.d.ts').Room} Room
 */

const GOOGLE = 'https://calendar.google.com/calendar/render';
const OUTLOOK = 'https://outlook.office.com/calendar/deeplink/compose';
/** What a meeting without an end takes in a calendar, which has none without. */
const USUAL_MS = 3_600_000;

/**
 * @param {Room} room
 * @param {{link: string, words: string}} about  words: what stands in the entry's text
 * @returns {{google: string, outlook: string} | null} null for a room without a time
 */
export function calendarLinks(room, { link, words }) {
  // The coming meeting of those that come again: its series is counted from the first.
  const first = room.begin_at === null ? null : { begin_at: room.begin_at, end_at: room.end_at };
  const times = room.recurrence ? first : (room.next ?? first);
  if (!times) return null;
  const begin = Date.parse(times.begin_at);
  const end = times.end_at === null ? begin + USUAL_MS : Date.parse(times.end_at);
  const google = {
    action: 'TEMPLATE',
    text: room.name,
    dates: `${basic(begin)}/${basic(end)}`,
    details: words,
    location: link,
    ...(room.recurrence ? { recur: `RRULE:${room.recurrence}` } : {}),
    // On whose clocks the series is counted.
    ...(room.time_zone ? { ctz: room.time_zone } : {}),
  };
  const next = room.next ?? times;
  // It takes no series by a link: the coming meeting alone.
  const nextBegin = Date.parse(next.begin_at);
  const nextEnd = next.end_at === null ? nextBegin + USUAL_MS : Date.parse(next.end_at);
  const outlook = {
    path: '/calendar/action/compose',
    rru: 'addevent',
    subject: room.name,
    startdt: new Date(nextBegin).toISOString(),
    enddt: new Date(nextEnd).toISOString(),
    body: words,
    location: link,
  };
  return { google: `${GOOGLE}?${new URLSearchParams(google)}`, outlook: `${OUTLOOK}?${new URLSearchParams(outlook)}` };
}

/** In the basic format (RFC 5545 §3.3.5). @param {number} at */
function basic(at) {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}
