/**
 * What hostile clients do, each for some seconds. Started by run.mjs as `attacks.mjs NAME ORIGIN SECONDS`; prints in one
 * line what it has got for it.
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { dtlsFragment, dtlsRecord, offer, Refused, stunCheck, Wire } from './wire.mjs';

/** The attacker's own address, so that limits per address meet it alone. */
const ADDRESS = '127.0.0.2';

/** @typedef {{origin: string, socket: string, host: string, port: number, end: number}} Target */

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const secret = () => `pass-${crypto.randomUUID()}`;

class Tally {
  #counts = new Map();

  add(what, by = 1) {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  /** Counts an outcome. @param {Promise<any>} attempt */
  async of(attempt) {
    try {
      const value = await attempt;
      this.add('ok');
      return value;
    } catch (error) {
      this.add(error instanceof Refused ? error.code : error.message);
      return null;
    }
  }

  toString() {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`).join(', ');
  }
}

async function guest({ socket }) {
  const wire = await new Wire().connect(socket, ADDRESS);
  await wire.request('auth.guest', { display_name: 'Mallory' });
  return wire;
}

async function account({ socket }) {
  const wire = await new Wire().connect(socket, ADDRESS);
  await wire.insist('auth.register', { username: `mallory-${crypto.randomUUID().slice(0, 8)}`, password: secret() }, Date.now() + 20_000);
  return wire;
}

/** A guest in the check's room whose connection has seen one good STUN check: what any visitor can have. */
async function mediaPeer(target) {
  const wire = await guest(target);
  const { identity } = await wire.request('check.begin');
  await wire.request('room.join', { identity });
  const sources = [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }];
  const { sdp } = await wire.request('media.publish', { revision: 1, sdp: offer(), sources });
  const found = (pattern) => pattern.exec(sdp)[1];
  const port = Number(found(/^a=candidate:\S+ \d+ udp \d+ \S+ (\d+)/im));
  const udp = createSocket('udp4');
  await new Promise((resolve) => udp.bind(0, ADDRESS, resolve));
  const send = (packet) => new Promise((resolve) => udp.send(packet, port, '127.0.0.1', () => resolve()));
  const check = stunCheck({ user: `${found(/a=ice-ufrag:(\S+)/)}:atck`, password: found(/a=ice-pwd:(\S+)/) });
  await send(check);
  await pause(200);
  return { wire, send, close: () => (udp.close(), wire.close()) };
}

/** Sends datagrams without a pause, but lets the event loop turn. */
async function datagrams(target, make) {
  const peer = await mediaPeer(target);
  const tally = new Tally();
  for (let n = 0; Date.now() < target.end; n += 1) {
    const packet = make(n);
    await peer.send(packet);
    tally.add('bytes', packet.length);
    tally.add('datagrams');
  }
  peer.close();
  return tally;
}

/** Several workers that do the same thing until the end. */
async function crowd(size, target, work) {
  const tally = new Tally();
  await Promise.all(Array.from({ length: size }, async (_, n) => {
    while (Date.now() < target.end) {
      try {
        await work(tally, n);
      } catch (error) {
        tally.add(error instanceof Refused ? error.code : error.message);
        await pause(50);
      }
    }
  }));
  return tally;
}

/** Plain HTTP without reading: opens, writes, and keeps. */
function rawSocket({ host, port }, text) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: ADDRESS });
    socket.on('connect', () => {
      socket.write(text);
      socket.pause();
      resolve(socket);
    });
    socket.on('error', () => resolve(null));
  });
}

/** @type {Record<string, (target: Target) => Promise<Tally>>} */
export const ATTACKS = {
  /** One-byte fragments of a handshake message, of which the first comes last. */
  handshake_fragments: (target) => {
    let offset = 1;
    return datagrams(target, () => {
      const records = Array.from({ length: 50 }, (_, n) => dtlsRecord(22, 0, offset + n, dtlsFragment({ length: 0xffffff, offset: offset++, body: Buffer.from([1]) })));
      if (offset > 28_000) {
        offset = 1;
        records.push(dtlsRecord(22, 0, 40_000, dtlsFragment({ length: 0xffffff, offset: 0, body: Buffer.from([1]) })));
      }
      return Buffer.concat(records);
    });
  },
  /** Records of the epoch to come, which a peer may have to keep. */
  next_epoch: (target) => datagrams(target, (n) => dtlsRecord(22, 1, n, Buffer.alloc(1_300, n & 0xff))),
  /** Fragments that hold nothing. */
  empty_fragments: (target) => datagrams(target, (n) =>
    Buffer.concat(Array.from({ length: 50 }, (_, at) => dtlsRecord(22, 0, n * 50 + at, dtlsFragment({ length: 0, offset: 0, body: Buffer.alloc(0), sequence: at }))))),
  /** STUN with names that nobody has. */
  stun: (target) => datagrams(target, (n) => stunCheck({ user: `none${n}:atck`, password: 'nobody' })),
  /** Rules whose next date is far along. */
  recurrences: async (target) => {
    const tally = new Tally();
    const wire = await account(target);
    for (let n = 0; n < 100 && Date.now() < target.end - 2_000; n += 1) {
      await tally.of(wire.insist('room.create', {
        name: `Rule ${n}`, begin_at: '2000-01-01T08:00:00Z', end_at: '2000-01-01T09:00:00Z', time_zone: 'Europe/Berlin',
        recurrence: 'FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU',
      }, target.end));
    }
    while (Date.now() < target.end) await tally.of(wire.insist('room.list', { size: 100, scope: 'mine' }, target.end));
    wire.close();
    return tally;
  },
  /** Connections that ask and never read. */
  http_connections: async (target) => {
    const tally = new Tally();
    const open = [];
    while (Date.now() < target.end) {
      if (open.length < 4_100) {
        const socket = await rawSocket(target, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20));
        if (socket) open.push(socket);
        tally.add(socket ? 'opened' : 'refused');
      } else {
        await pause(50);
      }
    }
    for (const socket of open) socket.destroy();
    return tally;
  },
  /** Headers that never end. */
  slow_headers: async (target) => {
    const tally = new Tally();
    const open = [];
    while (Date.now() < target.end) {
      if (open.length < 2_000) {
        const socket = await rawSocket(target, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ');
        if (socket) open.push(socket);
        tally.add(socket ? 'opened' : 'refused');
      } else {
        for (const socket of open) socket.write('a');
        await pause(200);
      }
    }
    for (const socket of open) socket.destroy();
    return tally;
  },
  /** Answers that cost the server something each. */
  http_requests: (target) => crowd(16, target, async (tally, n) => {
    const paths = ['/', '/js/app.js', '/avatars/0123456789abcdef0123456789abcdef.svg', '/r/AAAAAAAAAAAAAAAA/calendar.ics', '/healthz'];
    const socket = await rawSocket(target, paths.map((path) => `GET ${path}?${n} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join('').repeat(40));
    if (!socket) return tally.add('refused');
    socket.resume();
    socket.on('data', (bytes) => tally.add('bytes', bytes.length));
    await pause(100);
    socket.destroy();
    tally.add('connections');
  }),
  /** Log-ins with wrong passwords: each costs a hash. */
  logins: (target) => crowd(40, target, async (tally) => {
    const wire = await new Wire().connect(target.socket, ADDRESS);
    while (Date.now() < target.end && wire.closed === null) await tally.of(wire.request('auth.login', { username: `nobody-${crypto.randomUUID()}`, password: secret() }));
    wire.close();
  }),
  /** Passwords of rooms of one's own: each costs a hash, and no room sees many. */
  room_passwords: async (target) => {
    const owner = await account(target);
    const rooms = [];
    for (let n = 0; n < 20; n += 1) rooms.push((await owner.insist('room.create', { name: `Locked ${n}`, password: secret() }, target.end)).room.identity);
    const tally = await crowd(8, target, async (counts, n) => {
      const wire = await guest(target);
      for (let at = 0; Date.now() < target.end && wire.closed === null; at += 1) {
        await counts.of(wire.request('room.join', { identity: rooms[(at + n) % rooms.length], password: secret() }));
      }
      wire.close();
    });
    owner.close();
    return tally;
  },
  /** New media connections, again and again. */
  connections: (target) => crowd(5, target, async (tally) => {
    const wire = await guest(target);
    const { identity } = await wire.request('check.begin');
    await wire.request('room.join', { identity });
    while (Date.now() < target.end && wire.closed === null) {
      await tally.of(wire.request('media.receive', { audio_slots: 8, video_slots: 25 }));
    }
    wire.close();
  }),
  /** Descriptions of thousands of lines. */
  descriptions: (target) => crowd(4, target, async (tally) => {
    const wire = await guest(target);
    const { identity } = await wire.request('check.begin');
    await wire.request('room.join', { identity });
    const sdp = offer({ lines: 700 });
    for (let revision = 1; Date.now() < target.end && wire.closed === null; revision += 1) {
      await tally.of(wire.request('media.publish', { revision, sdp, sources: [{ mid: '0', source: 'microphone' }] }));
    }
    wire.close();
  }),
  /** Large offers to somebody who did nothing. */
  relayed_offers: async (target) => {
    const owner = await account(target);
    const { room } = await owner.request('room.create', { name: 'Direct', topology: 'p2p' });
    await owner.request('room.join', { identity: room.identity });
    const victim = await guest(target);
    const { self } = await victim.request('room.join', { identity: room.identity });
    const tally = await crowd(3, target, async (counts) => {
      const wire = await guest(target);
      await wire.request('room.join', { identity: room.identity });
      while (Date.now() < target.end && wire.closed === null) {
        await counts.of(wire.request('signal.offer', { to: self.id, sdp: 'a'.repeat(240_000) }));
      }
      wire.close();
    });
    tally.add(victim.closed === null ? 'victim stays' : `victim closed with ${victim.closed}`);
    victim.close();
    owner.close();
    return tally;
  },
  /** Pages of long messages, which many sessions read. */
  histories: async (target) => {
    const owner = await account(target);
    const { room } = await owner.request('room.create', { name: 'Library' });
    const inside = async () => {
      const wire = await guest(target);
      await wire.insist('room.join', { identity: room.identity }, target.end);
      return wire;
    };
    const text = '🎉'.repeat(4_000);
    await Promise.all(Array.from({ length: 12 }, async () => {
      const wire = await inside();
      // As many as it may send at once.
      for (let n = 0; n < 3; n += 1) await wire.request('chat.send', { text }).catch(() => {});
    }));
    const tally = await crowd(40, target, async (counts) => {
      const wire = await inside();
      while (Date.now() < target.end && wire.closed === null) await counts.of(wire.request('chat.history', { limit: 200 }));
      wire.close();
    });
    owner.close();
    return tally;
  },
  /** Everybody comes at once. */
  joins: async (target) => {
    const owner = await account(target);
    const { room } = await owner.request('room.create', { name: 'Hall' });
    const tally = await crowd(150, target, async (counts) => {
      const wire = await guest(target);
      await counts.of(wire.insist('room.join', { identity: room.identity }, target.end));
      while (Date.now() < target.end && wire.closed === null) await pause(100);
      wire.close();
    });
    owner.close();
    return tally;
  },
  /** WebSocket fragments that hold nothing. */
  empty_frames: (target) => crowd(4, target, async (tally) => {
    const wire = await guest(target);
    // FIN off, continuation, masked, empty; the first one opens a text message.
    const frame = (opcode) => Buffer.from([opcode, 0x80, 1, 2, 3, 4]);
    const many = Buffer.concat([frame(0x01), ...Array.from({ length: 10_000 }, () => frame(0x00))]);
    const raw = wire.socket._socket;
    while (Date.now() < target.end && wire.closed === null) {
      await new Promise((resolve) => raw.write(many, () => resolve()));
      tally.add('frames', 10_000);
      await pause(1);
    }
    wire.close();
  }),
  /** Pings of the WebSocket. */
  pings: (target) => crowd(4, target, async (tally) => {
    const wire = await guest(target);
    while (Date.now() < target.end && wire.closed === null) {
      for (let n = 0; n < 200; n += 1) wire.socket.ping();
      tally.add('pings', 200);
      await pause(1);
    }
    tally.add(`closed with ${wire.closed}`);
    wire.close();
  }),
  /** Rooms without end. */
  rooms: (target) => crowd(3, target, async (tally) => {
    const wire = await account(target);
    while (Date.now() < target.end && wire.closed === null) await tally.of(wire.insist('room.create', { name: 'One more' }, target.end));
    wire.close();
  }),
};

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [, , name, origin, seconds] = process.argv;
  const { hostname, port } = new URL(origin);
  const target = {
    origin, socket: `${origin.replace('http', 'ws')}/ws`, host: hostname, port: Number(port), end: Date.now() + Number(seconds) * 1000,
  };
  let said;
  try {
    said = String(await ATTACKS[name](target));
  } catch (error) {
    said = `ended early: ${error.message}`;
  }
  console.log(said || 'nothing');
  process.exit(0);
}
