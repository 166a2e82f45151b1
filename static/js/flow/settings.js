/**
 * What the page remembers. Lasting choices live in localStorage; what belongs to this tab, such as the
 * meeting it is in, lives in sessionStorage. A browser that forbids both only forgets.
 *
 * @typedef {{
 *   identity: string, password?: string, invite?: string, display_name: string, microphone: boolean, camera: boolean,
 *   held?: Array<'microphone' | 'camera'>,
 * }} Rejoin  held: what is off for the room's sake, and not by choice
 * @typedef {{identity: string, token: string}} Invited
 * @typedef {{identity: string, to: string | null, text: string}} Draft  to: one participant, or null for everyone
 * @typedef {{name: string, number: string | null, identity: string}} Recent
 */

const PREFIX = 'meeting.';
const MICROPHONE = /** @type {const} */ ('microphone');
const CAMERA = /** @type {const} */ ('camera');

/** What the page may tell by a tone or a message, in the order in which the switches stand. */
export const NOTIFICATION_SWITCHES = /** @type {const} */ ([
  { key: 'knock', default: true },
  { key: 'admitted', default: true },
  { key: 'join', default: true },
  { key: 'hand', default: true },
  { key: 'message', default: true },
  { key: 'system', default: false },
]);

/** @type {{identity: string, password: string} | null} */
let secret = null;

/** @param {Storage} storage @param {string} key */
function read(storage, key) {
  try {
    const text = storage.getItem(PREFIX + key);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Storage} storage @param {string} key @param {unknown} value null removes it */
function write(storage, key, value) {
  try {
    if (value === null) storage.removeItem(PREFIX + key);
    else storage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the choice holds until the page is closed.
  }
}

export const settings = {
  /** @returns {'en' | 'zh' | null} */
  get language() {
    const value = read(localStorage, 'language');
    return value === 'en' || value === 'zh' ? value : null;
  },
  set language(value) {
    write(localStorage, 'language', value);
  },

  /** @returns {'auto' | 'light' | 'dark'} */
  get theme() {
    const value = read(localStorage, 'theme');
    return value === 'light' || value === 'dark' ? value : 'auto';
  },
  set theme(value) {
    write(localStorage, 'theme', value);
  },

  /** How good pictures have to be. @returns {import('../state/viewing.js').Choice} */
  get picture() {
    const value = read(localStorage, 'picture');
    return value === 'save' || value === 'sound' ? value : 'best';
  },
  set picture(value) {
    write(localStorage, 'picture', value);
  },

  /** The name used last as a guest. @returns {string} */
  get name() {
    const value = read(localStorage, 'name');
    return typeof value === 'string' ? value : '';
  },
  set name(value) {
    write(localStorage, 'name', value);
  },

  /** Whether keys work everywhere in a meeting. @returns {boolean} */
  get shortcuts() {
    return read(localStorage, 'shortcuts') !== false;
  },
  set shortcuts(value) {
    write(localStorage, 'shortcuts', value);
  },

  /**
   * Chosen devices, by kind, and what they are called: ids change when a site's data is cleared.
   * @returns {{microphone?: string, camera?: string, speaker?: string, names?: Record<string, string>}}
   */
  get devices() {
    const value = read(localStorage, 'devices');
    return typeof value === 'object' && value !== null ? value : {};
  },
  set devices(value) {
    write(localStorage, 'devices', value);
  },

  /** Whether the background of the own picture is blurred, where the browser can. @returns {boolean} */
  get blur() {
    return read(localStorage, 'blur') === true;
  },
  set blur(value) {
    write(localStorage, 'blur', value);
  },

  /** Whether the page says that one talks while muted, or gives no sound. @returns {boolean} */
  get hints() {
    return read(localStorage, 'hints') !== false;
  },
  set hints(value) {
    write(localStorage, 'hints', value);
  },

  /** Whether the space bar unmutes while it is held. @returns {boolean} */
  get pushToTalk() {
    return read(localStorage, 'pushToTalk') !== false;
  },
  set pushToTalk(value) {
    write(localStorage, 'pushToTalk', value);
  },

  /** Whether the page tells of something. @param {string} key of NOTIFICATION_SWITCHES @returns {boolean} */
  notifies(key) {
    const value = read(localStorage, `notify.${key}`);
    const usual = NOTIFICATION_SWITCHES.find((one) => one.key === key)?.default ?? false;
    return typeof value === 'boolean' ? value : usual;
  },

  /** @param {string} key @param {boolean} on */
  setNotifies(key, on) {
    write(localStorage, `notify.${key}`, on);
  },

  /** The room entered last. @returns {Recent | null} */
  get recent() {
    const value = read(localStorage, 'recent');
    return value && typeof value.identity === 'string' && typeof value.name === 'string' ? value : null;
  },
  set recent(value) {
    write(localStorage, 'recent', value);
  },

  /**
   * The invite this tab came with. The address bar shows it no more, so a reload finds it here.
   * @returns {Invited | null}
   */
  get invite() {
    const value = read(sessionStorage, 'invite');
    return value && typeof value.identity === 'string' && typeof value.token === 'string' ? value : null;
  },
  set invite(value) {
    write(sessionStorage, 'invite', value);
  },

  /**
   * The meeting this tab is in, so that a reload comes straight back; leaving the meeting removes it. The room's password
   * is known to this page alone, and not stored: whom the server kept is not asked for it.
   * @returns {Rejoin | null}
   */
  get rejoin() {
    const value = read(sessionStorage, 'rejoin');
    if (!value || typeof value.identity !== 'string') return null;
    return secret && secret.identity === value.identity ? { ...value, password: secret.password } : value;
  },
  set rejoin(value) {
    secret = value?.password ? { identity: value.identity, password: value.password } : null;
    write(sessionStorage, 'rejoin', value && { ...value, password: undefined });
  },

  /** What is written in the chat and not sent yet. @returns {Draft | null} */
  get draft() {
    const value = read(sessionStorage, 'draft');
    return value && typeof value.identity === 'string' && typeof value.text === 'string' ? value : null;
  },
  set draft(value) {
    write(sessionStorage, 'draft', value);
  },

  /** Another page has this tab's meeting; a copy of what it stored is not ours. */
  disown() {
    this.rejoin = null;
    this.draft = null;
  },

  /**
   * What a reload comes back with.
   * @param {import('./meeting.js').JoinRequest} request
   * @param {{microphone: {wanted: boolean, held?: boolean}, camera: {wanted: boolean, held?: boolean}}} devices
   */
  enter(request, { microphone, camera }) {
    const held = [...(microphone.held ? [MICROPHONE] : []), ...(camera.held ? [CAMERA] : [])];
    this.rejoin = { ...request, microphone: microphone.wanted, camera: camera.wanted, held };
  },

  /** And with which devices switched on. @param {{microphone?: boolean, camera?: boolean}} change */
  turn(change) {
    const { rejoin } = this;
    const held = rejoin?.held?.filter((which) => change[which] === undefined);
    if (rejoin) this.rejoin = { ...rejoin, ...change, held };
  },
};
