/** People at the page: opens it as they would, and measures what reaches them. */
import { until } from './harness.mjs';

/** Notes every connection, socket and device of the page, and offers a moving picture as the screen to share. */
function watch() {
  // Firefox runs this on its empty first page as well, which has no devices.
  if (!navigator.mediaDevices) return;
  const connections = (globalThis.watchedConnections = []);
  const sockets = (globalThis.watchedSockets = []);
  const NativeConnection = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends NativeConnection {
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };
  const NativeSocket = globalThis.WebSocket;
  globalThis.WebSocket = class extends NativeSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  };
  const tracks = (globalThis.watchedTracks = []);
  const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await getUserMedia(constraints);
    tracks.push(...stream.getTracks());
    return stream;
  };
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = document.createElement('canvas');
    canvas.width = 1280;
    canvas.height = 720;
    const pen = canvas.getContext('2d');
    let frame = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(frame += 7) % 360} 60% 50%)`;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }, 200);
    const stream = canvas.captureStream(5);
    globalThis.sharedTrack = stream.getVideoTracks()[0];
    return stream;
  };
}

/**
 * To be run in a page: this machine may be too slow for so many pages, and whether it is must not decide what a test sees. It is
 * while `globalThis.busy` says so.
 */
export function strong() {
  globalThis.busy = false;
  const { getStats } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.getStats = async function (...args) {
    const report = new Map(await getStats.apply(this, args));
    for (const [id, entry] of report) {
      if (entry.type === 'outbound-rtp' && entry.kind === 'video') report.set(id, { ...entry, qualityLimitationReason: globalThis.busy ? 'cpu' : 'none' });
      if (entry.type === 'inbound-rtp' && entry.kind === 'video') report.set(id, { ...entry, framesDropped: 0 });
    }
    return report;
  };
}

/**
 * A page somewhere in the product, with its own storage and devices.
 *
 * @param {any} stage
 * @param {string} path
 * @param {{name?: string, locale?: string, context?: object, expected?: (text: string) => boolean, init?: (() => void)[],
 *   prepare?: (page: any) => Promise<unknown>}} [options]
 *   init: runs in the page before anything else · prepare: runs before the page is opened
 */
export async function visit(stage, path, { name, locale = 'en-GB', context = {}, expected, init = [], prepare } = {}) {
  const page = await stage.page(null, {
    name,
    expected,
    context: { locale, viewport: { width: 1280, height: 800 }, ...context },
  });
  for (const script of [...init, watch]) await page.addInitScript(script);
  await prepare?.(page);
  await page.goto(stage.origin + path, { waitUntil: 'domcontentloaded' });
  return page;
}

/**
 * A guest who opens a room's link and joins under a name.
 *
 * @param {any} stage
 * @param {string} identity
 * @param {string} name
 * @param {object} [options] of visit
 */
export async function guest(stage, identity, name, options = {}) {
  const page = await visit(stage, `/r/${identity}`, { name, ...options });
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  await page.getByTestId('name').fill(name);
  // Joining waits for nothing, but these tests want a picture from the start.
  await until(
    () => page.evaluate(() => document.querySelector('[data-testid="preview-video"]')?.videoWidth > 0),
    `${name}'s own picture`,
  );
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  return page;
}

/** The names on the tiles, in the order of the seats. @param {any} page */
export function names(page) {
  return page.getByTestId('tile').locator('.nm').allTextContents();
}

/** Leaves the meeting, and closes the page: one that is only closed is awaited for a while. @param {any} page */
export async function departs(page) {
  await page.getByTestId('leave').click();
  await page.getByTestId('notice').waitFor();
  await page.context().close();
}

/**
 * Leaves the browser without these pages when the test ends.
 *
 * @param {import('node:test').TestContext} t
 * @param {...any} pages
 */
export function closeAfter(t, ...pages) {
  t.after(() => Promise.all(pages.map((page) => page.context().close())));
  return pages;
}

/** @param {any} page @param {number} count */
export async function seesPeople(page, count) {
  await until(async () => (await page.getByTestId('tile').count()) === count, `${count} tiles`);
}

/** How many lines the picture of somebody has on the stage; 0 without one. @param {any} page @param {string} name */
export function linesOf(page, name) {
  return page.evaluate((wanted) => {
    const tile = [...document.querySelectorAll('[data-testid="tile"]')].find((one) => one.querySelector('.nm').textContent === wanted);
    const video = tile?.querySelector('video');
    return video?.srcObject ? video.videoHeight : 0;
  }, name);
}

/** What arrives: one entry for each receiving stream. @param {any} page */
export function received(page) {
  return page.evaluate(async () => {
    const streams = [];
    for (const connection of globalThis.watchedConnections) {
      if (connection.connectionState === 'closed') continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== 'inbound-rtp') continue;
        streams.push({
          id: `${globalThis.watchedConnections.indexOf(connection)}/${entry.id}`,
          kind: entry.kind,
          frames: entry.framesDecoded ?? 0,
          energy: entry.totalAudioEnergy ?? 0,
        });
      }
    }
    return streams;
  });
}

/**
 * Waits until so many pictures moved and so many voices sounded in every one of so many seconds in a row. How fast they
 * move is not asked: on a busy machine it says nothing about the server.
 *
 * @param {any} page
 * @param {{video: number, audio: number, seconds?: number}} wanted
 */
export async function seesAndHears(page, { video, audio, seconds = 5 }) {
  let before = await received(page);
  let inARow = 0;
  let last = '';
  const moves = async () => {
    const now = await received(page);
    const grown = (kind, key) =>
      now.filter((one) => one.kind === kind && one[key] > (before.find((old) => old.id === one.id)?.[key] ?? 0)).length;
    const [moving, sounding] = [grown('video', 'frames'), grown('audio', 'energy')];
    last = `${moving} of ${video} pictures moved, ${sounding} of ${audio} voices sounded: ${JSON.stringify(now)}`;
    before = now;
    inARow = moving >= video && sounding >= audio ? inARow + 1 : 0;
    return inARow >= seconds;
  };
  try {
    await until(moves, `${seconds} seconds of ${video} pictures and ${audio} voices`, {
      timeoutMs: 90_000,
      everyMs: 1000,
    });
  } catch (error) {
    throw new Error(`${error.message} At the end ${last}`, { cause: error });
  }
}

/** From the press on Join to the first picture of somebody else, in milliseconds. @param {any} page */
export function joinTime(page) {
  return until(
    () =>
      page.evaluate(() => {
        const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
        const [from, to] = [at('meeting:join-click'), at('meeting:first-remote-frame')];
        return from !== undefined && to !== undefined ? to - from : null;
      }),
    'the first remote frame',
  );
}
