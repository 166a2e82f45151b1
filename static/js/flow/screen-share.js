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
  #tell;
  #toast;

  /**
   * @param {{
   *   call: () => Call | null, tell: (sharing: boolean) => void, toast: (key: string, icon: string) => void,
   * }} io
   */
  constructor({ call, tell, toast }) {
    this.#call = call;
    this.#tell = tell;
    this.#toast = toast;
  }

  async toggle() {
    if (this.#tracks.length > 0) return this.stop();
    const picked = await pickScreen();
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
      if (picked.audio) await call.setSource('screen_audio', picked.audio);
    } catch (error) {
      this.stop();
      const { code } = /** @type {{code?: string}} */ (error);
      this.#toast(code === 'perm.denied' ? 'toast.shareForbidden' : 'toast.shareFailed', 'warning');
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

  /** The browser's own bar ended it, or a host did by the server. @param {'ended' | 'server'} by */
  ended(by) {
    if (this.#tracks.length === 0) return;
    this.stop();
    this.#toast(by === 'server' ? 'toast.shareStopped' : 'toast.shareEnded', 'screen-off');
  }
}
