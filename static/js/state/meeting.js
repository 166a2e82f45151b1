/**
 * One meeting as this person sees it. Every frame of the wire that concerns the room passes through
 * here; the views read the result.
 *
 * @typedef {import('../client/protocol.d.ts').Action} Action
 * @typedef {import('../client/protocol.d.ts').Participant} Participant
 * @typedef {import('../client/protocol.d.ts').Permissions} Permissions
 * @typedef {import('../client/protocol.d.ts').QualityUpdate} Quality
 * @typedef {import('../client/protocol.d.ts').Role} Role
 * @typedef {import('../client/protocol.d.ts').Source} Source
 * @typedef {import('../client/protocol.d.ts').Timer} Timer
 * @typedef {import('../client/protocol.d.ts').Track} Track
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {import('../client/protocol.d.ts').Joined} JoinReply
 * @typedef {import('../client/protocol.d.ts').ChatMessage} ChatMessage
 * @typedef {import('../client/protocol.d.ts').Waiting} Waiting
 * @typedef {import('../client/file-transfer.js').Transfer} Transfer
 * @typedef {import('./chat.js').Entry} Entry
 *
 * @typedef {{key: number, participant: string, emoji: string}} Reaction
 *
 * @typedef {{
 *   room: Room,
 *   self: string,
 *   permissions: Permissions,
 *   actions: Action[],
 *   asked: Source[],
 *   participants: Record<string, Participant>,
 *   names: Record<string, string>,
 *   lobby: Waiting[],
 *   seats: string[],
 *   live: Record<string, string>,
 *   carried: Record<string, {layer: string | null, reason: string | null}>,
 *   strain: import('./strain.js').Level,
 *   speakers: string[],
 *   since: Record<string, number>,
 *   spoke: Record<string, number>,
 *   main: string | null,
 *   mainSince: number,
 *   swappedAt: number,
 *   firstPage: number,
 *   page: number,
 *   layout: 'grid' | 'speaker',
 *   pin: string | null,
 *   spotlight: string[],
 *   hideSelf: boolean,
 *   timer: Timer | null,
 *   quality: Record<string, Quality>,
 *   reactions: Reaction[],
 *   panel: 'chat' | 'people' | null,
 *   log: Entry[],
 *   older: boolean,
 *   chatTo: string | null,
 *   files: Record<string, Transfer>,
 *   unread: number,
 *   link: 'online' | 'reconnecting',
 *   lost: import('./trouble.js').Lost | null,
 *   restarting: boolean,
 *   health: import('./trouble.js').Health,
 *   unsent: Record<'microphone' | 'camera', string | null>,
 *   withheld: Record<string, Partial<Record<Source, string>>>,
 *   cut: string[],
 *   sharers: string[],
 *   screen: string | null,
 *   sharing: boolean,
 *   deaf: boolean,
 *   began: number,
 *   skew: number,
 * }} Meeting
 *   asked: what somebody asked oneself to switch on, which gives the right to do so once · names: of everybody who was
 *   here · seats: the others, in the order their tiles stand · live: track id → slot that carries it now ·
 *   carried: slot → which layer it carries, and why not what was asked for · strain: how far this machine is relieved ·
 *   since/spoke: when somebody began to speak and was last heard · main: whom the speaker layout shows, and since when
 *   · firstPage: how many others fit on the first page · older: the server may have messages before the log · deaf:
 *   the browser wants a tap before it plays sound · sharers: who shares a screen, in the order they began · screen: whose
 *   was chosen where several are shared · cut: to whom the path is lost, where there is no server in the middle · lost: what of the link is, while it is · restarting: the
 *   server said that it goes down for a moment · health: what lasts of the media's connections · unsent: why the server
 *   does not take a device · withheld: what does not get to whom, and why, where there is no server in the middle · skew: the server's clock less this one's, milliseconds
 *
 * @typedef {{type: 'joined', reply: JoinReply, at: number}
 *   | {type: 'rejoined', reply: JoinReply, same?: boolean}
 *   | {type: 'participant.joined', participant: Participant, at: string}
 *   | {type: 'participant.updated', participant: Participant}
 *   | {type: 'participant.left', participant: string, reason: string, at: string}
 *   | {type: 'participant.ask_unmute', source: Source}
 *   | {type: 'answered', source: Source}
 *   | {type: 'permissions.changed', role: Role, permissions: Permissions, actions: Action[], lobby: Waiting[]}
 *   | {type: 'lobby.waiting', waiting: Waiting}
 *   | {type: 'lobby.left', participant: string}
 *   | {type: 'room.updated', room: Room}
 *   | {type: 'media.track.published', track: Track}
 *   | {type: 'media.track.unpublished', track: string, participant: string}
 *   | {type: 'media.track.muted', track: string, participant: string, muted: boolean}
 *   | {type: 'speaker.active', participants: string[], at: number}
 *   | ({type: 'quality.update'} & Quality)
 *   | {type: 'spotlight.updated', participants: string[]}
 *   | {type: 'timer.updated', timer: Timer | null}
 *   | {type: 'reaction', participant: string, emoji: string}
 *   | {type: 'chat.message', message: ChatMessage}
 *   | {type: 'chat.deleted', message: string}
 *   | {type: 'chat.older', messages: ChatMessage[], more: boolean}
 *   | {type: 'chat.to', participant: string | null}
 *   | {type: 'file', file: Transfer, at: string}
 *   | {type: 'slot', mid: string, track: string | null}
 *   | {type: 'slot.reason', mid: string, layer: string | null, reason: string | null}
 *   | {type: 'strain', strain: import('./strain.js').Level}
 *   | {type: 'link', lost: import('./trouble.js').Lost | null}
 *   | {type: 'restarting'}
 *   | {type: 'health', connection: string, trouble: import('./trouble.js').Trouble | null}
 *   | {type: 'unsent', source: 'microphone' | 'camera', code: string | null}
 *   | {type: 'withheld', participant: string, source: Source, code: string | null}
 *   | {type: 'path', participant: string, lost: boolean}
 *   | {type: 'panel', panel: 'chat' | 'people' | null}
 *   | {type: 'layout', layout: 'grid' | 'speaker'}
 *   | {type: 'pin', participant: string | null}
 *   | {type: 'hideSelf', hidden: boolean}
 *   | {type: 'screen', participant: string}
 *   | {type: 'page', page: number}
 *   | {type: 'firstPage', others: number}
 *   | {type: 'tick', at: number}
 *   | {type: 'skew', skew: number}
 *   | {type: 'sharing', sharing: boolean}
 *   | {type: 'deaf', deaf: boolean}
 * } MeetingAction
 */

import { append, forget, prepend } from './chat.js';
import { byJoining } from './people.js';
import { arrive, catchUp, comeBack, depart, lose, noteSharers, update, withParticipant, withTracks, withTrouble, withWithheld } from './presence.js';
import { carry, explain, published } from './slots.js';
import { exchange, follow, speak } from './speech.js';

/** Reactions that can still be seen; older ones are done. */
const KEPT_REACTIONS = 24;
/** A join reply with fewer messages than this holds them all. */
const WHOLE_HISTORY = 50;

/**
 * @param {JoinReply} reply
 * @param {number} at
 * @returns {Meeting}
 */
export function enter(reply, at) {
  const others = byJoining(reply.participants).filter((one) => one.id !== reply.self.id);
  const all = [...others, reply.self];
  return noteSharers({
    room: reply.room,
    self: reply.self.id,
    permissions: { ...reply.permissions },
    actions: reply.actions ?? [],
    asked: [],
    participants: Object.fromEntries(all.map((one) => [one.id, one])),
    names: Object.fromEntries(all.map((one) => [one.id, one.display_name])),
    lobby: reply.lobby ?? [],
    seats: others.map((one) => one.id),
    live: {},
    carried: {},
    strain: 0,
    speakers: [],
    since: {},
    spoke: {},
    main: null,
    mainSince: 0,
    swappedAt: 0,
    firstPage: Infinity,
    page: 0,
    layout: 'grid',
    pin: null,
    spotlight: reply.spotlight ?? [],
    hideSelf: false,
    timer: reply.timer ?? null,
    quality: {},
    reactions: [],
    panel: null,
    log: reply.chat.map((message) => ({ kind: 'message', message })),
    older: reply.chat.length >= WHOLE_HISTORY,
    chatTo: null,
    files: {},
    unread: 0,
    link: 'online',
    lost: null,
    restarting: false,
    health: { up: null, down: null, peers: {} },
    unsent: { microphone: null, camera: null },
    withheld: {},
    cut: [],
    sharers: [],
    screen: null,
    sharing: false,
    deaf: false,
    began: at,
    skew: 0,
  });
}

/**
 * @param {Meeting} state
 * @param {MeetingAction} action
 * @returns {Meeting}
 */
export function reduceMeeting(state, action) {
  const next = reduceOne(state, action);
  return next.participants === state.participants ? next : noteSharers(next);
}

/** @param {Meeting} state @param {MeetingAction} action @returns {Meeting} */
function reduceOne(state, action) {
  switch (action.type) {
    case 'joined':
      return enter(action.reply, action.at);
    case 'rejoined':
      return (action.same ? catchUp : comeBack)(state, enter(action.reply, state.began));
    case 'participant.joined':
      return arrive(state, action.participant, action.at);
    case 'participant.updated':
      return update(state, action.participant);
    case 'participant.left':
      return depart(state, action);
    case 'participant.ask_unmute':
      return { ...state, asked: [...new Set([...state.asked, action.source])] };
    case 'answered':
      return { ...state, asked: state.asked.filter((source) => source !== action.source) };
    case 'permissions.changed':
      return govern(state, action);
    case 'lobby.waiting':
      return { ...state, lobby: [...state.lobby.filter((one) => one.id !== action.waiting.id), action.waiting] };
    case 'lobby.left':
      return { ...state, lobby: state.lobby.filter((one) => one.id !== action.participant) };
    case 'room.updated':
      return { ...state, room: action.room };
    case 'media.track.published':
      return withTracks(state, action.track.participant, (tracks) => published(tracks, action.track));
    case 'media.track.unpublished':
      return withTracks(state, action.participant, (tracks) => tracks.filter((track) => track.id !== action.track));
    case 'media.track.muted':
      return withTracks(state, action.participant, (tracks) =>
        tracks.map((track) => (track.id === action.track ? { ...track, muted: action.muted } : track)),
      );
    case 'speaker.active':
      return speak(state, action.participants, action.at);
    case 'quality.update':
      return measure(state, action);
    case 'spotlight.updated':
      return { ...state, spotlight: action.participants };
    case 'timer.updated':
      return { ...state, timer: action.timer };
    case 'reaction':
      return react(state, action.participant, action.emoji);
    case 'chat.message':
      return hear(state, action.message);
    case 'chat.deleted':
      return { ...state, log: forget(state.log, action.message) };
    case 'chat.older':
      return { ...state, log: prepend(state.log, action.messages), older: action.more };
    case 'chat.to':
      return { ...state, chatTo: action.participant };
    case 'file':
      return passFile(state, action.file, action.at);
    case 'slot':
      return { ...state, live: carry(state.live, action.mid, action.track) };
    case 'slot.reason':
      return { ...state, carried: explain(state.carried, action) };
    case 'path':
      return lose(state, action.participant, action.lost);
    case 'panel':
      return { ...state, panel: action.panel, unread: action.panel === 'chat' ? 0 : state.unread };
    case 'tick':
      return follow(exchange(state, action.at), action.at);
    case 'pin':
      return { ...state, pin: action.participant };
    case 'firstPage':
      return set(state, { firstPage: action.others });
    case 'hideSelf':
      return set(state, { hideSelf: action.hidden });
    case 'screen':
      return set(state, { screen: action.participant });
    case 'link':
      return set(state, { link: action.lost === null ? 'online' : 'reconnecting', lost: action.lost });
    case 'restarting':
      return set(state, { restarting: true });
    case 'health':
      return { ...state, health: withTrouble(state.health, action.connection, action.trouble) };
    case 'unsent':
      if (state.unsent[action.source] === action.code) return state;
      return { ...state, unsent: { ...state.unsent, [action.source]: action.code } };
    case 'withheld':
      return { ...state, withheld: withWithheld(state.withheld, action) };
    case 'strain':
    case 'layout':
    case 'page':
    case 'skew':
    case 'sharing':
    case 'deaf': {
      const { type: _, ...change } = action;
      return set(state, change);
    }
  }
}

/** The same state where nothing differs. @param {Meeting} state @param {Partial<Meeting>} change @returns {Meeting} */
function set(state, change) {
  const differs = Object.entries(change).some(([key, value]) => /** @type {any} */ (state)[key] !== value);
  return differs ? { ...state, ...change } : state;
}

/**
 * @param {Meeting} state
 * @param {{role: Role, permissions: Permissions, actions: Action[], lobby: Waiting[]}} action
 * @returns {Meeting}
 */
function govern(state, { role, permissions, actions, lobby }) {
  const changed = { ...state, permissions, actions: actions ?? [], lobby: lobby ?? [] };
  return withParticipant(changed, state.self, (one) => (one.role === role ? one : { ...one, role: role ?? one.role }));
}

/** @param {Meeting} state @param {Quality & {type: string}} update @returns {Meeting} */
function measure(state, { type: _, ...quality }) {
  if (!(quality.participant in state.participants)) return state;
  return { ...state, quality: { ...state.quality, [quality.participant]: quality } };
}

/** @param {Meeting} state @param {string} participant @param {string} emoji @returns {Meeting} */
function react(state, participant, emoji) {
  const key = (state.reactions[state.reactions.length - 1]?.key ?? 0) + 1;
  return { ...state, reactions: [...state.reactions, { key, participant, emoji }].slice(-KEPT_REACTIONS) };
}

/** @param {Meeting} state @param {ChatMessage} message @returns {Meeting} */
function hear(state, message) {
  const log = append(state.log, { kind: 'message', message });
  if (log === state.log) return state;
  const mine = message.user.id === state.participants[state.self]?.user.id;
  return { ...state, log, unread: mine || state.panel === 'chat' ? state.unread : state.unread + 1 };
}

/** @param {Meeting} state @param {Transfer} file @param {string} at @returns {Meeting} */
function passFile(state, file, at) {
  const files = { ...state.files, [file.id]: file };
  // A file for several people is several transfers, and one line of the log.
  if (Object.values(state.files).some((known) => known.file === file.file)) return { ...state, files };
  const log = append(state.log, { kind: 'file', id: file.file, at });
  const seen = file.outgoing || state.panel === 'chat';
  return { ...state, files, log, unread: seen ? state.unread : state.unread + 1 };
}
