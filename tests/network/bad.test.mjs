/**
 * Bad networks: one call of real browsers that goes through one bad line after the other. What the browsers measure is
 * printed as a table, and written as JSON to the file that NETWORK_REPORT names. Asserted is only what must hold on a busy
 * machine: pictures go on, most of the sound arrives, what was held back comes again, and nobody joins anew.
 * NETWORK_SECONDS is how long each line is watched.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openFirefox } from '../browser/firefox.mjs';
import { openStage, until } from '../browser/harness.mjs';
import { makeRoom } from '../browser/rooms.mjs';
import { openBottleneck } from './bottleneck.mjs';
import { during, fragments, openPerson, plainSound, sendNoise } from './people.mjs';
import { openRelay } from './relay.mjs';

const SECONDS = Number(process.env.NETWORK_SECONDS ?? 3);
/** What a change of the line sets off is over by then. */
const SETTLED_S = 1;
/** A busy machine spoils what is seen now and then; one time of so many must be good. */
const TRIES = 3;
/** So long the sound is compared that is sent redundantly with that which is not. */
const COMPARED_S = Math.max(SECONDS, 8);
/** Packets that carry the one before, too, are so many times as long, or longer. */
const REDUNDANT = 1.4;
/** Of what is made up without them, so much is made up with them at most. */
const HEALED = 0.75;
const [WIDE_KBPS, NARROW_KBPS] = [4000, 500];
/** A busy machine may need so long to send all that it may. */
const RISEN = { timeoutMs: 60_000, everyMs: 500 };
/** A change of rate is followed by then, however slow the machine is. */
const FOLLOWED = { timeoutMs: 45_000, everyMs: 100 };
const HEARD_AGAIN_MS = 8_000;

/** With each: the share of sound that may be made up, and how many pictures a second must come if not the least. */
const LINES = [
  { name: 'clean', weather: {}, concealed: 0.1 },
  { name: '5 % loss', weather: { loss: 0.05 }, concealed: 0.15 },
  { name: '15 % loss', weather: { loss: 0.15 }, concealed: 0.3 },
  { name: '5 % in bursts', weather: { loss: 0.05, inARow: 5 }, concealed: 0.25 },
  { name: '30 % loss', weather: { loss: 0.3 }, concealed: 0.5, pictures: 0 },
  { name: '50 ms jitter', weather: { jitterMs: 50 }, concealed: 0.3 },
  { name: '300 ms round trip', weather: { delayMs: 300 }, concealed: 0.2 },
  { name: '5 % late, 5 % twice', weather: { late: 0.05, doubled: 0.05 }, concealed: 0.2 },
];
const LEAST_FPS = 0.3;

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
/** @type {Record<string, unknown>[]} */
const rows = [];

let line;
let stage;
let firefox;
const relays = [];
before(async () => {
  line = await openBottleneck();
  stage = await openStage({ server: line.server });
});
after(async () => {
  print();
  if (process.env.NETWORK_REPORT) await writeFile(process.env.NETWORK_REPORT, `${JSON.stringify(rows, null, 2)}\n`);
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

function print() {
  const shown = (value) => (typeof value === 'number' ? String(Math.round(value * 10) / 10) : String(value ?? ''));
  const columns = ['line', 'way', 'pair', 'fps', 'lines', 'freezes', 'frozen s', 'concealed %', 'follows s', 'kbit/s', 'sound'];
  const table = [columns, ...rows.map((row) => columns.map((column) => shown(row[column])))];
  const widths = columns.map((_, at) => Math.max(...table.map((row) => row[at].length)));
  console.log(table.map((row) => row.map((cell, at) => cell.padEnd(widths[at])).join('  ').trimEnd()).join('\n'));
}

/** Adds a row to the table. */
function note(name, way, pair, seen, more = {}) {
  rows.push({
    line: name, way, pair, fps: seen.fps, lines: seen.height, freezes: seen.freezes, 'frozen s': seen.freezeS,
    'concealed %': seen.concealed * 100, sound: `${seen.codec.replace('audio/', '')} ${Math.round(seen.packetBytes)} B`, ...more,
  });
}

test('one call over one bad line after the other', { timeout: 420_000 }, async (t) => {
  const identity = await makeRoom(stage, { topology: 'sfu' });
  const ada = await openPerson(stage, { name: 'ada', identity, relay: await relay() });
  await sendNoise(ada.page);
  const bo = await openPerson(stage, { name: 'bo', identity, relay: await relay(), sources: [] });
  const rises = async (least) => (await during([[ada, bo]], () => pause(1)))[0].sentKbps > least;
  await until(() => rises(600), 'the sender to reach its rate', RISEN);
  rows.push({ line: 'joining', way: 'down', pair: 'ada → bo', 'follows s': await firstFrame(bo) });

  for (const way of /** @type {const} */ (['down', 'up'])) {
    await t.test(`4 → 0.5 → 4 Mbit/s ${way}`, () => narrowing(way, ada, bo));
  }
  const cy = await openPerson(stage, { name: 'cy', identity, relay: await relay(), sources: [], init: plainSound });
  await t.test('30 % loss of a sound that is sent redundantly, and of one that is not', () => losing(ada, bo, cy));
  await cy.page.close();

  firefox = await openFirefox({ server: line.server, origin: stage.origin });
  const fox = await openPerson(firefox, { name: 'fox', identity, relay: await relay() });
  const all = [ada, bo, fox];
  // Each is seen by the other browser, too.
  const pairs = [[ada, bo], [ada, fox], [fox, bo]];
  await until(async () => (await during(pairs, () => pause(1))).every(({ frames, packets }) => frames > 0 && packets > 0), 'everybody to see everybody', RISEN);
  const before = await Promise.all(all.map(({ page }) => fragments(page)));

  for (const { name, weather, concealed, pictures = LEAST_FPS } of LINES) {
    for (const way of /** @type {const} */ (['down', 'up'])) {
      if (name === 'clean' && way === 'up') continue;
      await t.test(`${name} ${way}`, async () => {
        // Down it is the viewers' line that is bad, up the senders'.
        const bad = way === 'down' ? [bo, fox] : [ada, fox];
        const watched = way === 'down' ? [[ada, bo], [ada, fox]] : [[ada, bo], [fox, bo]];
        const misses = (one) => [
          ...(one.fps < pictures ? [`${one.fps} pictures a second`] : []),
          ...(one.concealed > concealed ? [`${one.concealed * 100} % of the sound made up`] : []),
        ];
        for (const person of bad) person.relay.weather(way, weather);
        await pause(SETTLED_S);
        let seen;
        for (let tries = 0; tries < TRIES; tries += 1) {
          const before = bo.relay.offered();
          seen = await during(watched, () => pause(SECONDS));
          const offered = ((bo.relay.offered() - before) * 8) / 1000 / seen[0].seconds;
          seen.forEach((one, at) => {
            const pair = watched[at].map(({ name: who }) => who).join(' → ');
            note(name, way, pair, one, { 'kbit/s': way === 'down' && at === 0 ? offered : one.sentKbps });
          });
          if (!seen.flatMap(misses).length) break;
        }
        for (const person of bad) person.relay.weather(way, {});
        assert.deepEqual(seen.flatMap(misses), []);
      });
    }
  }

  await t.test('another address in the middle of the call', async () => {
    for (const [way, person] of [['down', bo], ['up', ada]]) {
      const start = performance.now();
      person.relay.roam();
      let heard = 0;
      let shown = 0;
      const [seen] = await during([[ada, bo]], () => until(async () => {
        const [{ frames, packets }] = await during([[ada, bo]], () => pause(0.2));
        if (packets) heard ||= performance.now() - start;
        if (frames) shown ||= performance.now() - start;
        return heard && shown;
      }, 'sound and pictures to go on', { timeoutMs: HEARD_AGAIN_MS, everyMs: 10 }));
      note('another address', way, 'ada → bo', seen, { 'follows s': Math.max(heard, shown) / 1000 });
      await pause(1);
    }
  });

  const now = await Promise.all(all.map(({ page }) => fragments(page)));
  assert.deepEqual(now, before, 'nobody connects anew');
  for (const { page } of all) {
    const [left, errors] = await page.evaluate(() => [globalThis.me.left, globalThis.me.errors]);
    assert.deepEqual([left.filter((who) => who !== cy.id), errors], [[], []]);
  }
});

/** When the first picture came after joining, in seconds. */
async function firstFrame({ page }) {
  await until(() => page.evaluate(() => globalThis.me.firstFrame), 'a picture');
  return (await page.evaluate(() => globalThis.me.firstFrame)) / 1000;
}

/** A line that becomes narrow, and wide again. */
async function narrowing(way, ada, bo) {
  const follows = async (enough, what) => {
    const start = performance.now();
    await until(enough, what, FOLLOWED);
    return (performance.now() - start) / 1000;
  };
  const told = () => bo.page.evaluate(() => globalThis.me.told.at(-1) ?? null);
  const seen = async (seconds) => (await during([[ada, bo]], () => pause(seconds)))[0];
  line.rate(way, WIDE_KBPS);
  await pause(SETTLED_S);
  const wide = await seen(SECONDS);
  note('4 Mbit/s', way, 'ada → bo', wide, { 'kbit/s': wide.sentKbps });

  line.rate(way, NARROW_KBPS);
  const found = way === 'down'
    ? await follows(async () => (await told())?.reason === 'bandwidth', 'the picture to be held back')
    : await follows(async () => (await seen(1)).sentKbps < NARROW_KBPS * 1.2, 'the sender to send less');
  await pause(SETTLED_S);
  let narrow = null;
  let offered = 0;
  for (let tries = 0; tries < TRIES && (!narrow || isTooBad(narrow)); tries += 1) {
    const before = bo.relay.offered();
    narrow = await seen(SECONDS);
    offered = ((bo.relay.offered() - before) * 8) / 1000 / narrow.seconds;
  }
  note('0.5 Mbit/s', way, 'ada → bo', narrow, { 'follows s': found, 'kbit/s': way === 'down' ? offered : narrow.sentKbps });

  line.rate(way, WIDE_KBPS);
  const back = await follows(async () => {
    const now = await seen(0.5);
    return now.frames > 0 && now.height > Math.min(narrow.height, wide.height - 1);
  }, `a larger picture than one of ${narrow.height} lines`);
  const again = await seen(SECONDS);
  note('4 Mbit/s again', way, 'ada → bo', again, { 'follows s': back, 'kbit/s': again.sentKbps });
  line.rate(way, null);
  assert.ok(!isTooBad(narrow), `${narrow.frames} pictures, ${narrow.concealed * 100} % of the sound made up`);
}

/** Behind a line of 0.5 Mbit/s. */
const isTooBad = ({ frames, concealed }) => frames === 0 || concealed > 0.4;

/** The same loss for two: the browser of one of them says that it cannot take sound that is sent redundantly. */
async function losing(ada, bo, cy) {
  const pairs = [[ada, bo], [ada, cy]];
  const heard = async (seconds) => during(pairs, () => pause(seconds));
  await until(async () => (await heard(0.5)).every(({ packets }) => packets > 0), 'both to hear', RISEN);
  for (const { relay: bad } of [bo, cy]) bad.weather('down', { loss: 0.3 });
  const isRedundant = (seen) => seen[0].packetBytes > seen[1].packetBytes * REDUNDANT;
  await until(async () => isRedundant(await heard(1)), 'the redundant sound', FOLLOWED);
  let both;
  for (let tries = 0; tries < TRIES; tries += 1) {
    both = await heard(COMPARED_S);
    if (both[0].concealed < both[1].concealed * HEALED) break;
  }
  const [redundant, plain] = both;
  for (const { relay: bad } of [bo, cy]) bad.weather('down', {});
  note('30 % loss, redundant', 'down', 'ada → bo', redundant);
  note('30 % loss, plain', 'down', 'ada → cy', plain);
  assert.ok(redundant.concealed < plain.concealed * HEALED, `${redundant.concealed} and ${plain.concealed}`);
}
