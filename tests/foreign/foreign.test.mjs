/**
 * Media clients that share no code with this project, written against its wire protocol alone: aiortc (Python, decodes),
 * GStreamer (C, decodes), werift (Node, packets), libdatachannel (C++, packets) and ffmpeg (C, sends alone). Whatever they
 * show, their authors will find too.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, startServer, until } from '../browser/harness.mjs';
import * as pages from '../browser/media-page.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { Crowd, flows } from './clients.mjs';

const GCM = 'SRTP_AEAD_AES_128_GCM';
const CM = 'SRTP_AES128_CM_SHA1_80';
/** How far a decoded hue may be from the one that was sent, of 256, and a tone in Hertz. */
const HUE_SLACK = 12;
const TONE_SLACK = 15;

let server;
let crowd;
before(async () => {
  server = await startServer();
  crowd = new Crowd(server);
});
afterEach(() => crowd?.stop());
after(() => server?.stop());

const room = () => makeRoom({ server });

/** What a decoding client received of a sender is what that one sent. */
function looksLike(received, sender) {
  const camera = received.get(`${sender.id} camera`);
  const voice = received.get(`${sender.id} microphone`);
  const { hue, hz } = sender.look;
  const far = Math.max(...hue.map((value, index) => Math.abs(value - camera.hue[index])));
  assert.ok(far <= HUE_SLACK, `the hue is ${camera.hue}, not ${hue}`);
  assert.ok(camera.changes > camera.frames / 2, `${camera.changes} of ${camera.frames} pictures differ from the one before`);
  assert.ok(Math.abs(voice.hz - hz) <= TONE_SLACK, `the tone is ${voice.hz} Hz, not ${hz}`);
}

/** What a client on packets received of a sender: gapless; and where the sample was sent, to the byte. */
function isWhole(received, sender) {
  for (const source of ['camera', 'microphone']) {
    const track = received.get(`${sender.id} ${source}`);
    assert.deepEqual({ missing: track.missing, late: track.late }, { missing: 0, late: 0 }, source);
    if (!sender.encodes) {
      assert.equal(track.known, track.frames, `${source}: frames that are none of the sample`);
      assert.equal(track.jumps, 0, `${source}: frames that are out of order`);
    }
  }
}

/** Everybody receives everybody else for three seconds, and rightly so. */
async function meet(...clients) {
  const received = await Promise.all(clients.map((client) =>
    flows(client, clients.filter((other) => other !== client).map(({ id }) => id))));
  for (const [index, client] of clients.entries()) {
    for (const sender of clients.filter((other) => other !== client)) {
      if (client.decodes) looksLike(received[index], sender);
      else isWhole(received[index], sender);
    }
  }
  return received;
}

test('two aiortc clients see and hear each other', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('aiortc', identity), await crowd.enter('aiortc', identity)];
  for (const leg of [ada.up, ada.down, bo.up, bo.down]) {
    assert.equal(leg.srtp, GCM);
    assert.equal(leg.transports, 1, 'all m-lines are bundled');
  }
  await meet(ada, bo);
});

test('clients with different SRTP profiles see and hear each other', async () => {
  const identity = await room();
  const old = await crowd.enter('aiortc', identity, { args: ['--srtp', 'cm'] });
  const young = await crowd.enter('aiortc', identity, { args: ['--srtp', 'gcm'] });
  assert.deepEqual([old.up.srtp, old.down.srtp, young.up.srtp, young.down.srtp], [CM, CM, GCM, GCM]);
  await meet(old, young);
});

test('an aiortc client and two werift clients see and hear each other', async () => {
  const identity = await room();
  const ada = await crowd.enter('aiortc', identity);
  const bo = await crowd.enter('werift', identity);
  const cy = await crowd.enter('werift', identity, { publish: { extensions: true } });
  for (const leg of [bo.up, bo.down, cy.up, cy.down]) assert.equal(leg.srtp, GCM);
  // One says by a header extension which m-line a packet belongs to, the other by its SSRC alone.
  assert.doesNotMatch(bo.up.answer, /sdes:mid/);
  assert.match(cy.up.answer, /sdes:mid/);
  await meet(ada, bo, cy);
});

test('an aiortc client, a werift client and a page see and hear each other', async () => {
  const stage = await openStage({ server: { ...server, stop: async () => {} } });
  try {
    const identity = await room();
    const page = await stage.page('/healthz', { name: 'page', expected: (text) => text.includes('/favicon.ico') });
    await page.evaluate(async () => {
      globalThis.client = await import('/js/client/index.js');
    });
    const pageId = await pages.join(page, { name: 'page', identity });
    const ada = await crowd.enter('aiortc', identity);
    const bo = await crowd.enter('werift', identity);
    const [seen, taken] = await Promise.all([
      flows(ada, [pageId, bo.id]),
      flows(bo, [pageId, ada.id]),
      pages.flows(page, { video: 2, audio: 2, steps: 12 }, until),
    ]);
    looksLike(seen, bo);
    assert.ok(seen.get(`${pageId} microphone`).energy > 0, 'the page is heard');
    const [width, height] = seen.get(`${pageId} camera`).size;
    assert.ok(Math.abs(width / height - 16 / 9) < 0.02, `${width} x ${height}`);
    isWhole(taken, ada);
    const lost = (await pages.received(page)).reduce((sum, { packetsLost }) => sum + packetsLost, 0);
    assert.equal(lost, 0);
    const { errors } = await pages.facts(page);
    assert.deepEqual(errors, []);
    stage.assertQuiet();
  } finally {
    await stage.close();
  }
});

test('candidates come as objects, as strings, before the description, or not at all', async () => {
  const identity = await room();
  const ada = await crowd.enter('aiortc', identity);
  for (const kind of ['aiortc', 'werift']) {
    for (const candidates of ['object', 'string', 'early', 'none']) {
      const bo = await crowd.enter(kind, identity, { publish: { candidates }, receive: { candidates } });
      assert.doesNotMatch(bo.up.offer + bo.down.answer, /a=candidate:/);
      await Promise.all([flows(ada, [bo.id], 2), flows(bo, [ada.id], 2)]);
      await bo.stop();
    }
  }
  const broken = ada.request('media.candidate', { connection: 'up', candidate: 'candidate:of nothing' });
  await assert.rejects(broken, { code: 'media.bad_sdp' });
  await assert.rejects(ada.request('media.candidate', { connection: 'up', candidate: 7 }), { code: 'protocol.bad_field' });
  await assert.rejects(ada.request('media.candidate', { connection: 'aside', candidate: null }), { code: 'protocol.bad_field' });
});

test('an offer or answer with a stale revision is refused and changes nothing', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('aiortc', identity), await crowd.enter('werift', identity)];
  for (const client of [ada, bo]) {
    const { up, down } = client;
    const offer = { sdp: up.offer, sources: [] };
    await assert.rejects(client.request('media.publish', { revision: up.revision, ...offer }), { code: 'media.stale' });
    const answer = { sdp: down.answer };
    for (const revision of [down.revision, down.revision + 1, 0]) {
      await assert.rejects(client.request('media.answer', { revision, ...answer }), { code: 'media.stale' });
    }
  }
  await meet(ada, bo);
});

/** Everybody receives everybody else for a while. */
const goOn = (...clients) => Promise.all(clients.map((client) =>
  flows(client, clients.filter((other) => other !== client).map(({ id }) => id), 3)));

/** Publishes once more; the tracks of the roster stay. */
async function publishAgain(client, revision, options) {
  const published = await client.do('publish', { ...(client.encodes ? client.look : {}), ...options });
  assert.equal(published.revision, revision);
  assert.deepEqual(published.tracks.map(({ id }) => id), client.up.tracks.map(({ id }) => id));
}

test('a client that publishes again, on the same connection and on a new one, is still received', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('aiortc', identity), await crowd.enter('werift', identity)];
  await meet(ada, bo);
  for (const client of [ada, bo]) await publishAgain(client, 2, { again: 'same' });
  await goOn(ada, bo);
  await publishAgain(ada, 3, { again: 'new' });
  await goOn(ada, bo);
});

test('a client may use one certificate for one connection after another', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('werift', identity), await crowd.enter('werift', identity)];
  await publishAgain(ada, 2, { again: 'new' });
  await goOn(ada, bo);
});

test('a client that restarts ICE is still received and receives', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('werift', identity), await crowd.enter('werift', identity)];
  await meet(ada, bo);
  await bo.request('media.restart', { connection: 'up' });
  await publishAgain(bo, 2, { again: 'same', restart: true });
  await goOn(ada, bo);
  await bo.request('media.restart', { connection: 'down' });
  await until(async () => (await bo.do('report')).restarts === 1, 'the offer to be answered');
  await goOn(ada, bo);
});

test('descriptions of the server need no help', async () => {
  const identity = await room();
  const options = { publish: { as_written: true }, receive: { as_written: true } };
  const [ada, bo] = [await crowd.enter('aiortc', identity, options), await crowd.enter('aiortc', identity, options)];
  await meet(ada, bo);
  for (const sdp of [ada.up.answer, ada.down.offer]) {
    const [, ...sections] = sdp.split('\r\nm=');
    for (const section of sections) assert.match(section, /a=candidate:(?!.* 2 udp)[^]*a=end-of-candidates/);
  }
});

test('an offer that leaves its direction to the default is answered', async () => {
  const identity = await room();
  const ada = await crowd.enter('aiortc', identity, { publish: { without: 'a=sendonly' } });
  await meet(ada, await crowd.enter('werift', identity));
});

test('a client that asks for other slots receives on them', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('aiortc', identity), await crowd.enter('werift', identity)];
  for (const client of [ada, bo]) {
    const again = await client.do('receive', { audio: 1, video: 1 });
    assert.equal(again.slots.length, 2);
    assert.ok(again.revision > client.down.revision);
  }
  await meet(ada, bo);
});

test('a client that leaves and comes back sees and is seen', async () => {
  const identity = await room();
  const [ada, bo] = [await crowd.enter('aiortc', identity), await crowd.enter('werift', identity)];
  await meet(ada, bo);
  for (const client of [bo, ada]) {
    await client.do('leave');
    client.id = (await client.do('join', { identity })).self;
    await client.do('publish', client.encodes ? client.look : {});
    await client.do('receive');
    await meet(ada, bo);
  }
});

test('each receives what the other encodes, VP8 or H.264', async () => {
  const identity = await room();
  const ada = await crowd.enter('aiortc', identity, { publish: { codec: 'VP8' } });
  const bo = await crowd.enter('aiortc', identity, { publish: { codec: 'H264' } });
  const cy = await crowd.enter('werift', identity);
  assert.equal(bo.up.tracks[1].codec, 'H264');
  const [, , taken] = await meet(ada, bo, cy);
  const types = [ada, bo].map(({ id }) => taken.get(`${id} camera`).payload_type);
  assert.notEqual(types[0], types[1]);
});

test('a libdatachannel client, an aiortc client and a werift client see and hear each other', async () => {
  const identity = await room();
  const ada = await crowd.enter('aiortc', identity);
  const bo = await crowd.enter('werift', identity);
  const cy = await crowd.enter('libdatachannel', identity, { publish: { max_bundle: true } });
  assert.match(cy.up.offer, /^m=video 0 [^]*a=bundle-only/m);
  assert.deepEqual(cy.up.answer.match(/^m=\w+ \d+/gm), ['m=audio 9', 'm=video 9']);
  await meet(ada, bo, cy);
});

test('clients that use no UDP see and hear each other and one that does, by ICE-TCP', async () => {
  const identity = await room();
  // aiortc's ICE has no TCP: `ice_tcp.py` gives it the streams. werift has its own.
  const ada = await crowd.enter('aiortc', identity, { args: ['--tcp'] });
  const bo = await crowd.enter('werift', identity, { args: ['--tcp'] });
  const cy = await crowd.enter('aiortc', identity);
  for (const [client, carrier] of [[ada, 'tcp'], [bo, 'tcp'], [cy, 'udp']]) {
    for (const leg of [client.up, client.down]) assert.deepEqual(leg.carriers, [carrier], client.kind);
  }
  await meet(ada, bo, cy);
});

test('a GStreamer client, an aiortc client and a werift client see and hear each other', async () => {
  const identity = await room();
  const ada = await crowd.enter('gstreamer', identity);
  const bo = await crowd.enter('aiortc', identity);
  const cy = await crowd.enter('werift', identity);
  // RFC 9143 §7.2.2: only the first m-line of a bundle has a port.
  assert.match(ada.up.offer, /^m=video 9 [^]*^m=audio 0 [^]*a=bundle-only/m);
  assert.deepEqual(ada.up.answer.match(/^m=\w+ \d+/gm), ['m=video 9', 'm=audio 9']);
  await meet(ada, bo, cy);
});

test('GStreamer clients without UDP send and receive by TCP', async () => {
  const identity = await room();
  const ada = await crowd.enter('gstreamer', identity, { args: ['--tcp'] });
  const bo = await crowd.enter('gstreamer', identity, { args: ['--tcp'] });
  const cy = await crowd.enter('werift', identity);
  for (const sdp of [ada.up.offer, ada.down.answer, bo.up.offer, bo.down.answer]) {
    assert.match(sdp, /^a=candidate:\S+ 1 TCP /m);
    assert.doesNotMatch(sdp, /^a=candidate:\S+ 1 UDP /im);
  }
  await meet(ada, bo, cy);
});

test('who sends may be the DTLS client or the DTLS server', async () => {
  const identity = await room();
  const ada = await crowd.enter('werift', identity);
  for (const roles of ['active', 'passive']) {
    const bo = await crowd.enter('libdatachannel', identity, { publish: { roles, video_first: true } });
    assert.match(bo.up.answer, roles === 'active' ? /a=setup:passive/ : /a=setup:active/);
    await meet(ada, bo);
    await bo.stop();
  }
});

test('who bundles nothing sends each source on a connection of its own', async () => {
  const identity = await room();
  const ada = await crowd.enter('werift', identity);
  const bo = await crowd.enter('werift', identity, { publish: { bundle: false } });
  assert.doesNotMatch(bo.up.offer + bo.up.answer, /a=group:BUNDLE/);
  assert.equal(bo.up.transports, 2);
  await meet(ada, bo);
});

for (const roles of ['passive', 'active']) {
  test(`ffmpeg sends H.264 and Opus by WHIP, as the ${roles} side of DTLS, and is seen and heard`, async () => {
    const identity = await room();
    const [ada, bo] = [await crowd.enter('aiortc', identity), await crowd.enter('werift', identity)];
    const cy = await crowd.enter('ffmpeg', identity, { publish: { roles } });
    assert.match(cy.up.offer, new RegExp(`^a=setup:${roles}\\r$`, 'm'));
    assert.match(cy.up.answer, new RegExp(`^a=setup:${roles === 'passive' ? 'active' : 'passive'}\\r$`, 'm'));
    assert.equal(cy.up.srtp, CM, 'it knows no other');
    assert.deepEqual([cy.up.refused, cy.up.tracks.map(({ codec }) => codec)], [[], ['opus', 'H264']]);
    const [seen, taken] = await Promise.all([flows(ada, [cy.id, bo.id]), flows(bo, [cy.id, ada.id])]);
    looksLike(seen, cy);
    isWhole(taken, cy);
    // The end that RFC 9725 §4.2 wants: the resource that the endpoint named is deleted.
    assert.deepEqual(await cy.do('stop'), { code: 0, asked: ['POST /whip', 'DELETE resource'] });
    const tracks = cy.up.tracks.map(({ id }) => id);
    await until(async () => {
      const { known } = await ada.do('report');
      return tracks.every((id) => !(id in known));
    }, 'the tracks to end');
    await flows(ada, [bo.id], 2);
  });
}
