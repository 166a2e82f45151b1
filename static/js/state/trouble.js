/**
 * What lasts of a meeting's media, in one sentence and its reason. Pure: keys of the language files come out.
 *
 * @typedef {import('./meeting.js').Meeting} Meeting
 *
 * @typedef {{code: string, retryAt: number | null, refused: boolean, ways?: import('./findings.js').Findings['ways'], report?: string | null}} Trouble
 *   code: of the refusal, or `ice`, `dtls`, `server`, `browser` · refused: only the person's asking tries again ·
 *   ways: those of sound and picture that were tried, once that is known · report: the code under which whoever runs the
 *   server finds the same
 * @typedef {{up: Trouble | null, down: Trouble | null, peers: Record<string, Trouble>}} Health  of the two directions over
 *   the server; of the ways to others, by who they are, where there is none in the middle
 *
 * @typedef {'silent' | 'socket' | 'media' | 'all'} Lost  of the link to the meeting, for now: silent: the server gives no
 *   answer · socket: the talk with the server, while sound and picture still run · media: their ways, while the talk goes
 *   on · all: both
 */

import { WAYS, WAY_NAMES } from '../client/ways.js';

/** Whether it is the network between browser and server. @param {Trouble} trouble */
export const isOfTheWay = ({ code }) => whyOf(code) === WHY.ice;

/**
 * What is told anew of a way that finds nothing keeps what is known of it.
 * @param {Trouble | null} before @param {Trouble | null} now @returns {Trouble | null}
 */
export function toldAnew(before, now) {
  if (!before || !now || !isOfTheWay(before) || !isOfTheWay(now)) return now;
  return { ...now, ways: before.ways, report: before.report };
}

/**
 * @param {Health} health
 * @param {string} connection `up`, `down`, or somebody to whom there is a way of their own
 * @returns {Trouble | null}
 */
export function troubleWith(health, connection) {
  if (connection === 'up' || connection === 'down') return health[connection];
  return health.peers[connection] ?? null;
}

/**
 * The one sentence about all that is amiss: which key, whose reason, and when it is tried again.
 * @param {Pick<Meeting, 'health' | 'unsent' | 'participants'>} meeting
 * @returns {{key: string, why: string, retryAt: number | null, tried?: string, report?: string, name?: string} | null} tried:
 *   the names of ways · name: of somebody to whom there is none
 */
export function troubleOf({ health: { up, down, peers }, unsent: refused, participants }) {
  const why = (/** @type {Trouble} */ { code, retryAt, ways, report }, /** @type {string} */ key) => {
    const tried = WAYS.filter((way) => ways?.[way]).map((way) => WAY_NAMES[way]);
    return { key, why: whyOf(code), retryAt, ...(tried.length > 0 && { tried: tried.join(', ') }), ...(report && { report }) };
  };
  if (up && down) return why(up.refused ? up : down, 'trouble.both');
  if (up) return why(up, 'trouble.up');
  if (down) return why(down, 'trouble.down');
  const [cut] = Object.keys(peers).filter((id) => id in participants);
  if (cut) return { ...why(peers[cut], 'trouble.peer'), name: participants[cut].display_name };
  const { microphone, camera } = refused;
  const code = microphone ?? camera;
  if (code === null) return null;
  const key = microphone !== null && camera !== null ? 'trouble.up' : microphone !== null ? 'trouble.microphone' : 'trouble.camera';
  return { key, why: whyOf(code), retryAt: null };
}

/** @type {Record<string, string>} keys by what went wrong, where it is no refusal */
const WHY = {
  ice: 'trouble.why.path',
  dtls: 'trouble.why.path',
  server: 'trouble.why.server',
  browser: 'trouble.why.browser',
  'room.not_joined': 'trouble.why.server',
  'session.gone': 'trouble.why.server',
  'media.bad_sdp': 'trouble.why.browser',
  'media.unsupported': 'trouble.why.unsupported',
};

/** @param {string} code */
export function whyOf(code) {
  return WHY[code] ?? `error.${code}`;
}
