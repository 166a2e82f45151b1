/**
 * A bad way for one page's media: a relay that loses, delays, overtakes and doubles datagrams, each direction by
 * itself, and that can give the page another address. Chance always begins alike.
 */
import { createSocket } from 'node:dgram';

/**
 * @typedef {object} Weather
 * @property {number} [loss] the share that is lost
 * @property {number} [inARow] so many are lost in a row, as often in all
 * @property {number} [delayMs]
 * @property {number} [jitterMs] each waits up to so much longer; order is kept
 * @property {number} [late] the share that is overtaken
 * @property {number} [doubled] the share that comes twice
 *
 * @typedef {'up' | 'down'} Direction
 */

/** Those that are overtaken come so much later. */
const LATE_MS = 30;

/**
 * @param {string} address where pages send to
 * @param {{address: string, port: number}} target the server's
 */
export async function openRelay(address, target) {
  const front = await bound(address);
  /** What the server sees of each client. @type {Map<string, import('node:dgram').Socket>} */
  const ways = new Map();
  const chance = generator(0x2545f491);
  const line = { up: new Line(chance), down: new Line(chance) };
  let bytes = 0;

  const way = async (client) => {
    const back = await bound(address);
    back.on('message', (datagram) => {
      bytes += datagram.length;
      line.down.pass(() => front.send(datagram, client.port, client.address));
    });
    return back;
  };
  /** Those being opened; what comes meanwhile is lost. */
  const opening = new Set();
  front.on('message', (datagram, client) => {
    const key = `${client.address}:${client.port}`;
    const back = ways.get(key);
    if (back) {
      line.up.pass(() => ways.get(key)?.send(datagram, target.port, target.address));
    } else if (!opening.has(key)) {
      opening.add(key);
      way(client).then((socket) => {
        opening.delete(key);
        ways.set(key, socket);
        socket.send(datagram, target.port, target.address);
      });
    }
  });

  return {
    port: /** @type {any} */ (front.address()).port,
    address,
    /** @param {Direction} direction @param {Weather} weather */
    weather: (direction, weather) => {
      line[direction].weather = weather;
    },
    /** From now on the server sees the page at other addresses, and reaches it there alone. */
    roam: () => {
      for (const back of ways.values()) back.close();
      ways.clear();
    },
    /** How many bytes came down, whether they were passed on or not. */
    offered: () => bytes,
    close: () => {
      line.up.stop();
      line.down.stop();
      for (const socket of [front, ...ways.values()]) socket.close();
    },
  };
}

class Line {
  /** @type {Weather} */
  weather = {};
  #chance;
  #isLosing = false;
  /** In order. @type {{due: number, send: () => void}[]} */
  #waiting = [];
  #last = 0;
  /** @type {NodeJS.Timeout | null} */
  #timer = null;

  /** @param {() => number} chance */
  constructor(chance) {
    this.#chance = chance;
  }

  /** @param {() => void} send */
  pass(send) {
    const { delayMs = 0, jitterMs = 0, late = 0, doubled = 0 } = this.weather;
    if (this.#loses()) return;
    const now = performance.now();
    const due = Math.max(now + delayMs + this.#chance() * jitterMs, this.#last);
    this.#last = due;
    this.#wait(this.#chance() < late ? due + LATE_MS : due, send);
    if (this.#chance() < doubled) this.#wait(due, send);
  }

  stop() {
    clearTimeout(this.#timer ?? undefined);
    this.#waiting = [];
  }

  /** Losses of a row hang together (Gilbert's model). */
  #loses() {
    const { loss = 0, inARow = 1 } = this.weather;
    const share = this.#isLosing ? 1 - 1 / inARow : loss / inARow / (1 - loss);
    this.#isLosing = inARow > 1 ? this.#chance() < share : this.#chance() < loss;
    return this.#isLosing;
  }

  #wait(due, send) {
    if (!this.#waiting.length && due <= performance.now()) return send();
    let place = this.#waiting.length;
    while (place > 0 && this.#waiting[place - 1].due > due) place -= 1;
    this.#waiting.splice(place, 0, { due, send });
    this.#timer ??= setTimeout(() => this.#release(), due - performance.now());
  }

  #release() {
    this.#timer = null;
    const now = performance.now();
    while (this.#waiting.length && this.#waiting[0].due <= now) this.#waiting.shift()?.send();
    if (this.#waiting.length) this.#timer = setTimeout(() => this.#release(), this.#waiting[0].due - now);
  }
}

/** Evenly from 0 to below 1 (xorshift). @param {number} seed */
function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** @param {string} address @returns {Promise<import('node:dgram').Socket>} */
function bound(address) {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, () => {
      socket.removeListener('error', reject);
      // A datagram that cannot be sent is one more that is lost.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/**
 * Makes a page send its media through a relay: the server's candidates are replaced by the relay's address, and it does
 * not learn of TCP.
 *
 * @param {{addInitScript: (script: any, argument?: any) => Promise<unknown>}} page before it loads anything
 * @param {{address: string, port: number}} relay
 */
export async function sendThrough(page, { address, port }) {
  await page.addInitScript(`{
    const { setRemoteDescription } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.setRemoteDescription = async function relayed({ type, sdp }) {
      const moved = sdp.replace(/^(a=candidate:\\S+ \\d+ udp \\d+ )\\S+ \\d+/gim, '$1${address} ${port}');
      const changed = moved.replace(/^a=candidate:\\S+ \\d+ tcp .*\\r\\n/gim, '');
      return setRemoteDescription.call(this, { type, sdp: changed });
    };
  }`);
}
