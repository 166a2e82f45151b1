/** Files from browser to browser: offered, paused, resumed, checked, declined, broken off; in both kinds of rooms. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { unwanted } from '../../static/js/client/file-offer.js';
import { host, hostedRoom, seat } from './hosted.mjs';
import { closeAfter, guest, seesPeople } from './page-people.mjs';

const MEGABYTE = 1024 * 1024;
/** How long a lost person is kept: longer than anything here takes to come back, and no longer than needed. */
const AWAITED_MS = 6_000;

let stage;
before(async () => {
  stage = await openStage({ serverArgs: ['--resume-ms', String(AWAITED_MS)] });
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

/** Bytes that differ everywhere, so that a block in the wrong place is found. @param {number} size */
function bytes(size) {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < size; at += 4) buffer.writeUInt32LE((at * 2654435761) >>> 0, Math.min(at, size - 4));
  return buffer;
}

const sha = (data) => createHash('sha256').update(data).digest('hex');

/** @param {any} page @param {string} name @param {Buffer} buffer */
async function send(page, name, buffer) {
  if (!(await page.getByTestId('chat-panel').isVisible())) await page.getByTestId('chat').click();
  await page.setInputFiles('[data-testid="file-input"]', { name, mimeType: 'application/octet-stream', buffer });
}

const state = (page, words) => page.getByTestId('file-state').filter({ hasText: words }).waitFor();

/** Saves what arrived and answers its bytes. @param {any} card that has the button @param {any} page it stands on */
async function saved(card, page) {
  const download = page.waitForEvent('download');
  await card.getByTestId('file-save').click();
  const file = await download;
  return { name: file.suggestedFilename(), data: await readFile(await file.path()) };
}

for (const topology of ['sfu', 'p2p']) {
  test(`a file is paused, resumed and arrives whole (${topology})`, { timeout: 120_000 }, async (t) => {
    const room = await hostedRoom(stage, { topology });
    const hanna = await host(stage, room);
    const bo = await guest(stage, room.identity, 'Bo');
    closeAfter(t, hanna, bo);
    await seesPeople(hanna, 2);
    const connections = () => bo.evaluate(() => globalThis.watchedConnections.length);
    const before = await connections();
    const file = bytes(16 * MEGABYTE + 13);
    await send(hanna, 'résumé 简历.bin', file);
    await bo.getByTestId('toast').filter({ hasText: 'Hanna offers' }).waitFor();
    await bo.getByTestId('toast').getByRole('button').click();
    assert.equal(await connections(), before, 'nothing is connected before the file is wanted');
    await bo.getByTestId('file-accept').click();
    await bo.getByTestId('file-pause').click();
    await state(bo, 'Paused at');
    await state(hanna, 'Paused by the other side');
    await bo.getByTestId('file-resume').click();
    await state(bo, 'Complete, checked by SHA-256');
    await state(hanna, 'Arrived, checked by SHA-256');
    const { name, data } = await saved(bo, bo);
    assert.equal(name, 'résumé 简历.bin');
    assert.equal(sha(data), sha(file));
  });
}

test('a file is declined, and another taken back', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  await seesPeople(hanna, 2);
  await bo.getByTestId('chat').click();
  await send(hanna, 'a.txt', Buffer.from('hello'));
  await bo.getByTestId('file-cancel').click();
  await state(hanna, 'Declined');
  // By name: the last one may still be the one before.
  const named = (page, name) => page.getByTestId('file').filter({ hasText: name });
  await send(hanna, 'b.txt', Buffer.from('hello'));
  await named(bo, 'b.txt').getByTestId('file-accept').waitFor();
  await named(hanna, 'b.txt').getByTestId('file-cancel').click();
  await named(bo, 'b.txt').getByText('Cancelled').waitFor();
  await send(hanna, 'empty.txt', Buffer.alloc(0));
  await named(bo, 'empty.txt').getByTestId('file-accept').click();
  await named(bo, 'empty.txt').getByText('Complete').waitFor();
});

test('a file for everyone says at every moment how many have it and what the others do', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  const [cy, di] = [await seat(stage, room.identity, 'Cy'), await seat(stage, room.identity, 'Di')];
  t.after(() => [cy, di].forEach(({ session }) => session.close()));
  await seesPeople(hanna, 4);
  const offers = [cy, di].map(({ session }) => new Promise((resolve) => session.on('signal.offer', resolve)));
  const says = (words) => until(async () => (await hanna.getByTestId('file-state').textContent()) === words, words);
  await bo.getByTestId('chat').click();
  await send(hanna, 'agenda.txt', Buffer.from('hello'));
  const [, offer] = await Promise.all(offers);
  await says('Waiting for an answer');
  await bo.getByTestId('file-accept').click();
  await says('1 of 3 have it · 2 not answered yet');
  await di.session.request('signal.answer', { to: offer.from, connection: offer.connection, sdp: unwanted() });
  await says('1 of 3 have it · 1 not answered yet · 1 declined');
  await cy.session.leaveRoom();
  await says('1 of 3 have it · 1 declined · 1 did not get it');
});

/**
 * Runs in a page before anything else, and gives the test a hand in what the page sends: `blocks` may be read in this `turn`,
 * `tamper` changes a byte of the next piece, `fullAfter` bytes the channel is full for a moment. `wire` notes the words
 * and the bytes that were sent, and those that were sent into a full channel.
 */
function handOnTheWire() {
  const MEGABYTE = 1024 * 1024;
  globalThis.blocks = Infinity;
  globalThis.tamper = false;
  globalThis.fullAfter = Infinity;
  globalThis.wire = { words: [], bytes: 0, wasFull: false, intoFull: 0 };
  const { arrayBuffer } = Blob.prototype;
  Blob.prototype.arrayBuffer = async function () {
    const { turn } = globalThis;
    const waits = () => this.size === MEGABYTE && globalThis.turn === turn;
    while (waits() && globalThis.blocks <= 0) await new Promise((resolve) => setTimeout(resolve, 20));
    if (waits()) globalThis.blocks -= 1;
    return arrayBuffer.call(this);
  };
  let full = false;
  const { send } = RTCDataChannel.prototype;
  const { get: amount } = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'bufferedAmount');
  Object.defineProperty(RTCDataChannel.prototype, 'bufferedAmount', {
    get() {
      return full ? 5 * MEGABYTE : amount.call(this);
    },
  });
  RTCDataChannel.prototype.send = function (data) {
    const { wire } = globalThis;
    if (typeof data === 'string') wire.words.push(JSON.parse(data));
    else {
      wire.bytes += data.byteLength;
      if (this.bufferedAmount > 4 * MEGABYTE) wire.intoFull += 1;
      if (globalThis.tamper) {
        globalThis.tamper = false;
        data = data.slice();
        data[7] ^= 1;
      }
      if (wire.bytes >= globalThis.fullAfter && !wire.wasFull) {
        wire.wasFull = full = true;
        setTimeout(() => {
          full = false;
          this.dispatchEvent(new Event('bufferedamountlow'));
        }, 300);
      }
    }
    send.call(this, data);
  };
}

/** A file made in the page, which is quicker than bringing it there. @param {any} page @param {string} name @param {number} size */
async function sendMade(page, name, size) {
  if (!(await page.getByTestId('chat-panel').isVisible())) await page.getByTestId('chat').click();
  return page.evaluate(async ([name, size]) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    const input = document.querySelector('[data-testid="file-input"]');
    const files = new DataTransfer();
    files.items.add(new File([bytes], name));
    input.files = files.files;
    input.dispatchEvent(new Event('change'));
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }, [name, size]);
}

test('what can happen to a file on its way', { timeout: 240_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const init = [handOnTheWire];
  const hanna = await host(stage, room, { init });
  const bo = await guest(stage, room.identity, 'Bo', { init });
  closeAfter(t, hanna, bo);
  await seesPeople(hanna, 2);
  await bo.getByTestId('chat').click();
  const card = (page, name) => page.getByTestId('file').filter({ hasText: name });
  const says = (page, name, words, wait) => card(page, name).getByTestId('file-state').filter({ hasText: words }).waitFor(wait);
  const hand = (page, change) => page.evaluate((values) => Object.assign(globalThis, values), change);
  const words = (page) => page.evaluate(() => globalThis.wire.words);
  /** Bo takes it, and gets exactly so many of its blocks. */
  const begin = async (name, blocks, from = hanna) => {
    await hand(from, { blocks, turn: name });
    const hash = await sendMade(from, name, 10 * MEGABYTE);
    await card(bo, name).getByTestId('file-accept').click();
    await says(bo, name, `${blocks * 10} %`);
    return hash;
  };
  const nothingToSave = async (name) => assert.equal(await card(bo, name).getByTestId('file-save').isVisible(), false);

  await t.test('a large one stays within what the channel holds, and shows how far it is', async () => {
    await hand(hanna, { fullAfter: 6 * MEGABYTE });
    const hash = await sendMade(hanna, 'large.bin', 24 * MEGABYTE);
    await card(bo, 'large.bin').getByTestId('file-accept').click();
    const bar = card(bo, 'large.bin').getByRole('progressbar');
    await until(async () => Number(await bar.getAttribute('aria-valuenow')) > 0, 'the progress');
    await says(bo, 'large.bin', 'Complete');
    await says(hanna, 'large.bin', 'Arrived');
    const { bytes: sent, wasFull, intoFull } = await hanna.evaluate(() => globalThis.wire);
    assert.deepEqual({ sent, wasFull, intoFull }, { sent: 24 * MEGABYTE, wasFull: true, intoFull: 0 });
    assert.equal(sha((await saved(card(bo, 'large.bin'), bo)).data), hash);
  });

  await t.test('one that was changed on its way is not given out', async () => {
    await hand(hanna, { tamper: true });
    await sendMade(hanna, 'changed.bin', 3 * MEGABYTE);
    await card(bo, 'changed.bin').getByTestId('file-accept').click();
    for (const page of [bo, hanna]) await says(page, 'changed.bin', 'It did not arrive as it was sent');
    await nothingToSave('changed.bin');
  });

  await t.test('after a broken connection it goes on where it was', async () => {
    await hand(bo, { wire: { words: [] } });
    const hash = await begin('broken.bin', 4);
    const before = await bo.evaluate(() => globalThis.watchedConnections.length);
    await bo.evaluate(() => globalThis.watchedConnections.at(-1).close());
    await until(async () => (await words(bo)).filter(({ type }) => type === 'want').length === 2, 'the second request');
    assert.equal(await bo.evaluate(() => globalThis.watchedConnections.length), before + 1);
    // A person who closed the chat meanwhile is told when the file is there.
    await bo.keyboard.press('Escape');
    await bo.getByTestId('chat-panel').waitFor({ state: 'hidden' });
    await hand(hanna, { blocks: Infinity });
    await bo.getByTestId('toast').filter({ hasText: 'broken.bin has arrived' }).getByRole('button').click();
    await says(bo, 'broken.bin', 'Complete');
    await says(hanna, 'broken.bin', 'Arrived');
    const wanted = (await words(bo)).filter(({ type }) => type === 'want').map(({ from }) => from / MEGABYTE);
    assert.deepEqual(wanted, [0, 4]);
    assert.equal(sha((await saved(card(bo, 'broken.bin'), bo)).data), hash);
  });

  await t.test('either side breaks it off', async () => {
    await begin('away.bin', 3);
    await card(bo, 'away.bin').getByTestId('file-cancel').click();
    await begin('back.bin', 3);
    await card(hanna, 'back.bin').getByTestId('file-cancel').click();
    for (const name of ['away.bin', 'back.bin']) {
      for (const page of [bo, hanna]) await says(page, name, 'Cancelled');
      await nothingToSave(name);
    }
  });

  await t.test('who is sending goes: it is said, and nothing half is given out', async () => {
    const cy = await guest(stage, room.identity, 'Cy', { init });
    const di = await guest(stage, room.identity, 'Di', { init });
    await seesPeople(bo, 4);
    for (const [name, page, go] of [
      ['left.bin', cy, () => cy.getByTestId('leave').click()],
      ['closed.bin', di, () => di.context().close()],
    ]) {
      await begin(name, 3, page);
      await go();
      // A person whose page is only closed is awaited first.
      await says(bo, name, 'The person has left', { timeout: AWAITED_MS + 30_000 });
      await nothingToSave(name);
    }
    await cy.context().close();
  });
});
