/**
 * The ways into somebody's calendar: a file for all of them, and two that are on the web.
 * @typedef {import('../../client/protocol.d.ts').Room} Room
 */

import { t } from '../../i18n/index.js';
import { calendarLinks } from '../../state/calendar-links.js';
import { threes } from '../../state/text.js';
import { el, show } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { calendarOf, linkTo } from './rooms.js';

/** @param {string} testid */
export function calendarRow(testid) {
  const file = el('a', { class: 'btn', download: '', 'data-testid': `${testid}-calendar` }, icon('calendar', 's'), el('span', { t: 'calendar.add' }));
  const google = out('Google', `${testid}-google`);
  const outlook = out('Outlook', `${testid}-outlook`);
  const node = el('div', { class: 'row cals' }, file, google, outlook);
  return {
    node,
    /** @param {Room | null} room */
    update(room) {
      const link = room && linkTo(room);
      const links = room && calendarLinks(room, { link: link ?? '', words: wordsOf(room) });
      show(node, Boolean(links));
      if (!room || !links) return;
      file.href = calendarOf(room);
      google.href = links.google;
      outlook.href = links.outlook;
    },
  };
}

/** @param {string} name @param {string} testid */
function out(name, testid) {
  return el('a', { class: 'btn line', target: '_blank', rel: 'noopener noreferrer', 'data-testid': testid }, name);
}

/** @param {Room} room */
function wordsOf(room) {
  const lines = [t('calendar.link', { link: linkTo(room) })];
  if (room.number !== null) lines.push(t('calendar.number', { number: threes(room.number) }));
  if (room.has_password) lines.push(t('calendar.password'));
  return lines.join('\n');
}
