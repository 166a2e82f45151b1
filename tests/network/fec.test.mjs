/**
 * Sound on a lossy line to a browser that takes no sound that is sent redundantly (RFC 2198), as Firefox: the sender's encoder
 * hears of the loss and repeats each sound in the next packet (in-band FEC, RFC 7587 §3.3). What is lost on the way to the server,
 * the server recovers for such a listener from what the sender sends redundantly.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openFirefox } from '../browser/firefox.mjs';
import { openStage, until } from '../browser/harness.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { openBottleneck } from './bottleneck.mjs';
import { during, openPerson } from './people.mjs';
import { openRelay } from './relay.mjs';

const LOSS = 0.3;
/** Without repair all of it is made up. */
const MOST_CONCEALED = 0.22;
/** What is lost on the way to the server comes with the next packet. Without that a sixth to a fifth is made up, with in-band FEC. */
const MOST_UNRECOVERED = 0.12;
const HEARD_S = 6;
/** A change of the weather is heard by then. */
const SETTLED = 1;
const SECONDS = 10;
const TRIES = 4;
const SOON = { timeoutMs: 60_000, everyMs: 300 };

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

let line;
let stage;
let firefox;
const relays = [];
before(async () => {
  line = await openBottleneck();
  stage = await openStage({ server: line.server });
  firefox = await openFirefox({ server: line.server, origin: stage.origin });
});
after(async () => {
  await firefox?.close();
  await stage?.close();
  if (!stage) await line?.server.stop();
  for (const relay of relays) relay.close();
});

async function relay() {
  const one = await openRelay(line.here, line.media);
  relays.push(one);
  return one;
}

/** The microphone hears something like a voice: of a mere tone no encoder makes FEC. To be run in the page. */
function voice() {
  const media = navigator.mediaDevices;
  const getUserMedia = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    const stream = await getUserMedia(wanted);
    const context = new AudioContext();
    const swings = (frequency, depth, to) => {
      const slow = new OscillatorNode(context, { frequency });
      slow.connect(new GainNode(context, { gain: depth })).connect(to);
      slow.start();
    };
    const cords = new OscillatorNode(context, { type: 'sawtooth', frequency: 140 });
    const mouth = new GainNode(context, { gain: 0.3 });
    swings(0.7, 30, cords.frequency);
    swings(4, 0.15, mouth.gain);
    for (const [frequency, depth] of [[600, 250], [1300, 500], [2500, 300]]) {
      const formant = new BiquadFilterNode(context, { type: 'bandpass', frequency, Q: 8 });
      swings(2.3 + frequency / 1000, depth, formant.frequency);
      cords.connect(formant).connect(mouth);
    }
    cords.start();
    const heard = new MediaStreamAudioDestinationNode(context);
    mouth.connect(heard);
    await context.resume();
    return new MediaStream([...heard.stream.getAudioTracks(), ...stream.getVideoTracks()]);
  };
}

/** Packets that came with the sound before them in them. */
const repeated = ({ page }) => page.evaluate(async () => {
  for (const pc of globalThis.me.pcs) {
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type === 'inbound-rtp' && entry.kind === 'audio' && entry.bytesReceived > 0) return entry.fecPacketsReceived ?? 0;
    }
  }
  return 0;
});

test('of 30 % loss a listener in Firefox makes up the smaller part', { timeout: 240_000 }, async () => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await openPerson(stage, { name: 'ada', identity, relay: await relay(), sources: ['microphone'], init: voice });
  const fox = await openPerson(firefox, { name: 'fox', identity, relay: await relay(), sources: [] });
  const heard = async (seconds) => (await during([[ada, fox]], () => pause(seconds)))[0];
  await until(async () => (await heard(1)).packets > 0, 'sound', SOON);
  assert.equal(await repeated(fox), 0, 'without loss nothing is repeated');
  fox.relay.weather('down', { loss: LOSS });
  await until(async () => (await repeated(fox)) > 0, 'sounds to be repeated', SOON);
  const concealed = [];
  while (concealed.length < TRIES && !(concealed.at(-1) < MOST_CONCEALED)) concealed.push((await heard(SECONDS)).concealed);
  assert.ok(concealed.at(-1) < MOST_CONCEALED, `${concealed} of the sound`);
  fox.relay.weather('down', {});
  ada.relay.weather('up', { loss: LOSS });
  await heard(SETTLED);
  const recovered = [];
  while (recovered.length < TRIES && !(recovered.at(-1) < MOST_UNRECOVERED)) recovered.push((await heard(HEARD_S)).concealed);
  ada.relay.weather('up', {});
  assert.ok(recovered.at(-1) < MOST_UNRECOVERED, `${recovered} of the sound`);
});
