/**
 * A media client on GStreamer's webrtcbin. It takes `connect`, `guest`, `join`, `publish`, `receive`, `report`, `request`
 * and `leave` as the others do, and decodes. With `--tcp` it has no candidates of UDP. Signalling is here, media in a process of its own, `gstreamer_media.py`.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Participant, inTime, serve } from './packets.mjs';

/** Debian's own Python: its package python3-gi is for that one alone. */
const PYTHON = process.env.GSTREAMER_PYTHON ?? '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('gstreamer_media.py', import.meta.url));

class Client extends Participant {
  #media = new Media();

  slots(slots) {
    super.slots(slots);
    for (const { mid, track } of slots) this.#media.do('carry', { mid, track }).catch(complain);
  }

  async publish({ hue = [90, 200], hz = 440, codec = 'VP8' }) {
    const sdp = await this.#media.do('offer', { hue, hz, codec });
    this.revision += 1;
    const sources = mids(sdp).map(({ mid, kind }) => ({ mid, source: kind === 'audio' ? 'microphone' : 'camera' }));
    const answer = await this.signalling.request('media.publish', { revision: this.revision, sdp, sources });
    await this.#media.do('accept', { sdp: answer.sdp });
    const tracks = await this.start();
    await this.#media.do('connected', { leg: 'up' });
    return { revision: answer.revision, offer: sdp, answer: answer.sdp, refused: answer.refused ?? [], tracks };
  }

  async receive({ audio = 4, video = 4 }) {
    const offer = await this.signalling.request('media.receive', { audio_slots: audio, video_slots: video });
    const sdp = await this.#media.do('answer', { sdp: offer.sdp });
    this.slots(offer.slots);
    await this.signalling.request('media.answer', { revision: offer.revision, sdp });
    await this.#media.do('connected', { leg: 'down' });
    return { revision: offer.revision, offer: offer.sdp, answer: sdp, slots: offer.slots };
  }

  async report() {
    const { tracks, states } = await this.#media.do('report');
    const known = (id) => ({ participant: this.tracks[id]?.participant, source: this.tracks[id]?.source });
    const named = Object.entries(tracks).map(([id, tally]) => [id, { ...tally, ...known(id) }]);
    return { ...this.reported(states), tracks: Object.fromEntries(named) };
  }

  closeUp() {
    this.#media.do('close', { leg: 'up' }).catch(complain);
  }

  closeDown() {
    this.#media.do('close', { leg: 'down' }).catch(complain);
  }

  close() {
    super.close();
    this.#media.stop();
  }
}

/** The process that has GStreamer in it. */
class Media {
  #child = spawn(PYTHON, [SCRIPT, ...process.argv.slice(2)], { stdio: ['pipe', 'pipe', 'inherit'] });
  #waiting = new Map();
  #next = 1;

  constructor() {
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (text) => {
      const { re, ok, error } = JSON.parse(text);
      const settle = this.#waiting.get(re);
      this.#waiting.delete(re);
      if (error) settle?.reject(new Error(error.message));
      else settle?.resolve(ok);
    });
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`GStreamer ended with ${code}`));
    });
  }

  do(name, data) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.stdin.write(`${JSON.stringify({ id, do: name, ...data })}\n`);
    return inTime(answer, name);
  }

  stop() {
    this.#child.stdin.end();
  }
}

/** The m-lines of a description. */
function mids(sdp) {
  const [, ...sections] = sdp.split(/^m=/m);
  return sections.map((section) => ({ kind: section.split(' ')[0], mid: section.match(/^a=mid:(\S+)/m)[1] }));
}

const complain = (error) => process.stderr.write(`${error.message}\n`);

await serve(new Client());
