/**
 * What the media tests run inside a page: one participant with fake devices, who plays everything and notes when
 * it saw what. Everything lives on `globalThis.me`, so that later steps of a test find it.
 */

/**
 * @param {import('playwright-core').Page} page made by `stage.clientPage`
 * @param {{name: string, identity: string, sources?: string[], slots?: object}} who slots: options of the call
 * @returns {Promise<string>} the participant's id
 */
export function join(page, who) {
  return page.evaluate(async ({ name, identity, sources = ['microphone', 'camera'], slots }) => {
    const { Session, createCall } = globalThis.client;
    const me = (globalThis.me = {
      slots: new Map(), data: [], errors: [], left: [], firstFrame: null, firstFrameByTrack: {}, joinStarted: 0,
    });
    me.session = new Session(`${location.origin.replace('http', 'ws')}/ws`);
    await me.session.guest({ display_name: name });
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180, frameRate: 15 } });
    me.media = { microphone: stream.getAudioTracks()[0], camera: stream.getVideoTracks()[0] };
    me.session.on('participant.left', ({ participant }) => me.left.push(participant));

    me.joinStarted = performance.now();
    const reply = await me.session.joinRoom({ identity });
    me.reply = reply;
    me.session.on('joined', (again) => {
      me.reply = again;
    });
    me.pcs = [];
    class RecordedConnection extends RTCPeerConnection {
      constructor(configuration) {
        super(configuration);
        me.pcs.push(this);
      }
    }
    me.call = createCall(me.session, reply, { ...slots, RTCPeerConnection: RecordedConnection });
    me.call.on('error', ({ error, during }) => me.errors.push(`${during}: ${error.code ?? ''} ${error.message}`));
    me.call.on('data', (message) => me.data.push(message));
    me.call.on('slot', ({ mid, kind, track, mediaTrack, participant }) => {
      me.slots.get(mid)?.element.remove();
      me.slots.delete(mid);
      if (!mediaTrack) return;
      const element = document.createElement(kind);
      element.autoplay = true;
      element.srcObject = new MediaStream([mediaTrack]);
      document.body.append(element);
      me.slots.set(mid, { kind, track, participant, element });
      if (kind !== 'video') return;
      element.muted = element.playsInline = true;
      element.requestVideoFrameCallback(() => {
        me.firstFrame ??= performance.now() - me.joinStarted;
        me.firstFrameByTrack[track] ??= performance.now() - me.joinStarted;
      });
    });
    for (const source of sources) {
      me.call.setSource(source, me.media[source]).catch((error) => me.errors.push(`${source}: ${error.message}`));
    }
    await me.call.start();
    return reply.self.id;
  }, who);
}

/** A moving picture with its own hue, sent as the screen. @param {import('playwright-core').Page} page */
export function shareScreen(page) {
  return page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const pen = canvas.getContext('2d');
    let frame = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(frame += 7) % 360} 60% 50%)`;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }, 100);
    globalThis.me.media.screen = canvas.captureStream(10).getVideoTracks()[0];
    await globalThis.me.call.setSource('screen', globalThis.me.media.screen);
    return globalThis.me.call.ownTrack('screen').id;
  });
}

/** @param {import('playwright-core').Page} page @returns {Promise<import('../../static/js/client/stats.js').TrackStats[]>} */
export function received(page) {
  return page.evaluate(async () =>
    (await globalThis.me.call.stats()).tracks.filter((one) => one.direction === 'receive' && one.track));
}

/** @param {import('playwright-core').Page} page */
export const facts = (page) => page.evaluate(() => ({
  errors: globalThis.me.errors,
  left: globalThis.me.left,
  data: globalThis.me.data,
  firstFrame: globalThis.me.firstFrame,
  firstFrameByTrack: globalThis.me.firstFrameByTrack,
  tracks: [...globalThis.me.slots.values()].map(({ track }) => track),
}));

/**
 * Makes the client believe that a connection lost its path, and answers the user name fragment of its ICE session
 * before that (RFC 8445 §9: a restart changes it).
 *
 * @param {import('playwright-core').Page} page
 * @param {number} index of the connection, in the order in which the call made them
 */
export function failIce(page, index) {
  return page.evaluate((at) => {
    const pc = globalThis.me.pcs[at];
    const before = /a=ice-ufrag:(\S+)/.exec(pc.localDescription.sdp)[1];
    Object.defineProperty(pc, 'iceConnectionState', { value: 'failed', configurable: true });
    pc.dispatchEvent(new Event('iceconnectionstatechange'));
    delete pc.iceConnectionState;
    return before;
  }, index);
}

/**
 * Makes the client believe that DTLS failed: the connection is failed while it has a path (W3C WebRTC 1.0 §4.3.3).
 *
 * @param {import('playwright-core').Page} page
 * @param {number} index of the connection, in the order in which the call made them
 */
export const failDtls = (page, index) => page.evaluate((at) => {
  const pc = globalThis.me.pcs[at];
  Object.defineProperty(pc, 'connectionState', { value: 'failed', configurable: true });
  pc.dispatchEvent(new Event('connectionstatechange'));
  delete pc.connectionState;
}, index);

/** The user name fragment in force on both sides. @param {import('playwright-core').Page} page @param {number} index */
export const iceUser = (page, index) => page.evaluate((at) => {
  const pc = globalThis.me.pcs[at];
  return pc.signalingState === 'stable' ? /a=ice-ufrag:(\S+)/.exec(pc.localDescription.sdp)[1] : null;
}, index);

const STEP_MS = 500;

/**
 * Waits until exactly so many remote videos and voices have moved on `steps` times in a row, half a second apart:
 * frames for video, energy for audio.
 *
 * @param {import('playwright-core').Page} page
 * @param {{video: number, audio: number, steps?: number}} wanted
 * @param {typeof import('./harness.mjs').until} until
 */
export async function flows(page, { video, audio, steps = 2 }, until) {
  let before = new Map();
  let inARow = 0;
  let seen;
  const hasEnough = async () => {
    const now = await received(page);
    const moved = now.filter((one) => {
      const old = before.get(one.track);
      return old && (one.kind === 'video' ? one.framesDecoded > old.framesDecoded : one.audioEnergy > old.audioEnergy);
    });
    before = new Map(now.map((one) => [one.track, one]));
    seen = { video: 0, audio: 0 };
    for (const { kind } of moved) seen[kind] += 1;
    inARow = seen.video === video && seen.audio === audio ? inARow + 1 : 0;
    return inARow >= steps;
  };
  try {
    await until(hasEnough, 'media to flow', { timeoutMs: 60_000 + steps * STEP_MS, everyMs: STEP_MS });
  } catch (error) {
    throw new Error(`Wanted ${video} videos and ${audio} voices, last saw ${JSON.stringify(seen)}.`, { cause: error });
  }
}
