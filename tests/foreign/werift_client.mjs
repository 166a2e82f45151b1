/**
 * A media client on werift that knows nothing of the server but its wire protocol. It takes the commands of
 * `aiortc_client.py`, and with `publish {restart}` restarts ICE. Media stays in packets: it sends `sample.json` and
 * compares what comes with it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, RtpHeader, RtpPacket, useH264, useOPUS, useSdesMid, useVP8,
} from 'werift';
import { WebSocket } from 'ws';

const PATIENCE_MS = 10_000;
const CHUNK_BYTES = 1100;
const SRTP = { 1: 'SRTP_AES128_CM_SHA1_80', 7: 'SRTP_AEAD_AES_128_GCM' };

const sample = JSON.parse(readFileSync(new URL('sample.json', import.meta.url), 'utf8'));
const decoded = (texts) => texts.map((text) => Buffer.from(text, 'base64'));
const pictures = decoded(sample.vp8.frames);
const sounds = decoded(sample.opus.frames);
const digest = (bytes) => createHash('sha1').update(bytes).digest('base64');
const places = {
  video: new Map(pictures.map((bytes, index) => [digest(bytes), index])),
  audio: new Map(sounds.map((bytes, index) => [digest(bytes), index])),
};

class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.error = error;
  }
}

/** @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took too long`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Requests and events over the socket. */
class Signalling {
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

/** Sends the sample's packets on a track, in a loop, from a random sequence number on. */
class Player {
  #timer;
  #next = 0;
  #sequence = Math.floor(Math.random() * 0x8000);
  #timestamp = Math.floor(Math.random() * 0x8000_0000);

  constructor(track, frames, { everyMs, ticks }) {
    this.track = track;
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
    if (this.track.kind === 'audio') return this.#packet(bytes, false);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      // RFC 7741 §4.2, at its shortest: S in the first packet of the picture, nothing else.
      const descriptor = Buffer.from([at === 0 ? 0x10 : 0x00]);
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      this.#packet(Buffer.concat([descriptor, chunk]), at + CHUNK_BYTES >= bytes.length);
    }
  }

  #packet(payload, marker) {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    // The sender fills in payload type and SSRC.
    const header = new RtpHeader({ sequenceNumber: this.#sequence, timestamp: this.#timestamp, marker, payloadType: 96 });
    this.track.writeRtp(new RtpPacket(header, payload));
  }
}

/** What one slot receives, and for which remote track. */
class Watch {
  track = null;
  seen = {};
  #last = null;
  #picture = null;

  constructor(kind) {
    this.kind = kind;
  }

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

class Client {
  revision = 0;
  up = null;
  down = null;
  watches = new Map();
  tracks = {};
  players = [];
  /** Offers of the server's that came by themselves and were answered. */
  restarts = 0;

  constructor() {
    this.signalling = new Signalling((type, data) => this.#event(type, data));
  }

  #event(type, data) {
    if (type === 'media.slots') this.#slots(data.slots);
    if (type === 'media.track.published') this.tracks[data.track.id] = data.track;
    if (type === 'media.track.unpublished') delete this.tracks[data.track];
    if (type === 'participant.joined') this.#note(data.participant);
    if (type === 'media.offer') {
      this.#answer(data, 'sdp').then(() => checkAgain(this.down)).then(
        () => (this.restarts += 1),
        (error) => process.stderr.write(`${error.stack}\n`),
      );
    }
  }

  #note({ tracks }) {
    for (const track of tracks) this.tracks[track.id] = track;
  }

  #slots(slots) {
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
    for (const participant of participants) this.#note(participant);
    return { self: self.id, participants: participants.length };
  }

  static connection(extensions) {
    const mid = extensions ? [useSdesMid()] : [];
    return new RTCPeerConnection({
      iceServers: [],
      iceUseIpv6: false,
      iceInterfaceAddresses: { udp4: '127.0.0.1' },
      iceAdditionalHostAddresses: ['127.0.0.1'],
      bundlePolicy: 'max-bundle',
      codecs: { audio: [useOPUS()], video: [useVP8(), useH264()] },
      headerExtensions: { audio: mid, video: mid },
    });
  }

  async publish({ candidates = 'sdp', extensions = false, again = 'new', restart = false }) {
    if (!this.up || again === 'new') {
      this.#closeUp();
      this.up = Client.connection(extensions);
      for (const kind of ['audio', 'video']) {
        this.up.addTransceiver(new MediaStreamTrack({ kind }), { direction: 'sendonly' });
      }
    }
    const pc = this.up;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: restart }));
    const [audio, video] = pc.getTransceivers();
    const sources = [{ mid: audio.mid, source: 'microphone' }, { mid: video.mid, source: 'camera' }];
    this.revision += 1;
    const sdp = await this.#tellBefore('up', pc, candidates);
    const answer = await this.signalling.request('media.publish', { revision: this.revision, sdp, sources });
    await pc.setRemoteDescription(new RTCSessionDescription(answer.sdp, 'answer'));
    await this.#tellAfter('up', pc, candidates);
    if (restart) await checkAgain(pc);
    const tracks = [];
    for (const source of ['microphone', 'camera']) {
      tracks.push((await this.signalling.request('media.source', { source, active: true })).track);
    }
    await connected(pc);
    if (!this.players.length) {
      const camera = new Player(video.sender.track, pictures, { everyMs: 1000 / sample.vp8.frame_rate, ticks: 90_000 / sample.vp8.frame_rate });
      video.sender.onPictureLossIndication.subscribe(() => camera.restart());
      this.players.push(camera, new Player(audio.sender.track, sounds, { everyMs: 20, ticks: 960 }));
    }
    return { revision: answer.revision, offer: sdp, answer: answer.sdp, tracks, ...transport(pc) };
  }

  async receive({ audio = 4, video = 4, candidates = 'sdp' }) {
    const offer = await this.signalling.request('media.receive', { audio_slots: audio, video_slots: video });
    this.#closeDown();
    this.#slots(offer.slots);
    this.down = Client.connection(false);
    this.down.onRemoteTransceiverAdded.subscribe((transceiver) => {
      transceiver.onTrack.subscribe((track) => {
        track.onReceiveRtp.subscribe((packet) => this.watches.get(transceiver.mid)?.packet(packet));
      });
    });
    const answer = await this.#answer(offer, candidates);
    await connected(this.down);
    return { revision: offer.revision, offer: offer.sdp, answer, slots: offer.slots, ...transport(this.down) };
  }

  async #answer({ revision, sdp: offer }, candidates) {
    const pc = this.down;
    await pc.setRemoteDescription(new RTCSessionDescription(offer, 'offer'));
    await pc.setLocalDescription(await pc.createAnswer());
    const sdp = await this.#tellBefore('down', pc, candidates);
    await this.signalling.request('media.answer', { revision, sdp });
    await this.#tellAfter('down', pc, candidates);
    return sdp;
  }

  async #tellBefore(leg, pc, how) {
    const { sdp } = pc.localDescription;
    if (how === 'sdp') return sdp;
    if (how === 'early') await this.#tell(leg, sdp, 'object');
    return sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, '');
  }

  async #tellAfter(leg, pc, how) {
    if (how === 'object' || how === 'string') await this.#tell(leg, pc.localDescription.sdp, how);
  }

  async #tell(leg, sdp, how) {
    const first = sdp.split(/^m=/m)[1];
    const sdpMid = /^a=mid:(\S+)/m.exec(first)[1];
    for (const [, candidate] of first.matchAll(/^a=(candidate:.*)\r$/gm)) {
      const told = how === 'string' ? candidate : { candidate, sdpMid, sdpMLineIndex: 0 };
      await this.signalling.request('media.candidate', { connection: leg, candidate: told });
    }
    await this.signalling.request('media.candidate', { connection: leg, candidate: null });
  }

  report() {
    const tracks = {};
    for (const { seen } of this.watches.values()) {
      for (const [track, tally] of Object.entries(seen)) {
        const { participant, source } = this.tracks[track] ?? {};
        tracks[track] = { ...tally, participant, source };
      }
    }
    const slots = Object.fromEntries([...this.watches].map(([mid, { track }]) => [mid, track]));
    const stats = {};
    if (this.up) stats.up = { state: this.up.connectionState };
    if (this.down) stats.down = { state: this.down.connectionState };
    return { tracks, slots, known: this.tracks, stats, restarts: this.restarts, closed: this.signalling.closed };
  }

  #closeUp() {
    for (const player of this.players.splice(0)) player.stop();
    this.up?.close();
    this.up = null;
  }

  #closeDown() {
    this.down?.close();
    this.down = null;
    this.watches.clear();
  }

  async leave() {
    this.#closeUp();
    this.#closeDown();
    this.revision = 0;
    return this.signalling.request('room.leave');
  }

  close() {
    this.#closeUp();
    this.#closeDown();
    this.signalling.close();
  }
}

function connected(pc) {
  const state = new Promise((resolve, reject) => {
    const check = () => {
      if (pc.connectionState === 'connected') resolve();
      if (['failed', 'closed'].includes(pc.connectionState)) reject(new Error(`the media connection is ${pc.connectionState}`));
    };
    pc.connectionStateChange.subscribe(check);
    check();
  });
  return inTime(state, 'connecting');
}

/** By itself werift makes no new checks on a connection whose DTLS is up. */
const checkAgain = (pc) => inTime(pc.iceTransports[0].start(), 'restarting ICE');

function transport(pc) {
  const live = pc.dtlsTransports.filter(({ state }) => state === 'connected');
  const profile = live[0]?.dtls?.srtp?.srtpProfile;
  return { srtp: SRTP[profile] ?? profile ?? null, transports: live.length };
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const client = new Client();
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
