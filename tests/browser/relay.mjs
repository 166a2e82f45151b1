/**
 * A way to the server that can be made as narrow as a bad line: a UDP relay on this machine. What goes to the clients
 * passes through a bottleneck with a queue that drops what would wait too long; what they send passes freely. It can lose
 * datagrams by choice, and give each client another address, as a telephone has that leaves the Wi-Fi.
 */
import { createSocket } from 'node:dgram';

const HOST = '127.0.0.1';

/**
 * @typedef {{address: string, port: number}} Client
 *
 * @typedef {(bytes: Buffer, towards: 'server' | 'client') => boolean} Loss
 *
 * @typedef {object} Relay
 * @property {number} port where clients send to
 * @property {(port: number) => void} to where the server listens; to be told before a client sends
 * @property {(kbps: number, queueMs: number) => void} narrow
 * @property {() => void} widen
 * @property {(isLost: Loss | null) => void} lose what passes neither way from now on
 * @property {() => void} roam from now on the server sees each client at another address, and reaches it there alone
 * @property {() => number} offered how many bytes the server has sent so far, whether they found room or not
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Relay>} */
export async function openRelay() {
  const front = createSocket('udp4');
  await bound(front);
  /** Behind the relay each client has a socket of its own, by its address. @type {Map<string, import('node:dgram').Socket>} */
  const ways = new Map();
  let target = 0;
  let offered = 0;
  /** @type {Loss | null} */
  let isLost = null;
  /** @type {{kbps: number, queueMs: number, freeAt: number} | null} */
  let line = null;
  /** What waits in the queue, in order. @type {{due: number, bytes: Buffer, to: Client}[]} */
  const waiting = [];
  /** @type {NodeJS.Timeout | null} */
  let timer = null;

  function release() {
    timer = null;
    const now = performance.now();
    while (waiting.length && waiting[0].due <= now) {
      const { bytes, to } = waiting.shift();
      front.send(bytes, to.port, to.address);
    }
    if (waiting.length) timer = setTimeout(release, waiting[0].due - now);
  }

  /** @param {Buffer} bytes @param {Client} to */
  function down(bytes, to) {
    offered += bytes.length;
    if (isLost?.(bytes, 'client')) return;
    if (!line) {
      if (waiting.length) waiting.push({ due: waiting.at(-1).due, bytes, to });
      else front.send(bytes, to.port, to.address);
      return;
    }
    const now = performance.now();
    const begin = Math.max(line.freeAt, now);
    if (begin - now > line.queueMs) return;
    line.freeAt = begin + (bytes.length * 8) / line.kbps;
    waiting.push({ due: line.freeAt, bytes, to });
    timer ??= setTimeout(release, line.freeAt - now);
  }

  /** @param {Client} client */
  function way(client) {
    const back = createSocket('udp4');
    back.on('message', (bytes) => down(bytes, client));
    back.on('error', () => {});
    return back;
  }

  front.on('message', (bytes, { address, port }) => {
    if (isLost?.(bytes, 'server')) return;
    const client = `${address}:${port}`;
    let back = ways.get(client);
    if (!back) ways.set(client, (back = way({ address, port })));
    if (target) back.send(bytes, target, HOST);
  });
  front.on('error', () => {});

  return {
    port: front.address().port,
    to: (port) => {
      target = port;
    },
    narrow: (kbps, queueMs) => {
      line = { kbps, queueMs, freeAt: performance.now() };
    },
    widen: () => {
      line = null;
    },
    lose: (judge) => {
      isLost = judge;
    },
    roam: () => {
      for (const back of ways.values()) back.close();
      ways.clear();
    },
    offered: () => offered,
    close: async () => {
      clearTimeout(timer);
      for (const socket of [front, ...ways.values()]) socket.close();
    },
  };
}

/**
 * Makes a page send its media through a relay: the server's candidates are replaced by the relay's address, and it does
 * not learn of TCP.
 *
 * @param {import('playwright-core').Page} page before it loads anything
 * @param {Relay} relay
 */
export async function sendThrough(page, relay) {
  await page.exposeFunction('relayTo', relay.to);
  await page.addInitScript((port) => {
    const { setRemoteDescription } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.setRemoteDescription = async function relayed(description) {
      const candidate = /^(a=candidate:\S+ \d+ udp \d+ \S+ )(\d+)/gim;
      const [, , theirs] = candidate.exec(description.sdp) ?? [];
      if (theirs) await globalThis.relayTo(Number(theirs));
      candidate.lastIndex = 0;
      const sdp = description.sdp.replace(candidate, `$1${port}`).replace(/^a=candidate:\S+ \d+ tcp .*\r\n/gim, '');
      return setRemoteDescription.call(this, { type: description.type, sdp });
    };
  }, relay.port);
}

/** @param {import('node:dgram').Socket} socket */
function bound(socket) {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, HOST, () => resolve(undefined));
  });
}
