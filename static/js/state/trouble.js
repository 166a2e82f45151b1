/**
 * The lasting problems of a meeting's media, as one sentence and its reason. Pure: it gives keys of the language files.
 *
 * @typedef {import('./meeting.js').Meeting} Meeting
 *
 * @typedef {{code: string, retryAt: number | null, refused: boolean, ways?: import('./findings.js').Findings['ways'], report?: string | null}} Trouble
 *   code: of the refusal, or `ice`, `dtls`, `server`, `browser` · refused: it is tried again only when the person asks ·
 *   ways: those of sound and picture that were tried, once that is known · report: the code with which the operator of
 *   the server finds the report
 * @typedef {{up: Trouble | null, down: Trouble | null, peers: Record<string, Trouble>}} Health  of the two directions over
 *   the server; of the ways to others, by who they are, where there is none in the middle
 *
 * @typedef {'silent' | 'socket' | 'media' | 'all'} Lost  of the link to the meeting, for now: silent: the server gives no
 *   answer · socket: the talk with the server, while sound and picture still run · media: their ways, while the talk goes
 *   on · all: both
 */

import { WAYS, WAY_NAMES } from '../client/ways.js';

/** Whether the network between browser and server is the cause. @param {Trouble} trouble */
export const isOfTheWay = ({ code }) => whyOf(code) === WHY.ice;

/**
 * A new report about the same failed way keeps the details that are already known.
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
 * The one sentence about everything that fails: its key, its reason, and the time of the next attempt.
 * @param {Pick<Meeting, 'health' | 'unsent' | 'withheld' | 'participants' | 'self'>} meeting
 * @returns {{
 *   key: string, why: string, retryAt: number | null, tried?: string, report?: string, names?: string[],
 *   sources?: import('./meeting.js').Source[],
 * } | null} tried: the names of ways · names: of those to whom there is none, or who do not get the sources
 */
export function troubleOf({ health: { up, down, peers }, unsent: refused, withheld, participants, self }) {
  const why = (/** @type {Trouble} */ { code, retryAt, ways, report }, /** @type {string} */ key) => {
    const tried = WAYS.filter((way) => ways?.[way]).map((way) => WAY_NAMES[way]);
    return { key, why: whyOf(code), retryAt, ...(tried.length > 0 && { tried: tried.join(', ') }), ...(report && { report }) };
  };
  if (up && down) return why(up.refused ? up : down, 'trouble.both');
  if (up) return why(up, 'trouble.up');
  if (down) return why(down, 'trouble.down');
  const others = Object.keys(participants).filter((id) => id !== self);
  const namesOf = (/** @type {string[]} */ ids) => ids.map((id) => participants[id].display_name);
  const cut = others.filter((id) => id in peers);
  if (cut.length > 0) {
    const key = cut.length === 1 ? 'trouble.peer' : cut.length === others.length ? 'trouble.both' : 'trouble.peers';
    return { ...why(peers[cut[0]], key), names: namesOf(cut) };
  }
  const { microphone, camera } = refused;
  const code = microphone ?? camera;
  if (code !== null) return { key: keyOf(microphone !== null, camera !== null), why: whyOf(code), retryAt: null };
  return withheldFrom(others, withheld, namesOf);
}

/** @param {boolean} microphone is not sent @param {boolean} camera likewise */
function keyOf(microphone, camera) {
  if (microphone && camera) return 'trouble.up';
  return microphone ? 'trouble.microphone' : 'trouble.camera';
}

/**
 * The sources that some people, or all, do not get in a room without a server in the middle.
 * @param {string[]} others
 * @param {Meeting['withheld']} withheld
 * @param {(ids: string[]) => string[]} namesOf
 */
function withheldFrom(others, withheld, namesOf) {
  const lacking = others.filter((id) => id in withheld);
  const all = lacking.flatMap((id) => Object.entries(withheld[id]));
  if (all.length === 0) return null;
  const why = { why: whyOf(/** @type {string} */ (all[0][1])), retryAt: null };
  const nobody = (/** @type {'microphone' | 'camera'} */ source) => others.every((id) => withheld[id]?.[source] !== undefined);
  if (nobody('microphone') || nobody('camera')) return { key: keyOf(nobody('microphone'), nobody('camera')), ...why };
  const sources = /** @type {import('./meeting.js').Source[]} */ ([...new Set(all.map(([source]) => source))]);
  return { key: 'trouble.withheld', ...why, names: namesOf(lacking), sources };
}

/** @type {Record<string, string>} keys by what went wrong, where it is no refusal */
const WHY = {
  ice: 'trouble.why.path',
  dtls: 'trouble.why.path',
  server: 'trouble.why.server',
  browser: 'trouble.why.browser',
  peer: 'trouble.why.peer',
  'room.not_joined': 'trouble.why.server',
  'session.gone': 'trouble.why.server',
  'media.bad_sdp': 'trouble.why.browser',
  'media.unsupported': 'trouble.why.unsupported',
};

/** @param {string} code */
export function whyOf(code) {
  return WHY[code] ?? `error.${code}`;
}
