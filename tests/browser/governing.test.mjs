/** Looking after a room on the page: every setting, invites, attendance, bans, the calendar, the connection check. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { guest, seesPeople, visit } from './page-people.mjs';
import { registered } from './rooms.mjs';

let stage;
/** @type {import('../../static/js/client/session.js').Session} */
let host;
before(async () => {
  stage = await openStage();
  host = await registered(stage, 'Hana');
});
afterEach(() => stage.assertQuiet());
after(async () => {
  host?.close();
  await stage?.close();
});

/** The host's home, with one room of this name in its list. @param {any} t @param {string} name */
async function homeOf(t, name, options = {}) {
  const page = await visit(stage, '/', { name: 'host', ...options });
  t.after(() => page.context().close());
  await page.evaluate((value) => localStorage.setItem('meeting.token', value), host.token);
  await page.reload();
  await page.getByTestId('home').waitFor();
  return { page, row: page.getByTestId('room').filter({ hasText: name }) };
}

/** @param {any} page @param {any} row @param {string} item */
async function pick(page, row, item) {
  await row.getByTestId('room-more').click();
  await page.getByTestId(item).click();
}

/** What the page saves when this is done. @param {any} page @param {() => Promise<unknown>} act */
async function saved(page, act) {
  const [file] = await Promise.all([page.waitForEvent('download'), act()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

test('every setting of the form reaches the server and comes back', { timeout: 120_000 }, async (t) => {
  const { page, row } = await homeOf(t, 'Seminar', { context: { timezoneId: 'Asia/Shanghai' } });
  await page.getByTestId('new-room').click();
  await page.getByTestId('room-name').fill('Seminar');
  await page.getByTestId('door-guests').check({ force: true });
  await page.getByTestId('room-accounts').check();
  assert.equal(await page.getByTestId('room-locked').isVisible(), false, 'nobody makes a room to shut it');
  await page.getByTestId('room-most').fill('12');
  await page.getByTestId('when-planned').check({ force: true });
  await page.getByTestId('room-begin').fill('2031-05-05T07:00');
  await page.getByTestId('room-end').fill('2031-05-05T08:30');
  await page.getByTestId('room-repeat').selectOption('weekdays');
  assert.equal(await page.getByTestId('room-zone').inputValue(), 'Asia/Shanghai');
  await page.getByTestId('room-early').selectOption(String(15 * 60_000));
  await page.getByTestId('room-on-time').check();
  await page.getByTestId('room-members').click();
  await page.getByTestId('permission-screen').uncheck();
  await page.getByTestId('permission-camera').uncheck();
  await page.getByTestId('room-start-muted').check();
  await page.getByTestId('room-start-camera-off').check();
  await page.getByTestId('room-more-settings').click();
  await page.getByTestId('history-joined').check({ force: true });
  await page.getByTestId('room-hide-number').check();
  await page.getByTestId('room-dialog-submit').click();
  const calendar = await saved(page, () => page.getByTestId('made-calendar').click());
  assert.match(calendar.text, /BEGIN:VTIMEZONE[\s\S]*DTSTART;TZID=Asia\/Shanghai:20310505T070000[\s\S]*RRULE:/);
  assert.match(calendar.name, /\.ics$/);
  await page.getByTestId('room-made-submit').click();

  const { rooms } = await host.listRooms({ keyword: 'Seminar' });
  const { waiting, guests, locked, start_muted, start_camera_off, max_participants, begin_at, recurrence, time_zone, early_ms, ends_on_time, permissions, history } = rooms[0];
  assert.deepEqual(
    { waiting, guests, locked, start_muted, start_camera_off, max_participants, early_ms, ends_on_time, history },
    { waiting: 'guests', guests: false, locked: false, start_muted: true, start_camera_off: true, max_participants: 12,
      early_ms: 900_000, ends_on_time: true, history: 'joined' },
  );
  assert.deepEqual(
    { screen: permissions.screen, camera: permissions.camera, chat: permissions.chat },
    { screen: false, camera: false, chat: true },
  );
  // Monday 7:00 in Shanghai is Sunday 23:00 in UTC.
  assert.equal(Date.parse(begin_at), Date.parse('2031-05-04T23:00:00Z'));
  assert.match(recurrence, /BYDAY=MO,TU,WE,TH,FR/);
  assert.equal(time_zone, 'Asia/Shanghai');
  assert.equal(rooms[0].number, null);
  await page.locator('.agenda').getByText('Every working day').waitFor();
  await page.locator('.agenda').getByText('07:00').waitFor();

  // A rule that the form does not know is shown, and kept by an edit of something else.
  await host.editRoom({ identity: rooms[0].identity, recurrence: 'FREQ=YEARLY;COUNT=4' });
  await page.reload();
  await pick(page, row, 'room-edit');
  await page.getByTestId('room-rule').filter({ hasText: 'COUNT=4' }).waitFor();
  assert.equal(await page.getByTestId('room-early').inputValue(), '900000');
  await page.getByTestId('room-name').fill('Seminar two');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByTestId('room').filter({ hasText: 'Seminar two' }).waitFor();
  const { room } = await host.getRoom({ identity: rooms[0].identity });
  assert.match(room.recurrence, /COUNT=4/);
  assert.equal(room.time_zone, 'Asia/Shanghai');

  // In another zone the clock goes on showing seven; the person is told what theirs shows then.
  await pick(page, row, 'room-edit');
  await page.getByTestId('room-zone').selectOption('Europe/Berlin');
  assert.equal(await page.getByTestId('room-begin').inputValue(), '2031-05-05T07:00');
  await page.getByTestId('room-yours').filter({ hasText: '13:00' }).waitFor();
  await page.getByTestId('room-dialog-submit').click();
  await page.locator('.agenda').getByText('13:00').waitFor();
  // There as on the card of the next meeting the clock of the room is named beside.
  await page.locator('.agenda').getByText('07:00 Central European Time').waitFor();
  await page.locator('.next').getByText('07:00 Central European Time').waitFor();
  const { room: moved } = await host.getRoom({ identity: rooms[0].identity });
  assert.equal(moved.time_zone, 'Europe/Berlin');
  assert.equal(Date.parse(moved.begin_at), Date.parse('2031-05-05T05:00:00Z'));
  await saved(page, () => pick(page, row, 'room-calendar'));
});

test('how a meeting comes again is chosen by keyboard on a phone, and shown again', { timeout: 120_000 }, async (t) => {
  const context = { viewport: { width: 390, height: 844 }, timezoneId: 'Asia/Shanghai' };
  const { page, row } = await homeOf(t, 'Choir', { context });
  const field = (name) => page.getByTestId(`room-${name}`);
  const ruleNow = async () => (await host.listRooms({ keyword: 'Choir' })).rooms[0]?.recurrence;
  const says = (words) => page.getByTestId('room-dialog').getByText(words).waitFor();
  const save = () => field('dialog-submit').press('Enter');
  const days = () => page.locator('.days input:checked').evaluateAll((boxes) => boxes.map((box) => box.value).join());
  await page.getByTestId('new-room').click();
  await field('name').fill('Choir');
  await page.getByTestId('when-now').press('ArrowDown');
  await field('begin').fill('2031-05-05T19:00');
  await field('end').fill('2031-05-06T19:30');
  const parts = ['day-MO', 'repeat-end', 'repeat-times', 'repeat-last', 'rule'];
  for (const part of parts) assert.equal(await field(part).isVisible(), false, `${part} is not needed yet`);
  await field('repeat').selectOption('weekly');
  await field('repeat-end').waitFor();
  for (const part of ['repeat-times', 'repeat-last', 'rule']) assert.equal(await field(part).isVisible(), false, part);
  assert.equal(await days(), 'MO', 'the day of the first meeting');
  await field('begin').fill('2031-05-06T19:00');
  assert.equal(await days(), 'TU', 'it follows the first meeting');
  await field('begin').fill('2031-05-05T19:00');
  const wide = () => page.evaluate(() => document.querySelector('.modal').scrollWidth - innerWidth);
  assert.ok((await wide()) <= 0, 'nothing is cut off');

  // What is wrong is said in words where it is wrong.
  await save();
  await says('A meeting that comes again lasts at most 24 hours.');
  await field('end').fill('2031-05-05T20:30');
  await field('day-MO').press('Space');
  await save();
  await says('Choose at least one day.');
  await field('day-TH').press('Space');
  await save();
  await says('Begin on one of the days on which it comes again.');
  await field('day-MO').press('Space');
  await field('repeat-end').selectOption('count');
  await field('repeat-times').fill('0');
  await save();
  await says('A whole number from 1 to 1000.');
  await field('repeat-times').fill('6');
  await save();
  await page.getByTestId('room-made-submit').click();
  assert.equal(await ruleNow(), 'FREQ=WEEKLY;BYDAY=MO,TH;COUNT=6');
  await page.locator('.agenda').getByText('Every week on Mon and Thu · 6 times').waitFor();
  const sideways = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok((await sideways()) <= 0, 'the words fit on a phone');

  await pick(page, row, 'room-edit');
  await field('repeat-times').waitFor();
  assert.deepEqual([await days(), await field('repeat-times').inputValue()], ['MO,TH', '6']);
  await field('repeat-end').selectOption('until');
  await field('repeat-last').fill('2031-05-04');
  await save();
  await says('The last day is the first one, or comes after it.');
  await field('repeat-last').fill('2031-05-31');
  await save();
  await page.locator('.agenda').getByText('until 31 May 2031').waitFor();
  assert.equal(await ruleNow(), 'FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20310531T155959Z');

  await pick(page, row, 'room-edit');
  assert.equal(await field('repeat-last').inputValue(), '2031-05-31');
  await field('repeat-end').selectOption('never');
  await field('repeat').selectOption('fortnightly');
  await save();
  await until(async () => (await ruleNow()) === 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH', 'the rule without an end');
  await field('dialog').waitFor({ state: 'detached' });
});

test('a rule that the form cannot show is named, kept, and not sent where it does not fit', { timeout: 60_000 }, async (t) => {
  const [begin_at, end_at, recurrence] = ['2031-05-05T08:00:00Z', '2031-05-05T09:00:00Z', 'FREQ=MONTHLY;BYDAY=1MO'];
  const { room } = await host.createRoom({ name: 'Council', begin_at, end_at, recurrence, time_zone: 'UTC' });
  const { page, row } = await homeOf(t, 'Council', { context: { timezoneId: 'UTC' } });
  await pick(page, row, 'room-edit');
  await page.getByTestId('room-rule').filter({ hasText: `a rule that this form cannot show` }).waitFor();
  await page.getByTestId('room-rule').filter({ hasText: recurrence }).waitFor();
  assert.equal(await page.getByTestId('room-repeat-end').isVisible(), false);
  await page.getByTestId('room-begin').fill('2031-05-06T08:00');
  await page.getByTestId('room-end').fill('2031-05-06T09:00');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByText('The room’s own rule does not fit this time.').waitFor();
  await page.getByTestId('room-begin').fill('2031-06-02T08:00');
  await page.getByTestId('room-end').fill('2031-06-02T09:00');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByTestId('room-dialog').waitFor({ state: 'detached' });
  const { room: moved } = await host.getRoom({ identity: room.identity });
  assert.deepEqual([moved.recurrence, Date.parse(moved.begin_at)], [recurrence, Date.parse('2031-06-02T08:00:00Z')]);
});

test('an invite is made, lets somebody straight in, and is revoked', { timeout: 120_000 }, async (t) => {
  const { room } = await host.createRoom({ name: 'Inviting', lobby: true, password: 'open sesame' });
  const { page, row } = await homeOf(t, 'Inviting');
  await pick(page, row, 'room-invites');
  await page.getByText('There are none.').waitFor();
  await page.getByTestId('invite-role').selectOption('cohost');
  await page.getByTestId('invite-uses').fill('0');
  await page.getByTestId('invite-make').click();
  await page.getByText('A whole number from 1').waitFor();
  await page.getByTestId('invite-uses').fill('3');
  await page.getByTestId('invite-name').fill('Speakers <i>');
  await page.getByTestId('invite-make').click();
  await until(() => page.getByTestId('invite-address').inputValue(), 'the link');
  const link = new URL(await page.getByTestId('invite-address').inputValue());
  assert.equal(link.pathname, `/r/${room.identity}`);

  const invited = await visit(stage, link.pathname + link.hash, { name: 'invited' });
  t.after(() => invited.context().close());
  await invited.getByTestId('room-title').filter({ hasText: 'Inviting' }).waitFor();
  await invited.getByTestId('door').filter({ hasText: 'Open' }).waitFor();
  await invited.getByTestId('name').fill('Speaker');
  await invited.getByTestId('join').click();
  await invited.getByTestId('room').waitFor();

  const line = page.getByTestId('invites-list').locator('li').filter({ hasText: 'Speakers <i>' });
  await page.keyboard.press('Escape');
  await pick(page, row, 'room-invites');
  await line.filter({ hasText: 'used by 1 of 3' }).waitFor();
  await line.getByTestId('invite-revoke').click();
  await line.waitFor({ state: 'detached' });
  const late = await visit(stage, link.pathname + link.hash, { name: 'late' });
  t.after(() => late.context().close());
  await late.getByTestId('room-title').filter({ hasText: 'Inviting' }).waitFor();
  await late.getByTestId('name').fill('Late');
  await late.getByTestId('join').click();
  // The link is worth nothing any more: the room asks as it asks everybody.
  await late.getByTestId('refusal').filter({ hasText: 'This invite link no longer works.' }).waitFor();
  await late.getByTestId('join-password').waitFor();
  assert.equal(await late.getByTestId('room').count(), 0);
});

test('who was there is listed and saved, and who is kept out is let in again', { timeout: 120_000 }, async (t) => {
  const { room } = await host.createRoom({ name: 'Attended' });
  const cheat = await guest(stage, room.identity, '=cmd()');
  t.after(() => cheat.context().close());
  const { participants } = await host.joinRoom({ identity: room.identity });
  await seesPeople(cheat, 2);
  const { id } = participants.find((one) => one.display_name === '=cmd()');
  await host.request('participant.remove', { participant: id, ban: 'forever' });
  await cheat.getByTestId('notice').filter({ hasText: 'A host removed you' }).waitFor();
  await host.leaveRoom();

  const { page, row } = await homeOf(t, 'Attended');
  await pick(page, row, 'room-attendance');
  const table = page.getByTestId('attendance-table');
  await table.getByText('=cmd()').waitFor();
  await table.getByText('(removed)').waitFor();
  const file = await saved(page, () => page.getByTestId('attendance-save').click());
  assert.equal(file.name, 'attendance.csv');
  assert.match(file.text, /^\uFEFFName,Username,Role,From,To,Minutes\r\n/);
  assert.match(file.text, /^'=cmd\(\),,member,/m);
  await page.keyboard.press('Escape');

  await pick(page, row, 'room-bans');
  await page.getByTestId('bans-list').getByText('For good').waitFor();
  await cheat.goto(`${stage.origin}/r/${room.identity}`);
  await cheat.getByTestId('room-title').filter({ hasText: 'Attended' }).waitFor();
  await cheat.getByTestId('join').click();
  await cheat.getByTestId('notice').filter({ hasText: 'A host keeps you out of this room' }).waitFor();
  await page.getByTestId('unban').click();
  await page.getByText('Nobody is kept out.').waitFor();
  await cheat.goto(`${stage.origin}/r/${room.identity}`);
  await cheat.getByTestId('room-title').filter({ hasText: 'Attended' }).waitFor();
  await cheat.getByTestId('join').click();
  await cheat.getByTestId('room').waitFor();
});

test('a meeting that has not begun says when, and opens by itself', { timeout: 60_000 }, async (t) => {
  const begin = new Date(Date.now() + 8000).toISOString();
  const { room } = await host.createRoom({ name: 'Soon', begin_at: begin, early_ms: 3000 });
  const page = await visit(stage, `/r/${room.identity}`, { name: 'early' });
  t.after(() => page.context().close());
  await page.getByTestId('door').filter({ hasText: 'Not begun' }).waitFor();
  await page.getByTestId('door-note').filter({ hasText: 'Begins today at' }).waitFor();
  assert.ok(await page.getByTestId('join').isDisabled());
  await page.getByTestId('name').fill('Ida');
  await page.getByTestId('door').filter({ hasText: 'Open' }).waitFor();
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
});

test('the connection check publishes, receives, judges and reports', { timeout: 120_000 }, async (t) => {
  const page = await visit(stage, '/check', { name: 'check' });
  t.after(() => page.context().close());
  await page.getByTestId('check').waitFor();
  await until(() => page.getByTestId('check-again').isEnabled(), 'the end of the check', { timeoutMs: 60_000 });
  const looks = await page.getByTestId('check-lines').locator('li').evaluateAll((rows) => rows.map((row) => [row.dataset.line, row.dataset.look]));
  const named = Object.fromEntries(looks);
  const file = await saved(page, () => page.getByTestId('check-save').click());
  t.diagnostic(file.text.replace(/\s+/g, ' '));
  assert.deepEqual(Object.keys(named), ['server', 'udp', 'tcp', 'relay', 'publish', 'receive', 'delay']);
  assert.deepEqual([named.udp, named.tcp, named.publish], ['ok', 'ok', 'ok']);
  // A busy machine may drop pictures; that some arrive is the point.
  assert.ok(['ok', 'warn'].includes(named.receive), named.receive);
  // Its verdict is at the server, under the code that the person reads out.
  const told = await page.getByTestId('check-code').textContent();
  const [code] = /[A-Z2-9]{4}-[A-Z2-9]{4}/.exec(told) ?? [];
  assert.ok(code, told);
  const left = await (await page.request.get(`${stage.origin}/check/report/${code}`)).json();
  assert.deepEqual([left.place, ...left.ways.slice(0, 2)], ['check', { way: 'udp', result: 'ok' }, { way: 'tcp', result: 'ok' }]);
  const report = JSON.parse(file.text);
  assert.ok(report.lines.find((line) => line.name === 'receive').fps > 0, file.text);
  assert.doesNotMatch(file.text, /127\.0\.0\.1|localhost|candidate/);
  // Nothing is left behind: no camera was asked for, and the check can run again.
  assert.equal(await page.evaluate(() => globalThis.watchedTracks.length), 0);
  await page.getByTestId('check-again').click();
  await page.getByTestId('check-verdict').filter({ hasText: 'Checking' }).waitFor();
});
