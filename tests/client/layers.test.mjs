/** In how many sizes an own picture is sent: what is offered, what runs, and that changes follow one another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LayeredSender } from '../../static/js/client/layered-sender.js';
import { encodingsFor, offered } from '../../static/js/client/layers.js';

const ALL = { size: { width: 1280, height: 720 }, share: 1, watched: null };
const camera = (wanted) => encodingsFor('camera', offered('camera'), { ...ALL, ...wanted });
/** The lines of each layer that runs, by its name. */
const lines = (wanted) => {
  const { width, height } = wanted.size ?? ALL.size;
  const all = camera(wanted).map(({ active, scaleResolutionDownBy: scale }, at) => [offered('camera')[at].rid, active && Math.min(width, height) / scale]);
  return Object.fromEntries(all.filter(([, height]) => height !== false));
};

test('a camera is offered in three layers, the smallest first; screens and sounds in one', () => {
  const layers = offered('camera').map(({ rid, scaleResolutionDownBy, scalabilityMode }) => [rid, scaleResolutionDownBy, scalabilityMode]);
  assert.deepEqual(layers, [['q', 4, 'L1T3'], ['h', 2, 'L1T3'], ['f', 1, 'L1T3']], 'with fewer pictures a second in each');
  for (const source of ['screen', 'microphone', 'screen_audio']) assert.equal(offered(source), undefined);
});

test('a small camera has fewer layers, the first ones, and each is worth as much as its size', () => {
  assert.deepEqual(lines({}), { q: 180, h: 360, f: 720 });
  assert.deepEqual(lines({ size: { width: 720, height: 1280 } }), { q: 180, h: 360, f: 720 });
  assert.deepEqual(lines({ size: { width: 640, height: 480 } }), { q: 240, h: 480 });
  assert.deepEqual(lines({ size: { width: 640, height: 360 } }), { q: 180, h: 360 });
  assert.deepEqual(lines({ size: { width: 320, height: 180 } }), { q: 180 });
  const rates = camera({}).map(({ maxBitrate }) => maxBitrate);
  assert.deepEqual(rates, [180_000, 600_000, 1_800_000]);
  assert.deepEqual(camera({ size: { width: 640, height: 360 } }).slice(0, 2).map(({ maxBitrate }) => maxBitrate), [180_000, 600_000]);
  assert.deepEqual(camera({ size: null }), camera({}), 'a camera of unknown size is taken for a usual one');
});

test('nothing above the wanted share is sent, and the smallest layer stays', () => {
  assert.deepEqual(lines({ share: 0.5 }), { q: 180, h: 360 });
  assert.deepEqual(lines({ share: 0.25 }), { q: 180 });
  assert.deepEqual(lines({ share: 0.5, size: { width: 640, height: 360 } }), { q: 180 });
  assert.deepEqual(lines({ share: 0.25, size: { width: 320, height: 180 } }), { q: 180 });
});

test('only what somebody watches is sent', () => {
  assert.deepEqual(lines({ watched: ['q', 'f'] }), { q: 180, f: 720 });
  assert.deepEqual(lines({ watched: [] }), {});
  // What is not allowed, or not there with this camera, is served by the largest that is.
  assert.deepEqual(lines({ watched: ['f'], share: 0.5 }), { h: 360 });
  assert.deepEqual(lines({ watched: ['q', 'f'], size: { width: 640, height: 360 } }), { q: 180, h: 360 });
  assert.deepEqual(lines({ watched: ['f'], size: { width: 320, height: 180 } }), { q: 180 });
});

test('a single encoding carries the largest size that is wanted; a screen keeps its size', () => {
  const one = (source, wanted) => encodingsFor(source, [{}], { ...ALL, ...wanted });
  assert.deepEqual(one('camera', {}), [{ active: true, maxBitrate: 1_800_000, scaleResolutionDownBy: 1 }]);
  assert.deepEqual(one('camera', { share: 0.5, watched: [''] }), [{ active: true, maxBitrate: 600_000, scaleResolutionDownBy: 2 }]);
  assert.equal(one('camera', { watched: [] })[0].active, false);
  assert.deepEqual(one('screen', { share: 0.25, watched: [''] })[0].scaleResolutionDownBy, 1);
  assert.equal(one('screen', { watched: [] })[0].active, false);
});

/** A sender as browsers have it: two changes at once refuse each other, and each is made on what was read last. */
class FakeSender {
  changes = [];
  tracks = [];
  #running = false;
  #parameters;

  constructor(encodings, more = {}) {
    this.#parameters = { transactionId: '0', encodings, ...more };
  }

  getParameters() {
    return structuredClone(this.#parameters);
  }

  async setParameters(parameters) {
    if (this.#running || parameters.transactionId !== this.#parameters.transactionId) throw new Error('InvalidStateError');
    this.#running = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.#running = false;
    this.#parameters = { ...structuredClone(parameters), transactionId: String(this.changes.length + 1) };
    this.changes.push(this.#parameters);
  }

  async replaceTrack(track) {
    this.tracks.push([track, this.changes.length]);
  }
}

const media = (width, height) => ({ getSettings: () => ({ width, height }) });
const running = (sender) => sender.getParameters().encodings.filter(({ active }) => active).map(({ rid }) => rid);

test('changes follow one another, keep what they do not mean, and are left out where nothing differs', async () => {
  const failures = [];
  const sender = new FakeSender(offered('camera').map((one) => ({ ...one, active: true })), { degradationPreference: 'balanced' });
  const layered = new LayeredSender(sender, 'camera', (error) => failures.push(error));
  await layered.send(media(1280, 720), null);
  assert.equal(sender.changes.length, 0, 'it is as it was offered');
  await Promise.all([layered.watch(['q']), layered.limit(0.5), layered.watch(['q', 'f'])]);
  assert.deepEqual(failures, []);
  assert.deepEqual(running(sender), ['q', 'h']);
  for (const { degradationPreference, encodings } of sender.changes) {
    assert.equal(degradationPreference, 'balanced');
    assert.deepEqual(encodings.map(({ rid }) => rid), ['q', 'h', 'f']);
  }
  const before = sender.changes.length;
  await layered.refresh();
  assert.equal(sender.changes.length, before);
});

test('a smaller camera is sent only once its layers are set', async () => {
  const sender = new FakeSender(offered('camera').map((one) => ({ ...one, active: true })));
  const layered = new LayeredSender(sender, 'camera', assert.fail);
  await layered.send(media(320, 180), null);
  assert.deepEqual(sender.tracks.map(([, changes]) => changes), [1]);
  assert.deepEqual(running(sender), ['q']);
});

test('a screen asks for sharp text; a change that fails is told and does not stop the next one', async () => {
  const failures = [];
  const sender = new FakeSender([{ active: true }]);
  const layered = new LayeredSender(sender, 'screen', (error) => failures.push(error.message));
  await layered.send(media(1920, 1080), null);
  assert.equal(sender.getParameters().degradationPreference, 'maintain-resolution');
  sender.setParameters = async () => {
    delete sender.setParameters;
    throw new Error('refused');
  };
  await layered.watch([]);
  assert.deepEqual(failures, ['refused']);
  await layered.refresh();
  assert.equal(sender.getParameters().encodings[0].active, false);
});
