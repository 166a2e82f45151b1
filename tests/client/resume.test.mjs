/** A session outlives its socket: whatever is cut, both sides end in the same state, and everything happens once. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { Clock } from './clock.mjs';
import { FakeServer, refusal, SILENCE } from './fake-server.mjs';

const RESUME_MS = 30_000;

let server;
let clock;
/** @type {Session[]} */
let made;
beforeEach(async () => {
  server = await new FakeServer().listen();
  server.resumeMs = RESUME_MS;
  clock = new Clock();
  made = [];
});
afterEach(async () => {
  for (const session of made) session.close();
  await server.stop();
});

function newSession(options = {}) {
  const page = { lives: true };
  // A page that is gone opens nothing any more.
  class PageSocket extends WebSocket {
    constructor(url, protocol) {
      super(page.lives ? url : 'ws://127.0.0.1:1/ws', protocol);
    }
  }
  const session = Object.assign(new Session(server.url, { WebSocket: PageSocket, random: () => 0.5, ...options }), { page });
  made.push(session);
  return session;
}

/** The page is gone without a word; nothing of it runs any more. */
function abandon(session) {
  session.page.lives = false;
  for (const { socket } of [...server.peers]) if (socket.peer.user?.id === session.user.id) socket.terminate();
}

function memory() {
  const kept = new Map();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

const next = (session, type, wanted = () => true) => new Promise((resolve) => {
  const unsubscribe = session.on(type, (data, info) => {
    if (!wanted(data)) return;
    unsubscribe();
    resolve({ data, info });
  });
});
const reaches = (session, state) => next(session, 'state', (change) => change.state === state).then(({ data }) => data);
const asked = (type) => server.requests.filter((request) => request.type === type);
const texts = (room) => server.rooms.get(room).chat.map(({ text }) => text);

/** Somebody in a room, with everything that they were told. */
async function enter(name, options) {
  const session = newSession(options);
  await session.guest({ display_name: name });
  const told = [];
  session.on('*', (data, { type, seq }) => {
    if (seq !== undefined) told.push({ type, seq, data });
  });
  const reply = await session.joinRoom({ identity: 'room' });
  return { session, told, reply, id: reply.self.id, peer: server.peers.at(-1) };
}

const heard = (told) => told.filter(({ type }) => type === 'chat.message').map(({ data }) => data.message.text);
const numbers = (told) => told.map(({ seq }) => seq);
const inARow = (list) => list.every((seq, index) => index === 0 || seq === list[index - 1] + 1);

test('a lost socket is taken up at once: same participant, nobody hears of a leave, nothing is missed', async () => {
  const ada = await enter('Ada');
  const bo = await enter('Bo');
  const online = reaches(ada.session, 'online');
  const back = next(bo.session, 'participant.updated', ({ participant }) => participant.connection === 'online');
  server.passes = () => true;
  ada.peer.socket.terminate();
  await next(bo.session, 'participant.updated', ({ participant }) => participant.connection === 'reconnecting');
  await bo.session.sendChat({ text: 'while you were away' });
  assert.equal((await online).resumed, true);
  await back;
  await ada.session.ping();
  assert.deepEqual(heard(ada.told), ['while you were away']);
  assert.ok(inARow(numbers(ada.told)), `numbers ${numbers(ada.told)}`);
  assert.equal(bo.told.filter(({ type }) => type === 'participant.left').length, 0);
  assert.equal(asked('room.join').length, 2, 'each joined once');
  assert.equal(asked('auth.token').length, 0);
});

test('what one wrote while away is sent once, in order, before what one writes after', async () => {
  const ada = await enter('Ada', { timers: clock });
  const bo = await enter('Bo');
  const lost = reaches(ada.session, 'reconnecting');
  ada.peer.socket.terminate();
  await lost;
  const sent = ['one', 'two', 'three'].map((text) => ada.session.sendChat({ text }));
  const raised = ada.session.updateParticipant({ hand: true });
  const pinged = assert.rejects(ada.session.ping(), { code: 'client.closed' });
  const online = reaches(ada.session, 'online');
  ada.session.on('state', ({ state }) => state === 'online' && void ada.session.sendChat({ text: 'four' }));
  clock.advance(0);
  await online;
  await Promise.all([...sent, raised, pinged]);
  await bo.session.ping();
  assert.deepEqual(texts('room'), ['one', 'two', 'three', 'four']);
  assert.deepEqual(heard(bo.told), ['one', 'two', 'three', 'four']);
  const ids = server.requests.filter(({ type }) => /^(chat|participant)/.test(type)).map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort((a, b) => a - b));
});

test('a request whose answer was lost is sent again as it was, and carried out once', async () => {
  const ada = await enter('Ada');
  server.passes = (way, { type, re }, peer) => !(way === 'out' && type === 'ok' && re !== undefined && peer === ada.peer && cutOnce());
  let cut = false;
  function cutOnce() {
    if (cut) return false;
    return (cut = true);
  }
  const { message } = await ada.session.sendChat({ text: 'hello' });
  assert.equal(message.text, 'hello');
  assert.deepEqual(texts('room'), ['hello']);
  const [first, second] = asked('chat.send');
  assert.deepEqual(second, first, 'the same request with the same id, in the same session');
  assert.deepEqual(heard(ada.told), ['hello'], 'the own message comes once');
});

test('cut before or behind every frame in either direction: same room for both, each event once', { timeout: 120_000 }, async () => {
  let cuts = 0;
  for (const second of [null, 0, 1, 2, 3, 4]) {
    for (let at = 0; ; at += 1) {
      const outcome = await scripted(at, second);
      if (!outcome.wasCut) break;
      cuts += 1;
      assert.deepEqual(outcome.problems, [], `cut at frame ${at}, and again ${second} frames later`);
    }
  }
  assert.ok(cuts > 100, `${cuts} ways to cut`);
});

/** Two people talk; the one's socket is cut at a frame, and perhaps once more so many frames later, on the way back. */
async function scripted(at, second) {
  const fresh = await new FakeServer().listen();
  fresh.resumeMs = RESUME_MS;
  const people = [];
  const open = (name) => {
    const session = new Session(fresh.url, { WebSocket, random: () => 0 });
    const told = [];
    session.on('*', (data, { type, seq }) => seq !== undefined && told.push({ type, seq, data }));
    people.push(session);
    return { name, session, told };
  };
  try {
    const [ada, bo] = [open('Ada'), open('Bo')];
    for (const { session, name } of [ada, bo]) await session.guest({ display_name: name });
    await bo.session.joinRoom({ identity: 'room' });
    const hers = fresh.peers[0];
    let count = 0;
    let wasCut = false;
    let again = null;
    fresh.passes = (_way, frame, peer) => {
      const isHers = peer === hers || frame.data?.session === hers.session;
      if (!isHers) return true;
      if (count++ === at) {
        wasCut = true;
        again = second;
        return false;
      }
      // And once more while it is being taken up.
      if (again !== null && again-- === 0) {
        again = null;
        return false;
      }
      return true;
    };
    const { session } = ada;
    await session.joinRoom({ identity: 'room' });
    const said = ['a1', 'a2', 'a3'];
    await session.sendChat({ text: said[0] });
    const both = [bo.session.sendChat({ text: 'b1' }), session.sendChat({ text: said[1] }), session.updateParticipant({ hand: true })];
    await Promise.all(both);
    await bo.session.sendChat({ text: 'b2' });
    await Promise.all([session.updateParticipant({ audio: true }), session.sendChat({ text: said[2] })]);
    await session.request('room.roster').catch(() => {});
    fresh.passes = () => true;
    for (const one of people) await one.request('participant.update', {});
    await settled(() => session.state === 'online' && fresh.detached.length === 0);
    await session.ping();
    const { chat, participants } = fresh.rooms.get('room');
    const written = chat.map(({ text }) => text);
    const problems = [];
    if ([...written].sort().join() !== 'a1,a2,a3,b1,b2') problems.push(`written ${written}`);
    const order = written.filter((text) => text.startsWith('a')).join();
    if (order !== 'a1,a2,a3') problems.push(`order ${order}`);
    for (const { name, told } of [ada, bo]) {
      const numbers = told.map(({ seq }) => seq);
      if (!inARow(numbers)) problems.push(`${name} was told ${numbers}`);
      const words = told.filter(({ type }) => type === 'chat.message').map(({ data }) => data.message.text);
      if (words.join() !== written.join()) problems.push(`${name} heard ${words} of ${written}`);
      if (told.some(({ type }) => type === 'participant.left')) problems.push(`${name} saw somebody leave`);
    }
    const inside = [...participants.values()];
    if (inside.length !== 2) problems.push(`${inside.length} are in`);
    const self = inside.find(({ user }) => user.display_name === 'Ada');
    if (!self?.hand || !self.audio || self.connection !== 'online') problems.push(`she is ${JSON.stringify(self)}`);
    return { wasCut, problems };
  } finally {
    for (const one of people) one.close();
    await fresh.stop();
  }
}

async function settled(is) {
  for (let turn = 0; !is() && turn < 1_000; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('a token is used once: after a lost answer the one before still takes the session up, and the newest is kept', async () => {
  const ada = await enter('Ada');
  const used = [];
  let left = 2;
  server.passes = (way, frame) => {
    if (frame.type === 'session.resume') used.push(frame.data.resume_token);
    return !(way === 'out' && frame.data?.resumed && left-- > 0);
  };
  const online = reaches(ada.session, 'online');
  ada.peer.socket.terminate();
  await online;
  assert.equal(new Set(used).size, 1, `the answers with new ones were lost: ${used}`);
  assert.equal(used.length, 3);
  const again = reaches(ada.session, 'online');
  ada.peer.socket.terminate();
  await again;
  assert.equal(new Set(used).size, 2);
  assert.equal(asked('room.join').length, 1);
});

test('events that cannot be replayed come as a view of the room, in one step, and the next ones go on behind it', async () => {
  const ada = await enter('Ada');
  const bo = await enter('Bo');
  await ada.session.updateParticipant({ hand: true });
  const joined = next(ada.session, 'joined');
  let quiet = true;
  server.passes = (_, frame) => !(quiet && frame.type === 'session.resume');
  ada.peer.socket.terminate();
  await next(bo.session, 'participant.updated', ({ participant }) => participant.connection === 'reconnecting');
  await bo.session.sendChat({ text: 'lost' });
  ada.peer.ring.length = 0;
  quiet = false;
  const { data, info } = await joined;
  assert.deepEqual([info.again, info.same, info.mediaLost], [true, true, false]);
  assert.equal(data.self.id, ada.id);
  assert.equal(data.self.hand, true);
  assert.deepEqual(data.chat.map(({ text }) => text), ['lost']);
  await bo.session.sendChat({ text: 'after' });
  await ada.session.ping();
  assert.deepEqual(heard(ada.told), ['after']);
  assert.equal(asked('session.resume').length >= 1, true);
});

test('a session that is gone signs in and joins anew; what waited for it is refused', async () => {
  const ada = await enter('Ada', { timers: clock });
  const lost = reaches(ada.session, 'reconnecting');
  ada.peer.socket.terminate();
  await lost;
  for (const peer of server.detached) server.expire(peer);
  const waiting = assert.rejects(ada.session.sendChat({ text: 'too late' }), { code: 'client.closed', request: 'chat.send' });
  const joined = next(ada.session, 'joined');
  clock.advance(0);
  await waiting;
  const { data, info } = await joined;
  assert.deepEqual([info.again, info.same], [true, false]);
  assert.notEqual(data.self.id, ada.id);
  assert.equal(asked('auth.token').length, 1);
  assert.deepEqual(texts('room'), []);
});

test('what waits is refused once the server keeps the session no longer', async () => {
  const ada = await enter('Ada', { timers: clock });
  server.passes = (_, frame) => frame.type !== 'session.resume';
  const lost = reaches(ada.session, 'reconnecting');
  ada.peer.socket.terminate();
  await lost;
  const waiting = assert.rejects(ada.session.sendChat({ text: 'still here?' }), { code: 'client.closed' });
  clock.advance(RESUME_MS);
  await waiting;
  await assert.rejects(ada.session.sendChat({ text: 'and now' }), { code: 'client.closed' });
});

test('a request without an answer is not given up while nobody could answer it', async () => {
  const ada = await enter('Ada', { timers: clock });
  const { 'chat.send': say } = server.handlers;
  server.handlers['chat.send'] = () => SILENCE;
  const arrived = server.nextRequest('chat.send');
  const sent = ada.session.sendChat({ text: 'slow' });
  await arrived;
  server.handlers['chat.send'] = say;
  server.passes = (_, frame) => frame.type !== 'session.resume';
  const lost = reaches(ada.session, 'reconnecting');
  ada.peer.socket.terminate();
  await lost;
  clock.advance(20_000);
  server.passes = () => true;
  ada.session.wake();
  await settled(() => {
    ada.session.wake();
    return ada.session.state === 'online';
  });
  assert.equal((await sent).message.text, 'slow');
});

test('a number that is left out is asked for, and when it stays out, the whole room is', async () => {
  const ada = await enter('Ada');
  const bo = await enter('Bo');
  await ada.session.ping();
  const joined = next(ada.session, 'joined');
  ada.peer.skip();
  await bo.session.sendChat({ text: 'behind the gap' });
  const { data, info } = await joined;
  assert.deepEqual([info.again, info.same], [true, true]);
  assert.deepEqual(data.chat.map(({ text }) => text), ['behind the gap']);
  await bo.session.sendChat({ text: 'next' });
  await ada.session.ping();
  assert.deepEqual(heard(ada.told), ['next']);
  assert.equal(asked('room.join').length, 2);
});

test('an event that was lost on the way is asked for, and comes in its order', async () => {
  const ada = await enter('Ada');
  const bo = await enter('Bo');
  await ada.session.ping();
  const { frame } = ada.peer;
  let dropped = false;
  ada.peer.frame = function drop(sent) {
    if (sent.type !== 'chat.message' || dropped) return frame.call(this, sent);
    dropped = true;
  };
  await bo.session.sendChat({ text: 'lost' });
  const online = reaches(ada.session, 'online');
  await bo.session.sendChat({ text: 'early' });
  await online;
  await ada.session.ping();
  assert.deepEqual(heard(ada.told), ['lost', 'early']);
  assert.equal(asked('session.resume').at(-1).data.last_seq, ada.told.find(({ data }) => data.message?.text === 'lost').seq - 1);
});

test('a page that is loaded anew goes on as the same participant, and asks for no password', async () => {
  const storage = memory();
  const tabStorage = memory();
  const ada = await enter('Ada', { storage, tabStorage });
  const bo = await enter('Bo');
  await ada.session.updateParticipant({ hand: true });
  assert.equal(tabStorage.kept.size, 1);
  const gone = next(bo.session, 'participant.updated', ({ participant }) => participant.connection === 'reconnecting');
  abandon(ada.session);
  await gone;
  const page = newSession({ storage, tabStorage });
  const user = await page.connect({ room: 'room' });
  assert.equal(user.display_name, 'Ada');
  const reply = await page.joinRoom({ identity: 'room' });
  assert.deepEqual([reply.self.id, reply.self.hand], [ada.id, true]);
  assert.equal(asked('session.resume').at(-1).data.last_seq, null);
  assert.equal(asked('room.join').length, 2, 'neither came in again');
  assert.equal(bo.told.filter(({ type }) => type === 'participant.left').length, 0);
  // And once more, with the token that came with it.
  await bo.session.sendChat({ text: 'hello' });
  abandon(page);
  const third = newSession({ storage, tabStorage });
  await third.connect({ room: 'room' });
  const again = await third.joinRoom({ identity: 'room' });
  assert.equal(again.self.id, ada.id);
  assert.deepEqual(again.chat.map(({ text }) => text), ['hello']);
  assert.ok(third.token);
});

test('what happened between the way back and the question for the room is in the answer', async () => {
  const tabStorage = memory();
  const storage = memory();
  const ada = await enter('Ada', { storage, tabStorage });
  const bo = await enter('Bo');
  abandon(ada.session);
  const page = newSession({ storage, tabStorage });
  await page.connect({ room: 'room' });
  const told = next(page, 'chat.message');
  await bo.session.sendChat({ text: 'meanwhile' });
  await told;
  const { 'room.join': join } = server.handlers;
  let looked = 0;
  server.handlers['room.join'] = (peer, data) => {
    looked += 1;
    return peer.room ? { ...viewOf(peer) } : join(peer, data);
  };
  const reply = await page.joinRoom({ identity: 'room' });
  assert.equal(looked, 1);
  assert.equal(reply.self.id, ada.id);
  assert.deepEqual(reply.chat.map(({ text }) => text), ['meanwhile']);
});

const viewOf = (peer) => ({
  room: { identity: peer.room.identity, topology: 'p2p' }, self: peer.participant,
  participants: [...peer.room.participants.values()], ice_servers: [], chat: [...peer.room.chat],
});

test('a session that was taken up in a room that the page does not go back to leaves it', async () => {
  const tabStorage = memory();
  const storage = memory();
  const ada = await enter('Ada', { storage, tabStorage });
  const bo = await enter('Bo');
  abandon(ada.session);
  const left = next(bo.session, 'participant.left');
  const page = newSession({ storage, tabStorage });
  await page.connect();
  assert.equal((await left).data.participant, ada.id);
  assert.equal(tabStorage.kept.size, 0);
});

for (const [how, end] of [
  ['leaving', ({ session }) => session.leaveRoom()],
  ['closing', ({ session }) => session.close()],
  ['being removed', ({ session, peer }) => {
    const closed = reaches(session, 'closed');
    peer.socket.close(4403);
    return closed;
  }],
]) {
  test(`${how} leaves nothing behind for a page that is loaded anew`, async () => {
    const tabStorage = memory();
    const ada = await enter('Ada', { tabStorage });
    assert.equal(tabStorage.kept.size, 1);
    await end(ada);
    assert.equal(tabStorage.kept.size, 0);
  });
}

test('neither a password nor the token of the log-in is kept for the tab', async () => {
  const tabStorage = memory();
  const session = newSession({ tabStorage });
  await session.guest({ display_name: 'Ada' });
  assert.equal(tabStorage.kept.size, 0, 'nothing before a room is asked for');
  await session.joinRoom({ identity: 'room', password: 'secret word' });
  const [kept] = [...tabStorage.kept.values()];
  assert.deepEqual(Object.keys(JSON.parse(kept)).sort(), ['expiresAt', 'page', 'session', 'token']);
  assert.equal(kept.includes('secret word'), false);
  assert.equal(kept.includes(session.token), false);
});

test('two pages with the same session do not steal it from each other for ever: the newer one has it', async () => {
  const tabStorage = memory();
  const storage = memory();
  const ada = await enter('Ada', { storage, tabStorage });
  const closed = reaches(ada.session, 'closed');
  const twin = newSession({ storage, tabStorage });
  await twin.connect({ room: 'room' });
  assert.equal((await twin.joinRoom({ identity: 'room' })).self.id, ada.id);
  assert.equal((await closed).code, 4409);
  ada.session.wake();
  await twin.ping();
  assert.deepEqual([ada.session.state, twin.state], ['closed', 'online']);
  assert.equal(asked('session.resume').length, 1);
});

test('a server that is too busy for the way back is asked again in its time', async () => {
  const ada = await enter('Ada', { timers: clock });
  let busy = true;
  const { sessions } = server;
  const { get } = sessions;
  sessions.get = function held(id) {
    if (busy) throw refusal('server.draining', { retry_after_ms: 3_000 });
    return get.call(this, id);
  };
  const lost = reaches(ada.session, 'reconnecting');
  ada.peer.socket.terminate();
  await lost;
  const later = reaches(ada.session, 'reconnecting');
  clock.advance(0);
  const { retryAt, attempt } = await later;
  assert.deepEqual([attempt, retryAt - clock.now()], [2, 3_250]);
  busy = false;
  const online = reaches(ada.session, 'online');
  clock.advance(3_250);
  assert.equal((await online).resumed, true);
});

test('a person who left while away is not brought back, and leaves after the way back', async () => {
  const ada = await enter('Ada', { timers: clock });
  const bo = await enter('Bo');
  const lost = reaches(ada.session, 'reconnecting');
  ada.peer.socket.terminate();
  await lost;
  ada.peer.ring.length = 0;
  await bo.session.sendChat({ text: 'bye' });
  ada.peer.ring.length = 0;
  const left = ada.session.leaveRoom();
  let again = 0;
  ada.session.on('joined', () => (again += 1));
  clock.advance(0);
  await left;
  assert.equal(again, 0);
  assert.equal(server.rooms.get('room').participants.size, 1);
});
