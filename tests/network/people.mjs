/** People of the network tests, and what their browsers measure of each other. */
import { join } from '../browser/media-page.mjs';
import { sendThrough } from './relay.mjs';

/** Loads the client library. Interfaces have just been made, and a browser that notices gives up what it loads. */
async function load(page, origin, tries = 3) {
  try {
    await page.goto(`${origin}/healthz`);
    await page.evaluate(async () => {
      globalThis.client = await import('/js/client/index.js');
    });
  } catch (error) {
    if (tries === 1) throw error;
    await load(page, origin, tries - 1);
  }
}

/** A page without views, whose media goes through a relay if there is one; `init` is run in it first. */
export async function openPerson(stage, { name, identity, relay = undefined, sources = undefined, init = undefined }) {
  const page = await stage.page(null, { name, expected: (text) => text.includes('favicon') });
  if (relay) await sendThrough(page, relay);
  if (init) await page.addInitScript(init);
  await load(page, stage.origin);
  const id = await join(page, { name, identity, sources });
  await page.evaluate(() => {
    globalThis.me.told = [];
    globalThis.me.session.on('media.slots', ({ slots }) => {
      for (const { kind, track, layer, reason } of slots) {
        if (kind === 'video' && track) globalThis.me.told.push({ at: performance.now(), track, layer, reason });
      }
    });
  });
  return { name, page, id, relay };
}

/** A picture that takes whatever rate there is: faint noise, 20 times a second. Chromium only. */
export const sendNoise = (page) => page.evaluate(async () => {
  const [width, height] = [640, 360];
  const noise = Uint8Array.from({ length: 4 * width * height }, () => 112 + Math.random() * 32);
  const track = new globalThis.MediaStreamTrackGenerator({ kind: 'video' });
  const writer = track.writable.getWriter();
  const begun = new Promise((resolve) => {
    setInterval(() => {
      const from = Math.floor(Math.random() * width * height * 2);
      const pixels = noise.subarray(from, from + (width * height * 3) / 2);
      const frame = new VideoFrame(pixels, { format: 'I420', codedWidth: width, codedHeight: height, timestamp: performance.now() * 1000 });
      writer.write(frame).catch(() => frame.close());
      // How large it is, is known from the first picture on, and decides over its layers.
      if (track.getSettings().width) resolve(undefined);
    }, 50);
  });
  await begun;
  await globalThis.me.call.setSource('camera', track);
});

/** Lets a page take no sound that is sent redundantly (RFC 2198): its answers leave that out. To be run in it. */
export function plainSound() {
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = async function plain({ type, sdp }) {
    const numbers = [...sdp.matchAll(/^a=rtpmap:(\d+) red\/48000/gm)].map(([, number]) => number);
    let changed = sdp;
    for (const number of new Set(numbers)) {
      changed = changed.replace(new RegExp(`^a=(rtpmap|fmtp|rtcp-fb):${number} .*\r\n`, 'gm'), '')
        .replace(new RegExp(`^(m=audio .*?) ${number}(?= |\r)`, 'gm'), '$1');
    }
    return setRemoteDescription.call(this, { type, sdp: changed });
  };
}

/** The ICE user name fragments of somebody's connections: others after a restart or a new connection. */
export const fragments = (page) => page.evaluate(() =>
  globalThis.me.pcs.map((pc) => /a=ice-ufrag:(\S+)/.exec(pc.localDescription?.sdp ?? '')?.[1]).join());

/**
 * What somebody has received of each of the others so far, and sent.
 *
 * @returns {Promise<{from: Record<string, any>, sent: {bytes: number, frames: number, height: number, own: string[]}}>} by track
 */
export const counted = (page) => page.evaluate(async () => {
  const owners = new Map();
  for (const { element, track: name } of globalThis.me.slots.values()) {
    for (const track of element.srcObject.getTracks()) owners.set(track.id, name);
  }
  const none = () => ({ frames: 0, freezes: 0, freezeS: 0, height: 0, samples: 0, concealed: 0, packets: 0, lost: 0, soundBytes: 0, codec: '' });
  const from = {};
  const own = ['camera', 'microphone'].map((source) => globalThis.me.call.ownTrack(source)?.id).filter(Boolean);
  const sent = { bytes: 0, frames: 0, height: 0, own };
  for (const pc of globalThis.me.pcs) {
    const report = await pc.getStats();
    for (const entry of report.values()) {
      if (entry.type === 'outbound-rtp' && entry.kind === 'video') {
        sent.bytes += entry.bytesSent ?? 0;
        sent.frames += entry.framesEncoded ?? 0;
        if (entry.framesPerSecond) sent.height = Math.max(sent.height, entry.frameHeight ?? 0);
      }
      if (entry.type !== 'inbound-rtp') continue;
      const owner = owners.get(entry.trackIdentifier);
      if (!owner) continue;
      const of = (from[owner] ??= none());
      if (entry.kind === 'video') {
        of.frames += entry.framesDecoded ?? 0;
        of.freezes += entry.freezeCount ?? 0;
        of.freezeS += entry.totalFreezesDuration ?? 0;
        of.height = entry.frameHeight ?? 0;
      } else {
        of.samples += entry.totalSamplesReceived ?? 0;
        // Silence that stands for silence is no loss.
        of.concealed += (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0);
        of.packets += entry.packetsReceived ?? 0;
        of.lost += entry.packetsLost ?? 0;
        of.soundBytes += entry.bytesReceived ?? 0;
        of.codec = report.get(entry.codecId)?.mimeType ?? '';
      }
    }
  }
  return { from, sent };
});

/**
 * What came from one person to another while something lasted, for each pair of them.
 *
 * @param {[{page: any}, {page: any}][]} pairs who sends, and who receives
 * @param {() => Promise<unknown>} work
 */
export async function during(pairs, work) {
  const begin = performance.now();
  const all = () => Promise.all(pairs.map(async ([from, to]) => {
    const [{ from: tracks }, { sent }] = await Promise.all([counted(to.page), counted(from.page)]);
    const seen = {};
    for (const track of sent.own) {
      for (const [name, value] of Object.entries(tracks[track] ?? {})) {
        seen[name] = typeof value === 'number' ? (seen[name] ?? 0) + value : seen[name] || value;
      }
    }
    return { seen, sent };
  }));
  const before = await all();
  await work();
  const after = await all();
  const seconds = (performance.now() - begin) / 1000;
  return after.map(({ seen, sent }, at) => {
    const less = (name) => (seen[name] ?? 0) - (before[at].seen[name] ?? 0);
    return {
      seconds,
      frames: less('frames'),
      fps: less('frames') / seconds,
      height: seen.height ?? 0,
      freezes: less('freezes'),
      freezeS: less('freezeS'),
      concealed: less('samples') ? less('concealed') / less('samples') : 1,
      packets: less('packets'),
      // Chromium does not tell whether sound comes redundantly; such packets are about twice as long.
      packetBytes: less('packets') ? less('soundBytes') / less('packets') : 0,
      codec: seen.codec ?? '',
      sentKbps: ((sent.bytes - before[at].sent.bytes) * 8) / 1000 / seconds,
      sentFps: (sent.frames - before[at].sent.frames) / seconds,
    };
  });
}
