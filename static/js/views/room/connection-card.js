/**
 * How good somebody's connection is, in numbers, for who asks: what the server measures of everybody, and what this
 * browser measures of the media it sends or gets.
 *
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../client/stats.js').TrackStats} TrackStats
 */

import { t } from '../../i18n/index.js';
import { sentenceOf } from '../../state/clarity.js';
import { cameraOf } from '../../state/people.js';
import { el, show, text } from '../kit/dom.js';
import { openCard } from '../kit/popover.js';

const EVERY_MS = 1000;
/** Every line there can be: the card takes its place before the first figures are there. */
const LINES = ['label', 'rtt', 'loss', 'rtt.own', 'picture', 'codec', 'loss.here', 'rate'];
/** What `quality.update` calls good; without one nothing is known yet. */
const WORDS = /** @type {Record<number, string>} */ ({ 1: 'quality.bad', 2: 'quality.weak', 3: 'quality.good' });

/**
 * @param {HTMLElement} anchor
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {() => Meeting | null} read
 * @param {string} id
 * @param {import('../kit/popover.js').PopoverOptions} options
 */
export function openConnection(anchor, actions, read, id, options) {
  const rows = el('dl', { class: 'facts num' });
  const bytes = new Map();
  const reason = el('span', { 'data-testid': 'connection-why' });
  const why = el('p', { class: 'because', hidden: true }, el('b', { t: 'why.blurry' }), ' ', reason);
  /** @param {[string, string][]} facts */
  const draw = (facts) => {
    rows.replaceChildren(
      ...facts.flatMap(([key, value]) => [el('dt', { t: key }), el('dd', {}, value)]),
    );
  };

  async function measure() {
    const meeting = read();
    const one = meeting?.participants[id];
    if (!meeting || !one) return;
    const stats = await actions.stats().catch(() => null);
    const own = id === meeting.self;
    const cause = own ? null : actions.whyOf(cameraOf(one)?.id);
    show(why, cause !== null);
    text(reason, cause ? t(sentenceOf(cause), { name: one.display_name }) : '');
    const tracks = (stats?.tracks ?? []).filter((track) =>
      own ? track.direction === 'send' : one.tracks.some((known) => known.id === track.track),
    );
    const up = stats?.connections.up ?? stats?.connections[id];
    draw([
      ...server(meeting, id),
      ...(own && up ? [/** @type {[string, string]} */ (['quality.rtt.own', ms(up.rttMs)])] : []),
      ...media(tracks, bytes),
    ]);
  }
  draw(LINES.map((line) => [`quality.${line}`, '…']));
  const name = read()?.participants[id]?.display_name ?? '';
  const timer = setInterval(() => void measure(), EVERY_MS);
  void measure();
  const words = el('p', { class: 'meta' });
  text(words, t('quality.what'));
  const card = openCard(anchor, t('quality.of', { name }), [why, rows, words], {
    ...options,
    testid: 'connection-card',
    onclose: () => clearInterval(timer),
  });
  if (!card) clearInterval(timer);
}

/** @param {Meeting} meeting @param {string} id @returns {[string, string][]} */
function server(meeting, id) {
  const quality = meeting.quality[id];
  if (!quality) return [['quality.label', t('quality.unknown')]];
  return [
    ['quality.label', t(WORDS[quality.score] ?? 'quality.unknown')],
    ['quality.rtt', ms(quality.rtt_ms)],
    ['quality.loss', percent(quality.loss)],
  ];
}

/** @param {TrackStats[]} tracks @param {Map<string, number>} before bytes at the last look @returns {[string, string][]} */
function media(tracks, before) {
  /** @type {[string, string][]} */
  const facts = [];
  let rate = 0;
  for (const track of tracks) {
    const key = `${track.direction}/${track.mid}/${track.rid}`;
    rate += Math.max(0, track.bytes - (before.get(key) ?? track.bytes));
    before.set(key, track.bytes);
  }
  const picture = tracks.filter((track) => track.kind === 'video' && track.width > 0).sort((a, b) => b.width - a.width)[0];
  if (picture) facts.push(['quality.picture', `${picture.width} × ${picture.height}`]);
  const codecs = [...new Set(tracks.map((track) => track.codec?.split('/')[1]).filter(Boolean))];
  if (codecs.length > 0) facts.push(['quality.codec', codecs.join(', ')]);
  const packets = tracks.reduce((sum, track) => sum + track.packets, 0);
  const lost = tracks.reduce((sum, track) => sum + Math.max(0, track.packetsLost), 0);
  if (packets > 0) facts.push(['quality.loss.here', percent(lost / (packets + lost))]);
  if (tracks.length > 0) facts.push(['quality.rate', `${Math.round((rate * 8) / 1000)} kbit/s`]);
  return facts;
}

/** @param {number | null} value */
function ms(value) {
  return value === null ? t('quality.unknown') : `${Math.round(value)} ms`;
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
