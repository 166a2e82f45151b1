/**
 * The events of the room while a meeting runs. They change the state, and those that people should know about are announced.
 *
 * @typedef {import('../state/meeting.js').MeetingAction} MeetingAction
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('../state/meeting.js').Action} Action
 * @typedef {import('../client/protocol.d.ts').Events} Events
 * @typedef {{label: string, name: string, data?: string}} ToastAction
 * @typedef {(
 *   key: string, params?: Record<string, string | number>, icon?: string, action?: ToastAction | null,
 *   other?: ToastAction | null,
 * ) => void} Toast
 * @typedef {(...words: Parameters<Toast>) => boolean} ToastWhenFree  answers whether it is shown at once
 *
 * @typedef {object} RoomIo
 * @property {import('../client/session.js').Session} session
 * @property {() => Meeting | null} meeting
 * @property {(action: MeetingAction) => void} dispatch
 * @property {(words: string, urgent?: boolean) => void} announce
 * @property {Toast} toast
 * @property {ToastWhenFree} toastWhenFree
 * @property {import('./notifier.js').Notifier} notifier
 */

import { list, sentences, t } from '../i18n/index.js';
import { firstLine } from '../state/heed.js';
import { hands, isMuted, may, mayUnmute, sharedScreen } from '../state/people.js';

/** From this many people on, coming and going is not read out. */
const ANNOUNCED_BELOW = 20;
const MINUTE_MS = 60_000;

/** Room events that go into the state as they come. */
const PLAIN_EVENTS = /** @type {const} */ ([
  'participant.updated',
  'room.updated',
  'media.track.published',
  'media.track.unpublished',
  'media.track.muted',
  'lobby.left',
  'quality.update',
  'spotlight.updated',
  'timer.updated',
  'reaction',
  'chat.deleted',
]);

/** @param {RoomIo} io */
export function listenToRoom(io) {
  const { session, dispatch } = io;
  /** These run before the state changes, because they compare it with the event. @type {Record<string, (data: any) => void>} */
  const before = {
    'spotlight.updated': (data) => tellSpotlight(io, data),
    'participant.updated': ({ participant: { id, role } }) => id === io.meeting()?.self && tellRole(io, role),
  };
  for (const type of PLAIN_EVENTS) {
    session.on(type, (data) => {
      before[type]?.(data);
      const screen = screenOf(io);
      const began = type === 'media.track.published' && !isPublished(io, data.track) ? data.track : null;
      dispatch(/** @type {MeetingAction} */ ({ ...data, type }));
      tellScreen(io, screen, began);
    });
  }
  people(io);
  governing(io);
  session.on('chat.message', ({ message }) => {
    const fresh = !isKnown(io, message.id);
    dispatch({ type: 'chat.message', message });
    if (fresh) tellMessage(io, message);
  });
  session.on('timer.updated', ({ timer }) => {
    if (timer) io.announce(t('live.timer', { n: Math.round(timer.duration_ms / MINUTE_MS) }));
  });
  session.on('room.reminder', ({ remaining_ms: left }) => {
    const minutes = Math.max(1, Math.round(left / MINUTE_MS));
    io.toast('toast.reminder', { n: minutes }, 'clock');
  });
}

/**
 * A track that runs is published again when its layers change.
 * @param {RoomIo} io
 * @param {import('../client/protocol.d.ts').Track} track
 */
function isPublished(io, { id, participant }) {
  return io.meeting()?.participants[participant]?.tracks.some((one) => one.id === id) ?? false;
}

/** @param {RoomIo} io @param {string} id */
function isKnown(io, id) {
  return io.meeting()?.log.some((entry) => entry.kind === 'message' && entry.message.id === id) ?? true;
}

/**
 * Announces a message to a person who does not read the chat just now.
 * @param {RoomIo} io
 * @param {Events['chat.message']['message']} message
 */
function tellMessage(io, message) {
  const meeting = io.meeting();
  // One's own may come from another tab of the same person.
  if (!meeting || message.user.id === meeting.participants[meeting.self]?.user.id) return;
  const { participant, text } = message;
  const seen = meeting.panel === 'chat';
  const isPrivate = message.to !== null;
  const role = meeting.participants[participant ?? '']?.role ?? 'member';
  const own = message.display_name;
  const name = role === 'member' ? own : t('present.role', { name: own, role: t(`role.${role}`) });
  io.notifier.message({ name, text, isPrivate, seen });
  if (seen) return;
  const key = isPrivate ? 'toast.message.private' : 'toast.message';
  const words = { name, text: firstLine(text) };
  const reply = { label: 'toast.reply', name: 'reply', data: isPrivate ? (participant ?? '') : '' };
  // A screen reader reads the toast too.
  if (io.toastWhenFree(key, words, 'chat', { label: 'toast.open', name: 'chat' }, reply)) return;
  io.announce(t(isPrivate ? 'live.message.private' : 'live.message', { name, text }));
}

/** Coming, going, speaking, raising hands. @param {RoomIo} io */
function people(io) {
  const { session, dispatch } = io;
  /** @type {string[]} whose hands were up at the last look */
  let handsBefore = [];
  session.on('participant.updated', ({ participant }) => {
    const before = handsBefore;
    const meeting = io.meeting();
    handsBefore = meeting ? hands(meeting).map((one) => one.id) : [];
    const { id, display_name: name } = participant;
    if (id === meeting?.self) return;
    if (!meeting || !handsBefore.includes(id) || before.includes(id)) return;
    io.announce(t('live.hand', { name }));
    io.notifier.hand(name, meeting.room.name);
  });
  session.on('participant.joined', ({ participant }) => {
    dispatch({ type: 'participant.joined', participant, at: new Date().toISOString() });
    announceFew(io, 'live.joined', participant.display_name);
    io.notifier.joined(present(io));
  });
  session.on('participant.left', ({ participant, reason }) => {
    const name = io.meeting()?.participants[participant]?.display_name;
    const screen = screenOf(io);
    dispatch({ type: 'participant.left', participant, reason, at: new Date().toISOString() });
    tellScreen(io, screen, null);
    if (!name || reason === 'replaced') return;
    announceFew(io, 'live.left', name);
    io.notifier.left(present(io));
  });
  session.on('speaker.active', ({ participants }) =>
    dispatch({ type: 'speaker.active', participants, at: Date.now() }),
  );
}

/**
 * Tells a person who may let people in who waits: when somebody knocks, and when the person comes in and some wait already.
 * @param {Pick<RoomIo, 'meeting' | 'toast' | 'notifier'>} io
 */
export function tellWaiting({ meeting: read, toast, notifier }) {
  const meeting = read();
  if (!meeting || !may(meeting, 'admit')) return;
  const { length } = meeting.lobby;
  const [first] = meeting.lobby;
  const newest = meeting.lobby.at(-1);
  if (newest) notifier.knock(newest.display_name, meeting.room.name);
  if (length > 1) toast('toast.waiting.many', { n: length }, 'people', { label: 'toast.show', name: 'people' });
  else if (first) {
    const admit = { label: 'lobby.admit', name: 'admit', data: first.id };
    toast('toast.waiting', { name: first.display_name }, 'people', admit);
  }
}

/** Who waits, who may what, and what a host does to oneself. @param {RoomIo} io */
function governing(io) {
  const { session, dispatch } = io;
  const nameOf = (/** @type {string} */ id) => io.meeting()?.names[id] ?? t('host.somebody');
  session.on('lobby.waiting', ({ participant: waiting }) => {
    dispatch({ type: 'lobby.waiting', waiting });
    tellWaiting(io);
  });
  session.on('participant.ask_unmute', ({ by, source }) => {
    dispatch({ type: 'participant.ask_unmute', source });
    const camera = source === 'camera';
    const action = camera
      ? { label: 'tool.camera.on', name: 'startVideo' }
      : { label: 'toast.unmute', name: 'unmute' };
    io.toast(camera ? 'toast.askVideo' : 'toast.askUnmute', { name: nameOf(by) }, camera ? 'camera' : 'mic', action);
  });
  session.on('media.track.muted', ({ participant, track, muted, by }) => {
    const meeting = io.meeting();
    if (!meeting || participant !== meeting.self || !muted || !by || by === meeting.self) return;
    const kind = meeting.participants[participant]?.tracks.find((one) => one.id === track)?.kind;
    // One message says both: who muted the person, and that they may not unmute themselves.
    const voice = may(meeting, 'unmute') ? 'toast.mutedBy' : 'toast.mutedBy.hard';
    const [words, icon] = kind === 'video' ? ['toast.stoppedVideo', 'camera-off'] : [voice, 'mic-off'];
    urgent(io, words, { name: nameOf(by) }, icon);
  });
  session.on('permissions.changed', (data) => {
    tellRole(io, data.role);
    tellRights(io, data);
    const knew = io.meeting()?.lobby.length ?? 0;
    dispatch({ ...data, type: 'permissions.changed' });
    // A person who gets the rights of a host also decides who comes in, so they hear who waits.
    if (knew === 0) tellWaiting(io);
  });
}

/** The rights that a room may give to its members. */
const GIVEN = /** @type {const} */ (['unmute', 'camera', 'screen', 'chat', 'private_chat', 'files', 'rename', 'react']);

/**
 * A person who comes back may have lost what was given to them: a restarted server does not know about it, and a host may
 * have changed it meanwhile. The message names only the differences.
 * @param {RoomIo} io
 * @param {Meeting} before as it was known until now
 * @param {boolean} same this person still is the same participant
 */
export function cameBack(io, before, same) {
  const meeting = io.meeting();
  const was = before.participants[before.self];
  const now = meeting?.participants[meeting.self];
  // A person who stayed the same participant already knows the people who waited before.
  if (meeting && (!same || meeting.lobby.length > before.lobby.length)) tellWaiting(io);
  if (!meeting || !was || !now) return;
  const isSilenced = !isMuted(was) && (!same || isMuted(now)) && !mayUnmute(meeting);
  const changes = [
    ...(was.role !== now.role ? [t('back.role', { role: t(`role.${now.role}`) })] : []),
    ...(was.display_name !== now.display_name ? [t('back.name', { name: now.display_name })] : []),
    ...(was.hand_raised_at !== null && now.hand_raised_at === null ? [t('back.hand')] : []),
    ...(isSilenced ? [t('back.muted')] : []),
    // A new role says enough: people know the rights of each role.
    ...(was.role === now.role ? rightsThatDiffer(before, meeting, isSilenced) : []),
  ];
  if (changes.length > 0) urgent(io, 'toast.back', { changes: sentences(changes) }, 'user');
}

/**
 * @param {Meeting} before
 * @param {Meeting} after
 * @param {boolean} isSilenced whether another message already speaks of the microphone
 */
function rightsThatDiffer(before, after, isSilenced) {
  const named = (/** @type {string} */ key, /** @type {readonly string[]} */ rights) =>
    rights.length > 0 ? [t(key, { rights: list(rights.map((right) => t(`right.${right}`))) })] : [];
  const lost = GIVEN.filter((right) => may(before, right) && !may(after, right) && !(isSilenced && right === 'unmute'));
  const gained = GIVEN.filter((right) => !may(before, right) && may(after, right));
  return [...named('back.lost', lost), ...named('back.gained', gained)];
}

/**
 * Two events tell of a new role; the first one is announced.
 * @param {RoomIo} io
 * @param {import('../client/protocol.d.ts').Role} role
 */
function tellRole(io, role) {
  const meeting = io.meeting();
  const before = meeting?.participants[meeting.self]?.role;
  if (before && role && before !== role) urgent(io, `toast.role.${role}`, {}, 'user');
}

/**
 * A person who is already muted hears that only hosts may change it. The others hear it later, when a host mutes them.
 * @param {RoomIo} io
 * @param {Events['permissions.changed']} data
 */
function tellRights(io, { role, actions }) {
  const meeting = io.meeting();
  const self = meeting?.participants[meeting.self];
  if (!meeting || self?.role !== role) return;
  const loses = (/** @type {Action} */ right) => may(meeting, right) && !(actions ?? []).includes(right);
  if (loses('camera')) urgent(io, 'toast.mayNotCamera', {}, 'camera-off');
  if (loses('unmute') && isMuted(self)) urgent(io, 'toast.mayNotUnmute', {}, 'mic-off');
}

/** @param {RoomIo} io @param {Events['spotlight.updated']} data */
function tellSpotlight(io, { participants }) {
  const meeting = io.meeting();
  if (!meeting) return;
  const { self, spotlight } = meeting;
  if (participants.includes(self) && !spotlight.includes(self)) io.toast('toast.spotlit', {}, 'spotlight');
}

/** @param {RoomIo} io */
function screenOf(io) {
  const meeting = io.meeting();
  return meeting ? (sharedScreen(meeting)?.track ?? null) : null;
}

/**
 * Announces who presents: when a screen comes onto the stage by itself, and when a screen begins that could be chosen.
 * @param {RoomIo} io
 * @param {string | null} before the track that was shown
 * @param {import('../client/protocol.d.ts').Track | null} began
 */
function tellScreen(io, before, began) {
  const meeting = io.meeting();
  const shown = meeting && sharedScreen(meeting);
  const say = (/** @type {string} */ key, /** @type {string} */ id) => io.announce(t(key, { name: meeting?.names[id] ?? '' }));
  if (shown && shown.track !== before) say('live.screen', shown.participant);
  else if (began?.source === 'screen' && began.participant !== meeting?.self) say('live.screen.more', began.participant);
}

/** @param {RoomIo} io @param {string} key @param {Record<string, string | number>} params @param {string} icon */
function urgent(io, key, params, icon) {
  io.toast(key, params, icon);
  io.announce(t(key, params), true);
}

/** How many are in. @param {RoomIo} io */
function present(io) {
  return Object.keys(io.meeting()?.participants ?? {}).length;
}

/** @param {RoomIo} io @param {string} key @param {string} name */
function announceFew(io, key, name) {
  const count = present(io);
  if (count > 0 && count < ANNOUNCED_BELOW) io.announce(t(key, { name }));
}
