/** Opening the page: how long a first visit takes over a slow link, and what a second one asks for. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage } from './harness.mjs';
import { makeRoom } from './rooms.mjs';

const LATENCY_MS = 200;
/** 10 Mbit/s, in bytes. */
const BYTES_PER_SECOND = 1_250_000;
const DRAWN_WITHIN_MS = 2000;
const MOST_REQUESTS = 5;
/** What tells that a screen is drawn, with what it is about. */
const SCREENS = { start: '[data-testid=guest-home] h1', room: '[data-testid=room-title]' };

let stage;
let room;
before(async () => {
  stage = await openStage();
  room = await makeRoom(stage);
});
after(() => stage?.close());
afterEach(() => stage.assertQuiet());

const pathOf = (screen) => (screen === 'room' ? `/r/${room}` : '/');

/** Notes when an element with words in it was painted, in milliseconds since the navigation began. */
function noteDrawing(selector) {
  const look = () => {
    const node = document.querySelector(selector);
    if (!node?.textContent?.trim()) return requestAnimationFrame(look);
    // The frame after the one that the element was found in has it on the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.drawnAt = performance.now())));
  };
  requestAnimationFrame(look);
}

/** A visitor with a cache of their own, over a slow link; `requests` holds what went to the server. */
async function visitor(t, screen) {
  const page = await stage.page(null, { name: screen, context: { locale: 'en-GB' } });
  t.after(() => page.context().close());
  await page.addInitScript(noteDrawing, SCREENS[screen]);
  const wire = await page.context().newCDPSession(page);
  const requests = new Map();
  await wire.send('Network.enable');
  await wire.send('Network.emulateNetworkConditions', {
    offline: false, latency: LATENCY_MS, downloadThroughput: BYTES_PER_SECOND, uploadThroughput: BYTES_PER_SECOND,
  });
  wire.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (request.url.startsWith('http')) requests.set(requestId, { path: new URL(request.url).pathname, bytes: 0 });
  });
  wire.on('Network.webSocketCreated', ({ requestId, url }) => requests.set(requestId, { path: new URL(url).pathname, bytes: 0 }));
  wire.on('Network.requestServedFromCache', ({ requestId }) => requests.delete(requestId));
  wire.on('Network.responseReceived', ({ requestId, response }) => response.fromDiskCache && requests.delete(requestId));
  wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId);
    if (request) request.bytes = encodedDataLength;
  });
  /** @returns {Promise<number>} when it was drawn */
  const open = async () => {
    requests.clear();
    await page.goto(stage.origin + pathOf(screen), { waitUntil: 'load' });
    await page.waitForFunction(() => globalThis.drawnAt);
    return page.evaluate(() => globalThis.drawnAt);
  };
  return { page, open, requests };
}

for (const screen of ['start', 'room']) {
  test(`a first visit to the ${screen} draws in time over a slow link, and a second one asks for little`, async (t) => {
    const { page, open, requests } = await visitor(t, screen);
    const first = await open();
    const bytes = [...requests.values()].reduce((sum, request) => sum + request.bytes, 0);
    console.log(`first visit to the ${screen}: drawn after ${Math.round(first)} ms, ${requests.size} requests, ${bytes} bytes`);
    // What is loaded while nothing else is to be done is part of the first visit as well.
    await page.waitForLoadState('networkidle');
    console.log(`  with what was loaded at leisure: ${requests.size} requests`);
    const second = await open();
    await page.waitForLoadState('networkidle');
    const paths = [...requests.values()].map(({ path }) => path);
    console.log(`second visit to the ${screen}: drawn after ${Math.round(second)} ms, asked for ${paths.join(' ')}`);
    assert.ok(first <= DRAWN_WITHIN_MS, `${first} ms`);
    assert.ok(second <= first, `${second} ms`);
    assert.ok(paths.length <= MOST_REQUESTS, paths.join(' '));
  });
}
