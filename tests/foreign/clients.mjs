/** Starts the foreign clients as processes and drives them line by line. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../browser/harness.mjs';

const COMMAND_TIMEOUT_MS = 40_000;
const STOP_TIMEOUT_MS = 5_000;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const python = process.env.FOREIGN_PYTHON ?? here('../.venv/bin/python');

/** Hue and tone of each client are its own, so that who receives them knows whose they are. */
const LOOKS = [
  { hue: [90, 200], hz: 440 },
  { hue: [200, 90], hz: 880 },
  { hue: [200, 200], hz: 1100 },
];
/** What sample.json looks and sounds like. */
export const SAMPLE = { hue: [60, 60], hz: 660 };

/** The kinds that encode a look of their own; the others send the sample. */
const ENCODERS = ['aiortc', 'gstreamer', 'ffmpeg'];
/** The kinds that decode what they receive. */
const DECODERS = ['aiortc', 'gstreamer'];
/** The kinds that only send. */
const SENDERS = ['ffmpeg'];

/** What a client answers with when it is refused. */
export class Refusal extends Error {
  constructor({ code, message }) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** One client in a process of its own. */
export class Foreign {
  /** The participant's id, from when it joined. */
  id = null;
  look = SAMPLE;
  #child;
  #exited;
  #waiting = new Map();
  #next = 1;
  #complaints = [];

  constructor(kind, args = []) {
    this.kind = kind;
    this.encodes = ENCODERS.includes(kind);
    this.decodes = DECODERS.includes(kind);
    if (['aiortc', 'ffmpeg'].includes(kind) && !existsSync(python)) throw new Error('No Python environment: run tests/foreign/setup.sh.');
    const command = kind === 'aiortc' ? [python, here('aiortc_client.py')] : [process.execPath, here(`${kind}_client.mjs`)];
    this.#child = spawn(command[0], [...command.slice(1), ...args], { stdio: 'pipe' });
    this.#exited = new Promise((resolve) => this.#child.once('exit', resolve));
    // A client that died says so by its exit; writing to it then must not end the test.
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.#complaints.push(line));
    createInterface({ input: this.#child.stdout }).on('line', (text) => {
      const line = JSON.parse(text);
      this.#waiting.get(line.re)?.(line);
      this.#waiting.delete(line.re);
    });
    this.#exited.then((code) => {
      const error = { code: 'client', message: `it ended with ${code}: ${this.#complaints.slice(-20).join('\n')}` };
      for (const settle of this.#waiting.values()) settle({ error });
    });
  }

  /** @param {string} name @param {object} [data] @returns {Promise<any>} */
  async do(name, data = {}) {
    const id = this.#next++;
    const answer = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.kind} did not answer: ${name}`)), COMMAND_TIMEOUT_MS);
      this.#waiting.set(id, (line) => {
        clearTimeout(timer);
        resolve(line);
      });
      this.#child.stdin.write(`${JSON.stringify({ id, do: name, ...data })}\n`);
    });
    if (answer.error) throw new Refusal(answer.error);
    return answer.ok;
  }

  /** Any request. @param {string} type @param {object} [data] */
  request(type, data) {
    return this.do('request', { type, data });
  }

  async stop() {
    this.#child.stdin.end();
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(force);
  }
}

/** The clients of one test, stopped with it. */
export class Crowd {
  #clients = [];

  constructor(server) {
    this.server = server;
  }

  /** A client that has a session. @param {'aiortc'|'gstreamer'|'werift'|'libdatachannel'|'ffmpeg'} kind @param {string[]} [args] @returns {Promise<Foreign>} */
  async guest(kind, args) {
    const client = new Foreign(kind, args);
    this.#clients.push(client);
    if (client.encodes) client.look = LOOKS[this.#clients.length % LOOKS.length];
    await client.do('connect', { url: this.server.socket });
    await client.do('guest', { name: `${kind} ${this.#clients.length}` });
    return client;
  }

  /**
   * A client that is in the room, sends, and receives if its kind does.
   *
   * @param {'aiortc'|'gstreamer'|'werift'|'libdatachannel'|'ffmpeg'} kind
   * @param {string} identity
   * @param {{args?: string[], publish?: object, receive?: object}} [options]
   */
  async enter(kind, identity, { args, publish = {}, receive = {} } = {}) {
    const client = await this.guest(kind, args);
    client.id = (await client.do('join', { identity })).self;
    const look = client.encodes ? client.look : {};
    client.up = await client.do('publish', { ...look, ...publish });
    if (!SENDERS.includes(kind)) client.down = await client.do('receive', receive);
    return client;
  }

  async stop() {
    await Promise.all(this.#clients.splice(0).map((client) => client.stop()));
  }
}

/** The tracks that arrived, by `participant source`. @param {Foreign} client */
export async function arrivals(client) {
  const { tracks } = await client.do('report');
  return new Map(Object.entries(tracks).map(([id, track]) => [`${track.participant} ${track.source}`, { id, ...track }]));
}

/**
 * Waits until picture and sound of every one of `senders` moved on in `steps` half seconds in a row, and answers what
 * arrived then.
 *
 * @param {Foreign} receiver
 * @param {string[]} senders participants' ids
 * @param {number} [steps]
 */
export async function flows(receiver, senders, steps = 6) {
  const wanted = senders.flatMap((id) => [`${id} camera`, `${id} microphone`]);
  let before = new Map();
  let inARow = 0;
  let last = '';
  const check = async () => {
    const now = await arrivals(receiver);
    const still = wanted.filter((key) => !(now.get(key)?.frames > (before.get(key)?.frames ?? 0)));
    const first = before.size === 0;
    before = now;
    inARow = still.length || first ? 0 : inARow + 1;
    last = still.join(', ');
    return inARow >= steps && now;
  };
  try {
    return await until(check, `${receiver.kind} to receive ${senders.length} others`, { timeoutMs: 60_000 + steps * 500, everyMs: 500 });
  } catch (error) {
    throw new Error(`${error.message} Not moving at the end: ${last}\n${JSON.stringify(await receiver.do('report'))}`);
  }
}
