/**
 * The SFU call against an SFU of thirty lines inside the same page: what comes up on the first connection goes down on
 * slots of the second. It shows what the client does on the wire without a media server.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';

let stage;
let page;
before(async () => {
  stage = await openStage();
  page = await stage.clientPage('loopback');
  await page.evaluate(installLoopback);
});
after(() => stage?.close());

test('sources set before the start flow, and slots follow what the server says', async () => {
  await page.evaluate(async () => {
    const { call, media } = globalThis.me;
    call.setSource('microphone', media.microphone);
    call.setSource('camera', media.camera);
    await call.start();
  });
  await grows('video');
  await grows('audio');
  const { requests, slots } = await state();
  const types = requests.map(({ type }) => type).filter((type) => type !== 'media.candidate');
  assert.deepEqual(types.slice(0, 2).sort(), ['media.publish', 'media.receive']);
  const publish = requests.find(({ type }) => type === 'media.publish').data;
  assert.equal(publish.revision, 1);
  assert.deepEqual(publish.sources.map(({ source }) => source), ['microphone', 'camera', 'screen', 'screen_audio']);
  assert.equal(new Set(publish.sources.map(({ mid }) => mid)).size, 4);
  assert.deepEqual(slots.map(({ track }) => track).sort(), ['track-camera', 'track-microphone']);
});

test('switching sources needs no new offer', async () => {
  await page.evaluate(async () => {
    const { call, media } = globalThis.me;
    await call.setSource('camera', null);
    await call.setSource('camera', media.camera);
    await call.setMuted('microphone', true);
  });
  const { requests, slots, micEnabled } = await state();
  assert.equal(requests.filter(({ type }) => type === 'media.publish').length, 1);
  assert.deepEqual(requests.filter(({ type }) => type === 'media.source').map(({ data }) => [data.source, data.active]), [
    ['microphone', true], ['camera', true], ['camera', false], ['camera', true],
  ]);
  assert.deepEqual(requests.at(-1), { type: 'participant.update', data: { audio: false } });
  assert.equal(micEnabled, false);
  assert.equal(slots.length, 2);
  await grows('video');
});

test('a list of tiles is coalesced, and its sizes are whole pixels', async () => {
  await page.evaluate(async () => {
    for (let width = 100; width < 110; width += 1) {
      globalThis.me.call.view([{ track: 'track-camera', width: width + 0.4, height: 50.2, priority: 1 }]);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
  const views = (await state()).requests.filter(({ type }) => type === 'media.view');
  assert.deepEqual(views.map(({ data }) => data.tiles[0].width), [100, 109]);
  assert.equal(views[1].data.tiles[0].height, 50);
});

test('the server renegotiates down, and a stale offer is ignored', async () => {
  await page.evaluate(() => globalThis.me.sfu.offerAgain());
  await until(async () => (await answers()).length === 2, 'the second answer');
  await page.evaluate(() => globalThis.me.session.emit('media.offer', { revision: 1, sdp: 'v=0', slots: [] }));
  await grows('video');
  assert.deepEqual(await answers(), [1, 2]);
});

test('a session that goes on keeps its connections, and learns what it missed of its own tracks', async () => {
  const before = (await state()).requests.length;
  const made = await page.evaluate(async () => {
    const { sfu, session, reply, changes, call } = globalThis.me;
    call.on('source', ({ source, active, muted, reason }) => changes.push([source, active, muted, reason]));
    // Nothing of it is told: a host took the camera off the air.
    const slot = sfu.slots.find(({ source }) => source === 'camera');
    await slot.transceiver.sender.replaceTrack(null);
    slot.source = null;
    const track = { id: 'track-microphone', kind: 'audio', source: 'microphone', muted: true };
    session.emit('joined', { ...reply('first'), self: { id: 'first', tracks: [track] } }, { again: true, same: true, mediaLost: false });
    session.emit('media.slots', { slots: sfu.slots.map((one) => sfu.told(one)) });
    return globalThis.me.pcs;
  });
  await until(async () => !(await state()).slots.some(({ track }) => track === 'track-camera'), 'the slot to empty');
  const { requests, slots, errors } = await state();
  assert.deepEqual(slots.map(({ track }) => track), ['track-microphone']);
  assert.deepEqual(requests.slice(before), [], 'nothing is negotiated');
  assert.equal(await page.evaluate(() => globalThis.me.pcs), made, 'no new connection');
  assert.deepEqual(await page.evaluate(() => globalThis.me.changes), [['camera', false, false, 'server']]);
  await page.evaluate(() => globalThis.me.call.setSource('camera', globalThis.me.media.camera));
  await grows('video');
  await grows('audio');
  assert.deepEqual(errors, []);
});

test('a re-join connects anew and sends the same sources', async () => {
  await page.evaluate(() => globalThis.me.rejoin());
  await grows('video');
  const { requests, errors } = await state();
  const after = requests.slice(requests.findIndex(({ type }) => type === 'rejoined') + 1);
  assert.deepEqual(after.filter(({ type }) => type === 'media.source').map(({ data }) => [data.source, data.muted]), [
    ['microphone', true], ['camera', false],
  ]);
  assert.deepEqual(errors, []);
});

test('a source that ends by itself is taken off the air; a refused one too', async () => {
  const { changes, refused } = await page.evaluate(async () => {
    const { call, media, sfu } = globalThis.me;
    const changes = [];
    call.on('source', (change) => changes.push([change.source, change.active, change.reason]));
    const ended = media.camera.clone();
    await call.setSource('camera', ended);
    ended.dispatchEvent(new Event('ended'));
    sfu.refuse = 'perm.denied';
    const refused = await call.setSource('screen', media.camera.clone()).catch(({ code }) => code);
    sfu.refuse = null;
    return { changes, refused };
  });
  assert.equal(refused, 'perm.denied');
  assert.deepEqual(changes, [
    ['camera', true, 'own'], ['camera', false, 'ended'], ['screen', true, 'own'], ['screen', false, 'own'],
  ]);
  await until(async () => !(await state()).slots.some(({ track }) => track === 'track-camera'), 'the slot to empty');
});

test('a closed call has no slots and leaves nothing behind', async () => {
  await page.evaluate(() => globalThis.me.call.close());
  const { slots, errors } = await state();
  assert.deepEqual([slots, errors], [[], []]);
  stage.assertQuiet();
});

const state = () => page.evaluate(() => ({
  requests: globalThis.me.requests,
  slots: [...globalThis.me.slots.values()],
  errors: globalThis.me.errors,
  micEnabled: globalThis.me.media.microphone.enabled,
}));

const answers = async () =>
  (await state()).requests.filter(({ type }) => type === 'media.answer').map(({ data }) => data.revision);

/** @param {'audio'|'video'} kind */
async function grows(kind) {
  const total = () => page.evaluate(async (wanted) => {
    const { tracks } = await globalThis.me.call.stats();
    const found = tracks.filter((one) => one.direction === 'receive' && one.kind === wanted && one.track);
    return found.reduce((sum, one) => sum + (wanted === 'video' ? one.framesDecoded : one.packets), 0);
  }, kind);
  const before = await total();
  await until(async () => (await total()) > before + 5, `${kind} to flow`);
}

/** Runs in the page. */
async function installLoopback() {
  const { Call, Emitter, ProtocolError } = globalThis.client;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const me = (globalThis.me = {
    requests: [], slots: new Map(), errors: [], changes: [], pcs: 0,
    media: { microphone: stream.getAudioTracks()[0], camera: stream.getVideoTracks()[0] },
  });

  class Sfu {
    refuse = null;
    up = new RTCPeerConnection();
    down = new RTCPeerConnection();
    revision = 0;
    sources = {};

    constructor(emit) {
      this.emit = emit;
      this.up.onicecandidate = () => {};
      this.slots = ['audio', 'audio', 'video', 'video'].map((kind) => {
        const transceiver = this.down.addTransceiver(kind, { direction: 'sendonly' });
        return { kind, transceiver, source: null };
      });
    }

    async 'media.publish'({ revision, sdp, sources }) {
      await this.up.setRemoteDescription({ type: 'offer', sdp });
      for (const { mid, source } of sources) this.sources[source] = this.up.getTransceivers().find((one) => one.mid === mid);
      await this.up.setLocalDescription();
      return { revision, sdp: await gathered(this.up) };
    }

    async 'media.receive'() {
      await this.down.setLocalDescription();
      const sdp = await gathered(this.down);
      return { revision: ++this.revision, sdp, slots: this.slots.map((slot) => this.told(slot)) };
    }

    told({ kind, transceiver, source }) {
      return { mid: transceiver.mid, kind, track: source && `track-${source}`, layer: null, reason: null };
    }

    async 'media.answer'({ sdp }) {
      await this.down.setRemoteDescription({ type: 'answer', sdp });
      return {};
    }

    async 'media.source'({ source, active, muted }) {
      if (this.refuse) throw new ProtocolError(this.refuse, 'Refused.');
      const kind = this.sources[source].receiver.track.kind;
      const slot = this.slots.find((one) => (active ? one.kind === kind && !one.source : one.source === source));
      slot.source = active ? source : null;
      await slot.transceiver.sender.replaceTrack(active ? this.sources[source].receiver.track : null);
      if (slot.transceiver.mid) this.emit('media.slots', { slots: [this.told(slot)] });
      return { track: { id: `track-${source}`, participant: 'self', kind, source, muted, codec: null, layers: [] } };
    }

    async 'media.candidate'({ connection, candidate }) {
      if (candidate && this[connection].remoteDescription) await this[connection].addIceCandidate(candidate);
      return {};
    }

    async offerAgain() {
      await this.down.setLocalDescription();
      this.emit('media.offer', { revision: ++this.revision, sdp: this.down.localDescription.sdp, slots: [] });
    }
  }

  async function gathered(pc) {
    while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => pc.addEventListener('icegatheringstatechange', resolve, { once: true }));
    return pc.localDescription.sdp;
  }

  class LoopbackSession extends Emitter {
    async request(type, data) {
      me.requests.push({ type, data });
      return (await me.sfu[type]?.(data)) ?? {};
    }
  }

  const session = (me.session = new LoopbackSession());
  const emit = (type, data) => session.emit(type, data);
  const reply = (id) => ({ room: { identity: 'room', topology: 'sfu' }, self: { id }, participants: [], ice_servers: [], chat: [] });
  me.sfu = new Sfu(emit);
  me.rejoin = () => {
    me.sfu = new Sfu(emit);
    me.requests.push({ type: 'rejoined' });
    session.emit('joined', reply('second'));
  };
  me.reply = reply;
  class Counted extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      me.pcs += 1;
    }
  }
  me.call = new Call(session, reply('first'), { audioSlots: 2, videoSlots: 2, RTCPeerConnection: Counted });
  me.call.on('error', ({ error, during }) => me.errors.push(`${during}: ${error.message}`));
  me.call.on('slot', ({ mid, kind, track, mediaTrack }) => {
    if (!mediaTrack) return me.slots.delete(mid);
    me.slots.set(mid, { mid, kind, track });
    const element = document.createElement(kind);
    Object.assign(element, { autoplay: true, muted: true, srcObject: new MediaStream([mediaTrack]) });
    document.body.append(element);
  });
}
