/**
 * A media client on libdatachannel that knows nothing of the server but its wire protocol. It takes `connect`, `guest`,
 * `join`, `publish`, `receive`, `report`, `request` and `leave` as the others do. Media stays in packets.
 */
import rtc from 'node-datachannel';
import { CAMERA, MICROPHONE, Participant, Player, inTime, pictures, serve, sounds } from './packets.mjs';

const SSRC = { audio: 1_100_001, video: 2_200_002 };
const PAYLOAD_TYPE = { audio: 111, video: 96 };

class Client extends Participant {
  up = null;
  down = null;

  async publish({ roles = 'actpass', video_first = false, max_bundle = false }) {
    this.closeUp();
    const pc = (this.up = connection('up'));
    const tracks = {};
    const add = {
      audio: () => {
        const audio = new rtc.Audio('audio', 'SendOnly');
        audio.addOpusCodec(PAYLOAD_TYPE.audio);
        audio.addSSRC(SSRC.audio, 'foreign', 'foreign', 'audio');
        tracks.audio = pc.addTrack(audio);
      },
      video: () => {
        const video = new rtc.Video('video', 'SendOnly');
        video.addVP8Codec(PAYLOAD_TYPE.video);
        video.addSSRC(SSRC.video, 'foreign', 'foreign', 'video');
        tracks.video = pc.addTrack(video);
      },
    };
    for (const kind of video_first ? ['video', 'audio'] : ['audio', 'video']) add[kind]();
    let sdp = await described(pc, () => pc.setLocalDescription('offer'));
    if (roles !== 'actpass') sdp = sdp.replaceAll('a=setup:actpass', `a=setup:${roles}`);
    // As RFC 9143 §7.2.2 has it: all but the first m-line have port 0.
    if (max_bundle) {
      const [first, second, ...others] = sdp.split(/^(?=m=)/m);
      const bundled = others.map((part) => part.replace(/^(m=\S+) \d+/, '$1 0').replace(/(\r\n)/, '$1a=bundle-only$1'));
      sdp = [first, second, ...bundled].join('');
    }
    this.revision += 1;
    const sources = [{ mid: 'audio', source: 'microphone' }, { mid: 'video', source: 'camera' }];
    const answer = await this.signalling.request('media.publish', { revision: this.revision, sdp, sources });
    pc.setRemoteDescription(answer.sdp, 'answer');
    const started = await this.start();
    await connected(pc);
    const write = (kind) => (packet) => tracks[kind].isOpen() && tracks[kind].sendMessageBinary(rtp(kind, packet));
    const camera = new Player('video', pictures, CAMERA, write('video'));
    // Whatever comes back on the picture's track is a report or a request for a keyframe (RFC 4585 §6.3.1).
    tracks.video.onMessage((bytes) => asksForKeyframe(bytes) && camera.restart());
    this.players.push(camera, new Player('audio', sounds, MICROPHONE, write('audio')));
    return { revision: answer.revision, offer: sdp, answer: answer.sdp, refused: answer.refused ?? [], tracks: started };
  }

  async receive({ audio = 4, video = 4 }) {
    const offer = await this.signalling.request('media.receive', { audio_slots: audio, video_slots: video });
    this.closeDown();
    this.slots(offer.slots);
    const pc = (this.down = connection('down'));
    const session = () => new rtc.RtcpReceivingSession();
    this.received = [];
    pc.onTrack((track) => {
      const mid = track.mid();
      track.setMediaHandler(session());
      track.onMessage((bytes) => {
        const packet = parsed(bytes);
        if (packet) this.watches.get(mid)?.packet(packet);
      });
      this.received.push(track);
    });
    const sdp = await described(pc, () => pc.setRemoteDescription(offer.sdp, 'offer'));
    await this.signalling.request('media.answer', { revision: offer.revision, sdp });
    await connected(pc);
    return { revision: offer.revision, offer: offer.sdp, answer: sdp, slots: offer.slots };
  }

  report() {
    const stats = {};
    if (this.up) stats.up = { state: this.up.state() };
    if (this.down) stats.down = { state: this.down.state() };
    return this.reported(stats);
  }

  closeUp() {
    for (const player of this.players.splice(0)) player.stop();
    this.up?.close();
    this.up = null;
  }

  closeDown() {
    this.down?.close();
    this.down = null;
    this.watches.clear();
  }

  close() {
    super.close();
    rtc.cleanup();
  }
}

function connection(name) {
  return new rtc.PeerConnection(name, { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: name === 'up' });
}

/** The local description with every candidate in it. */
function described(pc, begin) {
  const done = new Promise((resolve) => {
    pc.onGatheringStateChange((state) => state === 'complete' && resolve());
  });
  begin();
  return inTime(done, 'gathering').then(() => pc.localDescription().sdp);
}

function connected(pc) {
  const state = new Promise((resolve, reject) => {
    const check = (now) => {
      if (now === 'connected') resolve();
      if (now === 'failed' || now === 'closed') reject(new Error(`the media connection is ${now}`));
    };
    pc.onStateChange(check);
    check(pc.state());
  });
  return inTime(state, 'connecting');
}

/** RFC 3550 §5.1, without extensions. */
function rtp(kind, { sequence, timestamp, marker, payload }) {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = PAYLOAD_TYPE[kind] | (marker ? 0x80 : 0);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(timestamp, 4);
  header.writeUInt32BE(SSRC[kind], 8);
  return Buffer.concat([header, payload]);
}

/** A packet of media as the watch takes it; nothing for one of RTCP (RFC 5761 §4). */
function parsed(bytes) {
  const packet = Buffer.from(bytes);
  if (packet.length < 12 || (packet[1] >= 192 && packet[1] <= 223)) return null;
  let at = 12 + 4 * (packet[0] & 0x0f);
  if (packet[0] & 0x10) at += 4 + 4 * packet.readUInt16BE(at + 2);
  const end = packet[0] & 0x20 ? packet.length - packet[packet.length - 1] : packet.length;
  const header = {
    sequenceNumber: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    marker: Boolean(packet[1] & 0x80),
    payloadType: packet[1] & 0x7f,
  };
  return { header, payload: packet.subarray(at, end) };
}

/** Whether these RTCP packets ask for a keyframe: PLI (206, format 1) or FIR (206, format 4). */
function asksForKeyframe(bytes) {
  const packets = Buffer.from(bytes);
  for (let at = 0; at + 4 <= packets.length; at += 4 + 4 * packets.readUInt16BE(at + 2)) {
    if (packets[at + 1] === 206 && [1, 4].includes(packets[at] & 0x1f)) return true;
  }
  return false;
}

await serve(new Client());
