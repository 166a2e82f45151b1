/** The connection check: what it measures, and what it makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCheck } from '../../static/js/flow/check.js';
import { en } from './words.mjs';
import { linesOf, NOTHING_YET, reportOf, STEPS, verdictOf } from '../../static/js/state/check.js';
import { ProtocolError } from '../../static/js/client/errors.js';

const good = {
  secure: true,
  local: false,
  server: { rttMs: 12 },
  media: { connected: true },
  sent: { kbps: 600 },
  received: { kbps: 590, fps: 15, lossPercent: 0, sound: true },
  delay: { rttMs: 14, jitterMs: 2 },
  ways: { udp: 'ok', tcp: 'not_offered', turn_udp: 'not_offered', turn_tcp: 'not_offered', turn_tls: 'not_offered' },
  failed: null,
  tookMs: 8000,
};
const kindOf = (change) => verdictOf({ ...good, ...change }, false).title.replace('check.verdict.', '');

test('each finding has its verdict', () => {
  assert.equal(kindOf({}), 'good');
  assert.equal(kindOf({ received: { ...good.received, lossPercent: 8 } }), 'weak');
  assert.equal(kindOf({ delay: { rttMs: 450, jitterMs: 80 } }), 'weak');
  assert.equal(kindOf({ secure: false }), 'weak');
  assert.equal(kindOf({ local: true }), 'good', 'the machine itself needs no https');
  const [server] = linesOf({ ...good, local: true }, false);
  assert.match(en[server.detail], /Others need .* https/);
  assert.equal(kindOf({ received: { ...good.received, fps: 0 } }), 'sound');
  assert.equal(kindOf({ received: { ...good.received, fps: 0, sound: false } }), 'silent');
  const cut = { sent: null, received: null, delay: null };
  assert.equal(kindOf({ ...cut, media: { connected: false } }), 'blocked');
  assert.equal(kindOf({ ...cut, media: null, failed: 'server.busy' }), 'unfinished');
  assert.equal(kindOf({ ...cut, media: null, failed: 'auth.guest_disabled' }), 'guests');
  assert.equal(kindOf({ ...cut, media: null, server: null, failed: 'client.closed' }), 'unreachable');
});

test('seven lines are filled in one by one', () => {
  const looks = (found) => linesOf(found, true).map((line) => line.look);
  assert.deepEqual(looks(NOTHING_YET), ['running', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting']);
  assert.deepEqual(looks({ ...NOTHING_YET, server: good.server }), ['ok', 'running', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting']);
  assert.deepEqual(looks(good), ['ok', 'ok', 'none', 'none', 'ok', 'ok', 'ok']);
  assert.deepEqual(linesOf(good, false).map((line) => line.name), STEPS);
});

test('everything a line or a verdict may say has its words', () => {
  const some = [null, { ...good.received, fps: 0 }, { ...good.received, fps: 0, sound: false }, { ...good.received, lossPercent: 9 }];
  const relays = (udp, tcp, tls) => ({ turn_udp: udp, turn_tcp: tcp, turn_tls: tls });
  const someWays = [
    { udp: 'failed', tcp: 'ok', ...relays('ok', 'ok', 'ok') },
    { udp: 'failed', tcp: 'failed', ...relays('failed', 'failed', 'failed') },
    { udp: 'ok', tcp: 'failed', ...relays('ok', 'failed', 'not_offered') },
  ].map((ways) => ({ ways }));
  for (const running of [true, false]) {
    for (const [secure, local] of [[true, false], [true, true], [false, false]]) {
      for (const received of [...some, good.received]) {
        for (const failed of [null, 'auth.guest_disabled', 'server.busy']) {
          for (const change of [{}, { server: null }, { media: { connected: false } }, { sent: { kbps: 0 } }, ...someWays, { delay: { rttMs: 999 } }, NOTHING_YET]) {
            const found = { ...good, secure, local, received, failed, ...change };
            const { title, detail } = verdictOf(found, running);
            const keys = linesOf(found, running).flatMap((line) => [line.title, line.detail, line.word]);
            for (const key of [title, detail, ...keys]) assert.ok(key in en, key);
          }
        }
      }
    }
  }
});

test('a refusal names the step that it stopped, and why', () => {
  const stopped = { ...NOTHING_YET, server: { rttMs: 3 } };
  const at = (failed, failedAt) => ({ ...stopped, failed, failedAt });
  const lookOf = (found, name) => {
    const { look, detail, figures } = linesOf(found, false).find((line) => line.name === name);
    return [look, detail, figures.reason];
  };
  const publish = at('media.bad_sdp', 'publish');
  assert.deepEqual(lookOf(publish, 'publish'), ['bad', 'check.publish.refused.detail', 'trouble.why.browser']);
  assert.equal(verdictOf(publish, false).detail, 'check.failed.publish');
  assert.equal(verdictOf(publish, false).reason, 'trouble.why.browser');
  const receive = at('media.limit', 'receive');
  assert.deepEqual(lookOf(receive, 'receive'), ['bad', 'check.receive.refused.detail', 'error.media.limit']);
  assert.equal(lookOf(receive, 'publish')[0], 'none', 'what was not reached is not judged');
  for (const failedAt of ['meeting', 'publish', 'receive', 'sample']) {
    const { detail, reason } = verdictOf(at('server.busy', failedAt), false);
    for (const key of [detail, reason]) assert.ok(key in en, key);
  }
});

test('the report holds figures and nothing that names somebody', () => {
  const report = reportOf(good, { at: '2026-03-01T12:00:00Z', browser: 'Browser/1', server: 'meeting 1' });
  assert.deepEqual(Object.keys(report).sort(), [
    'at', 'browser', 'failed', 'failed_at', 'jitter_ms', 'lines', 'secure', 'server', 'took_ms', 'verdict', 'ways',
  ]);
  assert.equal(report.verdict, 'good');
  assert.deepEqual(report.lines[5], { name: 'receive', result: 'ok', kbps: 590, fps: 15, loss: 0 });
});

/** A server in the middle that passes on everything, in a time of its own. */
function world({ connects = true, refusal = null, refuse = null } = {}) {
  let time = 0;
  const undone = [];
  const log = [];
  const session = {
    token: 'token',
    ping: async () => void (time += 7),
    request: async (type) => {
      log.push(type);
      if (refusal) throw refusal;
      return { identity: 'check-room' };
    },
  };
  const end = (name) => ({
    on: () => {},
    leaveRoom: async () => void undone.push(`${name} left`),
    close: () => void undone.push(`${name} closed`),
  });
  const track = (direction, kind, seconds) => ({
    direction,
    kind,
    bytes: seconds * 50_000,
    packets: seconds * 97,
    packetsLost: seconds * 3,
    framesDecoded: kind === 'video' && direction === 'receive' ? seconds * 15 : 0,
    audioEnergy: kind === 'audio' ? seconds : 0,
    jitterMs: direction === 'receive' ? 4.4 : null,
  });
  const call = () => ({
    setSource: async () => {},
    close: () => void undone.push('call closed'),
    view: () => {},
    stats: async () => {
      const state = connects ? 'connected' : 'connecting';
      const seconds = time / 1000;
      return {
        connections: { up: { state, rttMs: 20.2 }, down: { state, rttMs: 31.7 } },
        tracks: ['send', 'receive'].flatMap((way) => ['audio', 'video'].map((kind) => track(way, kind, seconds))),
      };
    },
  });
  let ends = 0;
  const told = [];
  const means = {
    authenticated: async () => session,
    second: async () => end(`end ${(ends += 1)}`),
    startCall: async () => {
      if (refuse) throw refuse;
      return call();
    },
    tryWay: async (_token, _identity, way) => (way === 'udp' ? 'ok' : 'not_offered'),
    sample: async () => ({ picture: {}, tone: {}, stop: () => void undone.push('sample stopped') }),
    secure: true,
    local: false,
    tell: (found) => told.push(found),
    now: () => time,
    wait: async (ms) => void (time += ms),
  };
  return { means, told, undone, log };
}

test('what goes in at one end is measured at the other', async () => {
  const { means, told, undone, log } = world();
  const found = await runCheck(means);
  assert.deepEqual(log, ['check.begin']);
  assert.deepEqual(found.server, { rttMs: 7 });
  assert.deepEqual(found.sent, { kbps: 800 });
  assert.deepEqual(found.received, { kbps: 800, fps: 15, lossPercent: 3, sound: true });
  assert.deepEqual(found.delay, { rttMs: 32, jitterMs: 4 });
  assert.deepEqual(found.ways, good.ways);
  assert.equal(told.length, 8, 'each figure is told as soon as it is known');
  assert.deepEqual(undone.slice(0, 3), ['call closed', 'call closed', 'sample stopped']);
  assert.deepEqual(undone.slice(3).sort(), ['end 1 closed', 'end 1 left', 'end 2 closed', 'end 2 left']);
});

test('a network that lets no media through is noticed, and everything is put away', async () => {
  const { means, undone } = world({ connects: false });
  const found = await runCheck(means);
  assert.deepEqual(found.media, { connected: false });
  assert.equal(found.received, null);
  assert.equal(undone.length, 7);
});

test('a refusal ends the check with its code', async () => {
  const { means } = world({ refusal: new ProtocolError('server.busy', '') });
  const found = await runCheck(means);
  assert.deepEqual([found.failed, found.failedAt], ['server.busy', 'meeting']);
  assert.deepEqual(found.server, { rttMs: 7 });
});

test('each refused request names its step, and what the browser cannot make is its own', async () => {
  const steps = { 'media.publish': 'publish', 'media.source': 'publish', 'media.receive': 'receive', 'media.answer': 'receive', 'room.join': 'meeting' };
  for (const [request, step] of Object.entries(steps)) {
    const { means, undone } = world({ refuse: new ProtocolError('media.bad_sdp', '', { request }) });
    assert.equal((await runCheck(means)).failedAt, step, request);
    assert.ok(undone.includes('sample stopped'), 'everything is put away');
  }
  const { means } = world();
  means.sample = async () => {
    throw new DOMException('', 'NotSupportedError');
  };
  assert.equal((await runCheck(means)).failedAt, 'sample');
});

test('a way that is not needed is no fault, and a detour is one', () => {
  const lookOf = (ways) => {
    const all = { ...good.ways, ...ways };
    const looks = linesOf({ ...good, ways: all }, false).map(({ name, look }) => [name, look]);
    const { udp, tcp, relay } = Object.fromEntries(looks);
    return [udp, tcp, relay, kindOf({ ways: all })];
  };
  assert.deepEqual(lookOf({ tcp: 'failed', turn_tls: 'failed' }), ['ok', 'none', 'none', 'good']);
  assert.deepEqual(lookOf({ udp: 'failed', tcp: 'ok' }), ['warn', 'ok', 'none', 'weak']);
  assert.deepEqual(lookOf({ udp: 'failed', tcp: 'failed', turn_udp: 'failed' }), ['bad', 'bad', 'bad', 'weak']);
});
