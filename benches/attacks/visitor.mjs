/** A quiet visitor: somebody speaks, somebody hears it, and a `ping` is sent now and then. */
import {
  MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, RtpHeader, RtpPacket, useH264, useOPUS, useVP8,
} from '../../tests/node_modules/werift/lib/index.mjs';
import { Wire } from './wire.mjs';

const PING_EVERY_MS = 40;
const SOUND_EVERY_MS = 20;

export class Visitor {
  #server;
  #speaker = new Wire();
  #listener = new Wire();
  #connections = [];
  #timers = [];
  #pings = [];
  #lastSound = 0;
  #gap = 0;
  #measures = false;

  /** @param {{socket: string}} server */
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
  }

  /** @returns {{pings: number[], gap: number}} in milliseconds; a ping without an answer took for ever */
  end() {
    this.#sound();
    this.#measures = false;
    clearTimeout(this.#timers[1]);
    return { pings: this.#pings, gap: this.#gap };
  }

  close() {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const pc of this.#connections) pc.close();
    this.#speaker.close();
    this.#listener.close();
  }
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
