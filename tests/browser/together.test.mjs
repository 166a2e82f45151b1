/** Hands, reactions, chat to one, timer, spotlight, pin, pages, and the way by keyboard. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { act, host, hostedRoom, openPerson, rows as names, seat } from './hosted.mjs';
import { guest, seesPeople } from './page-people.mjs';

let stage;
let room;
let hanna;
let bo;
before(async () => {
  stage = await openStage();
  room = await hostedRoom(stage);
  hanna = await host(stage, room);
  bo = await guest(stage, room.identity, 'Bo');
  await seesPeople(hanna, 2);
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

test('hands stand in their order with their time, and a host lowers them', async (t) => {
  const cy = await seat(stage, room.identity, 'Cy');
  t.after(() => cy.session.close());
  await cy.session.updateParticipant({ hand: true });
  await bo.getByTestId('hand').click();
  await hanna.getByTestId('tile').filter({ hasText: 'Bo' }).locator('.flag').filter({ hasText: '2' }).waitFor();
  await hanna.getByTestId('people').click();
  const rows = hanna.getByTestId('hand-row');
  await until(async () => (await rows.count()) === 2, 'two hands');
  assert.match((await rows.first().textContent()) ?? '', /^1Cy\d:\d\d/);
  await hanna.getByTestId('lower-all').click();
  await until(async () => (await rows.count()) === 0, 'no hands');
  await until(async () => (await bo.getByTestId('hand').getAttribute('aria-pressed')) === 'false', "Bo's own hand");
  await hanna.getByTestId('people').click();
});

test('a reaction rises over who sent it and goes', async () => {
  await bo.getByTestId('react').click();
  await bo.getByTestId('reactions').getByRole('button', { name: 'Applause' }).click();
  const seen = hanna.getByTestId('tile').filter({ hasText: 'Bo' }).getByTestId('reaction');
  await seen.waitFor();
  assert.equal(await seen.textContent(), '👏');
  await until(async () => (await hanna.getByTestId('reaction').count()) === 0, 'the reaction to go');
});

test('a message to one is read by nobody else, and one that is deleted is gone everywhere', async (t) => {
  const cy = await seat(stage, room.identity, 'Cy');
  t.after(() => cy.session.close());
  const heard = [];
  cy.session.on('chat.message', ({ message }) => heard.push(message.text));
  await act(hanna, 'Bo', 'write-to');
  await hanna.getByTestId('chat-input').fill('Only you');
  await hanna.keyboard.press('Enter');
  await hanna.getByText('only Bo').waitFor();
  await bo.getByTestId('chat').click();
  const whisper = bo.getByTestId('message').filter({ hasText: 'Only you' });
  await whisper.getByText('only you', { exact: true }).waitFor();
  await hanna.getByTestId('chat-to').click();
  await hanna.getByTestId('to-everyone').click();
  await hanna.getByTestId('chat-input').fill('For all');
  await hanna.keyboard.press('Enter');
  await until(() => heard.length === 1, 'the public message');
  assert.deepEqual(heard, ['For all'], 'Cy never got the private one');
  await bo.getByText('For all').waitFor();
  await hanna.getByTestId('message').filter({ hasText: 'For all' }).hover();
  await hanna.getByTestId('message-more').last().click();
  await hanna.getByTestId('delete-message').click();
  await until(async () => (await bo.getByText('For all').count()) === 0, 'the message to go');
  await bo.getByTestId('message-text').filter({ hasText: 'Only you' }).hover();
  await bo.getByTestId('message-more').first().click();
  assert.equal(await bo.getByTestId('delete-message').count(), 0, 'members delete their own only');
  await bo.keyboard.press('Escape');
  await bo.getByTestId('chat').click();
  await hanna.getByTestId('chat').click();
});

test('who is muted by a host for all reads that only hosts may undo it', async () => {
  const toast = (page, words) => page.getByTestId('toast').getByText(words, { exact: true }).waitFor();
  const mic = (page) => page.getByTestId('mic').getAttribute('aria-label');
  await until(async () => (await mic(bo)) === 'Turn off microphone', 'Bo to be heard');
  await hanna.getByTestId('people').click();
  await hanna.getByTestId('mute-all').click();
  // The messages go by themselves after a while, so they are awaited from the beginning.
  const told = [
    toast(bo, 'Hanna muted you. Only hosts may unmute now. Raise your hand to speak.'),
    toast(hanna, 'Everyone is muted, and only hosts may unmute'),
  ];
  await hanna.getByTestId('mute-all-hard').click();
  await Promise.all(told);
  await hanna.getByTestId('mute-all').click();
  const alone = toast(hanna, 'Everyone is muted');
  await hanna.getByTestId('mute-all-soft').click();
  await alone;
  await until(async () => (await mic(bo)) === 'Turn on microphone', 'Bo to have the right again');
  await hanna.getByTestId('people').click();
});

test('a timer counts down for everybody and is stopped', async () => {
  const shown = (page) => page.locator('[data-testid="timer"]:visible');
  await hanna.getByTestId('more').click();
  await hanna.getByTestId('more-timer').click();
  await hanna.getByTestId('timer-minutes').fill('2');
  await hanna.getByTestId('timer-go').click();
  for (const page of [hanna, bo]) await shown(page).filter({ hasText: /^[12]:\d\d$/ }).waitFor();
  await hanna.getByTestId('more').click();
  await hanna.getByTestId('more-timer').click();
  for (const page of [hanna, bo]) await shown(page).waitFor({ state: 'detached' });
});

test('many people come in pages, keep their order; a pin and a spotlight make one large', async (t) => {
  const seats = [];
  for (let n = 1; n <= 30; n++) seats.push(await seat(stage, room.identity, `P${n}`));
  t.after(() => seats.forEach(({ session }) => session.close()));
  await hanna.getByTestId('pager').waitFor();
  // Tiles glide to their places, and the last ones have just come.
  const page = (/** @type {string[]} */ ...begin) =>
    until(async () => {
      const all = await names(hanna);
      // Oneself is last on every page.
      return all.slice(0, begin.length).join() === begin.join() && all.at(-1) === 'Hanna' && all;
    }, `the page that begins with ${begin}`);
  const first = await page('Bo', 'P1', 'P2', 'P3');
  await hanna.getByTestId('page-next').click();
  const second = await page(`P${first.length - 1}`);
  assert.equal(new Set([...first, ...second]).size, 32, 'everybody is on one of the two pages');
  await hanna.getByTestId('page-previous').click();

  await act(hanna, 'P7', 'pin');
  await until(async () => (await names(hanna))[0] === 'P7', 'the pinned one first');
  const width = (page, name) =>
    page.getByTestId('tile').filter({ has: page.getByText(name, { exact: true }) }).evaluate((node) => node.clientWidth);
  await until(async () => (await width(hanna, 'P7')) > 500, 'a large tile');
  assert.equal((await names(bo)).at(0), 'Hanna', 'a pin is for oneself alone');
  await act(hanna, 'P7', 'pin');

  await act(hanna, 'Bo', 'spotlight');
  await bo.getByTestId('toast').filter({ hasText: 'Everyone sees you large' }).waitFor();
  await until(async () => (await width(bo, 'Bo')) > 500, "Bo's own large tile");
  await seats[0].session.request('ping');
  await act(hanna, 'Bo', 'spotlight');
  await until(async () => (await width(bo, 'Bo')) < 400, 'the grid again');
  await hanna.keyboard.press('Escape');
});

test('the speaker view, and hiding oneself from oneself', async () => {
  await seesPeople(hanna, 2);
  await hanna.getByTestId('layout').click();
  await until(async () => (await names(hanna))[0] === 'Bo', 'the other one large');
  await openPerson(hanna, 'Hanna');
  await hanna.getByTestId('hide-self').click();
  await until(async () => (await names(hanna)).join() === 'Bo', 'only the other one');
  await act(hanna, 'Hanna', 'hide-self');
  await hanna.getByTestId('layout').click();
  await seesPeople(hanna, 2);
  await hanna.getByTestId('people').click();
});

test('the keyboard alone: regions, tiles, toolbar, the list of keys', async () => {
  await hanna.getByTestId('mic').focus();
  await hanna.keyboard.press('F6');
  const focused = () => hanna.evaluate(() => document.activeElement?.getAttribute('data-testid'));
  assert.equal(await focused(), 'tile', 'F6 leads from the toolbar to the people');
  assert.equal(await hanna.locator('.seats [tabindex="0"]').count(), 1, 'the tiles are one tab stop');
  const name = () => hanna.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  const before = await name();
  await hanna.keyboard.press('ArrowRight');
  const after = await name();
  await hanna.keyboard.press('ArrowLeft');
  assert.ok(before !== after || (await name()) !== before, 'arrows walk between the tiles');
  await hanna.keyboard.press('Enter');
  await hanna.getByRole('menu').waitFor();
  await hanna.keyboard.press('Escape');
  assert.equal(await focused(), 'tile', 'the focus comes back');
  await hanna.keyboard.press('?');
  await hanna.getByTestId('shortcuts').waitFor();
  await hanna.getByTestId('shortcuts-on').uncheck();
  await hanna.keyboard.press('Escape');
  await hanna.keyboard.press('Control+d');
  assert.equal(await hanna.getByTestId('mic').getAttribute('aria-pressed'), 'true', 'the keys are off');
  await hanna.getByTestId('more').click();
  await hanna.getByTestId('more-shortcuts').click();
  await hanna.getByTestId('shortcuts-on').check();
  await hanna.keyboard.press('Escape');
  await hanna.keyboard.press('Control+d');
  await until(async () => (await hanna.getByTestId('mic').getAttribute('aria-pressed')) === 'false', 'the microphone');
});

test('what meeting this is, and how the connection is', async () => {
  await hanna.getByTestId('room-info').click();
  assert.match((await hanna.getByTestId('info-number').textContent()) ?? '', /^\d{3} \d{3} \d{3}$/);
  assert.match((await hanna.getByTestId('info-link').textContent()) ?? '', new RegExp(`/r/${room.identity}$`));
  await hanna.keyboard.press('Escape');
  await act(hanna, 'Bo', 'connection');
  await hanna.getByTestId('connection-card').getByText(/kbit\/s/).waitFor();
  await hanna.keyboard.press('Escape');
});

test('while the connection is lost the people stay in sight, and everything comes back by itself', async () => {
  // A message that is on its way when the connection goes, in a chat that is closed by then.
  await hanna.getByTestId('chat').click();
  await hanna.getByTestId('chat-input').fill('Are you there?');
  await hanna.evaluate(() => (globalThis.watchedSockets.at(-1).send = () => {}));
  await hanna.getByTestId('chat-send').click();
  await hanna.getByTestId('chat').click();
  await hanna.getByTestId('chat-panel').waitFor({ state: 'hidden' });
  await hanna.evaluate(() => {
    const Native = globalThis.WebSocket;
    globalThis.WebSocket = class extends EventTarget {
      readyState = 3;
      constructor() {
        super();
        setTimeout(() => {
          this.onerror?.(new Event('error'));
          this.onclose?.({ code: 1006, reason: '' });
        });
      }
      send() {}
      close() {}
    };
    globalThis.connectAgain = () => {
      globalThis.WebSocket = Native;
      dispatchEvent(new Event('online'));
    };
    globalThis.watchedSockets.at(-1).close(4000);
  });
  await hanna.getByTestId('reconnecting').waitFor();
  assert.equal(await hanna.getByTestId('tile').count(), 2, 'nobody vanishes');
  assert.match((await hanna.locator('[aria-live="assertive"]').textContent()) ?? '', /server is not reached|Connection lost/);
  await hanna.evaluate(() => globalThis.connectAgain());
  await hanna.getByTestId('reconnecting').waitFor({ state: 'hidden' });
  // What was on its way arrives, once, and nothing complains.
  await hanna.getByTestId('chat').click();
  const said = hanna.getByTestId('messages').getByText('Are you there?');
  await said.waitFor();
  assert.equal(await said.count(), 1);
  assert.equal(await hanna.getByTestId('chat-error').isVisible(), false);
  assert.equal(await hanna.getByTestId('chat-input').inputValue(), '');
  await hanna.getByTestId('chat').click();
  await seesPeople(hanna, 2);
  await seesPeople(bo, 2);
  const tile = hanna.getByTestId('tile').filter({ hasText: 'Bo' });
  await until(async () => (await tile.getAttribute('class'))?.includes('seen'), "Bo's picture again");
});
