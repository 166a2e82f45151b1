/**
 * A client that only sends, on ffmpeg's WHIP muxer (RFC 9725): H.264 and Opus. The server has no WHIP endpoint: this
 * program is one, on a port of its own, and carries ffmpeg's offer over the wire protocol. It takes `connect`, `guest`,
 * `join`, `publish`, `report`, `request` and `leave` as the others do, and `stop`, which lets ffmpeg end its session.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Participant, inTime, serve } from './packets.mjs';

/** The Python environment whose package imageio-ffmpeg holds the program: Debian's has no WHIP. */
const PYTHON = process.env.FOREIGN_PYTHON ?? fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
const WIDTH = 320;
const FRAME_RATE = 15;
const KEPT_LINES = 30;

class Client extends Participant {
  #ffmpeg = null;
  #whip = null;

  async publish({ hue = [90, 200], hz = 440, roles = 'passive' }) {
    this.closeUp();
    this.#whip = await Whip.open({ begin: (sdp) => this.#begin(sdp), end: () => this.#end() });
    this.#ffmpeg = new Ffmpeg([...sources(hue, hz), ...encoders, ...muxer(this.#whip, roles)]);
    const published = await inTime(Promise.race([this.#whip.published, this.#ffmpeg.failed]), 'the offer of ffmpeg');
    const tracks = await this.start();
    const srtp = await inTime(Promise.race([this.#ffmpeg.connected, this.#ffmpeg.failed]), 'connecting');
    return { ...published, tracks, srtp };
  }

  async #begin(sdp) {
    this.revision += 1;
    const { revision, sdp: answer, refused = [] } = await this.signalling.request('media.publish', {
      revision: this.revision, sdp, sources: named(sdp),
    });
    return { revision, offer: sdp, answer, refused };
  }

  async #end() {
    for (const source of ['microphone', 'camera']) await this.signalling.request('media.source', { source, active: false });
  }

  /** Asks ffmpeg to end, and answers what it asked of the endpoint since it began. */
  async stop() {
    const code = await inTime(this.#ffmpeg.end(), 'the end of ffmpeg');
    return { code, asked: this.#whip.asked };
  }

  report() {
    return this.reported({});
  }

  closeUp() {
    this.#ffmpeg?.kill();
    this.#whip?.close();
    this.#ffmpeg = this.#whip = null;
  }

  closeDown() {}
}

/** The endpoint, for one session. */
class Whip {
  /** Each request, as `METHOD path`. */
  asked = [];
  #token = randomUUID();
  #resource = `/whip/${randomUUID()}`;

  /** @param {{begin: (sdp: string) => Promise<{answer: string}>, end: () => Promise<void>}} session */
  static async open(session) {
    const whip = new Whip();
    whip.published = new Promise((resolve, reject) => {
      whip.http = createServer((request, response) => {
        whip.#answer(request, response, session, resolve).catch((error) => {
          response.writeHead(500).end();
          reject(error);
        });
      });
    });
    // It is awaited later than it may fail.
    whip.published.catch(() => {});
    whip.http.listen(0, '127.0.0.1');
    await once(whip.http, 'listening');
    return whip;
  }

  get url() {
    return `http://127.0.0.1:${this.http.address().port}/whip`;
  }

  get token() {
    return this.#token;
  }

  async #answer(request, response, session, published) {
    const { method, url, headers } = request;
    this.asked.push(`${method} ${url === this.#resource ? 'resource' : url}`);
    if (headers.authorization !== `Bearer ${this.#token}`) return response.writeHead(401).end();
    if (method === 'DELETE' && url === this.#resource) {
      await session.end();
      return response.writeHead(200, { 'content-length': 0 }).end();
    }
    if (method !== 'POST' || url !== '/whip') return response.writeHead(404).end();
    if (headers['content-type'] !== 'application/sdp') return response.writeHead(415).end();
    const begun = await session.begin(await text(request));
    const body = Buffer.from(begun.answer);
    // With a length: ffmpeg takes the end of a chunked answer for a failure.
    response.writeHead(201, { 'content-type': 'application/sdp', 'content-length': body.length, location: this.#resource }).end(body);
    published(begun);
  }

  close() {
    this.http.close();
    this.http.closeAllConnections();
  }
}

class Ffmpeg {
  #said = [];

  constructor(args) {
    const program = execFileSync(PYTHON, ['-c', 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())'], { encoding: 'utf8' });
    this.child = spawn(program.trim(), ['-hide_banner', '-nostats', '-loglevel', 'verbose', ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
    this.child.stdin.on('error', () => {});
    /** Once it may send, the protection profile. */
    this.connected = new Promise((resolve) => {
      createInterface({ input: this.child.stderr }).on('line', (line) => {
        this.#said = [...this.#said, line].slice(-KEPT_LINES);
        const suite = line.match(/SRTP setup done.* suite=(\w+)/)?.[1];
        if (suite) resolve(suite.replace('_HMAC', ''));
      });
    });
    this.exited = once(this.child, 'close').then(([code]) => code);
    /** Rejects when it ends. */
    this.failed = this.exited.then((code) => {
      throw new Error(`ffmpeg ended with ${code}: ${this.#said.join('\n')}`);
    });
    this.failed.catch(() => {});
  }

  end() {
    this.child.stdin.end('q');
    return this.exited;
  }

  kill() {
    this.child.kill('SIGKILL');
  }
}

/** Grain of one hue, given as (U, V), with a bright bar that wanders over it; and a tone. In real time. */
function sources([u, v], hz) {
  const bar = `lum='if(between(X-mod(N*8,${WIDTH - 32}),0,31),224,80+mod(X*7+Y*13,32))'`;
  return [
    '-re', '-f', 'lavfi', '-i', `nullsrc=size=${WIDTH}x240:rate=${FRAME_RATE},format=yuv420p,geq=${bar}:cb=${u}:cr=${v}`,
    '-re', '-f', 'lavfi', '-i', `sine=frequency=${hz}:sample_rate=48000`,
  ];
}

/** No muxer tells an encoder that a keyframe is asked for: one comes each second. */
const encoders = [
  '-map', '0:v', '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', `${FRAME_RATE}`,
  '-map', '1:a', '-c:a', 'libopus', '-ac', '2',
];

function muxer({ url, token }, roles) {
  const flags = roles === 'active' ? ['-whip_flags', 'dtls_active'] : [];
  return ['-f', 'whip', '-authorization', token, '-handshake_timeout', '20000', ...flags, url];
}

/** What each m-line carries. */
function named(sdp) {
  const [, ...sections] = sdp.split(/^m=/m);
  return sections.map((section) => ({
    mid: section.match(/^a=mid:(\S+)/m)[1], source: section.startsWith('audio') ? 'microphone' : 'camera',
  }));
}

await serve(new Client());
