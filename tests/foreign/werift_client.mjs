/**
 * A media client on werift that knows nothing of the server but its wire protocol. It takes the commands of
 * `aiortc_client.py`, and with `publish {restart}` restarts ICE. With the flag `--tcp` nothing goes by UDP. Media stays in
 * packets.
 */
import {
  MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, RtpHeader, RtpPacket, useH264, useOPUS, useSdesMid, useVP8,
} from 'werift';
import { CAMERA, MICROPHONE, Participant, Player, inTime, pictures, serve, sounds } from './packets.mjs';

/** werift's own ICE over TCP (RFC 6544). It has candidates of UDP beside it, which find no partner then. */
const ONLY_TCP = process.argv.includes('--tcp');
const SRTP = { 1: 'SRTP_AES128_CM_SHA1_80', 7: 'SRTP_AEAD_AES_128_GCM' };

class Client extends Participant {
  up = null;
  down = null;

  event(type, data) {
    super.event(type, data);
    if (type !== 'media.offer') return;
    this.#answer(data, 'sdp').then(() => checkAgain(this.down)).then(
      () => (this.restarts += 1),
      (error) => process.stderr.write(`${error.stack}\n`),
    );
  }

  static connection(extensions, bundle = true) {
    const mid = extensions ? [useSdesMid()] : [];
    return new RTCPeerConnection({
      iceServers: [],
      iceUseIpv6: false,
      iceUseTcp: ONLY_TCP,
      iceInterfaceAddresses: { udp4: '127.0.0.1' },
      iceAdditionalHostAddresses: ['127.0.0.1'],
      bundlePolicy: bundle ? 'max-bundle' : 'disable',
      codecs: { audio: [useOPUS()], video: [useVP8(), useH264()] },
      headerExtensions: { audio: mid, video: mid },
    });
  }

  async publish({ candidates = 'sdp', extensions = false, again = 'new', restart = false, bundle = true }) {
    if (!this.up || again === 'new') {
      this.closeUp();
      this.up = Client.connection(extensions, bundle);
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
    await pc.setRemoteDescription(new RTCSessionDescription(heard(answer.sdp), 'answer'));
    await this.#tellAfter('up', pc, candidates);
    if (restart) await checkAgain(pc);
    const tracks = await this.start();
    await connected(pc);
    if (!this.players.length) {
      const camera = new Player('video', pictures, CAMERA, (packet) => write(video.sender.track, packet));
      video.sender.onPictureLossIndication.subscribe(() => camera.restart());
      this.players.push(camera, new Player('audio', sounds, MICROPHONE, (packet) => write(audio.sender.track, packet)));
    }
    return { revision: answer.revision, offer: sdp, answer: answer.sdp, tracks, ...transport(pc) };
  }

  async receive({ audio = 4, video = 4, candidates = 'sdp' }) {
    const offer = await this.signalling.request('media.receive', { audio_slots: audio, video_slots: video });
    this.closeDown();
    this.slots(offer.slots);
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
    await pc.setRemoteDescription(new RTCSessionDescription(heard(offer), 'offer'));
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
    const stats = {};
    if (this.up) stats.up = { state: this.up.connectionState };
    if (this.down) stats.down = { state: this.down.connectionState };
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
}

/** The sender fills in payload type and SSRC. */
function write(track, { sequence, timestamp, marker, payload }) {
  const header = new RtpHeader({ sequenceNumber: sequence, timestamp, marker, payloadType: 96 });
  track.writeRtp(new RtpPacket(header, payload));
}

/** A description of the server, without its candidates of UDP where none may be used. */
const heard = (sdp) => (ONLY_TCP ? sdp.replace(/^a=candidate:\S+ \d+ udp .*\r\n/gim, '') : sdp);

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
  const carriers = [...new Set(pc.iceTransports.map(({ connection }) => connection.nominated?.localCandidate.transport))];
  return { srtp: SRTP[profile] ?? profile ?? null, transports: live.length, carriers };
}

await serve(new Client());
