/**
 * The page: puts state, session, flows and views together and follows the address bar.
 *
 * What nobody needs first is loaded when it is needed: one language, the room, the waiting and check screens, dialogs. The
 * page draws once a frame: a join is a dozen messages, and drawing after each of them kept the connection's next step
 * waiting (135 ms of drawing up to the first picture, 50 ms since).
 *
 * @typedef {import('./state/app.js').AppState} AppState
 */

import { Session } from './client/session.js';
import { createActions, socketUrl } from './flow/actions.js';
import { Devices } from './flow/devices.js';
import { MeetingFlow } from './flow/meeting.js';
import { settings } from './flow/settings.js';
import { claimTab } from './flow/tab.js';
import { onWaking } from './flow/waking.js';
import { pickLanguage, setLanguage, t } from './i18n/index.js';
import { inside } from './place.js';
import { initialState, reduce } from './state/app.js';
import { createStore } from './state/store.js';
import { inviteFrom } from './state/text.js';
import { announcer } from './views/kit/announcer.js';
import { openDevices } from './views/dialogs.js';
import { retranslate } from './views/kit/dom.js';
import { guestHome } from './views/home/guest.js';
import { nextFrame } from './views/kit/frame.js';
import { header } from './views/header.js';
import { home } from './views/home/home.js';
import { closeMenu } from './views/kit/menu.js';
import { notice } from './views/door/notice.js';
import { preview } from './views/door/preview.js';
import { toasts } from './views/kit/toasts.js';

/**
 * @typedef {{
 *   node: HTMLElement, over?: HTMLElement, update: (state: AppState) => void, start?: () => void, stop?: () => void,
 * }} View  over: where messages stand; without it they stand over the page
 */

const HOME_REFRESH_MS = 30_000;

const language = settings.language ?? pickLanguage(navigator.languages);
// Nothing is drawn before there are words for it.
const claimed = claimTab();
await setLanguage(language);
/** @type {Storage | undefined} */
let tabStorage;
await claimed.then((storage) => (tabStorage = storage));
const store = createStore(reduce, initialState({ language, theme: settings.theme, picture: settings.picture }), nextFrame);
const session = new Session(socketUrl(), { storage: localStorage, tabStorage });
const devices = new Devices(store);
const meeting = new MeetingFlow({ session, store, devices });
const actions = createActions({ session, store, devices, meeting });

const live = announcer();
meeting.announce = live.announce;
meeting.toast = actions.toast;
meeting.toastWhenFree = actions.toastWhenFree;
meeting.onopen = (panel) => actions.openPanel(/** @type {'chat'} */ (panel));
meeting.onover = (kind) => {
  const identity = store.get().meeting?.room.identity ?? null;
  devices.close();
  closeMenu();
  store.dispatch({ type: 'notice', notice: { kind, identity } });
};
actions.onChangeDevices(() => openDevices(actions));

const top = header(actions);
const messages = toasts(actions);
const root = /** @type {HTMLElement} */ (document.getElementById('app'));
root.replaceChildren();
document.body.append(messages.node, ...live.nodes);

/** Made when first shown and then kept. @type {Map<string, View>} */
const views = new Map();
/** @type {Record<string, () => View>} */
const MAKERS = {
  guest: () => guestHome(actions),
  home: () => home(actions),
  preview: () => preview(actions),
  notice: () => notice(actions),
};
// Screens that nobody begins with: loaded when they are needed, or before that when there is time.
/** @type {Record<string, () => Promise<(actions: import('./flow/actions.js').Actions) => View>>} */
const LATER = {
  waiting: async () => (await import('./views/door/waiting.js')).waiting,
  room: async () => (await import('./views/room/room.js')).room,
  check: async () => (await import('./views/door/check.js')).check,
};
let shown = '';
let drawnLanguage = '';

/** @param {AppState} state */
function draw(state) {
  drawTheme(state);
  if (state.language !== drawnLanguage) {
    drawnLanguage = state.language;
    document.documentElement.lang = state.language === 'zh' ? 'zh-CN' : 'en';
    retranslate(document);
    for (const view of views.values()) retranslate(view.node);
  }
  if (state.screen !== shown) turnTo(state);
  const view = views.get(shown);
  if (shown !== 'room') top.update(state);
  view?.update(state);
  messages.update(state);
}

/** @param {AppState} state */
function turnTo({ screen }) {
  // Until it is loaded the screen before stays.
  if (screen in LATER && !(screen in MAKERS)) return void load(screen).then(() => draw(store.get()));
  closeMenu();
  views.get(shown)?.stop?.();
  shown = screen;
  document.body.dataset.screen = screen;
  if (!(screen in MAKERS)) return root.replaceChildren();
  let view = screen === 'room' ? takeRoom() : views.get(screen);
  if (!view) view = MAKERS[screen]();
  views.set(screen, view);
  if (screen === 'preview') whenIdle(() => void prepareRoom());
  retranslate(top.node);
  root.replaceChildren(...(screen === 'room' ? [view.node] : [top.node, view.node]));
  (view.over ?? document.body).append(messages.node);
  view.start?.();
  window.scrollTo(0, 0);
}

/** @type {View | undefined} */
let preparedRoom;

/** Built while somebody looks at the preview, so that pressing Join only has to show it. */
async function prepareRoom() {
  await Promise.all([load('room'), load('waiting'), meeting.prepare().catch(() => {})]);
  if (store.get().screen === 'preview') preparedRoom ??= MAKERS.room?.();
}

/** @param {string} screen */
async function load(screen) {
  try {
    const make = await LATER[screen]();
    MAKERS[screen] = () => make(actions);
  } catch {
    actions.toast('error.client.closed', {}, 'warning');
  }
}

/** A meeting is drawn afresh each time: nothing of the last one must be left. */
function takeRoom() {
  const view = preparedRoom;
  preparedRoom = undefined;
  if (view) retranslate(view.node);
  return view;
}

/** @param {() => void} work */
function whenIdle(work) {
  if ('requestIdleCallback' in window) requestIdleCallback(work, { timeout: 2000 });
  else setTimeout(work, 500);
}

/** The room is dark unless the person chose otherwise. @param {AppState} state */
function drawTheme({ theme, screen }) {
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const now = theme !== 'auto' ? theme : screen === 'room' ? 'dark' : system;
  if (document.documentElement.dataset.theme !== now) document.documentElement.dataset.theme = now;
}

/** What the server refused, where it serves the page instead (src/http/notice.rs). It holds for the first address alone. */
let refused = document.documentElement.dataset.notice ?? null;

function route() {
  const kind = refused;
  refused = null;
  if (kind !== null) return actions.showNotice(kind);
  const path = inside(location.pathname);
  const room = /^r\/([A-Za-z0-9_-]+)\/?$/.exec(path);
  const token = inviteFrom(location.hash);
  // Nobody who looks at the address bar, or copies it, shall have the invite.
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  if (room) void actions.openRoom(room[1], token);
  else if (/^check\/?$/.test(path)) actions.showCheck();
  else if (/^(index\.html)?$/.test(path)) void actions.showHome();
  else actions.showNotice('nowhere');
}

/** Who is in a room changes without us: the list is read again while somebody looks at it. */
function refreshHome() {
  if (!document.hidden && store.get().screen === 'home') void actions.loadRooms();
}
setInterval(refreshHome, HOME_REFRESH_MS);
document.addEventListener('visibilitychange', refreshHome);

store.subscribe(draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw(store.get()));
window.addEventListener('popstate', () => {
  if (store.get().meeting) void actions.leave();
  route();
});
session.on('state', ({ state, retryAt = null }) => store.dispatch({ type: 'session', link: state, retryAt }));
session.on('rejoin.waiting', ({ retryAt }) => store.dispatch({ type: 'session', retryAt }));
session.on('joined', () => store.dispatch({ type: 'session', retryAt: null }));
onWaking(() => meeting.wake());
document.title = t('title');
draw(store.get());
route();
