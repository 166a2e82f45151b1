/** The home of an account: one way to begin, plans that lead somewhere, and the rooms of others. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { en, zh } from '../client/words.mjs';
import { openStage } from './harness.mjs';
import { visit } from './page-people.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());
afterEach(() => stage.assertQuiet());

/** An account that is online without a page. */
async function account(name) {
  const session = new Session(stage.server.socket, { WebSocket });
  await session.register({ username: `${name}-${crypto.randomUUID().slice(0, 8)}`, password: `pass-${crypto.randomUUID()}`, display_name: name });
  return session;
}

/** Their home. */
async function homeOf(t, session) {
  const page = await visit(stage, '/');
  t.after(() => page.context().close());
  await page.evaluate((token) => localStorage.setItem('meeting.token', token), session.token);
  await page.goto(stage.origin);
  await page.getByTestId('home').waitFor();
  return page;
}

/** How often a text can be seen. */
const seen = (page, text) => page.getByText(text, { exact: true }).filter({ visible: true }).count();

test('a first visit offers each way once', async (t) => {
  const ada = await account('ada');
  t.after(() => ada.close());
  const page = await homeOf(t, ada);
  await page.getByTestId('start-first').waitFor();
  for (const words of ['Start now', 'New room', 'Nothing planned']) assert.equal(await seen(page, words), 1, words);
});

test('a planned meeting is entered and changed where it stands', async (t) => {
  const bo = await account('bo');
  t.after(() => bo.close());
  const begin = new Date(Date.now() + 48 * 3_600_000);
  const { room } = await bo.createRoom({
    name: 'Seminar', begin_at: begin.toISOString(), end_at: new Date(begin.getTime() + 3_600_000).toISOString(),
  });
  const page = await homeOf(t, bo);
  await page.getByTestId('agenda-edit').click();
  await page.getByTestId('room-name').waitFor();
  assert.equal(await page.getByTestId('room-name').inputValue(), 'Seminar');
  await page.keyboard.press('Escape');
  await page.getByTestId('room-name').waitFor({ state: 'detached' });
  await page.getByTestId('agenda-enter').click();
  await page.waitForURL(`${stage.origin}/r/${room.identity}`);
  await page.getByTestId('room-title').filter({ hasText: 'Seminar' }).waitFor();
});

test('rooms of others that one has been in are listed, and can be entered but not changed', async (t) => {
  const [cy, di] = [await account('cy'), await account('di')];
  t.after(() => [cy, di].forEach((one) => one.close()));
  const { room } = await cy.createRoom({ name: 'Choir' });
  await di.joinRoom({ identity: room.identity });
  await di.request('room.leave');
  const page = await homeOf(t, di);
  await page.getByTestId('rooms-joined').click();
  const row = page.getByTestId('room').filter({ hasText: 'Choir' });
  await row.waitFor();
  await row.getByText('Room of cy').waitFor();
  await row.getByText(/last there .+, \d+:\d\d/).waitFor();
  assert.equal(await row.getByText('as co-host').count(), 0, 'one who came in as a member reads of no role');
  await row.getByTestId('room-more').click();
  assert.equal(await page.getByTestId('room-delete').count(), 0);
  await page.keyboard.press('Escape');
  await row.getByTestId('enter').click();
  await page.getByTestId('room-title').filter({ hasText: 'Choir' }).waitFor();
});

test('who has as many rooms as an account may have is told so, in the language of the page', { timeout: 120_000 }, async (t) => {
  const eve = await account('eve');
  t.after(() => eve.close());
  const refused = await makeUntilRefused(eve);
  assert.equal(refused.code, 'perm.denied');
  const page = await homeOf(t, eve);
  await page.getByTestId('room').first().waitFor();
  await page.getByTestId('new-room').click();
  await page.getByTestId('room-name').fill('One more');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByTestId('room-dialog').getByText(en['error.room.most']).waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('language').click();
  await page.getByTestId('start-now').or(page.getByTestId('start-first')).filter({ visible: true }).click();
  await page.getByTestId('toast').filter({ hasText: zh['error.room.most'] }).waitFor();
});

/** Makes rooms until the server will have no more, and answers why. */
async function makeUntilRefused(session) {
  for (let number = 1; ; number += 1) {
    try {
      await session.createRoom({ name: `Room ${number}` });
    } catch (error) {
      return error;
    }
  }
}
