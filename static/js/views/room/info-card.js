/**
 * What meeting this is: name, number, link, who hosts it, and what to say when something has to be looked up.
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 */

import { list, t } from '../../i18n/index.js';
import { threes } from '../../state/text.js';
import { button, el } from '../kit/dom.js';
import { openCard } from '../kit/popover.js';
import { calendarOf, linkTo } from '../home/rooms.js';

/**
 * @param {HTMLElement} anchor
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {Meeting | null | undefined} meeting
 */
export function openInfo(anchor, actions, meeting) {
  if (!meeting) return;
  const { room } = meeting;
  const hosts = Object.values(meeting.participants).filter((one) => one.role === 'host');
  const link = linkTo(room);
  const number = threes(room.number);
  const body = [
    el(
      'dl',
      { class: 'facts' },
      ...fact('number', number === '' ? t('info.number.hidden') : number, 'info-number'),
      ...fact('info.link', link.replace(/^https?:\/\//, ''), 'info-link', 'long'),
      ...fact('info.owner', room.owner?.display_name ?? ''),
      ...(hosts.length > 0 ? fact('info.hosts', list(hosts.map((one) => one.display_name))) : []),
      ...fact('info.path', t(`topology.${room.topology}`)),
      ...fact('info.self', meeting.self, 'info-self', 'long'),
    ),
    el(
      'div',
      { class: 'usual' },
      button('copyLink', {
        icon: 'link',
        'data-testid': 'info-copy',
        on: { click: () => void actions.copy(link, 'toast.linkCopied') },
      }),
      ...(number === ''
        ? []
        : [
            button('copyNumber', {
              icon: 'copy',
              on: { click: () => void actions.copy(number, 'toast.numberCopied') },
            }),
          ]),
      ...(room.begin_at === null
        ? []
        : [
            el('a', {
              class: 'btn',
              href: calendarOf(room),
              download: '',
              'data-testid': 'info-calendar',
              t: 'info.calendar',
            }),
          ]),
    ),
  ];
  openCard(anchor, room.name, body, {
    above: anchor.getBoundingClientRect().top > innerHeight / 2,
    testid: 'info-card',
  });
}

/** @param {string} key @param {string} value @param {string} [testid] @param {'long'} [size] a long one has a line of its own */
function fact(key, value, testid, size) {
  return [el('dt', { class: size, t: key }), el('dd', { class: size, dir: 'auto', 'data-testid': testid }, value)];
}
