/** The ways of sound and picture, each by itself, and the verdict that is left at the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { only, onlyOn, relaysOf, wayOfUrl, waysTried } from '../../static/js/client/ways.js';
import { leaveReport, tryWay } from '../../static/js/flow/check-ways.js';
import { meetingReport, wireReport } from '../../static/js/state/check-report.js';
import { NOTHING_YET } from '../../static/js/state/check.js';
import { toldAnew, troubleOf } from '../../static/js/state/trouble.js';

const UDP = 'a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host';
const TCP = 'a=candidate:2 1 tcp 1671430143 192.0.2.1 443 typ host tcptype passive';
const SDP = ['v=0', 'a=ice-lite', UDP, TCP, 'a=end-of-candidates', ''].join('\r\n');
const SERVERS = [
  { urls: ['stun:meet.example'] },
  { urls: ['turn:meet.example:20000', 'turn:meet.example:443?transport=tcp', 'turns:meet.example:443?transport=tcp'], username: 'u', credential: 'c' },
];

test('a description keeps the candidates of one way', () => {
  assert.equal(onlyOn(SDP, 'udp').sdp.includes(TCP), false);
  assert.equal(onlyOn(SDP, 'tcp').sdp.includes(UDP), false);
  assert.ok(onlyOn(SDP, 'tcp').sdp.includes(TCP));
  assert.ok(onlyOn(SDP, 'turn_tls').sdp.includes(UDP), 'a relay passes on datagrams');
  assert.equal(onlyOn(SDP.replace(TCP, 'a=x'), 'tcp').left, false);
});

test('a relay is told by how it is reached', () => {
  assert.deepEqual(SERVERS.flatMap(({ urls }) => urls).map(wayOfUrl), [null, 'turn_udp', 'turn_tcp', 'turn_tls']);
  assert.deepEqual(relaysOf(SERVERS, 'turn_tcp'), [{ ...SERVERS[1], urls: ['turn:meet.example:443?transport=tcp'] }]);
  assert.deepEqual(relaysOf([{ urls: 'stun:meet.example' }], 'turn_udp'), []);
});

/** A browser's connection that keeps what it is given. */
class Base {
  constructor(config) {
    this.config = config;
  }
  async setRemoteDescription({ sdp }) {
    this.sdp = sdp;
  }
  async addIceCandidate(candidate) {
    this.added = candidate;
  }
}

test('a connection of one way uses no other', async () => {
  const heard = { offered: false };
  const plain = new (only('tcp', Base, heard))({ iceServers: SERVERS });
  assert.deepEqual(plain.config, { iceServers: [] });
  await plain.setRemoteDescription({ type: 'answer', sdp: SDP.replace(TCP, 'a=x') });
  await plain.addIceCandidate({ candidate: UDP.slice(2) });
  assert.deepEqual([heard.offered, plain.added], [false, undefined]);
  await plain.addIceCandidate({ candidate: TCP.slice(2) });
  assert.equal(heard.offered, true);
  const relayed = { offered: false };
  const { config } = new (only('turn_tls', Base, relayed))({ bundlePolicy: 'max-bundle', iceServers: SERVERS });
  assert.deepEqual([config.iceTransportPolicy, config.bundlePolicy, relayed.offered], ['relay', 'max-bundle', true]);
  const none = { offered: false };
  new (only('turn_udp', Base, none))({});
  assert.equal(none.offered, false);
});

/** @param {{offers?: boolean, connects?: boolean, refuses?: boolean}} how */
function means({ offers = true, connects = true, refuses = false }) {
  let time = 0;
  const undone = [];
  const session = { leaveRoom: async () => undone.push('left'), close: () => undone.push('closed') };
  return {
    undone,
    session: async () => session,
    call: async (_session, PeerConnection) => {
      if (refuses) throw new Error('refused');
      const connection = new PeerConnection({});
      await connection.setRemoteDescription({ type: 'answer', sdp: offers ? SDP : '' });
      const state = connects ? 'connected' : 'checking';
      return { stats: async () => ({ connections: { up: { state }, down: { state } } }), close: () => undone.push('call') };
    },
    PeerConnection: Base,
    now: () => time,
    wait: async (ms) => void (time += ms),
  };
}

test('a way is open, shut or not offered, and everything is put away', async () => {
  for (const [how, result] of [[{}, 'ok'], [{ connects: false }, 'failed'], [{ offers: false }, 'not_offered']]) {
    const made = means(how);
    assert.equal(await tryWay('udp', made), result);
    assert.deepEqual(made.undone, ['call', 'left', 'closed']);
  }
  const refused = means({ refuses: true });
  await assert.rejects(tryWay('udp', refused));
  assert.deepEqual(refused.undone, ['left', 'closed']);
});

test('what a browser measured tells the ways that it tried', () => {
  const report = new Map(
    [
      { id: 'u', type: 'local-candidate', candidateType: 'host', protocol: 'udp' },
      { id: 't', type: 'local-candidate', candidateType: 'host', protocol: 'tcp' },
      { id: 'r', type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' },
      { id: 1, type: 'candidate-pair', localCandidateId: 'u', state: 'failed' },
      { id: 2, type: 'candidate-pair', localCandidateId: 't', state: 'in-progress' },
      { id: 3, type: 'candidate-pair', localCandidateId: 'r', state: 'succeeded' },
      { id: 4, type: 'candidate-pair', localCandidateId: 'r', state: 'failed' },
      { id: 5, type: 'candidate-pair', localCandidateId: 'gone', state: 'failed' },
    ].map((entry) => [entry.id, entry]),
  );
  assert.deepEqual(waysTried(report), { udp: 'failed', tcp: 'failed', turn_tls: 'ok' });
});

test('the person reads which ways were tried and where the reason is found, also after the next try', () => {
  const told = (up) => troubleOf({ health: { up, down: null, peers: {} }, unsent: { microphone: null, camera: null }, withheld: {}, participants: {}, self: 'me' });
  const up = { code: 'ice', retryAt: null, refused: false, ways: { tcp: 'failed', udp: 'failed' }, report: 'ABCD-EFGH' };
  assert.deepEqual([told(up).tried, told(up).report], ['UDP, TCP', 'ABCD-EFGH']);
  const again = toldAnew(up, { code: 'dtls', retryAt: 5, refused: false });
  assert.deepEqual([told(again).tried, told(again).report, told(again).retryAt], ['UDP, TCP', 'ABCD-EFGH', 5]);
  const refused = toldAnew(up, { code: 'media.limit', retryAt: null, refused: true });
  assert.equal('tried' in told(refused) || 'report' in told(refused), false, 'that is no matter of ways');
  assert.equal(toldAnew(up, null), null);
});

test('what is left at the server names nobody', () => {
  const found = { ...NOTHING_YET, server: { rttMs: 12 }, ways: { udp: 'failed', tcp: 'not_offered' }, failed: 'NotSupportedError' };
  assert.deepEqual(wireReport(found, 'blocked'), {
    place: 'check',
    verdict: 'blocked',
    ways: [{ way: 'udp', result: 'failed' }, { way: 'tcp', result: 'not_offered' }],
    socket_ms: 12,
    failed: 'NotSupportedError',
    sent_kbps: null,
    received_kbps: null,
    loss_percent: null,
  });
  assert.equal(wireReport({ ...found, failed: 'cannot reach 192.0.2.1 for ada' }, 'blocked').failed, null);
  const { place, failed } = meetingReport('ice', { udp: 'failed' });
  assert.deepEqual([place, failed], ['meeting', 'ice']);
});

test('a report has a code, or none where the server does not take it', async () => {
  const sent = [];
  const answer = (status, body) => async (path, init) => {
    sent.push([path, init.method, init.headers['content-type']]);
    return new Response(body, { status });
  };
  assert.equal(await leaveReport({}, answer(201, '{"code":"ABCD-EFGH"}')), 'ABCD-EFGH');
  assert.deepEqual(sent[0], ['/check/report', 'POST', 'application/json']);
  assert.equal(await leaveReport({}, answer(429, '')), null);
  assert.equal(await leaveReport({}, async () => Promise.reject(new TypeError('gone'))), null);
});
