/** How people come in, as they see it: who waits and what they know, accounts only, with what one comes in, the settings. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { en } from '../client/words.mjs';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom, line } from './hosted.mjs';
import { closeAfter, guest, seesAndHears, seesPeople, visit } from './page-people.mjs';

let stage;
/** Who owns the rooms, without a page. @type {Session} */
let owner;
const wire = line();
const username = `owner-${crypto.randomUUID().slice(0, 8)}`;
const password = `pass-${crypto.randomUUID()}`;
before(async () => {
  stage = await openStage();
  owner = new Session(stage.server.socket, { WebSocket: wire.WebSocket });
  await owner.register({ username, password, display_name: 'Hana' });
});
afterEach(() => stage.assertQuiet());
after(async () => {
  owner?.close();
  await stage?.close();
});

/** @param {object} fields of room.create */
async function roomWith(fields) {
  const { room } = await owner.createRoom({ name: 'Class 7b', ...fields });
  return room.identity;
}

/** Somebody who stands before the room. @param {any} t @param {string} identity @param {string} name */
async function standing(t, identity, name, options = {}) {
  const page = await visit(stage, `/r/${identity}`, { name, ...options });
  t.after(() => page.context().close());
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  return page;
}

const chips = (page) => page.getByTestId('door').locator('.chip').allTextContents();
const pressed = (page, button) => page.getByTestId(button).getAttribute('aria-pressed');
const title = (page, key) => page.getByTestId('waiting-title').filter({ hasText: en[key] }).waitFor();

/** Somebody without a page who knocks. @param {any} t @param {string} identity @param {string} name */
async function knocks(t, identity, name) {
  const session = new Session(stage.server.socket, { WebSocket });
  t.after(() => session.close());
  await session.guest({ display_name: name });
  await assert.rejects(session.joinRoom({ identity }), { code: 'room.waiting' });
}

test('a person who waits is told that the host is not here, that they came, lost the connection, and left', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ waiting: 'everyone' });
  const page = await standing(t, identity, 'Bo');
  await page.getByTestId('name').fill('Bo');
  await page.getByTestId('join').click();
  await title(page, 'waiting.alone');
  await owner.joinRoom({ identity });
  await title(page, 'waiting.known');
  // The host is in, but not connected: nobody sees that a person waits.
  wire.cut();
  await title(page, 'waiting.hostAway');
  wire.mend();
  owner.wake();
  await title(page, 'waiting.known');
  await owner.leaveRoom();
  await title(page, 'waiting.alone');
  // A reload asks again, and is told again.
  await page.reload();
  await title(page, 'waiting.alone');
});

test('a host who comes in is told at once of those who wait already', { timeout: 180_000 }, async (t) => {
  const room = await hostedRoom(stage, { waiting: 'guests' });
  await knocks(t, room.identity, 'Bo');
  const hanna = await host(stage, room);
  t.after(() => hanna.context().close());
  const toast = hanna.getByTestId('toast');
  await toast.filter({ hasText: 'Bo waits to come in' }).waitFor();
  assert.equal(await hanna.getByTestId('invite').isVisible(), false, 'nobody is called the first one');
  await toast.getByRole('button', { name: 'Admit' }).click();
  await seesPeople(hanna, 2);

  // Several are counted; the list of them opens.
  await hanna.getByTestId('leave').click();
  await hanna.getByTestId('leave-only').click();
  for (const name of ['Cy', 'Di']) await knocks(t, room.identity, name);
  await hanna.getByTestId('rejoin').click();
  await toast.filter({ hasText: '2 people wait to come in' }).waitFor();
  await toast.getByRole('button', { name: 'Show' }).click();
  await until(async () => (await hanna.getByTestId('waiting').count()) === 2, 'both in the list');
});

test('a room is called by what stands before it', { timeout: 120_000 }, async (t) => {
  for (const [fields, expected] of [
    [{}, ['Open']],
    [{ password: 'open sesame' }, ['Password']],
    [{ waiting: 'everyone', password: 'open sesame' }, ['Waiting room', 'Password']],
    [{ waiting: 'guests' }, ['Waiting room']],
    [{ guests: false }, ['Accounts only']],
    [{ locked: true, password: 'open sesame' }, ['Locked']],
  ]) {
    const page = await standing(t, await roomWith(fields), 'Bo');
    await until(async () => (await chips(page)).join() === expected.join(), `${expected} for ${JSON.stringify(fields)}`);
  }
});

test('a guest before a room for accounts signs in there and goes on in', { timeout: 120_000 }, async (t) => {
  const identity = await roomWith({ guests: false });
  const page = await standing(t, identity, 'Bo');
  await page.getByTestId('door-note').filter({ hasText: en['door.accounts.title'] }).waitFor();
  assert.equal(await page.getByTestId('name').isVisible(), false);
  assert.equal(await page.getByTestId('join').textContent(), 'Sign in');
  await page.getByTestId('join').click();
  await page.getByTestId('guest-home').waitFor();
  await page.getByTestId('username').fill(username);
  await page.getByTestId('password').fill(password);
  await page.getByTestId('sign-in').click();
  await page.getByTestId('room-title').filter({ hasText: 'Class 7b' }).waitFor();
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();

  // People who waited already when it was switched are told the same.
  const other = await roomWith({ waiting: 'everyone' });
  const late = await standing(t, other, 'Cy', { locale: 'zh-CN' });
  await late.getByTestId('name').fill('Cy');
  await late.getByTestId('join').click();
  await late.getByTestId('waiting').waitFor();
  await owner.editRoom({ identity: other, guests: false });
  await late.getByTestId('door-note').filter({ hasText: '仅限有账号的人' }).waitFor();
  assert.equal(await late.getByTestId('join').textContent(), '登录');
});

test('members come in muted and unseen where the room says so, and turn on when they like', { timeout: 240_000 }, async (t) => {
  const room = await hostedRoom(stage, { start_muted: true, start_camera_off: true });
  const hanna = await host(stage, room);
  t.after(() => hanna.context().close());
  assert.deepEqual([await pressed(hanna, 'mic'), await pressed(hanna, 'camera')], ['true', 'true'], 'not the host');
  const bo = await standing(t, room.identity, 'Bo');
  await bo.getByTestId('name').fill('Bo');
  await bo.getByTestId('come-in-off').filter({ hasText: en['arrive.both'] }).waitFor();
  assert.equal(await pressed(bo, 'preview-camera'), 'false');
  await bo.getByTestId('join').click();
  await bo.getByTestId('room').waitFor();
  await until(async () => (await pressed(bo, 'mic')) === 'false', 'the microphone to be off');
  assert.equal(await pressed(bo, 'camera'), 'false');
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 1 });
  const heard = () => hanna.evaluate(() => globalThis.watchedSockets.length > 0 && document.querySelectorAll('.tile.seen').length);
  assert.equal(await heard(), 1, 'the host sees herself alone');
  // At once: what the person presses is theirs.
  await bo.getByTestId('camera').click();
  await bo.getByTestId('mic').click();
  await seesAndHears(hanna, { video: 1, audio: 1, seconds: 2 });
  assert.deepEqual([await pressed(bo, 'mic'), await pressed(bo, 'camera')], ['true', 'true']);
  // A reload is no coming in.
  await bo.reload();
  await bo.getByTestId('room').waitFor();
  await seesAndHears(hanna, { video: 1, audio: 1, seconds: 2 });
  assert.deepEqual([await pressed(bo, 'mic'), await pressed(bo, 'camera')], ['true', 'true']);
  // The next room asks for nothing of it.
  await bo.getByTestId('leave').click();
  await bo.goto(`${stage.origin}/r/${await roomWith({})}`);
  await bo.getByTestId('room-title').filter({ hasText: 'Class 7b' }).waitFor();
  await until(async () => (await pressed(bo, 'preview-camera')) === 'true', 'the camera');
  assert.equal(await bo.getByTestId('come-in-off').isVisible(), false);
});

test('a client that knows nothing of the setting follows what the server says', { timeout: 180_000 }, async (t) => {
  const identity = await roomWith({ start_muted: true, start_camera_off: true });
  // What an older page reads of a room.
  const forget = () => {
    const { parse } = JSON;
    JSON.parse = (text, reviver) => {
      const value = parse(text, reviver);
      for (const of of [value?.data?.room, value?.room]) {
        if (of) for (const name of ['start_muted', 'start_camera_off']) delete of[name];
      }
      return value;
    };
  };
  const page = await guest(stage, identity, 'Old', { init: [forget] });
  t.after(() => page.context().close());
  await until(async () => (await pressed(page, 'mic')) === 'false', 'the microphone to be off');
  await until(async () => (await pressed(page, 'camera')) === 'false', 'the camera to be off');
  await page.getByTestId('mic').click();
  await until(async () => (await pressed(page, 'mic')) === 'true', 'the microphone');
});

test('the host takes the right to a camera from members, gives it back, and their cameras follow', { timeout: 240_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  await seesAndHears(hanna, { video: 1, audio: 1, seconds: 1 });
  await hanna.getByTestId('people').click();
  await hanna.getByTestId('host-controls').click();
  const rows = () => hanna.getByRole('menu').locator('button').evaluateAll((all) => all.map((one) => one.dataset.testid));
  assert.deepEqual((await rows()).slice(0, 5), ['lock', 'accounts-only', 'host-waiting', 'hide-number', 'host-rights']);
  const list = await hanna.getByTestId('people-panel').boundingBox();
  const menu = await hanna.getByRole('menu').boundingBox();
  assert.ok(menu.x + menu.width <= list.x, 'the menu stands beside the list');
  await hanna.getByTestId('host-rights').click();
  const rights = ['unmute', 'camera', 'screen', 'chat', 'private_chat', 'files', 'rename', 'react'].map((key) => `may-${key}`);
  assert.deepEqual(await rows(), ['host-back', ...rights, 'start-muted', 'start-camera-off'], 'rights together, and no other');
  await hanna.getByTestId('may-camera').click();
  await bo.getByTestId('toast').filter({ hasText: en['toast.mayNotCamera'] }).waitFor();
  await until(async () => (await pressed(bo, 'camera')) === 'false', "Bo's camera to be off");
  const light = () => bo.evaluate(() => globalThis.watchedTracks.some((one) => one.kind === 'video' && one.readyState === 'live'));
  await until(async () => !(await light()), 'the light to go out');
  assert.equal(await bo.getByTestId('camera').getAttribute('aria-label'), en['tool.camera.forbidden']);
  await bo.getByTestId('camera').click();
  assert.equal(await pressed(bo, 'camera'), 'false');
  assert.equal(await light(), false);
  await hanna.getByTestId('may-camera').click();
  await until(async () => (await bo.getByTestId('camera').getAttribute('aria-label')) === en['tool.camera.on'], 'the right');
  await bo.getByTestId('camera').click();
  await seesAndHears(hanna, { video: 1, audio: 1, seconds: 2 });

  // Who waits is chosen among three, and what was chosen is seen where it is chosen.
  await hanna.getByTestId('host-back').click();
  await hanna.getByTestId('host-waiting').click();
  await hanna.getByTestId('waiting-guests').click();
  await until(async () => (await owner.getRoom({ identity: room.identity })).room.waiting === 'guests', 'the level');
  await hanna.getByTestId('host-controls').click();
  await hanna.getByTestId('host-waiting').filter({ hasText: 'Guests' }).waitFor();
});

test('before a locked door and long before the beginning nobody is looked at', { timeout: 120_000 }, async (t) => {
  const opened = (page) => page.evaluate(() => globalThis.watchedTracks.map((one) => one.kind).join());
  const locked = await standing(t, await roomWith({ locked: true }), 'Bo');
  await until(async () => (await opened(locked)) === 'audio', 'the microphone alone');
  assert.equal(await pressed(locked, 'preview-camera'), 'false');

  const at = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const begin_at = at(50);
  const early = await standing(t, await roomWith({ begin_at, end_at: at(51), password: 'open sesame' }), 'Bo');
  const file = early.getByTestId('door-calendar');
  await file.waitFor();
  assert.match(await file.getAttribute('href'), /\/calendar\.ics$/);
  const google = new URL(await early.getByTestId('door-google').getAttribute('href'));
  assert.match(google.searchParams.get('details'), /Join: http.*\/r\/[\s\S]*Number: \d{3} \d{3} \d{3}[\s\S]*password/);
  assert.equal(google.searchParams.get('text'), 'Class 7b');
  const outlook = new URL(await early.getByTestId('door-outlook').getAttribute('href'));
  assert.equal(Date.parse(outlook.searchParams.get('startdt')), Date.parse(begin_at));
  assert.ok(!(await early.getByTestId('door-note').textContent()).includes('Keep this page open'));
  assert.equal(await opened(early), '', 'nothing looks and nothing listens');
  // A person who wants to set up their devices still can.
  await early.getByTestId('preview-camera').click();
  await until(async () => (await opened(early)) === 'video', 'the camera');

  const soon = await standing(t, await roomWith({ begin_at: at(0.5), end_at: at(1) }), 'Cy');
  await soon.getByTestId('door-note').filter({ hasText: 'Keep this page open' }).waitFor();
  assert.equal(await soon.getByTestId('door-calendar').isVisible(), false);
  await until(async () => (await opened(soon)) === 'audio,video', 'both');
});

test('one dialog has all the settings, and every way to one of them leads there', { timeout: 180_000 }, async (t) => {
  const identity = await roomWith({});
  const page = await standing(t, identity, 'Bo');
  await page.getByTestId('name').fill('Bo');
  const shown = () => page.locator('[role="tab"][aria-selected="true"]').getAttribute('data-testid');
  const closes = async () => {
    await page.keyboard.press('Escape');
    await page.getByTestId('settings').waitFor({ state: 'detached' });
  };
  await page.getByTestId('settings-open').click();
  await until(async () => (await shown()) === 'tab-sound', 'sound first before a meeting');
  await page.getByTestId('devices').waitFor();
  // By keyboard, as tabs go.
  await page.keyboard.press('ArrowRight');
  await page.getByTestId('notify-knock').waitFor();
  assert.equal(await page.getByTestId('notify-knock').isChecked(), true);
  assert.equal(await page.getByTestId('notify-system').isChecked(), false);
  await page.getByTestId('notify-join').uncheck();
  await page.getByTestId('tab-notify').focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await shown(), 'tab-general');
  await page.getByTestId('settings-language').selectOption('zh');
  await page.getByRole('tab', { name: '通用' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  await page.getByTestId('settings-language').selectOption('en');
  await page.getByTestId('settings-theme').selectOption('dark');
  await until(() => page.evaluate(() => document.documentElement.dataset.theme === 'dark'), 'the dark');
  await closes();
  await page.reload();
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'kept');

  await page.getByTestId('name').fill('Bo');
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  for (const [item, tab] of [['more-devices', 'tab-sound'], ['more-shortcuts', 'tab-general']]) {
    await page.getByTestId('more').click();
    await page.getByTestId(item).click();
    await until(async () => (await shown()) === tab, tab);
    if (tab === 'tab-sound') {
      await page.getByTestId('tab-notify').click();
      assert.equal(await page.getByTestId('notify-join').isChecked(), false, 'kept');
    }
    await closes();
  }
  await page.getByTestId('leave').click();
  await page.getByTestId('back-home').click();
  await page.getByTestId('settings-open').click();
  await until(async () => (await shown()) === 'tab-general', 'the rest first elsewhere');
  await page.getByTestId('profile-name').fill('Bodo');
  await page.getByTestId('profile-save').click();
  await page.getByTestId('profile-saved').filter({ hasText: 'Saved' }).waitFor();
  await closes();
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  assert.equal(await page.getByTestId('name').inputValue(), 'Bodo');
});

test('a system notification is switched on only with the browser’s leave', { timeout: 60_000 }, async (t) => {
  const page = await standing(t, await roomWith({}), 'Bo', {
    init: [() => (Notification.requestPermission = async () => globalThis.leave ?? 'denied')],
  });
  await page.getByTestId('settings-open').click();
  await page.getByTestId('tab-notify').click();
  await page.getByTestId('notify-system').click();
  await page.getByText(en['settings.notify.system.denied']).waitFor();
  assert.equal(await page.getByTestId('notify-system').isChecked(), false);
  await page.evaluate(() => (globalThis.leave = 'granted'));
  await page.getByTestId('notify-system').check();
  await page.getByText(en['settings.notify.system.denied']).waitFor({ state: 'hidden' });
});

test('where the constructor throws, as on Android, no system notification is offered', { timeout: 60_000 }, async (t) => {
  const page = await standing(t, await roomWith({}), 'Bo', {
    init: [() => {
      globalThis.Notification = class {
        static permission = 'default';
        static requestPermission = async () => 'granted';

        constructor() {
          throw new TypeError("Failed to construct 'Notification': Illegal constructor.");
        }
      };
    }],
  });
  await page.getByTestId('settings-open').click();
  await page.getByTestId('tab-notify').click();
  await page.getByTestId('notify-none').waitFor();
  assert.equal(await page.getByTestId('notify-system').isVisible(), false);
  assert.equal(await page.getByTestId('notify-knock').isVisible(), true);
});
