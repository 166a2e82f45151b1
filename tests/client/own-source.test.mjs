import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { OwnSource } from '../../static/js/client/own-source.js';
import { ProtocolError } from '../../static/js/client/errors.js';
import { Clock } from './clock.mjs';

let log;
let refuse;
let ids;
/** Whether the room has what begins begin muted. */
let quiet;
let changes;
const clock = new Clock();
const io = {
  timers: clock,
  refused: ({ code }) => log.push(`refused ${code}`),
  ready: async () => {},
  request: async (type, data) => {
    log.push(type === 'media.source' ? `${data.active ? 'on' : 'off'}${data.muted ? ' muted' : ''}` : `update ${JSON.stringify(data)}`);
    if (refuse) throw new ProtocolError(refuse, 'No.');
    return { track: { id: `t${++ids}`, muted: quiet || data.muted === true } };
  },
  send: async (source, media, track) => void log.push(`send ${media?.label ?? 'nothing'} as ${track?.id ?? '-'}`),
  changed: ({ muted, reason }) => void changes.push(`${reason}: ${muted ? 'muted' : 'on'}`),
  failed: (error) => log.push(`failed ${error.message}`),
};

beforeEach(() => {
  log = [];
  refuse = null;
  ids = 0;
  quiet = false;
  changes = [];
});

test('a source is announced before it is sent, and taken off before it is withdrawn', async () => {
  const source = new OwnSource('camera', io);
  await source.set(media('a'));
  await source.set(media('b'));
  await source.set(null);
  assert.deepEqual(log, ['on', 'send a as t1', 'send b as t1', 'send nothing as t1', 'off']);
});

test('fast clicks end where the last one points', async () => {
  const source = new OwnSource('camera', io);
  await Promise.all([source.set(media('a')), source.set(null), source.set(media('b')), source.set(null)]);
  assert.deepEqual(log, []);
  await Promise.all([source.set(null), source.set(media('c'))]);
  assert.deepEqual(log.slice(0, 2), ['on', 'send c as t1']);
});

test('a muted source is silent before the server knows', async () => {
  const source = new OwnSource('microphone', io);
  const mic = media('mic');
  source.setMuted(true);
  const sent = source.set(mic);
  assert.equal(mic.enabled, false);
  await sent;
  assert.deepEqual(log, ['on muted', 'send mic as t1']);
  const unmuted = source.setMuted(false);
  assert.equal(mic.enabled, true);
  await unmuted;
  assert.equal(log.at(-1), 'update {"audio":true}');
});

test("the server's mute is obeyed, but not the echo of a mute that is already taken back", async () => {
  const source = new OwnSource('microphone', io);
  const mic = media('mic');
  await source.set(mic);
  source.mutedByServer(true);
  assert.equal(mic.enabled, false);
  const back = source.setMuted(false);
  source.mutedByServer(true);
  assert.equal(mic.enabled, true);
  await back;
  assert.equal(log.at(-1), 'update {"audio":true}');
});

test('what the room has begin muted is silent until the person unmutes it, once', async () => {
  for (const name of ['microphone', 'camera']) {
    log.length = 0;
    changes.length = 0;
    quiet = true;
    const source = new OwnSource(name, io);
    const own = media(name);
    await source.set(own);
    assert.equal(own.enabled, false, name);
    assert.deepEqual(changes, ['own: on', 'server: muted'], name);
    assert.deepEqual(log, ['on', `send ${name} as t${ids}`], 'nothing undoes it');
    quiet = false;
    await source.setMuted(false);
    assert.equal(own.enabled, true);
    assert.match(log.at(-1), /^update .*true/);
  }
});

test('a refused source is off; one whose socket died is still wanted', async () => {
  const source = new OwnSource('screen', io);
  refuse = 'perm.denied';
  await assert.rejects(source.set(media('a')), { code: 'perm.denied' });
  assert.equal(source.media, null);
  refuse = 'client.closed';
  await assert.rejects(source.set(media('b')), { code: 'client.closed' });
  refuse = null;
  await source.restart();
  assert.deepEqual(log, ['on', 'refused perm.denied', 'on', 'on', 'send b as t1']);
});

test('what the server could not take just now is told again by itself; what was closed is not', async () => {
  const source = new OwnSource('camera', io);
  refuse = 'client.timeout';
  await assert.rejects(source.set(media('a')), { code: 'client.timeout' });
  refuse = null;
  clock.advance(5_000);
  await source.retry();
  assert.deepEqual(log, ['on', 'on', 'send a as t1']);
  refuse = 'server.internal';
  source.setMuted(true).catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  source.close();
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(log.filter((what) => what.startsWith('update')).length, 1);
});

test('a track that ends by itself is withdrawn, one that was replaced is not heard of', async () => {
  const source = new OwnSource('camera', io);
  const [a, b] = [media('a'), media('b')];
  await source.set(a);
  await source.set(b);
  a.dispatchEvent(new Event('ended'));
  assert.equal(source.media, b);
  b.dispatchEvent(new Event('ended'));
  await source.set(null);
  assert.deepEqual(log.slice(-2), ['send nothing as t1', 'off']);
});

test('screens cannot be muted', () => {
  assert.throws(() => new OwnSource('screen', io).setMuted(true), TypeError);
});

function media(label) {
  return Object.assign(new EventTarget(), { label, enabled: true });
}
