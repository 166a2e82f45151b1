/** A room of peers: who does not get what, and why, is told. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Call } from '../../static/js/client/call.js';
import { Emitter } from '../../static/js/client/emitter.js';
import { ProtocolError } from '../../static/js/client/errors.js';
import { PeerCall } from '../../static/js/client/peer-call.js';
import { notTaken } from '../../static/js/client/taken.js';
import { Clock } from './clock.mjs';

/** As much of a connection as one who offers needs. @type {Peer[]} */
const peers = [];
class Peer extends EventTarget {
  signalingState = 'stable';
  connectionState = 'new';
  iceConnectionState = 'new';
  localDescription = null;
  remoteDescription = null;
  transceivers = [];

  constructor() {
    super();
    peers.push(this);
  }

  createDataChannel = () => Object.assign(new EventTarget(), { readyState: 'connecting' });
  getTransceivers = () => this.transceivers;
  getReceivers = () => [];
  restartIce() {}

  addTrack(track) {
    if (track.fails) throw new DOMException('No encoder.', 'OperationError');
    const sender = { track, replaceTrack: async (next) => void (sender.track = next), setStreams() {} };
    const receiver = { track: { kind: track.kind } };
    this.transceivers.push({ sender, receiver, mid: null, currentDirection: null });
    this.dispatchEvent(new Event('negotiationneeded'));
    return sender;
  }

  addTransceiver(kind) {
    const sender = { track: null, replaceTrack: async () => {}, getParameters: () => ({ encodings: [] }), setParameters: async () => {} };
    const one = { sender, receiver: { track: { kind } }, mid: null, currentDirection: null };
    this.transceivers.push(one);
    return one;
  }

  createOffer = async () => ({ type: 'offer', sdp: '' });

  async setLocalDescription() {
    for (const [at, one] of this.transceivers.entries()) one.mid = String(at);
    this.signalingState = 'have-local-offer';
    this.localDescription = { type: 'offer', sdp: lines(this.transceivers.map(() => 'sendrecv')) };
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.currentLocalDescription = this.localDescription;
    this.currentRemoteDescription = description;
    this.signalingState = 'stable';
  }

  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  close() {
    this.signalingState = 'closed';
  }
}
/** A description with an m-line for each direction; null for one that is rejected. */
const lines = (directions) =>
  `v=0\r\n${directions.map((way, at) => `m=video ${way ? 9 : 0} UDP/TLS/RTP/SAVPF 96\r\n${way ? `a=mid:${at}\r\na=${way}\r\n` : ''}`).join('')}`;

let clock;
let session;
let refuse;
let told;
let call;
let woken = 0;
const settled = () => new Promise((resolve) => setImmediate(resolve));
const person = (id) => ({ id, display_name: id, tracks: [] });
const track = (kind, more = {}) => Object.assign(new EventTarget(), { kind, enabled: true, ...more });

beforeEach(async () => {
  peers.length = 0;
  clock = new Clock();
  refuse = null;
  told = [];
  session = Object.assign(new Emitter(), {
    wake: () => void (woken += 1),
    async request(type, data) {
      if (type === 'media.source') return { track: { id: data.source, muted: false } };
      if (type === 'signal.offer' && refuse) throw new ProtocolError(refuse, 'No.');
      return {};
    },
  });
  // Of two the one with the lower id waits for an offer.
  const [self, ada] = [person('z'), person('ada')];
  call = new PeerCall(session, { self, participants: [self, ada], room: { identity: 'r' }, ice_servers: [] },
    { RTCPeerConnection: Peer, MediaStream: class { id = crypto.randomUUID(); }, timers: clock });
  call.on('media', ({ connection, state, code }) => told.push(`${connection} ${state} ${code ?? '-'}`));
  call.on('withheld', ({ participant, source, error }) =>
    told.push(error ? `${participant} lacks ${source}: ${error.code || error}` : `${participant} gets ${source}`));
  call.on('refused', ({ source }) => told.push(`refused ${source}`));
  await call.start();
});

/** Ada's answer, m-line by m-line. */
async function answers(...directions) {
  session.emit('signal.answer', { from: 'ada', sdp: lines(directions) });
  await settled();
}

test('who does not answer is told of as such, and one that was connected by its way', async () => {
  assert.deepEqual(told.splice(0), ['ada connecting peer']);
  for (const state of ['connecting', 'connected', 'disconnected', 'connected']) peers[0].become(state);
  assert.deepEqual(told, ['ada connecting -', 'ada connected -', 'ada connecting -', 'ada connected -']);
});

test('who makes a new connection does answer', async () => {
  await call.setSource('camera', track('video'));
  await answers('sendrecv');
  told.length = 0;
  const offer = (key) => session.emit('signal.offer', { from: 'ada', sdp: `v=0\r\na=fingerprint:sha-256 ${key}\r\n` });
  peers[0].remoteDescription.sdp += 'a=fingerprint:sha-256 AA\r\n';
  offer('BB');
  assert.equal(told[0], 'ada connecting -');
});

test('an offer that the server refuses is reported with its reason, and tried again when the person asks', async () => {
  refuse = 'perm.denied';
  await call.setSource('camera', track('video'));
  await settled();
  assert.deepEqual(told.splice(0), ['ada connecting peer', 'ada refused perm.denied']);
  clock.advance(60_000);
  assert.equal(peers.length, 1, 'a no is a no');
  refuse = null;
  call.retry();
  await settled();
  assert.equal(peers.length, 2);
  peers[1].become('connected');
  assert.equal(told.at(-1), 'ada connected -');
});

test('an offer that comes too soon is made again by itself', async () => {
  refuse = 'server.internal';
  await call.setSource('camera', track('video'));
  await settled();
  assert.equal(told.at(-1), 'ada waiting server.internal');
  refuse = null;
  clock.advance(5_000);
  await settled();
  assert.deepEqual([peers.length, told.at(-1)], [2, 'ada connecting -']);
});

test('a source that somebody does not take is named, until they take it', async () => {
  await call.setSource('microphone', track('audio'));
  await call.setSource('camera', track('video'));
  await answers('sendrecv', null);
  assert.deepEqual(told.splice(1), ['ada lacks camera: media.unsupported']);
  await answers('sendrecv', null);
  assert.equal(told.length, 1, 'once');
  // A person who asks again makes a new connection, and Ada may accept all of it.
  call.retry();
  await settled();
  assert.deepEqual(told.splice(1), ['ada gets camera', 'ada connecting peer']);
  await answers('sendrecv', 'recvonly');
  assert.equal(told.length, 1);
});

test('what the browser cannot send to somebody is named, and the others get it', async () => {
  session.emit('participant.joined', { participant: person('bo') });
  peers[0].addTrack = () => {
    throw new DOMException('No encoder.', 'OperationError');
  };
  await call.setSource('camera', track('video'));
  assert.deepEqual(told.filter((words) => words.includes('camera')), ['ada lacks camera: OperationError: No encoder.']);
  assert.equal(peers[1].transceivers.length, 1);
  await call.setSource('camera', null);
  assert.equal(told.at(-1), 'ada gets camera', 'what is off is kept from nobody');
});

test('a refused change leaves what was agreed before, and names what it was about', async () => {
  await call.setSource('microphone', track('audio'));
  await answers('sendrecv');
  peers[0].transceivers[0].currentDirection = 'sendrecv';
  peers[0].become('connected');
  told.length = 0;
  refuse = 'perm.denied';
  await call.setSource('camera', track('video'));
  await settled();
  assert.deepEqual(told, ['ada lacks camera: perm.denied']);
});

for (const [topology, of] of [['p2p', () => peers[0]], ['sfu', () => overServer()]]) {
  test(`a lost path makes the session look at its socket (${topology})`, async () => {
    const pc = await of();
    const before = woken;
    pc.iceConnectionState = 'disconnected';
    pc.dispatchEvent(new Event('iceconnectionstatechange'));
    assert.equal(woken, before + 1);
  });
}

/** The connection up of a call over the server. */
async function overServer() {
  const at = peers.length;
  const over = new Call(session, { self: person('z'), participants: [person('z')], room: { identity: 'r' }, ice_servers: [] },
    { RTCPeerConnection: Peer, timers: clock });
  void over.start().catch(() => {});
  await settled();
  return peers.slice(at).find(({ transceivers }) => transceivers.length > 0);
}

test('of two descriptions is read what is not taken', () => {
  const offer = (sdp) => ({ type: 'offer', sdp });
  const answer = (sdp) => ({ type: 'answer', sdp });
  const mids = (local, remote) => [...notTaken(local, remote)];
  assert.deepEqual(mids(offer(lines(['sendrecv', 'sendonly', 'sendrecv'])), answer(lines(['sendonly', 'recvonly', 'inactive']))), ['0', '2']);
  assert.deepEqual(mids(offer(lines(['recvonly', 'inactive'])), answer(lines(['sendonly', 'inactive']))), [], 'nothing was to be sent');
  assert.deepEqual(mids(answer(lines(['recvonly', 'sendrecv'])), offer(lines(['sendonly', 'sendrecv']))), ['0']);
  const bundled = lines(['sendrecv']).replace('m=video 9', 'm=video 0') + 'a=bundle-only\r\n';
  assert.deepEqual(mids(answer(lines(['sendrecv'])), offer(bundled)), []);
});
