/** Files from browser to browser: offered, paused, resumed, checked, declined; in both kinds of rooms. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom } from './hosted.mjs';
import { guest, seesPeople } from './page_people.mjs';

const MEGABYTE = 1024 * 1024;

let stage;
before(async () => {
  stage = await openStage();
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

/** Saves what arrived and answers its bytes. @param {any} page */
async function saved(page) {
  const download = page.waitForEvent('download');
  await page.getByTestId('file-save').click();
  const file = await download;
  return { name: file.suggestedFilename(), data: await readFile(await file.path()) };
}

for (const topology of ['sfu', 'p2p']) {
  test(`a file is paused, resumed and arrives whole (${topology})`, { timeout: 120_000 }, async (t) => {
    const room = await hostedRoom(stage, { topology });
    const hanna = await host(stage, room);
    const bo = await guest(stage, room.identity, 'Bo');
    t.after(() => Promise.all([hanna, bo].map((page) => page.context().close())));
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
    const { name, data } = await saved(bo);
    assert.equal(name, 'résumé 简历.bin');
    assert.equal(sha(data), sha(file));
  });
}

test('a file is declined, and another taken back', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  t.after(() => Promise.all([hanna, bo].map((page) => page.context().close())));
  await seesPeople(hanna, 2);
  await bo.getByTestId('chat').click();
  await send(hanna, 'a.txt', Buffer.from('hello'));
  await bo.getByTestId('file-cancel').click();
  await state(hanna, 'Declined');
  await send(hanna, 'b.txt', Buffer.from('hello'));
  await bo.getByTestId('file').last().getByTestId('file-accept').waitFor();
  await hanna.getByTestId('file').last().getByTestId('file-cancel').click();
  await bo.getByTestId('file').last().getByText('Cancelled').waitFor();
  await send(hanna, 'empty.txt', Buffer.alloc(0));
  await bo.getByTestId('file').last().getByTestId('file-accept').click();
  await bo.getByTestId('file').last().getByText('Complete').waitFor();
});
