/**
 * One meeting from the join to the leaving: joins the room, runs the call, turns frames into actions.
 *
 * @typedef {import('../client/protocol.d.ts').Joined} JoinReply
 * @typedef {import('../client/protocol.d.ts').Source} Source
 * @typedef {import('../client/call.js').Call | import('../client/peer-call.js').PeerCall} Call
 * @typedef {import('../state/app.js').AppAction} AppAction
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/meeting.js').MeetingAction} MeetingAction
 * @typedef {{identity: string, password?: string, invite?: string, display_name: string}} JoinRequest
 */

import { t } from '../i18n/index.js';
import { leftBehind, may } from '../state/people.js';
import { Loss } from './loss.js';
import { NOTICE_BY_CLOSE, NOTICE_BY_END, NOTICE_BY_REFUSAL } from './notices.js';
import { refusalOf } from './refusal.js';
import { settings } from './settings.js';
import { Talk } from './talk.js';

const TICK_MS = 1000;

export class MeetingFlow {
  #session;
  #store;
  #devices;
  #talk;
  /** @type {Call | null} */
  #call = null;
  #loss = new Loss();
  #tickTimer = 0;

  /** @type {Promise<typeof import('./inside.js')> | null} */
  #parts = null;
  /** @type {import('./inside.js').Inside | null} once a meeting was prepared */
  #inside = null;

  /** @type {import('./settings.js').Rejoin | null} how to come back into the meeting that was left */
  left = null;
  /** @type {(kind: string) => void} called when the meeting is over for this person, with the reason */
  onover = () => {};
  /** @type {(error: unknown) => void} called when the room refuses a person whose connection was lost; the preview shows why */
  onrefused = () => {};
  /** @type {(words: string, urgent?: boolean) => void} for people who listen to the page */
  announce = () => {};
  /** @type {import('./room-events.js').Toast} */
  toast = () => {};
  /** Shows a toast, unless another one waits for an answer. @type {import('./room-events.js').ToastWhenFree} */
  toastWhenFree = () => false;
  /** What a notification of the system leads to. @type {(panel: string) => void} */
  onopen = () => {};

  /**
   * @param {{
   *   session: import('../client/session.js').Session,
   *   store: {get: () => AppState, dispatch: (action: AppAction) => void},
   *   devices: import('./devices.js').Devices,
   * }} parts
   */
  constructor({ session, store, devices }) {
    this.#session = session;
    this.#store = store;
    this.#devices = devices;
    this.#talk = new Talk({
      call: () => this.#call,
      meeting: () => this.#meeting,
      devices,
      used: () => this.#dispatch({ type: 'answered', source: 'microphone' }),
    });
    this.#listen();
    this.#loss.ontold = (lost) => {
      const before = this.#meeting?.lost ?? null;
      this.#dispatch({ type: 'link', lost });
      if (lost && !before) this.announce(t(`banner.lost.${lost}`), true);
    };
    this.#loss.onpeer = (participant, lost) => this.#dispatch({ type: 'path', participant, lost });
  }

  get #meeting() {
    return this.#store.get().meeting;
  }

  /**
   * @param {JoinRequest} request
   * @param {boolean} [returns] after a reload, say
   * @throws {import('../client/errors.js').ProtocolError}
   */
  async join(request, returns = false) {
    const media = await this.prepare();
    const reply = await this.#session.joinRoom(request);
    this.#begin(reply, media, returns);
    const { room } = reply;
    settings.recent = { name: room.name, number: room.number, identity: room.identity };
    settings.enter({ ...request, identity: room.identity }, this.#store.get().devices);
  }

  /**
   * Loads what only a meeting needs; join does it too. Everything must be there before the room answers, because
   * events follow right behind.
   */
  prepare() {
    this.#parts ??= import('./inside.js').then((parts) => {
      this.#inside ??= parts.furnish({
        session: this.#session,
        store: this.#store,
        devices: this.#devices,
        call: () => this.#call,
        announce: (words, urgent = false) => this.announce(words, urgent),
        toast: (...words) => this.toast(...words),
        toastWhenFree: (...words) => this.toastWhenFree(...words),
        open: (panel) => this.onopen(panel),
      });
      return parts;
    });
    // After a failure the next caller loads it again.
    this.#parts.catch(() => (this.#parts = null));
    return this.#parts;
  }

  get files() {
    return this.#inside?.files ?? null;
  }

  get notifier() {
    return this.#inside?.notifier ?? null;
  }

  /** @param {JoinReply} reply @param {typeof import('./inside.js')} parts @param {boolean} returns */
  #begin(reply, { comeIn, createCall, slotsFor, tellWaiting }, returns) {
    const inside = /** @type {import('./inside.js').Inside} */ (this.#inside);
    // This comes before any await: an event right behind the reply must find the call.
    const slots = slotsFor(reply, matchMedia('(max-width: 767px)').matches);
    const call = createCall(this.#session, reply, { ...slots, returns });
    this.#call = call;
    this.#store.dispatch({ type: 'meeting', action: { type: 'joined', reply, at: Date.now() } });
    comeIn({ session: this.#session, devices: this.#devices, store: this.#store }, returns);
    tellWaiting({ meeting: () => this.#meeting, toast: (...words) => this.toast(...words), notifier: inside.notifier });
    inside.files.open(/** @type {RTCIceServer[]} */ (reply.ice_servers));
    this.#talk.arrive(this.#store.get().devices.microphone.wanted);
    inside.pictures.setSpeaker(this.#store.get().devices.speaker);
    call.on('slot', (change) => inside.pictures.turn(change));
    call.on('reason', (change) => this.#dispatch({ type: 'slot.reason', ...change }));
    call.on('source', (change) => inside.own.changed(change));
    call.on('connection', (change) => {
      this.#loss.path(change, reply.room.topology);
    });
    call.on('media', (change) => inside.health.change(change));
    call.on('refused', ({ source, error }) => inside.own.refused(source, error));
    call.on('withheld', (change) => inside.own.withheld(change));
    call.on('error', ({ error, during }) => console.warn(`media: ${during}`, error?.code ?? error));
    call.setMuted('microphone', !this.#store.get().devices.microphone.wanted).catch(() => {});
    void inside.clock.read();
    inside.fitting.begin();
    inside.own.begin();
    // A failure is reported by the event `media`. The call tries again where that may help.
    call.start().catch(() => {});
    clearInterval(this.#tickTimer);
    this.#tickTimer = window.setInterval(() => this.#tick(), TICK_MS);
  }

  /** People with a screen reader hear where they are now. This comes after the change of focus, which would cut it off. */
  arrived() {
    const n = Object.keys(this.#meeting?.participants ?? {}).length;
    if (n > 0) this.announce(n === 1 ? t('live.alone') : t('live.in', { n }));
  }

  #tick() {
    this.#inside?.clock.look();
    this.#dispatch({ type: 'tick', at: Date.now() });
  }

  #listen() {
    const session = this.#session;
    session.on('participant.left', ({ participant }) => {
      this.#inside?.pictures.listenTo(participant, null);
      this.#loss.left(participant);
      this.#inside?.health.gone(participant);
    });
    session.on('joined', (reply, { again, same, mediaLost }) => {
      const before = this.#meeting;
      if (!again || !before) return;
      const goesOn = same && !mediaLost;
      // Otherwise the connections of the one before are closed, and new ones are made.
      if (!goesOn) this.#loss.clear();
      this.#dispatch({ type: 'rejoined', reply, same: goesOn });
      if (!goesOn) {
        this.#talk.arrive(this.#store.get().devices.microphone.wanted);
      }
      this.#inside?.cameBack(before, same);
      this.files?.refresh(/** @type {RTCIceServer[]} */ (reply.ice_servers));
      void this.#inside?.clock.read();
    });
    session.on('relays', (servers) => this.files?.refresh(servers));
    session.on('silence', ({ silent }) => this.#meeting && this.#loss.silence(silent));
    session.on('server.draining', () => {
      if (!this.#meeting) return;
      this.#dispatch({ type: 'restarting' });
      this.toast('toast.restarting', {}, 'server');
    });
    session.on('rejoin.failed', (error) => this.#over(NOTICE_BY_REFUSAL[refusalOf(error)] ?? null, error));
    session.on('room.ended', ({ reason }) => this.#over(NOTICE_BY_END[/** @type {import('../client/protocol.d.ts').EndReason} */ (reason)] ?? 'ended'));
    session.on('room.deleted', () => this.#over('deleted'));
    session.on('session.replaced', () => this.#over('replaced'));
    session.on('state', ({ state, code, resumed }) => this.#follow(state, code, resumed));
  }

  /** @param {string} state @param {number | undefined} code @param {boolean | undefined} resumed */
  #follow(state, code, resumed) {
    if (!this.#meeting) return;
    if (state === 'reconnecting') this.#loss.socket();
    // Otherwise the room is joined again, and the event `joined` follows.
    if (state === 'online' && resumed) this.#loss.socketBack();
    if (state === 'closed') this.#over(NOTICE_BY_CLOSE[code ?? 0] ?? 'lost');
  }

  /** Tries again to send what is not sent, and to receive what does not come. */
  retryMedia() {
    this.#inside?.own.retry();
  }

  /** The network may have changed: tries now what waits for its next attempt. */
  wake() {
    this.#session.wake();
    this.#call?.hurry();
    if (this.#meeting) void this.#inside?.clock.read();
  }

  /** @param {boolean} on */
  async setMicrophone(on) {
    settings.turn({ microphone: on });
    const problem = await this.#talk.set(on);
    if (on && problem === null) this.#inside?.own.switchedOn('microphone');
    return problem;
  }

  /** @param {boolean} on */
  async setCamera(on) {
    const meeting = this.#meeting;
    if (on && meeting && !may(meeting, 'camera')) return 'forbidden';
    settings.turn({ camera: on });
    const problem = await this.#devices.setCamera(on);
    if (on && problem === null) this.#inside?.own.switchedOn('camera');
    return problem;
  }

  /** Starts or stops sharing the screen. */
  toggleScreen() {
    return this.#inside?.screen.toggle();
  }

  /** @param {boolean} hand */
  async setHand(hand) {
    // The state follows the event, not this reply: after a lost socket the reply may be older than the events.
    await this.#session.updateParticipant({ hand });
  }

  /**
   * @param {string} text
   * @param {string | null} to one participant, or null for everyone
   * @throws {import('../client/errors.js').ProtocolError}
   */
  async sendChat(text, to) {
    const { message } = await this.#session.sendChat(to === null ? { text } : { text, to });
    this.#dispatch({ type: 'chat.message', message });
  }

  /** What the browser measures, while a call runs. */
  async stats() {
    return (await this.#call?.stats()) ?? null;
  }

  /** @param {readonly import('../state/viewing.js').ViewRequest[]} viewRequests */
  view(viewRequests) {
    this.#inside?.fitting.show(viewRequests);
  }

  /** @param {import('../state/viewing.js').ViewRequest | null} viewRequest */
  viewApart(viewRequest) {
    this.#inside?.fitting.standApart(viewRequest);
  }

  /** @param {import('../state/viewing.js').Choice} choice */
  choosePicture(choice) {
    if (this.#meeting) this.#inside?.fitting.choose(choice);
  }

  /** @param {string | undefined} track @param {boolean} screen */
  whyOf(track, screen) {
    return this.#inside?.fitting.whyOf(track, screen) ?? null;
  }

  /** @param {string} track */
  mediaOf(track) {
    return this.#inside?.pictures.mediaOf(track) ?? null;
  }

  /** The person tapped something. A browser waits for that before it plays sound. */
  async listen() {
    await this.#inside?.pictures.resume();
  }

  /** @param {boolean} forAll */
  async leave(forAll) {
    const request = forAll ? this.#session.endRoom() : this.#session.leaveRoom();
    if (forAll) await request;
    // The person does not wait for the server when they leave: the picture and the sound stop now.
    else request.catch(() => {});
    const meeting = this.#meeting;
    if (meeting) this.#over(forAll ? 'ended' : leftBehind(meeting));
  }

  /** @param {string | null} kind of the notice; null for a refusal that the preview shows @param {unknown} [refusal] */
  #over(kind, refusal) {
    if (!this.#meeting) return;
    this.#loss.clear();
    clearInterval(this.#tickTimer);
    this.#inside?.clear();
    this.#call?.close();
    this.#call = null;
    this.left = settings.rejoin;
    settings.rejoin = null;
    settings.draft = null;
    if (kind === null) return this.onrefused(refusal);
    if (!kind.startsWith('left')) this.announce(t(`notice.${kind}`), true);
    this.onover(kind);
  }

  /** @param {MeetingAction} action */
  #dispatch(action) {
    this.#store.dispatch({ type: 'meeting', action });
  }
}
