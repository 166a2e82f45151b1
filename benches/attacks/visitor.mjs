/**
 * A quiet visitor: somebody speaks, somebody hears it, a `ping` is sent now and then, and newcomers from the same address
 * open the page one after the other.
 */
import { connect } from 'node:net';
import {
  MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, RtpHeader, RtpPacket, useH264, useOPUS, useVP8,
} from '../../tests/node_modules/werift/lib/index.mjs';
import { Wire } from './wire.mjs';

const PING_EVERY_MS = 40;
const SOUND_EVERY_MS = 20;
const NEWCOMER_EVERY_MS = 100;
/** A newcomer who has no answer by then counts as one who never got one. */
const NEWCOMER_PATIENCE_MS = 10_000;

export class Visitor {
  #server;
  #speaker = new Wire();
  #listener = new Wire();
  #connections = [];
  #timers = [];
  #pings = [];
  #entries = [];
  /** Since when each newcomer waits who has no answer yet. */
  #waiting = new Set();
  #lastSound = 0;
  #gap = 0;
  #measures = false;

  /** @param {{origin: string, socket: string}} server */
  constructor(server) {
    this.#server = server;
  }

  /** Makes a room with two people in it, of whom one speaks and the other hears it. */
  async enter() {
    await this.#speaker.connect(this.#server.socket);
    await this.#speaker.request('auth.register', { username: `quiet-${process.pid}-${Date.now()}`, password: `pass-${crypto.randomUUID()}` });
    const { room } = await this.#speaker.request('room.create', { name: 'Quiet room' });
    await this.#speaker.request('room.join', { identity: room.identity });
    await this.#listener.connect(this.#server.socket);
    await this.#listener.request('auth.guest', { display_name: 'Listener' });
    await this.#listener.request('room.join', { identity: room.identity });
    await this.#speak();
    await this.#hear();
  }

  async #speak() {
    const pc = this.#connection();
    const track = new MediaStreamTrack({ kind: 'audio' });
    const { mid } = pc.addTransceiver(track, { direction: 'sendonly' });
    await pc.setLocalDescription(await pc.createOffer());
    const sources = [{ mid: pc.getTransceivers()[0].mid ?? mid, source: 'microphone' }];
    const { sdp } = await this.#speaker.request('media.publish', { revision: 1, sdp: pc.localDescription.sdp, sources });
    await pc.setRemoteDescription(new RTCSessionDescription(sdp, 'answer'));
    await this.#speaker.request('media.source', { source: 'microphone', active: true });
    await connected(pc);
    let number = 1;
    let due = performance.now();
    const payload = Buffer.alloc(60, 7);
    const say = () => {
      number = (number + 1) & 0xffff;
      track.writeRtp(new RtpPacket(new RtpHeader({ sequenceNumber: number, timestamp: (number * 960) >>> 0, payloadType: 96 }), payload));
      due += SOUND_EVERY_MS;
      this.#timers[0] = setTimeout(say, Math.max(0, due - performance.now()));
    };
    say();
  }

  async #hear() {
    const offer = await this.#listener.request('media.receive', { audio_slots: 1, video_slots: 1 });
    const pc = this.#connection();
    const first = new Promise((resolve) => {
      pc.onRemoteTransceiverAdded.subscribe((transceiver) => {
        transceiver.onTrack.subscribe((track) => {
          track.onReceiveRtp.subscribe(() => {
            this.#sound();
            resolve();
          });
        });
      });
    });
    await pc.setRemoteDescription(new RTCSessionDescription(offer.sdp, 'offer'));
    await pc.setLocalDescription(await pc.createAnswer());
    await this.#listener.request('media.answer', { revision: offer.revision, sdp: pc.localDescription.sdp });
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('no sound came')), 20_000).unref());
    await Promise.race([first, late]);
  }

  #sound() {
    const now = performance.now();
    if (this.#measures) this.#gap = Math.max(this.#gap, now - this.#lastSound);
    this.#lastSound = now;
  }

  #connection() {
    const pc = new RTCPeerConnection({
      iceServers: [],
      iceUseIpv6: false,
      iceInterfaceAddresses: { udp4: '127.0.0.1' },
      iceAdditionalHostAddresses: ['127.0.0.1'],
      bundlePolicy: 'max-bundle',
      codecs: { audio: [useOPUS()], video: [useVP8(), useH264()] },
    });
    this.#connections.push(pc);
    return pc;
  }

  /** Measures from here on. */
  begin() {
    this.#measures = true;
    this.#lastSound = performance.now();
    const ping = () => {
      const sent = performance.now();
      this.#listener.request('ping').then(
        () => this.#pings.push(performance.now() - sent),
        () => this.#pings.push(Infinity),
      );
      this.#timers[1] = setTimeout(ping, PING_EVERY_MS);
    };
    ping();
    const come = () => {
      this.#come();
      this.#timers[2] = setTimeout(come, NEWCOMER_EVERY_MS);
    };
    come();
  }

  async #come() {
    const began = { at: performance.now() };
    this.#waiting.add(began);
    const time = await firstAnswer(this.#server.origin);
    if (this.#waiting.delete(began)) this.#entries.push(time);
  }

  /**
   * @returns {{pings: number[], gap: number, entries: number[]}} in milliseconds; what had no answer took for ever
   */
  end() {
    this.#sound();
    this.#measures = false;
    clearTimeout(this.#timers[1]);
    clearTimeout(this.#timers[2]);
    // Requests that still wait have waited as long as this at least.
    for (const { at } of this.#waiting) this.#entries.push(performance.now() - at);
    this.#waiting.clear();
    return { pings: this.#pings, gap: this.#gap, entries: this.#entries };
  }

  close() {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const pc of this.#connections) pc.close();
    this.#speaker.close();
    this.#listener.close();
  }
}

/** How long it takes from the first packet to the first byte of the page, on a connection of its own. */
function firstAnswer(origin) {
  const { hostname, port } = new URL(origin);
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const end = (time) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(time);
    };
    const timer = setTimeout(() => end(Infinity), NEWCOMER_PATIENCE_MS);
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'));
    socket.on('data', () => end(performance.now() - began));
    socket.on('error', () => end(Infinity));
    socket.on('end', () => end(Infinity));
  });
}

function connected(pc) {
  return new Promise((resolve, reject) => {
    const check = () => {
      if (pc.connectionState === 'connected') resolve();
      if (['failed', 'closed'].includes(pc.connectionState)) reject(new Error(`the connection is ${pc.connectionState}`));
    };
    pc.connectionStateChange.subscribe(check);
    check();
  });
}
