/** The wire protocol and the packets below it, as little of them as visitor and attacker need. */
import { createHmac, randomBytes } from 'node:crypto';
import { WebSocket } from '../../tests/node_modules/ws/wrapper.mjs';

const PATIENCE_MS = 15_000;

export class Refused extends Error {
  constructor({ code, message, retry_after_ms }) {
    super(`${code}: ${message}`);
    this.code = code;
    this.retryAfterMs = retry_after_ms;
  }
}

/** A session without any comfort. */
export class Wire {
  closed = null;
  onEvent = () => {};
  #waiting = new Map();
  #next = 1;

  /** @param {string} url @param {string} [localAddress] to come from */
  async connect(url, localAddress) {
    this.socket = new WebSocket(url, 'meeting.v1', { localAddress });
    await new Promise((resolve, reject) => {
      this.socket.on('error', reject);
      this.socket.on('close', (code) => {
        this.closed = code;
        reject(new Error(`closed with ${code}`));
        for (const { reject: fail } of this.#waiting.values()) fail(new Error(`closed with ${code}`));
        this.#waiting.clear();
      });
      this.socket.on('message', (text) => {
        const frame = JSON.parse(text);
        if (frame.type === 'hello') return resolve();
        const waiting = this.#waiting.get(frame.re);
        this.#waiting.delete(frame.re);
        if (!waiting) return this.onEvent(frame.type, frame.data);
        if (frame.type === 'ok') waiting.resolve(frame.data);
        else waiting.reject(new Refused(frame.error));
      });
    });
    return this;
  }

  /** @param {string} type @param {object} [data] @returns {Promise<any>} */
  request(type, data = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${type} was not answered`));
      }, PATIENCE_MS);
      const settle = (finish) => (value) => {
        clearTimeout(timer);
        finish(value);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.socket.send(JSON.stringify({ type, id, data }));
    });
  }

  /** The same, again and again while the server says "later", until `until`. */
  async insist(type, data, until) {
    for (;;) {
      try {
        return await this.request(type, data);
      } catch (error) {
        if (!(error instanceof Refused) || error.retryAfterMs == null || Date.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
      }
    }
  }

  close() {
    this.socket?.terminate();
  }
}

/** A STUN binding request that an ICE agent takes (RFC 8445 §7.2.2). */
export function stunCheck({ user, password }) {
  const attribute = (type, value) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
  };
  const body = Buffer.concat([
    attribute(0x0006, Buffer.from(user)),
    attribute(0x0024, Buffer.from([0x6e, 0x7f, 0x1e, 0xff])),
    attribute(0x802a, randomBytes(8)),
    attribute(0x0025, Buffer.alloc(0)),
  ]);
  const head = Buffer.alloc(20);
  head.writeUInt16BE(0x0001, 0);
  head.writeUInt16BE(body.length + 24, 2);
  head.writeUInt32BE(0x2112a442, 4);
  randomBytes(12).copy(head, 8);
  const signed = Buffer.concat([head, body]);
  const integrity = attribute(0x0008, createHmac('sha1', password).update(signed).digest());
  return Buffer.concat([signed, integrity]);
}

/** One DTLS record. @param {number} type @param {number} epoch @param {number} number @param {Buffer} body */
export function dtlsRecord(type, epoch, number, body) {
  const head = Buffer.alloc(13);
  head[0] = type;
  head.writeUInt16BE(0xfefd, 1);
  head.writeUInt16BE(epoch, 3);
  head.writeUIntBE(number, 5, 6);
  head.writeUInt16BE(body.length, 11);
  return Buffer.concat([head, body]);
}

/** One fragment of a ClientHello (RFC 6347 §4.2.2). */
export function dtlsFragment({ length, offset, body, sequence = 0 }) {
  const head = Buffer.alloc(12);
  head[0] = 1;
  head.writeUIntBE(length, 1, 3);
  head.writeUInt16BE(sequence, 4);
  head.writeUIntBE(offset, 6, 3);
  head.writeUIntBE(body.length, 9, 3);
  return Buffer.concat([head, body]);
}

/** A send-only offer with one voice and one picture; who sent it never connects. */
export function offer({ user = 'atck', password = 'attackattackattackattack', lines = 0 } = {}) {
  const fingerprint = [...randomBytes(32)].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
  const common = (mid) => [
    'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=sendonly', 'a=rtcp-mux', `a=ice-ufrag:${user}`, `a=ice-pwd:${password}`,
    `a=fingerprint:sha-256 ${fingerprint}`, 'a=setup:actpass',
  ];
  const extra = Array.from({ length: lines }, (_, n) => ['m=video 9 UDP/TLS/RTP/SAVPF 96', ...common(`x${n}`), 'a=rtpmap:96 VP8/90000']);
  const sections = [
    ['m=audio 9 UDP/TLS/RTP/SAVPF 111', ...common('0'), 'a=rtpmap:111 opus/48000/2'],
    ['m=video 9 UDP/TLS/RTP/SAVPF 96', ...common('1'), 'a=rtpmap:96 VP8/90000'],
    ...extra,
  ];
  const mids = ['0', '1', ...extra.map((_, n) => `x${n}`)].join(' ');
  return ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mids}`, ...sections.flat(), ''].join('\r\n');
}
