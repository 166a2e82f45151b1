/**
 * Questions about the people in the meeting: their order, ranks and sources. Nothing here changes the state.
 *
 * @typedef {import('../client/protocol.d.ts').Action} Action
 * @typedef {import('../client/protocol.d.ts').Participant} Participant
 * @typedef {import('../client/protocol.d.ts').Role} Role
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {import('../client/protocol.d.ts').Source} Source
 * @typedef {import('./meeting.js').Meeting} Meeting
 */

/** @type {Record<Role, number>} */
const RANKS = { member: 0, cohost: 1, host: 2 };
const OWNER_RANK = 3;

/** @param {Participant} one @param {Source} source */
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
 * The screens that others share, the newest last. Your own is not shown to you, because a picture of itself is of no use.
 * @param {Meeting} state
 * @returns {{participant: string, track: string}[]}
 */
export function sharedScreens(state) {
  return state.sharers.flatMap((id) => {
    const one = state.participants[id];
    const screen = one && trackOf(one, 'screen');
    return screen && !screen.muted && id !== state.self ? [{ participant: id, track: screen.id }] : [];
  });
}

/**
 * The screen on the stage: the chosen one as long as it is shared, otherwise the newest.
 * @param {Meeting} state
 */
export function sharedScreen(state) {
  const all = sharedScreens(state);
  return all.find(({ participant }) => participant === state.screen) ?? all[all.length - 1] ?? null;
}

/** Raised hands in their order. @param {Meeting} state @returns {Participant[]} */
export function hands(state) {
  return Object.values(state.participants)
    .filter((one) => one.hand_raised_at !== null)
    .sort((a, b) => Date.parse(a.hand_raised_at ?? '') - Date.parse(b.hand_raised_at ?? ''));
}

/**
 * If not everybody fits on one page, raised hands come first, in their order. All others keep their order. On a single page
 * nobody moves for a raised hand, because everybody can see it.
 * @param {string[]} seats
 * @param {string[]} hands
 */
export function handsFirst(seats, hands) {
  const raised = hands.filter((id) => seats.includes(id));
  return raised.length === 0 ? seats : [...raised, ...seats.filter((id) => !raised.includes(id))];
}

/**
 * The order over several pages. Raised hands come first. But a person who speaks and has a seat on the first page keeps a
 * place there, the last one, even if many hands are up. So the speaker gets a page that holds only one other person.
 * @param {string[]} seats
 * @param {string[]} hands
 * @param {number} fits how many the first page holds
 * @param {string | null} speaker
 */
export function pageOrder(seats, hands, fits, speaker) {
  const order = handsFirst(seats, hands);
  const seat = speaker === null ? -1 : seats.indexOf(speaker);
  if (speaker === null || seat < 0 || seat >= fits || order.indexOf(speaker) < fits) return order;
  const others = order.filter((id) => id !== speaker);
  return [...others.slice(0, fits - 1), speaker, ...others.slice(fits - 1)];
}

/**
 * What happens to the meeting after one leaves: the notice that is true then. A person who lost the connection to the server
 * may come back, or not. A person whom only oneself cannot reach is still in, and the server knows that.
 * @param {Meeting} state
 * @returns {'left' | 'left.last' | 'left.away'}
 */
export function leftBehind({ seats, participants, cut }) {
  if (seats.length === 0) return 'left.last';
  const isAway = (/** @type {string} */ id) => participants[id]?.connection === 'reconnecting' && !cut.includes(id);
  return seats.every(isAway) ? 'left.away' : 'left';
}

/** You, then hosts, then by joining. @param {Meeting} state @returns {Participant[]} */
export function roster(state) {
  const all = byJoining(Object.values(state.participants));
  const order = (/** @type {Participant} */ one) => (one.id === state.self ? 0 : one.role === 'member' ? 2 : 1);
  return all.sort((a, b) => order(a) - order(b));
}

/** @param {Participant[]} participants */
export function byJoining(participants) {
  return [...participants].sort((a, b) => Date.parse(a.joined_at) - Date.parse(b.joined_at) || (a.id < b.id ? -1 : 1));
}

/** Whether the server lets oneself do this now. @param {Meeting} state @param {Action} action */
export function may(state, action) {
  return state.actions.includes(action);
}

/** The owner stands above every role. @param {Participant} one @param {Room} room */
export function rank(one, room) {
  return one.user.id === room.owner?.id ? OWNER_RANK : RANKS[one.role];
}

/** Acting on somebody needs a higher rank than theirs. @param {Meeting} state @param {Participant} other */
export function outranks(state, other) {
  const self = state.participants[state.self];
  return self !== undefined && rank(self, state.room) > rank(other, state.room);
}

/**
 * The people who are shown large. One's own pin comes first, then the spotlight, which is for everybody. Then, in the
 * speaker layout, comes the person who speaks.
 * @param {Meeting} state
 * @returns {string[]}
 */
export function large(state) {
  const present = (/** @type {string} */ id) => id in state.participants;
  if (state.pin !== null && present(state.pin)) return [state.pin];
  const spotlight = state.spotlight.filter(present);
  if (spotlight.length > 0) return spotlight;
  if (state.layout === 'grid') return [];
  const main = state.main !== null && present(state.main) ? state.main : state.seats[0];
  return main === undefined ? [] : [main];
}

/** Whether one may switch the microphone on: by right, or because somebody asked for it. @param {Meeting} state */
export function mayUnmute(state) {
  return may(state, 'unmute') || state.asked.includes('microphone');
}
