/**
 * Coming, going and coming back: what it does to seats, names and the quiet lines of the chat.
 *
 * @typedef {import('./meeting.js').Meeting} Meeting
 * @typedef {import('./meeting.js').Participant} Participant
 * @typedef {import('./meeting.js').Track} Track
 * @typedef {import('./chat.js').Entry} Entry
 */

import { append } from './chat.js';
import { trackOf } from './people.js';

/** From this many people on, coming and going is no longer written into the chat. */
const QUIET_FROM = 20;

/**
 * After a lost socket that the server did not wait for: what it says is new, what the person chose stays.
 * @param {Meeting} state
 * @param {Meeting} fresh
 * @returns {Meeting}
 */
export function comeBack(state, fresh) {
  const present = new Set(fresh.seats);
  const kept = state.seats.filter((id) => present.has(id));
  // People keep their places over a short loss; who came meanwhile sits behind them.
  const seats = [...kept, ...fresh.seats.filter((id) => !kept.includes(id))];
  const known = new Set(state.log.flatMap((entry) => (entry.kind === 'message' ? [entry.message.id] : [])));
  const missed = fresh.log.filter((entry) => entry.kind === 'message' && !known.has(entry.message.id));
  const tracks = new Set(Object.values(fresh.participants).flatMap((one) => one.tracks.map(({ id }) => id)));
  const here = (/** @type {string | null} */ id) => (id !== null && present.has(id) ? id : null);
  const { panel, firstPage, page, layout, hideSelf, files, older, sharers, screen, sharing, deaf, skew, strain, carried } = state;
  return {
    ...fresh,
    ...{ panel, firstPage, page, layout, hideSelf, files, older, sharers, screen, sharing, deaf, skew, strain, carried },
    names: { ...state.names, ...fresh.names },
    seats,
    // What was seen stays until the new connection shows it.
    live: Object.fromEntries(Object.entries(state.live).filter(([track]) => tracks.has(track))),
    main: here(state.main),
    pin: here(state.pin),
    chatTo: here(state.chatTo),
    log: [...state.log, ...missed],
    unread: panel === 'chat' ? 0 : state.unread + missed.length,
  };
}

/**
 * After a lost socket over which the server kept everything but the events: what the room is comes from it, what one sees
 * and hears goes on.
 * @param {Meeting} state
 * @param {Meeting} fresh
 * @returns {Meeting}
 */
export function catchUp(state, fresh) {
  const { asked, carried, speakers, since, spoke, mainSince, swappedAt, quality, reactions } = state;
  const { link, lost, health, unsent, withheld, cut } = state;
  const here = (/** @type {string} */ id) => id in fresh.participants;
  const next = comeBack({ ...state, log: withoutDeleted(state.log, fresh.log) }, fresh);
  return {
    ...next,
    ...{ asked, carried, since, spoke, mainSince, swappedAt, quality, reactions, link, lost, health, unsent, withheld },
    speakers: speakers.filter(here),
    cut: cut.filter(here),
    participants: Object.fromEntries(Object.values(fresh.participants).map((one) => [one.id, seen(state, one)])),
  };
}

/**
 * The newest messages as the server has them: what it has no more of them was deleted.
 * @param {Entry[]} log
 * @param {Entry[]} fresh
 */
function withoutDeleted(log, fresh) {
  const times = new Map(fresh.flatMap((entry) => (entry.kind === 'message' ? [[entry.message.id, entry.message.sent_at]] : [])));
  const [since] = times.values();
  if (since === undefined) return log;
  return log.filter(({ kind, ...entry }) => {
    if (kind !== 'message') return true;
    const { message } = /** @type {{message: import('./chat.js').ChatMessage}} */ (entry);
    return times.has(message.id) || Date.parse(message.sent_at) < Date.parse(since);
  });
}

/** @param {Meeting} state @param {Participant} participant @param {string} at @returns {Meeting} */
export function arrive(state, participant, at) {
  const known = participant.id in state.participants;
  const participants = { ...state.participants, [participant.id]: seen(state, participant) };
  if (known) return { ...state, participants };
  const { id, display_name: name } = participant;
  return rename(
    {
      ...state,
      participants,
      seats: [...state.seats, id],
      log: line(state, participants, { kind: 'joined', id, name, at }),
    },
    participant,
  );
}

/** @param {Meeting} state @param {{participant: string, reason: string, at: string}} action @returns {Meeting} */
export function depart(state, { participant: id, reason, at }) {
  const gone = state.participants[id];
  if (!gone || id === state.self) return state;
  const { [id]: _, ...participants } = state.participants;
  const { [id]: __, ...quality } = state.quality;
  const { [id]: ___, ...withheld } = state.withheld;
  return {
    ...state,
    participants,
    quality,
    withheld,
    seats: state.seats.filter((seat) => seat !== id),
    cut: state.cut.filter((one) => one !== id),
    speakers: state.speakers.filter((speaker) => speaker !== id),
    spotlight: state.spotlight.filter((one) => one !== id),
    pin: state.pin === id ? null : state.pin,
    chatTo: state.chatTo === id ? null : state.chatTo,
    // "replaced" is the same person coming in again by another tab: no news for the others.
    log:
      reason === 'replaced'
        ? state.log
        : line(state, state.participants, { kind: 'left', id, name: gone.display_name, at }),
  };
}

/** @param {Meeting} state @param {Record<string, Participant>} present @param {Entry} entry */
function line(state, present, entry) {
  return Object.keys(present).length >= QUIET_FROM ? state.log : append(state.log, entry);
}

/** @param {Meeting} state @param {Participant} participant @returns {Meeting} */
export function update(state, participant) {
  if (!(participant.id in state.participants)) return state;
  return rename(withParticipant(state, participant.id, () => seen(state, participant)), participant);
}

/**
 * @param {import('./trouble.js').Health} health
 * @param {string} connection
 * @param {import('./trouble.js').Trouble | null} trouble
 * @returns {import('./trouble.js').Health}
 */
export function withTrouble(health, connection, trouble) {
  if (connection === 'up' || connection === 'down') return { ...health, [connection]: trouble };
  const { [connection]: _, ...peers } = health.peers;
  return { ...health, peers: trouble ? { ...peers, [connection]: trouble } : peers };
}

/**
 * @param {Meeting['withheld']} withheld
 * @param {{participant: string, source: import('./meeting.js').Source, code: string | null}} change
 * @returns {Meeting['withheld']}
 */
export function withWithheld(withheld, { participant, source, code }) {
  const { [participant]: before = {}, ...others } = withheld;
  const { [source]: _, ...rest } = before;
  const now = code === null ? rest : { ...rest, [source]: code };
  return Object.keys(now).length > 0 ? { ...others, [participant]: now } : others;
}

/**
 * The path to somebody is lost, or is back. No server in the middle knows of it.
 * @param {Meeting} state
 * @param {string} id
 * @param {boolean} lost
 * @returns {Meeting}
 */
export function lose(state, id, lost) {
  const one = state.participants[id];
  if (!one || state.cut.includes(id) === lost) return state;
  const cut = lost ? [...state.cut, id] : state.cut.filter((other) => other !== id);
  return withParticipant({ ...state, cut }, id, () => ({ ...one, connection: lost ? 'reconnecting' : 'online' }));
}

/** Somebody as they are from here. @param {Meeting} state @param {Participant} one @returns {Participant} */
function seen(state, one) {
  return state.cut.includes(one.id) ? { ...one, connection: 'reconnecting' } : one;
}

/** @param {Meeting} state @param {Participant} one @returns {Meeting} */
function rename(state, { id, display_name: name }) {
  return state.names[id] === name ? state : { ...state, names: { ...state.names, [id]: name } };
}

/**
 * @param {Meeting} state
 * @param {string} id
 * @param {(one: Participant) => Participant} change
 * @returns {Meeting}
 */
export function withParticipant(state, id, change) {
  const one = state.participants[id];
  if (!one) return state;
  return { ...state, participants: { ...state.participants, [id]: change(one) } };
}

/** @param {Meeting} state @param {string} id @param {(tracks: Track[]) => Track[]} change */
export function withTracks(state, id, change) {
  return withParticipant(state, id, (one) => ({ ...one, tracks: change(one.tracks) }));
}

/**
 * Keeps who shares a screen in the order they began. A choice ends with the share that was chosen.
 * @param {Meeting} state
 * @returns {Meeting}
 */
export function noteSharers(state) {
  const share = (/** @type {string} */ id) => trackOf(state.participants[id], 'screen') !== undefined;
  const now = Object.keys(state.participants).filter(share);
  const kept = state.sharers.filter((id) => now.includes(id));
  const began = now.filter((id) => !kept.includes(id));
  if (began.length === 0 && kept.length === state.sharers.length) return state;
  const screen = state.screen !== null && kept.includes(state.screen) ? state.screen : null;
  return { ...state, sharers: [...kept, ...began], screen };
}
