/**
 * The whole page: who is signed in, which screen is shown, the rooms, the devices, the meeting.
 *
 * @typedef {import('../client/protocol.d.ts').Role} Role
 * @typedef {import('../client/protocol.d.ts').User} User
 * @typedef {import('../client/protocol.d.ts').Room} Room
 * @typedef {import('../client/protocol.d.ts').Visit} Visit
 * @typedef {import('./meeting.js').Meeting} Meeting
 * @typedef {import('./meeting.js').MeetingAction} MeetingAction
 *
 * @typedef {'denied' | 'dismissed' | 'system' | 'missing' | 'busy' | 'unsuitable' | 'insecure' | 'unknown'} Problem
 *   why a device gives nothing
 * @typedef {{id: string, label: string}} Choice
 * @typedef {{
 *   wanted: boolean, held: boolean, live: boolean, asking: boolean, problem: Problem | null, id: string,
 * }} Device
 * @typedef {{
 *   microphone: Device, camera: Device, speaker: string,
 *   microphones: Choice[], cameras: Choice[], speakers: Choice[], blur: {offered: boolean, on: boolean},
 * }} Devices
 *   wanted: the person wants it on (a microphone that is not wanted is muted) · held: a room keeps it off, and not the
 *   person · live: it gives something
 *
 * @typedef {{
 *   rooms: Room[], visits: Visit[], total: number, owned: number, page: number, keyword: string, scope: 'mine' | 'joined', upcoming: Room[],
 *   loaded: boolean, recent: {name: string, number: string | null, identity: string} | null,
 * }} Home
 *   rooms, visits and total: of the list that is shown · owned: how many rooms one has · upcoming: rooms to look for meetings in
 * @typedef {{
 *   address: string, room: Room | null, present: (User & {role: Role})[] | null, name: string, invite: string | null,
 *   askPassword: boolean, error: string | null, joining: boolean, opensAt: number | null, skew: number,
 *   waitingSince: number | null, host: 'here' | 'away' | 'absent' | null,
 * }} Preview
 *   invite: the token of the link · opensAt: what a refusal said of the opening · skew: the server's clock minus ours, ms ·
 *   host: whether somebody is there who may let in; away: their connection is lost; null before the server has said
 * @typedef {{running: boolean, found: import('./findings.js').Findings, code: string | null}} Check  code: with it the
 *   operator of the server finds the report
 * @typedef {{kind: string, identity: string | null, minutes?: number}} Notice
 * @typedef {{id: number, text: string, params: Record<string, string | number>, icon: string,
 *   action: {label: string, name: string, data?: string} | null,
 *   other?: {label: string, name: string, data?: string} | null, more?: number}} Toast
 *   text and label are keys of the language files · other: a second thing that can be done about it · more: how many
 *   messages came beside it
 *
 * @typedef {{
 *   screen: 'loading' | 'guest' | 'home' | 'preview' | 'waiting' | 'room' | 'notice' | 'check',
 *   language: 'en' | 'zh', theme: 'auto' | 'light' | 'dark', picture: import('./viewing.js').Choice,
 *   link: 'connecting' | 'online' | 'reconnecting' | 'closed', auth: string[], user: User | null,
 *   home: Home, preview: Preview, devices: Devices, meeting: Meeting | null, notice: Notice | null,
 *   toast: Toast | null, check: Check, server: string, retryAt: number | null,
 * }} AppState  server: its name and version, as it says itself · retryAt: when a lost session is tried again, milliseconds
 *
 * @typedef {{type: 'language', language: 'en' | 'zh'}
 *   | {type: 'theme', theme: 'auto' | 'light' | 'dark'}
 *   | {type: 'picture', picture: import('./viewing.js').Choice}
 *   | {type: 'session', link?: AppState['link'], auth?: string[], server?: string, retryAt?: number | null}
 *   | {type: 'user', user: User | null}
 *   | {type: 'screen', screen: AppState['screen']}
 *   | {type: 'home', home: Partial<Home>}
 *   | {type: 'preview', preview: Partial<Preview>}
 *   | {type: 'devices', devices: Partial<Devices>}
 *   | {type: 'device', which: 'microphone' | 'camera', device: Partial<Device>}
 *   | {type: 'meeting', action: MeetingAction}
 *   | {type: 'notice', notice: Notice}
 *   | {type: 'check', check: Check}
 *   | {type: 'left'}
 *   | {type: 'toast', toast: Toast | null}
 * } AppAction
 */

import { NOTHING_YET } from './findings.js';
import { isOfSomebody } from './heed.js';
import { enter, reduceMeeting } from './meeting.js';

/** @type {Device} */
const DEVICE = { wanted: true, held: false, live: false, asking: false, problem: null, id: '' };

/** @type {Preview} */
export const EMPTY_PREVIEW = {
  address: '',
  room: null,
  present: null,
  name: '',
  invite: null,
  askPassword: false,
  error: null,
  joining: false,
  opensAt: null,
  skew: 0,
  waitingSince: null,
  host: null,
};

/**
 * @param {{language: 'en' | 'zh', theme: 'auto' | 'light' | 'dark', picture?: import('./viewing.js').Choice}} settings
 * @returns {AppState}
 */
export function initialState({ language, theme, picture = 'best' }) {
  return {
    screen: 'loading',
    language,
    theme,
    picture,
    link: 'connecting',
    auth: [],
    user: null,
    home: { rooms: [], visits: [], total: 0, owned: 0, page: 1, keyword: '', scope: 'mine', upcoming: [], loaded: false, recent: null },
    preview: EMPTY_PREVIEW,
    devices: {
      microphone: DEVICE,
      camera: DEVICE,
      speaker: '',
      microphones: [],
      cameras: [],
      speakers: [],
      blur: { offered: false, on: false },
    },
    meeting: null,
    notice: null,
    toast: null,
    check: { running: false, found: NOTHING_YET, code: null },
    server: '',
    retryAt: null,
  };
}

/**
 * @param {AppState} state
 * @param {AppAction} action
 * @returns {AppState}
 */
export function reduce(state, action) {
  switch (action.type) {
    case 'language':
      return { ...state, language: action.language };
    case 'theme':
      return { ...state, theme: action.theme };
    case 'picture':
      return { ...state, picture: action.picture };
    case 'session':
      return {
        ...state,
        link: action.link ?? state.link,
        auth: action.auth ?? state.auth,
        server: action.server ?? state.server,
        retryAt: action.retryAt === undefined ? state.retryAt : action.retryAt,
      };
    case 'check':
      return { ...state, check: action.check };
    case 'user':
      return { ...state, user: action.user };
    case 'screen':
      return { ...state, screen: action.screen, toast: null };
    case 'home':
      return { ...state, home: { ...state.home, ...action.home } };
    case 'preview':
      return { ...state, preview: { ...state.preview, ...action.preview } };
    case 'devices':
      return { ...state, devices: { ...state.devices, ...action.devices } };
    case 'device':
      return {
        ...state,
        devices: { ...state.devices, [action.which]: { ...state.devices[action.which], ...action.device } },
      };
    case 'meeting':
      return inMeeting(state, action.action);
    case 'notice':
      return { ...state, screen: 'notice', notice: action.notice, meeting: null, toast: null };
    case 'left':
      return { ...state, meeting: null };
    case 'toast':
      return { ...state, toast: action.toast };
  }
}

/** @param {AppState} state @param {MeetingAction} action @returns {AppState} */
function inMeeting(state, action) {
  if (action.type === 'joined') {
    return { ...state, screen: 'room', toast: null, notice: null, meeting: enter(action.reply, action.at) };
  }
  // An event may still arrive after the person has left.
  if (!state.meeting) return state;
  const meeting = reduceMeeting(state.meeting, action);
  if (meeting === state.meeting) return state;
  return { ...state, meeting, toast: isOutlived(state.toast, meeting) ? null : state.toast };
}

/**
 * Whether a toast is outdated: the people it is about no longer wait, or its message is read.
 * @param {Toast | null} toast
 * @param {Meeting} meeting
 */
function isOutlived(toast, { lobby, panel }) {
  if (toast && isOfSomebody(toast)) return panel === 'chat';
  if (toast?.text === 'toast.waiting.many') return lobby.length === 0;
  return toast?.text === 'toast.waiting' && !lobby.some((one) => one.id === toast.action?.data);
}

/** Signed in with an account; a guest may enter rooms but owns none. @param {AppState} state */
export function hasAccount(state) {
  return state.user?.kind === 'account';
}
