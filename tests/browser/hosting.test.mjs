/**
 * A meeting as its host has it: two shared screens, the order of the tiles, hands, mutes, the number, the calendar, the
 * reminder, bans, roles, leaving and ending. Each test has a room of its own.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { openStage, until } from './harness.mjs';
import { act, host, openPerson, rows, seat, seesScreen, shareScreen } from './hosted.mjs';
import { guest, names, seesPeople, visit } from './page-people.mjs';

let stage;
/** Owns the rooms; without media. @type {Session} */
let owner;
const inMinutes = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();

before(async () => {
  stage = await openStage();
  owner = new Session(stage.server.socket, { WebSocket });
  await owner.register({
    username: `host-${crypto.randomUUID().slice(0, 8)}`,
    password: `pass-${crypto.randomUUID()}`,
    display_name: 'Hanna',
  });
});
afterEach(() => stage.assertQuiet());
after(async () => {
  owner?.close();
  await stage?.close();
});

/**
 * A room with Hanna, who owns it, and these guests in it, each at a page; they join in this order.
 * @param {any} t
 * @param {string[]} guests
 * @param {{fields?: object, seen?: string[]}} [options]  fields of room.create · seen: whose camera stays on; the others
 *   leave the machine to the tests
 */
async function meeting(t, guests, { fields = {}, seen = [] } = {}) {
  const { room } = await owner.createRoom({ name: 'Hosted room', ...fields });
  const hanna = await host(stage, { identity: room.identity, token: owner.token });
  t.after(() => hanna.context().close());
  const pages = [hanna];
  for (const name of guests) {
    const page = await guest(stage, room.identity, name);
    t.after(() => page.context().close());
    pages.push(page);
  }
  for (const [index, page] of pages.entries()) {
    await seesPeople(page, pages.length);
    if (!seen.includes(['Hanna', ...guests][index])) await page.getByTestId('camera').click();
  }
  return { room, pages };
}

const toast = (page, words) => page.getByTestId('toast').filter({ hasText: words }).waitFor();
const tileOf = (page, name) => page.getByTestId('tile').filter({ has: page.getByText(name, { exact: true }) });

test('of two shared screens the newest is shown, and the other can be chosen by keyboard', { timeout: 180_000 }, async (t) => {
  const { pages: [hanna, ada, bo] } = await meeting(t, ['Ada', 'Bo']);
  await shareScreen(ada, 1280, 720);
  await hanna.getByText('Ada is presenting').waitFor();
  await seesScreen(hanna, false);
  assert.equal(await hanna.getByTestId('screen-choice').isVisible(), false, 'there is nothing to choose yet');

  await shareScreen(bo, 480, 640);
  const choice = hanna.getByRole('radiogroup', { name: 'Shared screens' });
  await choice.waitFor();
  const checked = () => choice.getByRole('radio', { checked: true }).getAttribute('aria-label');
  await until(async () => (await checked()) === 'Bo’s screen', 'the newest screen');
  await seesScreen(hanna, true);
  await until(
    async () => /Bo’s screen is on the stage/.test((await hanna.locator('.vh[aria-live="polite"]').textContent()) ?? ''),
    'the words for those who listen',
  );
  assert.equal((await names(hanna))[0], 'Bo', 'the presenter comes first');
  // A person who shares sees the other one's screen, and has nothing to choose.
  await bo.getByText('Ada is presenting').waitFor();
  assert.equal(await bo.getByTestId('screen-choice').isVisible(), false);

  // One tab stop, which is the screen that is shown; the arrows choose.
  assert.equal(await choice.locator('[tabindex="0"]').count(), 1);
  await choice.getByRole('radio', { checked: true }).focus();
  await hanna.keyboard.press('ArrowLeft');
  await until(async () => (await checked()) === 'Ada’s screen', 'the chosen screen');
  assert.equal(await hanna.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Ada’s screen');
  await seesScreen(hanna, false);
  await until(async () => (await names(hanna))[0] === 'Ada', 'its presenter first');
});

test('a host stops a share: its owner is told, and the other screen comes', { timeout: 180_000 }, async (t) => {
  const { pages: [hanna, ada, bo] } = await meeting(t, ['Ada', 'Bo']);
  await shareScreen(bo, 480, 640);
  await hanna.getByText('Bo is presenting').waitFor();
  await shareScreen(ada, 1280, 720);
  await hanna.getByTestId('screen-choice').waitFor();
  await act(hanna, 'Ada', 'stop-share');
  await toast(ada, 'A host stopped your sharing');
  await ada.getByTestId('sharing').waitFor({ state: 'hidden' });
  assert.equal(await ada.evaluate(() => globalThis.sharedTrack.readyState), 'ended', 'nothing is recorded any more');
  await hanna.getByText('Bo is presenting').waitFor();
  await hanna.getByTestId('screen-choice').waitFor({ state: 'hidden' });
  await seesScreen(hanna, true);
});

test('tiles stand in the document as they stand on the stage, and pictures play on when they move', { timeout: 180_000 }, async (t) => {
  const { pages: [hanna, , bo] } = await meeting(t, ['Ada', 'Bo'], { seen: ['Ada'] });
  await shareScreen(bo, 480, 640);
  await seesScreen(hanna, true);
  const inStep = () =>
    until(async () => JSON.stringify(await rows(hanna)) === JSON.stringify(await names(hanna)), 'one order for eyes and keys');
  const video = tileOf(hanna, 'Ada').locator('video');
  await until(() => video.evaluate((node) => node.videoWidth > 0 && !node.paused), "Ada's picture");
  await video.evaluate((node) => {
    globalThis.stops = [];
    for (const type of ['pause', 'emptied', 'suspend']) node.addEventListener(type, () => globalThis.stops.push(type));
  });
  const frames = () => video.evaluate((node) => node.getVideoPlaybackQuality().totalVideoFrames);
  for (const way of ['moveBefore', 'insertBefore']) {
    await t.test(way, async () => {
      // A browser without the newer method must do as well.
      if (way === 'insertBefore') await hanna.evaluate(() => delete Element.prototype.moveBefore);
      for (const first of ['Ada', 'Bo']) {
        const had = tileOf(hanna, first);
        await had.evaluate((node) => (globalThis.moved = node));
        await had.focus();
        await act(hanna, first, 'pin');
        await until(async () => (await names(hanna)).indexOf(first) < 2, `${first} to move`);
        await inStep();
        assert.ok(await had.evaluate((node) => node === globalThis.moved), 'the same element');
        const before = await frames();
        await until(async () => (await frames()) > before, "Ada's picture to go on");
        await act(hanna, first, 'pin');
      }
    });
  }
  await inStep();
  assert.deepEqual(await hanna.evaluate(() => globalThis.stops), []);
  await bo.getByTestId('share').click();
  await hanna.getByTestId('screen').waitFor({ state: 'hidden' });
  await inStep();
});

test('raised hands come to the first page in their order, and go back', { timeout: 180_000 }, async (t) => {
  const { room, pages: [hanna] } = await meeting(t, []);
  const seats = [];
  t.after(() => seats.forEach(({ session }) => session.close()));
  for (const name of ['Ada', 'Bo', ...Array.from({ length: 28 }, (_, n) => `P${n + 1}`)]) {
    seats.push(await seat(stage, room.identity, name));
  }
  await hanna.getByTestId('pager').waitFor();
  await until(async () => (await names(hanna))[0] === 'Ada', 'the order of joining');
  for (const index of [29, 23]) await seats[index].session.updateParticipant({ hand: true });
  await until(async () => (await names(hanna)).slice(0, 3).join() === 'P28,P22,Ada', 'the hands in front');
  await until(async () => (await rows(hanna)).slice(0, 3).join() === 'P28,P22,Ada', 'and so on the stage');
  assert.equal((await names(hanna)).at(-1), 'Hanna');
  await seats[29].session.updateParticipant({ hand: false });
  await until(async () => (await names(hanna)).slice(0, 2).join() === 'P22,Ada', 'the other hand alone');
  await seats[23].session.updateParticipant({ hand: false });
  await until(async () => (await names(hanna)).slice(0, 3).join() === 'Ada,Bo,P1', 'the order of joining again');
});

test('a person who may not unmute reads so on the button itself', { timeout: 120_000 }, async (t) => {
  const { pages: [hanna, bo] } = await meeting(t, ['Bo']);
  const label = () => bo.getByTestId('mic').getAttribute('aria-label');
  await hanna.getByTestId('people').click();
  await hanna.getByTestId('mute-all').click();
  await hanna.getByTestId('mute-all-hard').click();
  await until(async () => (await label()) === 'Microphone off: only hosts may unmute now', 'the words');
  await bo.getByTestId('mic').click();
  await toast(bo, 'Only hosts may unmute now. Raise your hand to speak.');
  await hanna.getByTestId('mute-all').click();
  await hanna.getByTestId('mute-all-soft').click();
  await until(async () => (await label()) === 'Turn on microphone', 'the button as usual');
  await bo.getByTestId('mic').click();
  await until(async () => (await label()) === 'Turn off microphone', 'Bo to speak');
});

test('the meeting goes into a calendar as it was planned', { timeout: 60_000 }, async (t) => {
  const plan = { begin_at: inMinutes(-5), end_at: inMinutes(90), recurrence: 'FREQ=WEEKLY' };
  const { room, pages: [hanna] } = await meeting(t, [], { fields: plan });
  await hanna.getByTestId('room-info').click();
  const [file] = await Promise.all([hanna.waitForEvent('download'), hanna.getByTestId('info-calendar').click()]);
  assert.match(file.suggestedFilename(), /\.ics$/);
  const bytes = await readFile(await file.path(), 'utf8');
  const lines = bytes.split('\r\n');
  assert.deepEqual([lines[0], lines.at(-2), lines.at(-1)], ['BEGIN:VCALENDAR', 'END:VCALENDAR', '']);
  assert.ok(!lines.join('').includes('\n'), 'lines end as RFC 5545 §3.1 has it');
  assert.ok(lines.every((line) => Buffer.byteLength(line) <= 75), 'and none is longer than it allows');
  assert.equal(lines.filter((line) => line === 'BEGIN:VEVENT').length, 1);
  assert.ok(lines.includes('SUMMARY:Hosted room'));
  assert.ok(lines.some((line) => /^RRULE:FREQ=WEEKLY/.test(line)));
  const [, start] = /^DTSTART[^:]*:(\d{8}T\d{6})Z?\r$/m.exec(bytes) ?? [];
  assert.equal(start, room.begin_at.replace(/[-:]/g, '').slice(0, 15));
  await hanna.keyboard.press('Escape');
});

test('a number that is hidden is shown to nobody else and found by nobody', { timeout: 120_000 }, async (t) => {
  const { room, pages: [hanna, bo] } = await meeting(t, ['Bo']);
  const { number } = room;
  const spaced = `${number.slice(0, 3)} ${number.slice(3, 6)} ${number.slice(6)}`;
  const shown = async () => {
    await bo.getByTestId('room-info').click();
    const words = await bo.getByTestId('info-number').textContent();
    await bo.keyboard.press('Escape');
    return words;
  };
  assert.equal(await shown(), spaced);
  await hanna.getByTestId('people').click();
  await hanna.getByTestId('host-controls').click();
  await hanna.getByTestId('hide-number').click();
  await until(async () => (await hanna.getByTestId('hide-number').getAttribute('aria-checked')) === 'true', 'the switch');
  await until(async () => (await shown()) === 'hidden', 'the number to be hidden from Bo');
  const stranger = await visit(stage, `/r/${number}`, { name: 'stranger' });
  t.after(() => stranger.context().close());
  await stranger.getByText('No room with this number').waitFor();
  await stranger.goto(`${stage.origin}/r/${room.identity}`);
  await stranger.getByTestId('room-title').filter({ hasText: 'Hosted room' }).waitFor();
  assert.ok(!(await stranger.locator('body').textContent()).includes(spaced), 'a person who has only the link reads no number');
  await hanna.getByTestId('hide-number').click();
  await until(async () => (await shown()) === spaced, 'the number again');
  await hanna.keyboard.press('Escape');
  await stranger.goto(`${stage.origin}/r/${number}`);
  await stranger.getByTestId('room-title').filter({ hasText: 'Hosted room' }).waitFor();
});

test('who is kept out for good stays out until a host lifts it', { timeout: 120_000 }, async (t) => {
  const { room, pages: [hanna, bo] } = await meeting(t, ['Bo']);
  const refused = bo.getByTestId('notice').filter({ hasText: 'A host keeps you out of this room' });
  const asks = async () => {
    await bo.goto(`${stage.origin}/r/${room.identity}`);
    await bo.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
    await bo.getByTestId('join').click();
  };
  await act(hanna, 'Bo', 'remove');
  await hanna.getByTestId('remove-forever').click();
  await bo.getByTestId('notice').filter({ hasText: 'A host removed you' }).waitFor();
  await seesPeople(hanna, 1);
  await asks();
  await refused.waitFor();
  await hanna.getByTestId('host-controls').click();
  await hanna.getByTestId('host-bans').click();
  const line = hanna.getByTestId('bans-list').locator('li').filter({ hasText: 'Bo' });
  await line.getByText('For good').waitFor();
  await line.getByTestId('unban').click();
  await hanna.getByText('Nobody is kept out.').waitFor();
  await hanna.keyboard.press('Escape');
  await asks();
  await bo.getByTestId('room').waitFor();
  await seesPeople(hanna, 2);
});

test('a host who is not the owner hands over, and is a co-host then', { timeout: 120_000 }, async (t) => {
  const { pages: [hanna, ada, bo] } = await meeting(t, ['Ada', 'Bo']);
  await act(hanna, 'Bo', 'role-host');
  await toast(bo, 'You are a host now');
  await openPerson(bo, 'Ada');
  await bo.getByTestId('role-host').filter({ hasText: 'Hand over as host' }).click();
  await toast(ada, 'You are a host now');
  await toast(bo, 'You are a co-host now');
  // Nobody below demotes a host; the owner does.
  await openPerson(bo, 'Ada');
  assert.equal(await bo.getByTestId('role-member').count(), 0);
  await bo.keyboard.press('Escape');
  await act(hanna, 'Ada', 'role-member');
  await toast(ada, 'You are a member now');
  await act(hanna, 'Bo', 'role-member');
  await toast(bo, 'You are a member now');
});

test('by keyboard alone every menu opens inside the window, closes with Escape and gives the focus back', { timeout: 180_000 }, async (t) => {
  const { room, pages: [hanna] } = await meeting(t, []);
  const { session } = await seat(stage, room.identity, 'Bo');
  t.after(() => session.close());
  await seesPeople(hanna, 2);
  const isOpener = () => hanna.evaluate(() => document.activeElement === globalThis.opener);
  const closes = async (what) => {
    await hanna.keyboard.press('Escape');
    await until(async () => (await hanna.locator('.pop').count()) === 0, `${what} to close`);
    await until(isOpener, `the focus to come back from ${what}`);
  };
  /** @param {string} what */
  const standsInside = (what) =>
    until(
      () =>
        hanna.evaluate(() => {
          const box = document.querySelector('.pop')?.getBoundingClientRect();
          const fits = box && box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
          return fits && document.activeElement.closest('.pop') !== null;
        }),
      `${what} to stand inside the window with the focus`,
    );
  for (const [width, height] of [[1440, 900], [768, 1024], [390, 844], [320, 640]]) {
    await hanna.setViewportSize({ width, height });
    const openers = {
      info: hanna.locator('.rinfo:visible'),
      reactions: hanna.getByTestId('react'),
      more: hanna.getByTestId('more'),
      leave: hanna.getByTestId('leave'),
      person: hanna.getByTestId('tile').first(),
    };
    for (const [name, opener] of Object.entries(openers)) {
      if (!(await opener.isVisible())) continue;
      const what = `${name} at ${width}`;
      await opener.evaluate((node) => (globalThis.opener = node).focus());
      await hanna.keyboard.press('Enter');
      await standsInside(what);
      await closes(what);
    }
    // A menu that leads to another one.
    await openers.more.evaluate((node) => (globalThis.opener = node).focus());
    await hanna.keyboard.press('Enter');
    const item = () => hanna.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    for (let n = 0; n < 20 && (await item()) !== 'more-host'; n++) await hanna.keyboard.press('ArrowDown');
    await hanna.keyboard.press('Enter');
    await until(async () => (await item()) === 'lock', 'the host controls');
    await standsInside(`host controls at ${width}`);
    await closes(`host controls at ${width}`);
    // The panel, which is no menu, but opens and closes like one.
    const people = hanna.locator('[data-testid="people"]:visible, [data-testid="people-narrow"]:visible');
    await people.evaluate((node) => (globalThis.opener = node).focus());
    await hanna.keyboard.press('Enter');
    await until(() => hanna.evaluate(() => document.activeElement?.closest('.panel') !== null), 'the focus in the panel');
    await hanna.keyboard.press('Escape');
    await hanna.getByTestId('people-panel').waitFor({ state: 'hidden' });
    await until(isOpener, `the focus to come back from the panel at ${width}`);
  }
});

test('leaving ends it for oneself alone, and nobody but a host is asked about all', { timeout: 120_000 }, async (t) => {
  const { pages: [hanna, ada] } = await meeting(t, ['Ada']);
  await hanna.getByTestId('leave').click();
  await hanna.getByTestId('leave-only').click();
  await hanna.getByTestId('notice').filter({ hasText: 'You left the meeting' }).waitFor();
  await seesPeople(ada, 1);
  await hanna.getByTestId('rejoin').click();
  await seesPeople(hanna, 2);
  await ada.getByTestId('leave').click();
  await ada.getByTestId('notice').filter({ hasText: 'You left the meeting' }).waitFor();
  await seesPeople(hanna, 1);
  await ada.getByTestId('rejoin').click();
  await seesPeople(hanna, 2);
});

test('everybody is reminded before the end, and sent out at it', { timeout: 120_000 }, async (t) => {
  const plan = { begin_at: inMinutes(-5), end_at: inMinutes(90), recurrence: 'FREQ=WEEKLY' };
  const { room, pages: [hanna, ada] } = await meeting(t, ['Ada'], { fields: plan });
  // The message goes by itself after a while, so it is awaited from the beginning.
  const told = [hanna, ada].map((page) => toast(page, 'The meeting ends in 1 minute'));
  const { identity } = room;
  await owner.editRoom({ identity, recurrence: null, ends_on_time: true, end_at: new Date(Date.now() + 62_000).toISOString() });
  await Promise.all(told);
  await owner.editRoom({ identity, end_at: new Date(Date.now() + 2000).toISOString() });
  for (const page of [hanna, ada]) {
    await page.getByTestId('notice').filter({ hasText: 'The meeting has ended' }).waitFor();
    await page.getByText('Its time is over.').waitFor();
  }
});
