/** The way into a room as people go it: waiting, locked, full, a changed password. The real server decides. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { openStage, until } from './harness.mjs';
import { guest, seesAndHears, seesPeople, visit } from './page-people.mjs';
import { registered } from './rooms.mjs';

let stage;
/** Who owns the rooms and lets people in; without media. @type {import('../../static/js/client/session.js').Session} */
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

/** @param {object} fields of room.create */
async function roomWith(fields) {
  const { room } = await host.createRoom({ name: 'Guarded room', ...fields });
  return room.identity;
}

/** Somebody who stands before the room with a name. @param {any} t @param {string} path @param {string} name */
async function standing(t, path, name, options = {}) {
  const page = await visit(stage, path, { name, ...options });
  t.after(() => page.context().close());
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  await page.getByTestId('name').fill(name);
  return page;
}

/** The next one who waits. @param {() => Promise<unknown>} act */
async function knocks(act) {
  const heard = new Promise((resolve) => {
    const stop = host.on('lobby.waiting', (data) => {
      stop();
      resolve(data.participant);
    });
  });
  await act();
  return heard;
}

test('a person who asks waits, is told so in time, and goes straight in when admitted', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ lobby: true });
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  const page = await standing(t, `/r/${identity}`, 'Bo');
  await page.getByTestId('door').filter({ hasText: 'Waiting room' }).waitFor();
  assert.equal(await page.getByTestId('join').textContent(), 'Ask to join');
  const waiting = await knocks(() => page.getByTestId('join').click());
  assert.equal(waiting.display_name, 'Bo');
  await page.getByTestId('waiting').waitFor();
  await page.getByText('The host knows you are here').waitFor();
  await page.getByTestId('waiting-time').filter({ hasText: '0:02' }).waitFor();
  assert.ok(await page.evaluate(() => document.querySelector('[data-testid="preview-video"]')?.videoWidth > 0));

  // A reload goes on waiting, and nobody hears of it.
  const heard = [];
  t.after(host.on('lobby.left', (data) => heard.push(data)));
  t.after(host.on('lobby.waiting', (data) => heard.push(data)));
  await page.reload();
  await page.getByTestId('waiting').waitFor();
  await page.getByText('The host knows you are here').waitFor();
  assert.deepEqual(heard, []);
  // A client that closes the socket leaves the door; the page comes back and asks again.
  const again = await knocks(() => page.evaluate(() => globalThis.watchedSockets.at(-1).close()));
  await host.request('lobby.admit', { participants: [again.id] });
  await page.getByTestId('room').waitFor();
  await seesPeople(page, 2);
  assert.equal(await page.getByTestId('waiting').count(), 0);
});

test('a person whose socket closes has left, waits again, and is back with picture and sound', { timeout: 240_000 }, async (t) => {
  const identity = await roomWith({});
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  const ada = await guest(stage, identity, 'Ada');
  t.after(() => ada.context().close());
  await host.editRoom({ identity, lobby: true });
  const bo = await standing(t, `/r/${identity}`, 'Bo');
  await until(() => bo.evaluate(() => document.querySelector('[data-testid="preview-video"]')?.videoWidth > 0), 'the own picture');
  const first = await knocks(() => bo.getByTestId('join').click());
  await host.request('lobby.admit', { participants: [first.id] });
  await bo.getByTestId('room').waitFor();
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 2 });

  const again = await knocks(() => bo.evaluate(() => globalThis.watchedSockets.at(-1).close()));
  assert.equal(again.display_name, 'Bo');
  await bo.getByTestId('waiting').waitFor();
  await bo.getByText('The host knows you are here').waitFor();
  await seesPeople(ada, 2);
  assert.equal(await bo.getByTestId('room').count(), 0, 'nothing of the meeting is left on the screen');
  await host.request('lobby.admit', { participants: [again.id] });
  await bo.getByTestId('room').waitFor();
  for (const page of [ada, bo]) {
    await seesPeople(page, 3);
    await seesAndHears(page, { video: 1, audio: 1, seconds: 2 });
  }
});

test('a reload leads back past the lock, the waiting room and a new password, and a person who left is asked for it', { timeout: 240_000 }, async (t) => {
  const identity = await roomWith({});
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  const bo = await guest(stage, identity, 'Bo');
  t.after(() => bo.context().close());
  await host.editRoom({ identity, lobby: true, locked: true });
  const knocked = [];
  t.after(host.on('lobby.waiting', ({ participant }) => knocked.push(participant)));

  await bo.reload();
  await seesPeople(bo, 2);

  await host.editRoom({ identity, password: 'new words' });
  await bo.reload();
  await seesPeople(bo, 2);
  assert.deepEqual(knocked, [], 'people who are in need not wait');
  await host.editRoom({ identity, lobby: false, locked: false });
  await bo.getByTestId('leave').click();
  await bo.getByTestId('rejoin').click();
  await bo.getByTestId('join-password').fill('new words');
  await bo.getByTestId('join').click();
  await seesPeople(bo, 2);
});

/** Messages go when their matter is settled, and never by the clock. */
function patientMessages() {
  const native = globalThis.setTimeout;
  globalThis.setTimeout = (act, ms, ...rest) => (ms === 12_000 ? 0 : native(act, ms, ...rest));
}

/** Somebody without a page who waits at the door. @param {any} t @param {string} identity @param {string} name */
async function waits(t, identity, name) {
  const session = new Session(stage.server.socket, { WebSocket });
  t.after(() => session.close());
  await session.guest({ display_name: name });
  const { id } = await knocks(() => assert.rejects(session.joinRoom({ identity }), { code: 'room.waiting' }));
  const answer = Promise.race(
    ['lobby.admitted', 'lobby.denied'].map((type) => new Promise((resolve) => session.on(type, () => resolve(type)))),
  );
  return { id, answer };
}

test('who waits can be let in or refused from the message, which goes when somebody else did either', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({});
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  const joined = new Promise((resolve) => host.on('participant.joined', ({ participant }) => resolve(participant)));
  const page = await guest(stage, identity, 'Cora', { init: [patientMessages] });
  t.after(() => page.context().close());
  await host.request('participant.set_role', { participant: (await joined).id, role: 'cohost' });
  await host.editRoom({ identity, lobby: true });
  const toast = page.getByTestId('toast');
  const told = (words) => toast.filter({ hasText: words }).waitFor();
  const gone = () => until(async () => (await toast.filter({ hasText: /wait/ }).count()) === 0, 'the message to go');

  for (const [press, outcome] of [['Admit', 'lobby.admitted'], ['Deny', 'lobby.denied']]) {
    const { answer } = await waits(t, identity, 'Bo');
    await told('Bo waits to come in');
    const buttons = await toast.getByRole('button').evaluateAll((all) =>
      all.map((one) => [one.textContent, getComputedStyle(one).backgroundColor !== 'rgba(0, 0, 0, 0)']),
    );
    assert.deepEqual(buttons, [['Deny', false], ['Admit', true]], 'both, and Admit is the filled one');
    await toast.getByRole('button', { name: press }).click();
    assert.equal(await answer, outcome);
    await gone();
  }
  for (const settle of ['lobby.admit', 'lobby.deny']) {
    const { id } = await waits(t, identity, 'Di');
    await told('Di waits to come in');
    await host.request(settle, { participants: [id] });
    await gone();
  }
  const [eve, fay] = [await waits(t, identity, 'Eve'), await waits(t, identity, 'Fay')];
  await told('2 people wait to come in');
  await host.request('lobby.deny', { participants: [eve.id] });
  await host.request('lobby.admit', { participants: [fay.id] });
  await gone();
});

test('on a phone the password is read, typed and sent beside the fixed button, also above a keyboard', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ password: 'open sesame' });
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const page = await standing(t, `/r/${identity}`, 'Gus', { context: phone });
  const field = page.getByTestId('join-password');
  const join = page.getByTestId('join');
  /** Whether all of it can be touched: it is in the window, and nothing lies over it. */
  const lies = (what) =>
    what.evaluate((node) => {
      const { left, right, top, bottom } = node.getBoundingClientRect();
      if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) return false;
      return [top + 3, bottom - 3].every((y) => node.contains(document.elementFromPoint((left + right) / 2, y)));
    });
  for (const height of [844, 480]) {
    await page.setViewportSize({ width: 390, height });
    await page.evaluate(() => {
      document.activeElement?.blur();
      scrollTo(0, 0);
    });
    await field.focus();
    await until(() => lies(field), `the field at ${height}`);
    assert.ok(await lies(join), `the button at ${height}`);
    await field.fill('something else');
    await join.tap();
    const wrong = page.locator('.ferr:visible');
    await wrong.waitFor();
    await until(() => lies(wrong), `what is wrong at ${height}`);
    await until(() => lies(field), `the field again at ${height}`);
    assert.ok(await field.evaluate((node) => node === document.activeElement), `it can be typed into at ${height}`);
  }
  await field.fill('open sesame');
  await join.tap();
  await page.getByTestId('room').waitFor();
});

test('a person who is denied, or leaves, is out', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ lobby: true });
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  const page = await standing(t, `/r/${identity}`, 'Cy');
  const { id } = await knocks(() => page.getByTestId('join').click());
  await host.request('lobby.deny', { participants: [id] });
  await page.getByTestId('notice').filter({ hasText: 'The host did not let you in' }).waitFor();

  const other = await standing(t, `/r/${identity}`, 'Di');
  const asked = await knocks(() => other.getByTestId('join').click());
  const left = new Promise((resolve) => host.on('lobby.left', resolve));
  await other.getByTestId('waiting-leave').click();
  assert.deepEqual(await left, { participant: asked.id, reason: 'left' });
  await other.getByTestId('guest-home').waitFor();
});

test('a changed password sends those who wait back to the question', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ lobby: true, password: 'old words' });
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  const page = await standing(t, `/r/${identity}`, 'Eve');
  await page.getByTestId('join-password').fill('old words');
  await knocks(() => page.getByTestId('join').click());
  await page.getByTestId('waiting').waitFor();
  await host.editRoom({ identity, password: 'new words' });
  await page.getByText('The password was changed. Enter the new one.').waitFor();
  await page.getByTestId('join-password').fill('new words');
  const { id } = await knocks(() => page.getByTestId('join').click());
  await host.request('lobby.admit', { participants: [id] });
  await page.getByTestId('room').waitFor();
});

test('a locked and a full room say what to do, and open without a reload', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ locked: true, max_participants: 1 });
  const page = await standing(t, `/r/${identity}`, 'Fay');
  await page.getByTestId('door-note').filter({ hasText: 'The host has locked this meeting. Nobody new comes in' }).waitFor();
  assert.equal(await page.getByTestId('join').textContent(), 'Try again');
  await host.joinRoom({ identity });
  t.after(() => host.leaveRoom());
  await host.editRoom({ identity, locked: false });
  await page.getByTestId('join').click();
  await page.getByTestId('door-note').filter({ hasText: 'This room holds 1 people and is full.' }).waitFor();
  await host.editRoom({ identity, max_participants: 2 });
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
});

test('an invite is read from the link and leaves the address bar', { timeout: 60_000 }, async (t) => {
  const identity = await roomWith({});
  const page = await standing(t, `/r/${identity}#invite=some-token`, 'Gil');
  assert.equal(await page.evaluate(() => location.href), `${stage.origin}/r/${identity}`);
  const kept = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('meeting.invite') ?? 'null'));
  assert.deepEqual(await kept(), { identity, token: 'some-token' });
  await page.locator('.brand').click();
  await page.getByTestId('guest-home').waitFor();
  assert.equal(await kept(), null);
});

test('the preview says who is in and who governs', { timeout: 60_000 }, async (t) => {
  const host = await registered(stage, 'Ada');
  t.after(() => host.close());
  const { room } = await host.createRoom({ name: 'Open house' });
  await host.joinRoom({ identity: room.identity });
  const page = await standing(t, `/r/${room.identity}`, 'Ivy');
  await page.getByTestId('present').filter({ hasText: 'Ada (host) is in' }).waitFor();
});

test('a name and the devices are remembered', { timeout: 60_000 }, async (t) => {
  const identity = await roomWith({});
  const page = await standing(t, `/r/${identity}`, 'Hal');
  await until(() => page.evaluate(() => document.querySelector('.tile.seen') !== null), 'the own picture');
  await page.locator('.devs .pick').first().click();
  const choice = page.getByRole('menuitemradio').nth(1);
  const chosen = (await choice.textContent())?.trim();
  await choice.click();
  const shows = async () => (await page.locator('.devs .pick span').first().textContent()) === chosen;
  await until(shows, 'the choice to be made');
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  await page.getByTestId('leave').click();
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  assert.equal(await page.getByTestId('name').inputValue(), 'Hal');
  await until(shows, 'the chosen microphone');
});
