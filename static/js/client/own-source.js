import { meansLater } from './errors.js';

/**
 * @typedef {import('./protocol.d.ts').Source} Source
 * @typedef {import('./protocol.d.ts').Track} Track
 *
 * @typedef {object} SourceIo what a source needs of its call
 * @property {(type: string, data: object) => Promise<any>} request
 * @property {() => Promise<void>} ready resolves once the server can take `media.source`
 * @property {(source: Source, media: MediaStreamTrack|null, track: Track|null) => Promise<void>} send
 *   puts the media on the wire, or takes it off with null
 * @property {(change: {source: Source, active: boolean, muted: boolean, reason: 'own'|'ended'|'server'}) => void} changed
 * @property {(error: unknown) => void} refused the server does not take the source; it is off again
 * @property {(error: unknown, during: string) => void} failed
 * @property {import('./timers.js').Timers} timers
 */

/** In the order of the m-lines of the SFU's up connection. @type {Source[]} */
export const SOURCES = ['microphone', 'camera', 'screen', 'screen_audio'];

/** @param {Source} source @returns {'audio'|'video'} */
export const kindOf = (source) => (source === 'microphone' || source === 'screen_audio' ? 'audio' : 'video');

/** Before a change is told again that the server could not take just now. */
const AGAIN_MS = 5_000;

/** Which field of `participant.update` mutes a source; only these two can be muted. */
const MUTE_FIELD = /** @type {Record<string, string>} */ ({ microphone: 'audio', camera: 'video' });

/**
 * One own source, microphone or camera or screen: what the caller wants of it, and what the server has been told.
 *
 * Changes go to the server one after the other, each time towards the newest choice, so that a person who clicks fast
 * ends where the last click points.
 */
export class OwnSource {
  #name;
  #io;
  /** @type {MediaStreamTrack|null} what the person chose */
  #media = null;
  #muted = false;
  /** @type {Track|null} what the server knows; null when it knows the source to be off */
  #track = null;
  #announcedMuted = false;
  /** @type {MediaStreamTrack|null} what is on the wire */
  #sent = null;
  /** @type {Promise<void>} */
  #work = Promise.resolve();
  #waiting = 0;
  /** @type {any} */
  #againTimer = null;
  #closed = false;
  #onEnded = () => this.#ended();

  /** @param {Source} name @param {SourceIo} io */
  constructor(name, io) {
    this.#name = name;
    this.#io = io;
  }

  get media() {
    return this.#media;
  }

  get track() {
    return this.#track;
  }

  /**
   * @param {MediaStreamTrack|null} media
   * @param {'own'|'ended'|'server'} [reason]
   */
  set(media, reason = 'own') {
    if (this.#media !== media) {
      this.#media?.removeEventListener('ended', this.#onEnded);
      this.#media = media;
      media?.addEventListener('ended', this.#onEnded);
      // At once, before any message: what is muted must never be heard.
      if (media && this.#name in MUTE_FIELD) media.enabled = !this.#muted;
      this.#changed(reason);
    }
    return this.#enqueue();
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    if (!(this.#name in MUTE_FIELD)) throw new TypeError(`A ${this.#name} is switched off, not muted.`);
    if (this.#muted !== muted) {
      this.#muted = muted;
      if (this.#media) this.#media.enabled = !muted;
      this.#changed('own');
    }
    return this.#enqueue();
  }

  /**
   * The server muted or unmuted the track. What it says while own changes are on their way is their echo.
   *
   * @param {boolean} muted
   */
  mutedByServer(muted) {
    this.#announcedMuted = muted;
    if (this.#waiting > 0 || this.#muted === muted) return;
    this.#muted = muted;
    if (this.#media) this.#media.enabled = !muted;
    this.#changed('server');
  }

  /** The server stopped the source, as a host may; there is nothing left to tell it. */
  stoppedByServer() {
    this.#track = null;
    this.#sent = null;
    const failed = (/** @type {unknown} */ error) => this.#io.failed(error, `media.source ${this.#name}`);
    this.#io.send(this.#name, null, null).catch(failed);
    this.set(null, 'server').catch(failed);
  }

  /** A new participant starts: the server knows nothing of this source yet. */
  restart() {
    this.#track = null;
    this.#sent = null;
    return this.#enqueue();
  }

  /** Tells the server what it does not know yet. */
  retry() {
    return this.#enqueue();
  }

  close() {
    this.#closed = true;
    this.#io.timers.clearTimeout(this.#againTimer);
    this.#media?.removeEventListener('ended', this.#onEnded);
    this.#media = null;
  }

  #enqueue() {
    this.#waiting += 1;
    this.#io.timers.clearTimeout(this.#againTimer);
    const work = this.#work.then(() => this.#reconcile()).finally(() => {
      this.#waiting -= 1;
    });
    this.#work = work.catch((error) => this.#again(error));
    return work;
  }

  /** Nothing came back, or the server was in trouble: the choice stands. A lost socket tells it anew by itself. @param {unknown} error */
  #again(error) {
    if (this.#closed || !meansLater(error) || /** @type {any} */ (error).code === 'client.closed') return;
    const failed = (/** @type {unknown} */ again) => this.#io.failed(again, `media.source ${this.#name}`);
    this.#againTimer = this.#io.timers.setTimeout(() => this.#enqueue().catch(failed), AGAIN_MS);
  }

  async #reconcile() {
    if (this.#media === null && this.#track === null) return;
    await this.#io.ready();
    const media = this.#media;
    if (media === null) await this.#switchOff();
    else await this.#switchOn(media);
    if (this.#track && this.#muted !== this.#announcedMuted) {
      const muted = this.#muted;
      await this.#io.request('participant.update', { [MUTE_FIELD[this.#name]]: !muted });
      this.#announcedMuted = muted;
    }
  }

  async #switchOff() {
    this.#sent = null;
    await this.#io.send(this.#name, null, this.#track);
    if (!this.#track) return;
    this.#track = null;
    await this.#io.request('media.source', { source: this.#name, active: false });
  }

  /** @param {MediaStreamTrack} media */
  async #switchOn(media) {
    if (!this.#track) {
      const muted = this.#muted;
      let reply;
      try {
        reply = await this.#io.request('media.source', { source: this.#name, active: true, muted });
        this.#track = reply.track;
      } catch (error) {
        this.#giveUp(media, error);
        throw error;
      }
      this.#begunBy(reply.track, muted);
    }
    // Announced first: the server then knows whose packets these are when they come.
    const newest = this.#media;
    if (this.#sent === newest) return;
    try {
      await this.#io.send(this.#name, newest, this.#track);
    } catch (error) {
      // The others must not see something on that they never get.
      this.#giveUp(newest, error);
      throw error;
    }
    this.#sent = newest;
  }

  /**
   * Refused, a screen where only hosts may share: the choice ends here. What may come later keeps it.
   *
   * @param {MediaStreamTrack|null} media
   * @param {unknown} error
   */
  #giveUp(media, error) {
    if (media === null || this.#media !== media || meansLater(error)) return;
    this.set(null).catch(() => {});
    this.#io.refused(error);
  }

  /**
   * A room may have newcomers begin muted, whatever they ask for: what the server answers is what the others get.
   *
   * @param {Track | null} track
   * @param {boolean} asked
   */
  #begunBy(track, asked) {
    this.#announcedMuted = asked;
    if (track?.muted && !asked && this.#name in MUTE_FIELD) {
      this.#announcedMuted = true;
      if (this.#muted) return;
      this.#muted = true;
      if (this.#media) this.#media.enabled = false;
      this.#changed('server');
    }
  }

  /** The person stopped sharing in the browser's own bar, or the device was pulled. */
  #ended() {
    this.set(null, 'ended').catch((error) => this.#io.failed(error, `media.source ${this.#name}`));
  }

  /** @param {'own'|'ended'|'server'} reason */
  #changed(reason) {
    this.#io.changed({ source: this.#name, active: this.#media !== null, muted: this.#muted, reason });
  }
}
