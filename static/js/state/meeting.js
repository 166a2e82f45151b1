/**
 * One meeting as this person sees it. Every frame of the wire that concerns the room passes through
 * here; the views read the result.
 *
 * @typedef {import('../client/protocol.d.ts').Participant} Participant
 * @typedef {import('../client/protocol.d.ts').Track} Track
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {import('../client/protocol.d.ts').Joined} JoinReply
 * @typedef {import('../client/protocol.d.ts').ChatMessage} ChatMessage
 * @typedef {import('./chat.js').Entry} Entry
 *
 * @typedef {{
 *   room: Room,
 *   self: string,
 *   permissions: Record<string, boolean>,
 *   participants: Record<string, Participant>,
 *   seats: string[],
 *   live: Record<string, string>,
 *   speakers: string[],
 *   since: Record<string, number>,
 *   spoke: Record<string, number>,
 *   swappedAt: number,
 *   firstPage: number,
 *   page: number,
 *   panel: 'chat' | 'people' | null,
 *   log: Entry[],
 *   unread: number,
 *   link: 'online' | 'reconnecting',
 *   sharing: boolean,
 *   deaf: boolean,
 *   began: number,
 * }} Meeting
 *   seats: the others, in the order their tiles stand · live: track id → slot that carries it now ·
 *   since/spoke: when somebody began to speak and was last heard · firstPage: how many others fit on
 *   the first page · deaf: the browser wants a tap before it plays sound
 *
 * @typedef {{type: 'joined', reply: JoinReply, at: number}
 *   | {type: 'rejoined', reply: JoinReply}
 *   | {type: 'participant.joined', participant: Participant, at: string}
 *   | {type: 'participant.updated', participant: Participant}
 *   | {type: 'participant.left', participant: string, reason: string, at: string}
 *   | {type: 'room.updated', room: Room}
 *   | {type: 'media.track.published', track: Track}
 *   | {type: 'media.track.unpublished', track: string, participant: string}
 *   | {type: 'media.track.muted', track: string, participant: string, muted: boolean}
 *   | {type: 'speaker.active', participants: string[], at: number}
 *   | {type: 'permissions.changed', permissions: Record<string, boolean>}
 *   | {type: 'chat.message', message: ChatMessage}
 *   | {type: 'slot', mid: string, track: string | null}
 *   | {type: 'link', link: 'online' | 'reconnecting'}
 *   | {type: 'panel', panel: 'chat' | 'people' | null}
 *   | {type: 'page', page: number}
 *   | {type: 'firstPage', others: number}
 *   | {type: 'tick', at: number}
 *   | {type: 'sharing', sharing: boolean}
 *   | {type: 'deaf', deaf: boolean}
 * } MeetingAction
 */

import { append } from './chat.js';

/** From this many people on, coming and going is no longer written into the chat. */
const QUIET_FROM = 20;
/** An unseen speaker comes to the first page after this long, */
const SPEECH_MS = 3000;
/** and no two of these exchanges are closer than this. */
const EXCHANGE_MS = 5000;

/**
 * @param {JoinReply} reply
 * @param {number} at
 * @returns {Meeting}
 */
export function enter(reply, at) {
  const others = byJoining(reply.participants).filter((one) => one.id !== reply.self.id);
  return {
    room: reply.room,
    self: reply.self.id,
    permissions: { ...reply.permissions },
    participants: byId([...others, reply.self]),
    seats: others.map((one) => one.id),
    live: {},
    speakers: [],
    since: {},
    spoke: {},
    swappedAt: 0,
    firstPage: Infinity,
    page: 0,
    panel: null,
    log: reply.chat.map((message) => ({ kind: 'message', message })),
    unread: 0,
    link: 'online',
    sharing: false,
    deaf: false,
    began: at,
  };
}

/**
 * @param {Meeting} state
 * @param {MeetingAction} action
 * @returns {Meeting}
 */
export function reduceMeeting(state, action) {
  switch (action.type) {
    case 'joined':
      return enter(action.reply, action.at);
    case 'rejoined':
      return comeBack(state, action.reply);
    case 'participant.joined':
      return arrive(state, action.participant, action.at);
    case 'participant.updated':
      return withParticipant(state, action.participant.id, () => action.participant);
    case 'participant.left':
      return depart(state, action);
    case 'room.updated':
      return { ...state, room: action.room };
    case 'permissions.changed':
      return { ...state, permissions: action.permissions };
    case 'media.track.published':
      return withParticipant(state, action.track.participant, (one) => ({
        ...one,
        tracks: [...one.tracks.filter((track) => track.id !== action.track.id), action.track],
      }));
    case 'media.track.unpublished':
      return withParticipant(state, action.participant, (one) => ({
        ...one,
        tracks: one.tracks.filter((track) => track.id !== action.track),
      }));
    case 'media.track.muted':
      return withParticipant(state, action.participant, (one) => ({
        ...one,
        tracks: one.tracks.map((track) => (track.id === action.track ? { ...track, muted: action.muted } : track)),
      }));
    case 'speaker.active':
      return speak(state, action.participants, action.at);
    case 'chat.message':
      return hear(state, action.message);
    case 'slot':
      return { ...state, live: carry(state.live, action.mid, action.track) };
    case 'link':
      return state.link === action.link ? state : { ...state, link: action.link };
    case 'panel':
      return { ...state, panel: action.panel, unread: action.panel === 'chat' ? 0 : state.unread };
    case 'page':
      return state.page === action.page ? state : { ...state, page: action.page };
    case 'firstPage':
      return state.firstPage === action.others ? state : { ...state, firstPage: action.others };
    case 'tick':
      return exchange(state, action.at);
    case 'sharing':
      return { ...state, sharing: action.sharing };
    case 'deaf':
      return state.deaf === action.deaf ? state : { ...state, deaf: action.deaf };
  }
}

/** @param {Meeting} state @param {JoinReply} reply @returns {Meeting} */
function comeBack(state, reply) {
  const fresh = enter(reply, state.began);
  const present = new Set(fresh.seats);
  const kept = state.seats.filter((id) => present.has(id));
  // People keep their places over a short loss; who came meanwhile sits behind them.
  const seats = [...kept, ...fresh.seats.filter((id) => !kept.includes(id))];
  const known = new Set(state.log.flatMap((entry) => (entry.kind === 'message' ? [entry.message.id] : [])));
  const missed = fresh.log.filter((entry) => entry.kind === 'message' && !known.has(entry.message.id));
  return {
    ...fresh,
    seats,
    panel: state.panel,
    firstPage: state.firstPage,
    page: state.page,
    log: [...state.log, ...missed],
    unread: state.panel === 'chat' ? 0 : state.unread + missed.length,
    sharing: state.sharing,
    deaf: state.deaf,
  };
}

/** @param {Meeting} state @param {Participant} participant @param {string} at @returns {Meeting} */
function arrive(state, participant, at) {
  const known = participant.id in state.participants;
  const participants = { ...state.participants, [participant.id]: participant };
  if (known) return { ...state, participants };
  return {
    ...state,
    participants,
    seats: [...state.seats, participant.id],
    log: line(state, participants, { kind: 'joined', id: participant.id, name: participant.display_name, at }),
  };
}

/** @param {Meeting} state @param {{participant: string, reason: string, at: string}} action @returns {Meeting} */
function depart(state, { participant: id, reason, at }) {
  const gone = state.participants[id];
  if (!gone || id === state.self) return state;
  const { [id]: _, ...participants } = state.participants;
  return {
    ...state,
    participants,
    seats: state.seats.filter((seat) => seat !== id),
    speakers: state.speakers.filter((speaker) => speaker !== id),
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

/** @param {Meeting} state @param {ChatMessage} message @returns {Meeting} */
function hear(state, message) {
  const log = append(state.log, { kind: 'message', message });
  if (log === state.log) return state;
  const mine = message.participant === state.self;
  return { ...state, log, unread: mine || state.panel === 'chat' ? state.unread : state.unread + 1 };
}

/** @param {Meeting} state @param {string[]} speakers @param {number} at @returns {Meeting} */
function speak(state, speakers, at) {
  const present = speakers.filter((id) => id in state.participants);
  const since = Object.fromEntries(present.map((id) => [id, state.since[id] ?? at]));
  const spoke = { ...state.spoke };
  // Those who stop now were heard until now.
  for (const id of [...state.speakers, ...present]) spoke[id] = at;
  return { ...state, speakers: present, since, spoke };
}

/**
 * Brings somebody who has spoken for a while onto the first page, in place of the one there who has
 * been silent longest. Nobody else moves. Raised hands and speakers keep their place.
 * @param {Meeting} state
 * @param {number} at
 * @returns {Meeting}
 */
function exchange(state, at) {
  const fits = state.firstPage;
  if (state.seats.length <= fits || at - state.swappedAt < EXCHANGE_MS) return state;
  const heard = state.speakers.find((id) => state.seats.indexOf(id) >= fits && at - state.since[id] >= SPEECH_MS);
  if (heard === undefined) return state;
  const movable = state.seats
    .slice(0, fits)
    .filter((id) => !state.speakers.includes(id) && !state.participants[id]?.hand_raised_at);
  if (movable.length === 0) return state;
  const quietest = movable.reduce((a, b) => ((state.spoke[b] ?? 0) < (state.spoke[a] ?? 0) ? b : a));
  const seats = state.seats.map((id) => (id === heard ? quietest : id === quietest ? heard : id));
  return { ...state, seats, swappedAt: at };
}

/** @param {Record<string, string>} live @param {string} mid @param {string | null} track */
function carry(live, mid, track) {
  const kept = Object.fromEntries(Object.entries(live).filter(([, slot]) => slot !== mid));
  return track === null ? kept : { ...kept, [track]: mid };
}

/**
 * @param {Meeting} state
 * @param {string} id
 * @param {(one: Participant) => Participant} change
 * @returns {Meeting}
 */
function withParticipant(state, id, change) {
  const one = state.participants[id];
  if (!one) return state;
  return { ...state, participants: { ...state.participants, [id]: change(one) } };
}

/** @param {Participant[]} participants */
function byId(participants) {
  return Object.fromEntries(participants.map((one) => [one.id, one]));
}

/** @param {Participant[]} participants */
function byJoining(participants) {
  return [...participants].sort((a, b) => Date.parse(a.joined_at) - Date.parse(b.joined_at) || (a.id < b.id ? -1 : 1));
}

// ── readings ──

/** @param {Participant} one @param {import('../client/protocol.d.ts').Source} source */
export function trackOf(one, source) {
  return one.tracks.find((track) => track.source === source);
}

/** @param {Participant} one */
export function isMuted(one) {
  const microphone = trackOf(one, 'microphone');
  return !microphone || microphone.muted;
}

/** The camera track that should be seen, if it runs. @param {Participant} one */
export function cameraOf(one) {
  const camera = trackOf(one, 'camera');
  return camera && !camera.muted ? camera : undefined;
}

/**
 * The screen on the stage: the one somebody else shares. Your own is not shown to you, because a
 * picture of itself is of no use.
 * @param {Meeting} state
 * @returns {{participant: string, track: string} | null}
 */
export function sharedScreen(state) {
  for (const id of state.seats) {
    const one = state.participants[id];
    const screen = one && trackOf(one, 'screen');
    if (screen && !screen.muted) return { participant: id, track: screen.id };
  }
  return null;
}

/** Raised hands in their order. @param {Meeting} state @returns {Participant[]} */
export function hands(state) {
  return Object.values(state.participants)
    .filter((one) => one.hand_raised_at !== null)
    .sort((a, b) => Date.parse(a.hand_raised_at ?? '') - Date.parse(b.hand_raised_at ?? ''));
}

/** You, then hosts, then by joining. @param {Meeting} state @returns {Participant[]} */
export function roster(state) {
  const all = byJoining(Object.values(state.participants));
  const rank = (/** @type {Participant} */ one) => (one.id === state.self ? 0 : one.role === 'member' ? 2 : 1);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** @param {Meeting} state */
export function isHost(state) {
  return state.participants[state.self]?.role === 'host';
}
