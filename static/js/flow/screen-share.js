/**
 * Sharing one's own screen: picks it, sends it, and notices when it ends elsewhere.
 *
 * @typedef {import('./meeting.js').Call} Call
 */

import { pickScreen } from './capture.js';

export class ScreenShare {
  /** @type {MediaStreamTrack[]} */
  #tracks = [];
  #call;
  #maySound;
  #mayLeave;
  #tell;
  #toast;

  /**
   * @param {{
   *   call: () => Call | null, maySound: () => boolean, mayLeave?: () => boolean, tell: (sharing: boolean) => void,
   *   toast: (key: string, icon: string) => void,
   * }} io  mayLeave: whether anything that is sent leaves at all
   */
  constructor({ call, maySound, mayLeave = () => true, tell, toast }) {
    this.#call = call;
    this.#mayLeave = mayLeave;
    this.#maySound = maySound;
    this.#tell = tell;
    this.#toast = toast;
  }

  async toggle() {
    if (this.#tracks.length > 0) return this.stop();
    // Nobody shall choose a screen that nobody would see; why stands above the stage.
    if (!this.#mayLeave()) return this.#toast('toast.shareFailed', 'warning');
    const picked = await pickScreen({ sound: this.#maySound() });
    if (typeof picked === 'string') {
      // "denied" is also what a person who closes the browser's own dialog gives; that needs no words.
      if (picked !== 'denied') this.#toast('toast.shareFailed', 'warning');
      return;
    }
    const call = this.#call();
    this.#tracks = [picked.video, ...(picked.audio ? [picked.audio] : [])];
    // The meeting may have ended while the person chose.
    if (!call) return this.stop();
    this.#tell(true);
    try {
      await call.setSource('screen', picked.video);
      if (picked.audio) await this.#sendSound(call, picked.audio);
    } catch (error) {
      this.stop();
      const { code } = /** @type {{code?: string}} */ (error);
      this.#toast(code === 'perm.denied' ? 'toast.shareForbidden' : 'toast.shareFailed', 'warning');
    }
  }

  /**
   * Where only the picture may be shared it is shared alone.
   * @param {Call} call
   * @param {MediaStreamTrack} audio
   */
  async #sendSound(call, audio) {
    try {
      await call.setSource('screen_audio', audio);
    } catch (error) {
      if (/** @type {{code?: string}} */ (error).code !== 'perm.denied') throw error;
      this.silenced();
    }
  }

  stop() {
    const tracks = this.#tracks;
    if (tracks.length === 0) return;
    this.#tracks = [];
    const call = this.#call();
    call?.setSource('screen', null).catch(() => {});
    call?.setSource('screen_audio', null).catch(() => {});
    for (const track of tracks) track.stop();
    this.#tell(false);
  }

  /** The sound may not be shared, or not any more; the picture goes on. */
  silenced() {
    const sounds = this.#tracks.filter(({ kind }) => kind === 'audio');
    if (sounds.length === 0) return;
    this.#tracks = this.#tracks.filter(({ kind }) => kind !== 'audio');
    for (const sound of sounds) sound.stop();
    this.#toast('toast.shareSilent', 'mic-off');
  }

  /** The browser's own bar ended it, or a host did by the server. @param {'ended' | 'server'} by */
  ended(by) {
    if (this.#tracks.length === 0) return;
    this.stop();
    this.#toast(by === 'server' ? 'toast.shareStopped' : 'toast.shareEnded', 'screen-off');
  }
}
