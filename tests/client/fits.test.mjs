/** What is drawn, chosen and asked reaches the server, and what the server asks reaches the encoder. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { createCall, Session } from '../../static/js/client/index.js';
import { Fitting } from '../../static/js/flow/fitting.js';
import { enter, reduceMeeting } from '../../static/js/state/meeting.js';
import { apart, viewRequests } from '../../static/js/views/room/view-requests.js';
import { Clock } from './clock.mjs';
import { FakeServer } from './fake-server.mjs';

const at = new Date(0).toISOString();
const camera = (participant) => ({ id: `${participant}-cam`, participant, source: 'camera', kind: 'video', muted: false, layers: [] });
const person = (id, tracks = []) => ({ id, user: { id }, display_name: id, role: 'member', joined_at: at, hand_raised_at: null, tracks });

/** A display of so many device pixels for each pixel of the page; a phone is touched. */
function display(ratio, touched = false) {
  globalThis.devicePixelRatio = ratio;
  globalThis.matchMedia = (query) => ({ matches: touched && query.includes('coarse') });
}

test('what is drawn is asked for in pixels of the display, the screen first, then who is large, then who speaks', () => {
  const others = ['large', 'speaks', 'silent'].map((id) => person(id, [camera(id)]));
  const self = person('me', [camera('me')]);
  let meeting = enter({ room: {}, self, participants: [self, ...others, person('dark')], permissions: {}, ice_servers: [], chat: [] }, 0);
  meeting = reduceMeeting(meeting, { type: 'speaker.active', participants: ['speaks'], at: 0 });
  const seat = (id, main = false) => ({ id, main, x: 0, y: 0, w: 160, h: 90 });
  const seats = [seat('silent'), seat('speaks'), seat('large', true), seat('dark'), seat('me')];
  const of = (shown, box) => viewRequests(meeting, seats, shown, box)
    .sort((one, other) => other.priority - one.priority)
    .map(({ track, width, height, screen }) => `${track} ${width}×${height}${screen ? ' screen' : ''}`);
  display(1);
  assert.deepEqual(of({ participant: 'silent', track: 'screen' }, { w: 800, h: 450 }),
    ['screen 800×450 screen', 'large-cam 160×90', 'speaks-cam 160×90', 'silent-cam 160×90']);
  display(3);
  assert.deepEqual(of(null, null), ['large-cam 480×270', 'speaks-cam 480×270', 'silent-cam 480×270']);
  display(3, true);
  assert.equal(of(null, null)[0], 'large-cam 320×180', 'on a phone more than twice is not seen');
  assert.deepEqual(apart('large-cam', { w: 0, h: 0 }, false).width, 1);
});

/** What fits somebody in a meeting over the server, by a clock of the test's. */
function fitting(choice = 'best') {
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  const self = person('me');
  const io = { clock: new Clock(), views: [], shares: [], toasts: [], limitedBy: 'none', choice };
  const room = { topology: 'sfu' };
  io.meeting = enter({ room, self, participants: [self, person('ada', [camera('ada')])], permissions: {}, ice_servers: [], chat: [] }, 0);
  io.fitting = new Fitting({
    call: () => ({
      view: (tiles) => io.views.push(tiles.map(({ height }) => height).join()),
      limit: (source, share) => io.shares.push(`${source} ${share}`),
      stats: async () => ({ connections: {}, tracks: [{ direction: 'send', kind: 'video', limitedBy: io.limitedBy }] }),
    }),
    meeting: () => io.meeting,
    choice: () => io.choice,
    dispatch: (action) => (io.meeting = reduceMeeting(io.meeting, action)),
    toast: (key) => io.toasts.push(key),
    timers: io.clock,
  });
  io.pass = async (seconds) => {
    for (let passed = 0; passed < seconds; passed += 2) {
      io.clock.advance(2_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  io.fitting.begin();
  io.fitting.show([{ track: 'ada-cam', width: 1280, height: 720, priority: 1, screen: false }]);
  return io;
}

test('a choice holds for what comes and for what is sent', async () => {
  const io = fitting();
  assert.deepEqual([io.views, io.shares], [['720'], ['camera 1']]);
  for (const choice of ['save', 'sound', 'best']) {
    io.choice = choice;
    io.fitting.choose(choice);
    await io.pass(2);
  }
  assert.deepEqual([io.views, io.shares], [['720', '180', '', '720'], ['camera 1', 'camera 0.5', 'camera 0.5', 'camera 1']]);
  io.fitting.end();
});

test('a machine whose encoder cannot keep up asks for less, sends less, says so once, and takes it back', async () => {
  const io = fitting();
  io.limitedBy = 'cpu';
  await io.pass(10);
  assert.deepEqual([io.views.at(-1), io.shares.at(-1), io.meeting.strain], ['360', 'camera 0.5', 1]);
  assert.equal(io.fitting.whyOf('ada-cam', false)?.cause, 'machine');
  await io.pass(20);
  assert.deepEqual([io.views.at(-1), io.shares.at(-1), io.meeting.strain], ['180', 'camera 0.25', 2]);
  assert.deepEqual(io.toasts, ['toast.strain']);
  // A person who saves data anyway sends no more than both allow.
  io.choice = 'save';
  io.fitting.choose('save');
  assert.equal(io.shares.at(-1), 'camera 0.25');
  io.limitedBy = 'none';
  await io.pass(130);
  assert.deepEqual([io.shares.at(-1), io.meeting.strain], ['camera 0.5', 0]);
  assert.equal(io.fitting.whyOf('ada-cam', false)?.cause, 'choice');
  io.fitting.end();
});

class FakeSender {
  transport = null;
  #parameters;

  constructor(encodings) {
    this.#parameters = { encodings: structuredClone(encodings) };
  }

  getParameters = () => structuredClone(this.#parameters);

  async setParameters(parameters) {
    this.#parameters = structuredClone(parameters);
  }

  async replaceTrack() {}

  /** The layers that run. */
  get running() {
    return this.#parameters.encodings.filter(({ active = true }) => active).map(({ rid }) => rid).join('');
  }
}

/** As much of a connection as a call needs that never gets through to anybody. */
class FakeConnection extends EventTarget {
  static made = [];
  connectionState = 'new';
  iceConnectionState = 'new';
  signalingState = 'stable';
  localDescription = null;
  remoteDescription = null;
  #transceivers = [];

  constructor() {
    super();
    FakeConnection.made.push(this);
  }

  addTransceiver(kind, { sendEncodings = [{}] }) {
    const transceiver = { mid: String(this.#transceivers.length), kind, sender: new FakeSender(sendEncodings), receiver: { track: {} } };
    this.#transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers = () => this.#transceivers;
  getReceivers = () => [];
  createOffer = async () => ({ type: 'offer', sdp: 'an offer' });
  getStats = async () => new Map();

  async setLocalDescription(description = { type: 'answer', sdp: 'an answer' }) {
    this.localDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
  }

  close() {
    this.connectionState = 'closed';
  }
}

let server;
let session;
let call;
beforeEach(async () => {
  server = await new FakeServer().listen();
  let revision = 0;
  Object.assign(server.handlers, {
    'media.publish': () => ({ sdp: 'an answer' }),
    'media.receive': () => ({ revision: (revision += 1), sdp: 'an offer', slots: [] }),
    'media.answer': () => {},
    'media.view': () => {},
  });
  session = new Session(server.url, { WebSocket });
  await session.guest({ display_name: 'Ada' });
  const reply = await session.joinRoom({ identity: 'room' });
  FakeConnection.made = [];
  const room = { ...reply.room, topology: 'sfu' };
  call = createCall(session, { ...reply, room }, { RTCPeerConnection: FakeConnection, timers: new Clock(), videoSlots: 9, videoSlotsAtFirst: 2 });
});
afterEach(async () => {
  call.close();
  session.close();
  await server.stop();
});

/** Lets what was just sent be answered, and what was told before be taken. */
const settled = async () => {
  await session.request('ping');
  await new Promise((resolve) => setImmediate(resolve));
};

test('what nobody watches of the own camera is not encoded, whatever is said of other tracks', async () => {
  await call.start();
  const picture = Object.assign(new EventTarget(), { getSettings: () => ({ width: 1280, height: 720 }) });
  await call.setSource('camera', picture);
  const sender = () => FakeConnection.made.flatMap((one) => one.getTransceivers()).filter(({ kind }) => kind === 'video').map((one) => one.sender)[0];
  const demanded = async (layers, track = call.ownTrack('camera').id) => {
    server.peers[0].event('media.demand', { track, layers });
    await settled();
    return sender().running;
  };
  assert.equal(sender().running, 'qhf');
  assert.equal(await demanded(['q']), 'q');
  assert.equal(await demanded(['q', 'h', 'f'], 'somebody-elses'), 'q');
  assert.equal(await demanded(['q', 'f']), 'qf');
  assert.equal(await demanded([]), '');
  // The server counts anew when it begins again.
  await call.setSource('camera', null);
  await call.setSource('camera', picture);
  assert.equal(sender().running, 'qhf');
});

test('the newest list of tiles reaches the server, those that came too fast do not, and more tiles widen the connection', async () => {
  await call.start();
  await settled();
  const asked = (type) => server.requests.filter((one) => one.type === type).map(({ data }) => data);
  const tiles = (count, height) => Array.from({ length: count }, (_, place) => ({ track: `t${place}`, width: 320.4, height, priority: 1 }));
  for (let height = 100; height < 110; height += 1) call.view(tiles(2, height));
  for (let turns = 0; turns < 9; turns += 1) await settled();
  const views = asked('media.view').map((data) => data.tiles.map((tile) => `${tile.width}×${tile.height}`).join());
  assert.deepEqual(views, ['320×100,320×100', '320×109,320×109']);
  call.view(tiles(2, 109));
  await settled();
  assert.equal(asked('media.view').length, 2, 'the server knows that already');
  const slots = () => asked('media.receive').map((data) => data.video_slots);
  assert.deepEqual(slots(), [2]);
  call.view(tiles(3, 90));
  call.view(tiles(20, 90));
  // One negotiation follows the other.
  for (let turns = 0; turns < 9; turns += 1) await settled();
  assert.deepEqual(slots(), [2, 4, 9], 'twice as many each time, up to the most');
});
