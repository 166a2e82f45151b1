/**
 * What the clients that work on packets have in common: signalling by the wire protocol alone, sending `sample.json`, and
 * comparing what comes with it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const PATIENCE_MS = 10_000;
const CHUNK_BYTES = 1100;

export const sample = JSON.parse(readFileSync(new URL('sample.json', import.meta.url), 'utf8'));
const decoded = (texts) => texts.map((text) => Buffer.from(text, 'base64'));
export const pictures = decoded(sample.vp8.frames);
export const sounds = decoded(sample.opus.frames);
const digest = (bytes) => createHash('sha1').update(bytes).digest('base64');
const places = {
  video: new Map(pictures.map((bytes, index) => [digest(bytes), index])),
  audio: new Map(sounds.map((bytes, index) => [digest(bytes), index])),
};

export class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.error = error;
  }
}

/** @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
export function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took too long`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Requests and events over the socket. */
export class Signalling {
  closed = null;
  #waiting = new Map();
  #nextId = 1;
  #socket;

  constructor(onEvent) {
    this.onEvent = onEvent;
  }

  connect(url) {
    this.#socket = new WebSocket(url, 'meeting.v1');
    const hello = new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.on('message', (text) => {
        const frame = JSON.parse(text);
        if (frame.type === 'hello') return resolve(frame.data);
        const settle = this.#waiting.get(frame.re);
        this.#waiting.delete(frame.re);
        if (!settle) return this.onEvent(frame.type, frame.data);
        if (frame.type === 'ok') settle.resolve(frame.data);
        else settle.reject(new Refused(frame.error));
      });
      this.#socket.once('close', (code) => {
        this.closed = code;
        for (const settle of this.#waiting.values()) settle.reject(new Error(`the socket closed with ${code}`));
      });
    });
    return inTime(hello, 'hello');
  }

  request(type, data = {}) {
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ type, id, data }));
    return inTime(answer, type);
  }

  close() {
    this.#socket?.close();
  }
}

/**
 * Sends the sample's packets, in a loop, from a random sequence number on.
 *
 * `send` gets each one as `{ sequence, timestamp, marker, payload }`.
 */
export class Player {
  #timer;
  #next = 0;
  #sequence = Math.floor(Math.random() * 0x8000);
  #timestamp = Math.floor(Math.random() * 0x8000_0000);

  constructor(kind, frames, { everyMs, ticks }, send) {
    this.kind = kind;
    this.send = send;
    this.frames = frames;
    this.ticks = ticks;
    let due = performance.now();
    const play = () => {
      this.#frame();
      due += everyMs;
      this.#timer = setTimeout(play, due - performance.now());
    };
    play();
  }

  /** As an encoder that is asked for a keyframe. */
  restart() {
    this.#next = 0;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #frame() {
    const bytes = this.frames[this.#next];
    this.#next = (this.#next + 1) % this.frames.length;
    this.#timestamp = (this.#timestamp + this.ticks) >>> 0;
    if (this.kind === 'audio') return this.#packet(bytes, false);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      // RFC 7741 §4.2, at its shortest: S in the first packet of the picture, nothing else.
      const descriptor = Buffer.from([at === 0 ? 0x10 : 0x00]);
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      this.#packet(Buffer.concat([descriptor, chunk]), at + CHUNK_BYTES >= bytes.length);
    }
  }

  #packet(payload, marker) {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.send({ sequence: this.#sequence, timestamp: this.#timestamp, marker, payload });
  }
}

/** What one slot receives, and for which remote track. */
export class Watch {
  track = null;
  seen = {};
  #last = null;
  #picture = null;

  constructor(kind) {
    this.kind = kind;
  }

  /** Takes a packet: `{ header: { sequenceNumber, timestamp, marker, payloadType }, payload }`. */
  packet({ header, payload }) {
    const gap = this.#last === null ? 0 : ((header.sequenceNumber - this.#last - 1) & 0xffff);
    const late = gap >= 0x8000;
    if (!late) this.#last = header.sequenceNumber;
    if (this.track === null) return;
    const tally = (this.seen[this.track] ??= {
      kind: this.kind, packets: 0, missing: 0, late: 0, frames: 0, bytes: 0, known: 0, jumps: 0, payload_type: null,
    });
    tally.packets += 1;
    tally.bytes += payload.length;
    tally.payload_type = header.payloadType;
    if (late) tally.late += 1;
    else tally.missing += gap;
    if (this.kind === 'audio') this.#compare(tally, payload);
    else this.#assemble(tally, header, payload);
  }

  #assemble(tally, header, payload) {
    if (this.#picture?.timestamp !== header.timestamp) this.#picture = { timestamp: header.timestamp, parts: [] };
    this.#picture.parts.push(payload.subarray(descriptorLength(payload)));
    if (!header.marker) return;
    this.#compare(tally, Buffer.concat(this.#picture.parts));
    this.#picture = null;
  }

  /** Each frame must be the one after the one before, or the first one again. */
  #compare(tally, bytes) {
    tally.frames += 1;
    const place = places[this.kind].get(digest(bytes));
    if (place === undefined) return;
    tally.known += 1;
    if (tally.place !== undefined && place !== tally.place + 1 && place !== 0) tally.jumps += 1;
    tally.place = place;
  }
}

/** RFC 7741 §4.2. */
function descriptorLength(payload) {
  if (!(payload[0] & 0x80)) return 1;
  const [, extensions] = payload;
  let length = 2;
  if (extensions & 0x80) length += payload[2] & 0x80 ? 2 : 1;
  if (extensions & 0x40) length += 1;
  if (extensions & 0x30) length += 1;
  return length;
}

/** Which source is sent how. */
export const CAMERA = { everyMs: 1000 / sample.vp8.frame_rate, ticks: 90_000 / sample.vp8.frame_rate };
export const MICROPHONE = { everyMs: 20, ticks: 960 };

/** What each client does the same way: its session, its room, and the books about what arrives. */
export class Participant {
  revision = 0;
  watches = new Map();
  tracks = {};
  players = [];
  /** Offers of the server's that came by themselves and were answered. */
  restarts = 0;

  constructor() {
    this.signalling = new Signalling((type, data) => this.event(type, data));
  }

  event(type, data) {
    if (type === 'media.slots') this.slots(data.slots);
    if (type === 'media.track.published') this.tracks[data.track.id] = data.track;
    if (type === 'media.track.unpublished') delete this.tracks[data.track];
    if (type === 'participant.joined') this.note(data.participant);
  }

  note({ tracks }) {
    for (const track of tracks) this.tracks[track.id] = track;
  }

  slots(slots) {
    for (const { mid, kind, track } of slots) {
      if (!this.watches.has(mid)) this.watches.set(mid, new Watch(kind));
      this.watches.get(mid).track = track;
    }
  }

  connect({ url }) {
    return this.signalling.connect(url);
  }

  guest({ name }) {
    return this.signalling.request('auth.guest', { display_name: name });
  }

  request({ type, data }) {
    return this.signalling.request(type, data);
  }

  async join({ identity }) {
    const { self, participants } = await this.signalling.request('room.join', { identity });
    this.tracks = {};
    for (const participant of participants) this.note(participant);
    return { self: self.id, participants: participants.length };
  }

  /** Starts both sources. */
  async start() {
    const tracks = [];
    for (const source of ['microphone', 'camera']) {
      tracks.push((await this.signalling.request('media.source', { source, active: true })).track);
    }
    return tracks;
  }

  /** @param {object} stats the states of the connections */
  reported(stats) {
    const tracks = {};
    for (const { seen } of this.watches.values()) {
      for (const [track, tally] of Object.entries(seen)) {
        const { participant, source } = this.tracks[track] ?? {};
        tracks[track] = { ...tally, participant, source };
      }
    }
    const slots = Object.fromEntries([...this.watches].map(([mid, { track }]) => [mid, track]));
    return { tracks, slots, known: this.tracks, stats, restarts: this.restarts, closed: this.signalling.closed };
  }

  async leave() {
    this.closeUp();
    this.closeDown();
    this.revision = 0;
    return this.signalling.request('room.leave');
  }

  close() {
    this.closeUp();
    this.closeDown();
    this.signalling.close();
  }
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Carries out what is asked line by line, until nothing more comes. @param {Participant} client */
export async function serve(client) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, do: name, ...data } = JSON.parse(line);
    try {
      say({ re: id, ok: (await client[name](data)) ?? null });
    } catch (error) {
      say({ re: id, error: error instanceof Refused ? error.error : { code: 'client', message: `${name}: ${error.stack}` } });
    }
  }
  client.close();
  process.exit(0);
}
