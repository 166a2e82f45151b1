/**
 * One meeting from the join to the leaving: joins the room, runs the call, turns frames into actions.
 *
 * @typedef {import('../client/protocol.d.ts').Joined} JoinReply
 * @typedef {import('../client/protocol.d.ts').Source} Source
 * @typedef {import('../client/call.js').Call | import('../client/peer_call.js').PeerCall} Call
 * @typedef {import('../state/app.js').AppAction} AppAction
 * @typedef {import('../state/app.js').AppState} AppState
 * @typedef {import('../state/meeting.js').MeetingAction} MeetingAction
 * @typedef {{identity: string, password?: string, invite?: string, display_name: string}} JoinRequest
 */

import { t } from '../i18n/index.js';
import { may } from '../state/people.js';
import { Loss } from './loss.js';
import { NOTICE_BY_CLOSE, NOTICE_BY_END, NOTICE_BY_REFUSAL } from './notices.js';
import { codeOf } from './refusal.js';
import { ScreenShare } from './screen-share.js';
import { settings } from './settings.js';
import { Sinks } from './sinks.js';
import { Talk } from './talk.js';
import { Voices } from './voices.js';

const TICK_MS = 1000;

export class MeetingFlow {
  #session;
  #store;
  #devices;
  #talk;
  #voices = new Voices();
  #sinks = new Sinks();
  /** @type {Call | null} */
  #call = null;
  /** @type {Map<string, MediaStreamTrack>} what the slots carry, by track id */
  #media = new Map();
  /** @type {Map<string, string>} slot → track id */
  #slots = new Map();
  #screen = new ScreenShare({
    call: () => this.#call,
    maySound: () => this.#meeting !== null && may(this.#meeting, 'unmute'),
    tell: (sharing) => this.#dispatch({ type: 'sharing', sharing }),
    toast: (key, icon) => this.toast(key, {}, icon),
  });
  #loss = new Loss();
  #tickTimer = 0;

  /** @type {Promise<typeof import('./media.js')> | null} */
  #parts = null;
  /** @type {import('./files.js').Files | null} once a meeting was prepared */
  files = null;

  /** @type {import('./settings.js').Rejoin | null} how to come back into the meeting that was left */
  left = null;
  /** @type {(kind: string) => void} the meeting is over for this person, and why */
  onover = () => {};
  /** @type {(error: unknown) => void} the room did not take a lost one back, and the way in tells why */
  onrefused = () => {};
  /** @type {(words: string, urgent?: boolean) => void} for people who listen to the page */
  announce = () => {};
  /** @type {import('./room-events.js').Toast} */
  toast = () => {};

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
    devices.subscribe((which, track) => void this.#send(which, track));
    this.#loss.ontold = (lost) => {
      this.#dispatch({ type: 'link', link: lost ? 'reconnecting' : 'online' });
      if (lost) this.announce(t('banner.reconnecting'), true);
    };
    this.#loss.onpeer = (participant, lost) => this.#dispatch({ type: 'path', participant, lost });
    devices.onspeaker = (id) => this.#sinks.setSpeaker(id);
    this.#sinks.onblocked = (deaf) => this.#dispatch({ type: 'deaf', deaf });
    this.#voices.onlevels = (_levels, speaking) => {
      const before = this.#meeting?.speakers ?? [];
      if (speaking.join() !== before.join())
        this.#dispatch({ type: 'speaker.active', participants: speaking, at: Date.now() });
    };
  }

  get #meeting() {
    return this.#store.get().meeting;
  }

  /**
   * @param {JoinRequest} request
   * @throws {import('../client/errors.js').ProtocolError}
   */
  async join(request) {
    const media = await this.prepare();
    const reply = await this.#session.joinRoom(request);
    this.#begin(reply, media);
    const { room } = reply;
    settings.recent = { name: room.name, number: room.number, identity: room.identity };
    settings.enter({ ...request, identity: room.identity }, this.#store.get().devices);
  }

  /**
   * Loads what only a meeting needs; join does it too. Everything must be there before the room answers, because
   * events follow right behind.
   */
  prepare() {
    this.#parts ??= import('./media.js').then((media) => {
      const io = {
        session: this.#session,
        meeting: () => this.#meeting,
        dispatch: (/** @type {MeetingAction} */ action) => this.#dispatch(action),
        announce: (/** @type {string} */ words, urgent = false) => this.announce(words, urgent),
        toast: (/** @type {Parameters<import('./room-events.js').Toast>} */ ...words) => this.toast(...words),
      };
      this.files = new media.Files(io);
      media.listenToRoom(io);
      return media;
    });
    // One that failed is tried again at the next need.
    this.#parts.catch(() => (this.#parts = null));
    return this.#parts;
  }

  /** @param {JoinReply} reply @param {typeof import('./media.js')} media */
  #begin(reply, { createCall, slotsFor }) {
    // Before anything is awaited: an event that comes right behind the reply must find the call.
    const call = createCall(this.#session, reply, slotsFor(reply, matchMedia('(max-width: 767px)').matches));
    this.#call = call;
    this.#store.dispatch({ type: 'meeting', action: { type: 'joined', reply, at: Date.now() } });
    this.files?.open(/** @type {RTCIceServer[]} */ (reply.ice_servers));
    this.#talk.arrive(this.#store.get().devices.microphone.wanted);
    this.#sinks.setSpeaker(this.#store.get().devices.speaker);
    call.on('slot', (change) => this.#turn(change));
    call.on('reason', ({ mid, reason }) => this.#dispatch({ type: 'slot.reason', mid, reason }));
    call.on('source', (change) => this.#ownSource(change));
    call.on('connection', (change) => this.#loss.path(change, reply.room.topology));
    call.on('error', ({ error, during }) => console.warn(`media: ${during}`, error?.code ?? error));
    call.setMuted('microphone', !this.#store.get().devices.microphone.wanted).catch(() => {});
    void this.#readClock();
    void this.#send('microphone', this.#devices.track('microphone'));
    void this.#send('camera', this.#devices.track('camera'));
    call.start().catch((error) => {
      if (this.#call !== call) return;
      console.warn('media did not start', error?.code ?? error);
      this.toast('toast.mediaFailed', {}, 'warning');
    });
    clearInterval(this.#tickTimer);
    this.#tickTimer = window.setInterval(() => this.#dispatch({ type: 'tick', at: Date.now() }), TICK_MS);
  }

  /** Timers count by the server's clock. */
  async #readClock() {
    const sent = Date.now();
    const answer = await this.#session.ping().catch(() => null);
    if (answer) this.#dispatch({ type: 'skew', skew: Date.parse(answer.time) - (sent + Date.now()) / 2 });
  }

  #listen() {
    const session = this.#session;
    session.on('participant.left', ({ participant }) => {
      this.#voices.set(participant, null);
      this.#loss.left(participant);
    });
    session.on('joined', (reply, { again }) => {
      if (!again || !this.#meeting) return;
      // The connections of the one before are closed, and new ones are made.
      this.#loss.clear();
      this.#dispatch({ type: 'rejoined', reply });
    });
    session.on('rejoin.failed', (error) => this.#over(NOTICE_BY_REFUSAL[codeOf(error)] ?? null, error));
    session.on('room.ended', ({ reason }) => this.#over(NOTICE_BY_END[/** @type {import('../client/protocol.d.ts').EndReason} */ (reason)] ?? 'ended'));
    session.on('room.deleted', () => this.#over('deleted'));
    session.on('session.replaced', () => this.#over('replaced'));
    session.on('state', ({ state, code }) => this.#follow(state, code));
  }

  /** @param {string} state @param {number | undefined} code */
  #follow(state, code) {
    if (!this.#meeting) return;
    // Once it is online again the room is joined again, which is told as `joined`.
    if (state === 'reconnecting') this.#loss.socket();
    if (state === 'closed') this.#over(NOTICE_BY_CLOSE[code ?? 0] ?? 'lost');
  }

  /** @param {import('../client/call_base.js').SlotChange} change */
  #turn({ mid, kind, track, mediaTrack, participant }) {
    // In p2p rooms every connection counts its slots from zero.
    const slot = participant === null ? mid : `${participant}/${mid}`;
    const before = this.#slots.get(slot);
    if (before !== undefined) this.#media.delete(before);
    if (track !== null && mediaTrack) {
      this.#slots.set(slot, track);
      this.#media.set(track, mediaTrack);
    } else {
      this.#slots.delete(slot);
    }
    if (kind === 'audio') {
      this.#sinks.set(slot, mediaTrack);
      // Nobody in the middle tells who speaks: listen ourselves.
      if (participant !== null) this.#voices.set(participant, mediaTrack);
    }
    this.#dispatch({ type: 'slot', mid: slot, track: mediaTrack ? track : null });
  }

  /** @param {{source: Source, active: boolean, muted: boolean, reason: 'own' | 'ended' | 'server'}} change */
  #ownSource({ source, active, muted, reason }) {
    if (source === 'screen' && !active && reason !== 'own') this.#screen.ended(reason);
    // A share that is stopped whole loses its picture first, and says no more of its sound.
    if (source === 'screen_audio' && !active && reason === 'server') this.#screen.silenced();
    if (reason !== 'server') return;
    // What a host switched off stays off over a reload.
    if (source === 'microphone') {
      settings.turn({ microphone: !muted });
      this.#store.dispatch({ type: 'device', which: 'microphone', device: { wanted: !muted } });
    } else if (source === 'camera' && muted && active) {
      settings.turn({ camera: false });
      // The camera is let go, and comes back unmuted when the person turns it on again.
      void this.#devices.setCamera(false).then(() => this.#call?.setMuted('camera', false));
    }
  }

  /**
   * @param {'microphone' | 'camera'} which
   * @param {MediaStreamTrack | null} track
   */
  async #send(which, track) {
    const call = this.#call;
    if (!call) return;
    const { meeting } = this.#store.get();
    if (which === 'microphone' && meeting?.room.topology === 'p2p') this.#voices.set(meeting.self, track);
    try {
      await call.setSource(which, track);
    } catch (error) {
      if (this.#call === call) console.warn(`${which} was not sent`, error);
    }
  }

  /** @param {boolean} on */
  async setMicrophone(on) {
    settings.turn({ microphone: on });
    return this.#talk.set(on);
  }

  /** @param {boolean} on */
  async setCamera(on) {
    settings.turn({ camera: on });
    return this.#devices.setCamera(on);
  }

  /** Starts or stops sharing the screen. */
  toggleScreen() {
    return this.#screen.toggle();
  }

  /** @param {boolean} hand */
  async setHand(hand) {
    const { participant } = await this.#session.updateParticipant({ hand });
    this.#dispatch({ type: 'participant.updated', participant });
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

  /** @param {import('../client/protocol.d.ts').Tile[]} tiles */
  view(tiles) {
    this.#call?.view(tiles);
  }

  /** @param {string} track */
  mediaOf(track) {
    return this.#media.get(track) ?? null;
  }

  /** Something was tapped, which is what a browser waits for before it plays sound. */
  async listen() {
    await this.#sinks.resume();
  }

  /** @param {boolean} forAll */
  async leave(forAll) {
    const request = forAll ? this.#session.endRoom() : this.#session.leaveRoom();
    if (forAll) await request;
    // Leaving is not something to wait for: the picture and the sound stop now.
    else request.catch(() => {});
    this.#over(forAll ? 'ended' : 'left');
  }

  /** @param {string | null} kind of the notice; null for a refusal that the way in tells @param {unknown} [refusal] */
  #over(kind, refusal) {
    if (!this.#meeting) return;
    this.#loss.clear();
    clearInterval(this.#tickTimer);
    this.#screen.stop();
    this.files?.close();
    this.#call?.close();
    this.#call = null;
    this.#sinks.clear();
    this.#voices.clear();
    this.#media.clear();
    this.#slots.clear();
    this.left = settings.rejoin;
    settings.rejoin = null;
    if (kind === null) return this.onrefused(refusal);
    if (kind !== 'left') this.announce(t(`notice.${kind}`), true);
    this.onover(kind);
  }

  /** @param {MeetingAction} action */
  #dispatch(action) {
    this.#store.dispatch({ type: 'meeting', action });
  }
}
