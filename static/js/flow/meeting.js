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

import { createCall } from '../client/create_call.js';
import { t } from '../i18n/index.js';
import { hands } from '../state/meeting.js';
import { NOTICE_BY_CLOSE, NOTICE_BY_END, NOTICE_BY_REFUSAL } from './notices.js';
import { ScreenShare } from './screen-share.js';
import { settings } from './settings.js';
import { Sinks } from './sinks.js';
import { Voices } from './voices.js';

/** A loss shorter than this is not worth a banner. */
const BANNER_AFTER_MS = 1500;
const TICK_MS = 1000;
/** From this many people on, coming and going is not read out. */
const ANNOUNCED_BELOW = 20;

/** Room events that go into the state as they come. */
const PLAIN_EVENTS = /** @type {const} */ ([
  'participant.updated',
  'room.updated',
  'media.track.published',
  'media.track.unpublished',
  'media.track.muted',
  'permissions.changed',
]);

export class MeetingFlow {
  #session;
  #store;
  #devices;
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
    tell: (sharing) => this.#dispatch({ type: 'sharing', sharing }),
    toast: (key, icon) => this.toast(key, {}, icon),
  });
  /** @type {string[]} whose hands were up at the last look */
  #handsBefore = [];
  #bannerTimer = 0;
  #tickTimer = 0;

  /** @type {import('./settings.js').Rejoin | null} how to come back into the meeting that was left */
  left = null;
  /** @type {(kind: string) => void} the meeting is over for this person, and why */
  onover = () => {};
  /** @type {(words: string, urgent?: boolean) => void} for people who listen to the page */
  announce = () => {};
  /** @type {(key: string, params?: Record<string, string | number>, icon?: string) => void} */
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
    this.#listen();
    devices.subscribe((which, track) => void this.#send(which, track));
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
    const reply = await this.#session.joinRoom(request);
    this.#begin(reply);
    const { room } = reply;
    settings.recent = { name: room.name, number: room.number, identity: room.identity };
    this.#rememberForReload({ ...request, identity: room.identity });
  }

  /** @param {JoinReply} reply */
  #begin(reply) {
    // Before anything is awaited: an event that comes right behind the reply must find the call.
    const call = createCall(this.#session, reply);
    this.#call = call;
    this.#store.dispatch({ type: 'meeting', action: { type: 'joined', reply, at: Date.now() } });
    this.#sinks.setSpeaker(this.#store.get().devices.speaker);
    call.on('slot', (change) => this.#turn(change));
    call.on('source', (change) => this.#ownSource(change));
    call.on('error', ({ error, during }) => console.warn(`media: ${during}`, error?.code ?? error));
    call.setMuted('microphone', !this.#store.get().devices.microphone.wanted).catch(() => {});
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

  #listen() {
    const session = this.#session;
    for (const type of PLAIN_EVENTS) {
      session.on(type, (data) => this.#dispatch(/** @type {MeetingAction} */ ({ ...data, type })));
    }
    session.on('participant.updated', ({ participant }) => this.#readHand(participant));
    session.on('participant.joined', ({ participant }) => {
      this.#dispatch({ type: 'participant.joined', participant, at: new Date().toISOString() });
      this.#announceFew('live.joined', participant.display_name);
    });
    session.on('participant.left', ({ participant, reason }) => {
      const name = this.#meeting?.participants[participant]?.display_name;
      this.#dispatch({ type: 'participant.left', participant, reason, at: new Date().toISOString() });
      this.#voices.set(participant, null);
      if (name && reason !== 'replaced') this.#announceFew('live.left', name);
    });
    session.on('speaker.active', ({ participants }) =>
      this.#dispatch({ type: 'speaker.active', participants, at: Date.now() }),
    );
    session.on('chat.message', ({ message }) => {
      const { panel, self } = this.#meeting ?? {};
      this.#dispatch({ type: 'chat.message', message });
      if (panel !== 'chat' && message.participant !== self) {
        this.announce(t('live.message', { name: message.display_name, text: message.text }));
      }
    });
    session.on('joined', (reply, { again }) => {
      if (!again || !this.#meeting) return;
      clearTimeout(this.#bannerTimer);
      this.#dispatch({ type: 'rejoined', reply });
    });
    session.on('rejoin.failed', (error) => this.#over(NOTICE_BY_REFUSAL[error?.code] ?? 'lost'));
    session.on('room.ended', ({ reason }) => this.#over(NOTICE_BY_END[/** @type {import('../client/protocol.d.ts').EndReason} */ (reason)] ?? 'ended'));
    session.on('room.deleted', () => this.#over('deleted'));
    session.on('session.replaced', () => this.#over('replaced'));
    session.on('state', ({ state, code }) => this.#follow(state, code));
  }

  /** @param {string} state @param {number | undefined} code */
  #follow(state, code) {
    if (!this.#meeting) return;
    clearTimeout(this.#bannerTimer);
    if (state === 'reconnecting') {
      if (this.#meeting.link === 'reconnecting') return;
      this.#bannerTimer = window.setTimeout(() => {
        this.#dispatch({ type: 'link', link: 'reconnecting' });
        this.announce(t('banner.reconnecting'), true);
      }, BANNER_AFTER_MS);
    }
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
    if (source === 'screen' && !active && reason !== 'own') this.#screen.ended();
    if (source === 'microphone' && reason === 'server') {
      this.#store.dispatch({ type: 'device', which: 'microphone', device: { wanted: !muted } });
      if (muted) {
        this.toast('toast.mutedByHost', {}, 'mic-off');
        this.announce(t('toast.mutedByHost'), true);
      }
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
    const problem = await this.#devices.setMicrophone(on);
    this.#remember({ microphone: on });
    const call = this.#call;
    if (!problem && call) call.setMuted('microphone', !on).catch((error) => console.warn('mute', error));
    return problem;
  }

  /** @param {boolean} on */
  async setCamera(on) {
    this.#remember({ camera: on });
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
   * @throws {import('../client/errors.js').ProtocolError}
   */
  async sendChat(text) {
    const { message } = await this.#session.sendChat({ text });
    this.#dispatch({ type: 'chat.message', message });
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

  /** @param {string} id */
  setSpeaker(id) {
    this.#devices.chooseSpeaker(id);
    this.#sinks.setSpeaker(id);
  }

  /** @param {boolean} forAll */
  async leave(forAll) {
    const request = forAll ? this.#session.endRoom() : this.#session.leaveRoom();
    if (forAll) await request;
    // Leaving is not something to wait for: the picture and the sound stop now.
    else request.catch(() => {});
    this.#over(forAll ? 'ended' : 'left');
  }

  /** @param {string} kind */
  #over(kind) {
    if (!this.#meeting) return;
    clearTimeout(this.#bannerTimer);
    clearInterval(this.#tickTimer);
    this.#screen.stop();
    this.#call?.close();
    this.#call = null;
    this.#sinks.clear();
    this.#voices.clear();
    this.#media.clear();
    this.#slots.clear();
    this.left = settings.rejoin;
    settings.rejoin = null;
    this.onover(kind);
  }

  /** @param {JoinRequest} request */
  #rememberForReload(request) {
    const { microphone, camera } = this.#store.get().devices;
    settings.rejoin = { ...request, microphone: microphone.wanted, camera: camera.wanted };
  }

  /** @param {{microphone?: boolean, camera?: boolean}} change */
  #remember(change) {
    const { rejoin } = settings;
    if (rejoin) settings.rejoin = { ...rejoin, ...change };
  }

  /** @param {import('../state/meeting.js').Participant} participant */
  #readHand(participant) {
    const before = this.#handsBefore;
    const now = this.#meeting ? hands(this.#meeting).map((one) => one.id) : [];
    this.#handsBefore = now;
    if (participant.id === this.#meeting?.self) return;
    if (now.includes(participant.id) && !before.includes(participant.id)) {
      this.announce(t('live.hand', { name: participant.display_name }));
    }
  }

  /** @param {string} key @param {string} name */
  #announceFew(key, name) {
    const count = Object.keys(this.#meeting?.participants ?? {}).length;
    if (count > 0 && count < ANNOUNCED_BELOW) this.announce(t(key, { name }));
  }

  /** @param {MeetingAction} action */
  #dispatch(action) {
    this.#store.dispatch({ type: 'meeting', action });
  }
}
