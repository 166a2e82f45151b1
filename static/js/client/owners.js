/**
 * @typedef {import('./protocol.d.ts').Joined} Joined
 * @typedef {import('./protocol.d.ts').Track} Track
 */

/** Which participant sends which track of the roster, and from what source. */
export class Owners {
  /** By the roster's track id. @type {Map<string, {participant: string, source: string}>} */
  #owners = new Map();

  /** @param {(type: string, handler: (data: any) => void) => void} listen */
  constructor(listen) {
    listen('participant.joined', ({ participant }) => this.#add(participant.id, participant.tracks));
    listen('participant.left', ({ participant }) => this.#remove(participant));
    listen('media.track.published', ({ participant, track }) => this.#add(participant, [track]));
    listen('media.track.unpublished', ({ track }) => this.#owners.delete(track));
  }

  /** Everybody anew. @param {Joined} reply */
  reset({ participants }) {
    this.#owners.clear();
    for (const { id, tracks } of participants) this.#add(id, tracks);
  }

  /** @param {string} track */
  of(track) {
    return this.#owners.get(track) ?? null;
  }

  /** @param {string} participant @param {Track[]} tracks */
  #add(participant, tracks) {
    for (const { id, source } of tracks) this.#owners.set(id, { participant, source });
  }

  /** @param {string} participant */
  #remove(participant) {
    for (const [track, owner] of this.#owners) if (owner.participant === participant) this.#owners.delete(track);
  }
}
