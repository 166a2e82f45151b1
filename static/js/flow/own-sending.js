/**
 * Sends one's own microphone and camera to the others. Notices when the server switches them off or refuses them; tries again.
 *
 * @typedef {import('../client/protocol.d.ts').Source} Source
 * @typedef {import('./meeting.js').Call} Call
 * @typedef {'microphone' | 'camera'} Which
 */

import { ProtocolError } from '../client/errors.js';
import { t } from '../i18n/index.js';
import { unsent } from '../state/own-media.js';
import { refusalOf } from './refusal.js';
import { settings } from './settings.js';

/** An error that is not a refusal by the server comes from the browser. @param {unknown} error */
const reasonOf = (error) => (error instanceof ProtocolError ? refusalOf(error) : 'browser');

const BOTH = /** @type {const} */ (['microphone', 'camera']);

export class OwnSending {
  #io;

  /**
   * @param {{
   *   call: () => Call | null,
   *   meeting: () => import('../state/meeting.js').Meeting | null,
   *   devices: import('./devices.js').Devices,
   *   screen: import('./screen-share.js').ScreenShare,
   *   listenTo: (participant: string, track: MediaStreamTrack | null) => void,
   *   dispatch: (action: import('../state/app.js').AppAction) => void,
   *   announce: (words: string, urgent: boolean) => void,
   * }} io  listenTo: for rooms in which no server tells who speaks
   */
  constructor(io) {
    this.#io = io;
    io.devices.subscribe((which, track) => this.#send(which, track));
  }

  /** Sends the tracks that there are. */
  begin() {
    for (const which of BOTH) this.#send(which, this.#io.devices.track(which));
  }

  /** @param {Which} which @param {MediaStreamTrack | null} track */
  #send(which, track) {
    const { call, meeting, listenTo } = this.#io;
    const running = call();
    if (!running) return;
    const now = meeting();
    if (which === 'microphone' && now?.room.topology === 'p2p') listenTo(now.self, track);
    this.#tell(which, null);
    // The call reports a refusal. It also tries again where that may help later.
    running.setSource(which, track).catch(() => {});
  }

  /** @param {{source: Source, active: boolean, muted: boolean, reason: 'own' | 'ended' | 'server'}} change */
  changed({ source, active, muted, reason }) {
    const { screen, devices, dispatch, call } = this.#io;
    if (source === 'screen' && !active && reason !== 'own') screen.ended(reason);
    // When a whole share is stopped, its picture ends first. Then nothing more is said about its sound.
    if (source === 'screen_audio' && !active && reason === 'server') screen.silenced();
    if (reason !== 'server') return;
    // What a host switched off stays off after a reload.
    if (source === 'microphone') {
      settings.turn({ microphone: !muted });
      dispatch({ type: 'device', which: 'microphone', device: { wanted: !muted } });
    } else if (source === 'camera' && !active) {
      // The person lost the right to a camera.
      settings.turn({ camera: false });
      void devices.setCamera(false);
    } else if (source === 'camera' && muted) {
      settings.turn({ camera: false });
      // The camera is released. It is unmuted when the person turns it on again.
      void devices.setCamera(false).then(() => call()?.setMuted('camera', false));
    }
  }

  /**
   * The server does not accept a source. The page shows it as off, with the reason.
   * @param {Source} source
   * @param {unknown} error
   */
  refused(source, error) {
    // Screen sharing has its own messages, in the code that starts it.
    if (source !== 'microphone' && source !== 'camera') return;
    this.#tell(source, reasonOf(error));
    this.#io.announce(t(`trouble.${source}`), true);
  }

  /**
   * One of the others cannot get a source, or can get it again.
   * @param {{participant: string, source: Source, error: unknown}} change
   */
  withheld({ participant, source, error }) {
    const { meeting, dispatch, announce } = this.#io;
    const code = error === null ? null : reasonOf(error);
    dispatch({ type: 'meeting', action: { type: 'withheld', participant, source, code } });
    const name = meeting()?.participants[participant]?.display_name;
    if (code !== null && name) announce(t('trouble.withheld', { name, sources: t(`source.${source}`) }), true);
  }

  /** Tries failed connections and refused sources again. */
  retry() {
    const { call, meeting, devices } = this.#io;
    call()?.retry();
    const refused = meeting()?.unsent;
    for (const which of BOTH) if (refused && refused[which] !== null) this.#send(which, devices.track(which));
  }

  /** A person who switches on a source that is not sent asks for another try. @param {Which} which */
  switchedOn(which) {
    if (unsent(this.#io.meeting(), which) !== null) this.retry();
  }

  /** @param {Which} source @param {string | null} code */
  #tell(source, code) {
    this.#io.dispatch({ type: 'meeting', action: { type: 'unsent', source, code } });
  }
}
