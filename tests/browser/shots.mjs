/**
 * Pictures of the page from a real server, for the README and for looking at one's work:
 * `node browser/shots.mjs [directory] [part of a name …]`; the part `outside` leaves the
 * meeting itself out. The people are drawings that move a little.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { openStage, until } from './harness.mjs';

const [directory = fileURLToPath(new URL('out', import.meta.url)), ...only] = process.argv.slice(2);
const SIZES = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 768, height: 1024 },
  phone: { width: 390, height: 844 },
};
const PEOPLE = ['Ada', 'Bo', '小林', 'Di', 'Eve', 'Kim'];

/** Draws one of the page's own scenes instead of the fake device's picture. @param {number} scene */
function draw(scene) {
  const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await native(constraints);
    if (!constraints?.video) return stream;
    const canvas = document.createElement('canvas');
    canvas.width = 1280;
    canvas.height = 720;
    const pen = canvas.getContext('2d');
    const picture = new Image();
    picture.src = `/icons/scene-${scene}.svg`;
    await picture.decode();
    let frame = 0;
    setInterval(() => pen.drawImage(picture, Math.sin(frame++ / 20) * 2 - 2, -2, 1284, 724), 66);
    const [old] = stream.getVideoTracks();
    const [drawn] = canvas.captureStream(15).getVideoTracks();
    const settings = old.getSettings();
    drawn.getSettings = () => settings;
    stream.removeTrack(old);
    old.stop();
    stream.addTrack(drawn);
    return stream;
  };
}

/** A page of a report, as somebody's screen. */
function slides() {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = document.createElement('canvas');
    canvas.width = 1600;
    canvas.height = 900;
    const pen = canvas.getContext('2d');
    const bars = [160, 200, 185, 260, 305, 342];
    const paint = () => {
      pen.fillStyle = '#fbfaf7';
      pen.fillRect(0, 0, 1600, 900);
      pen.fillStyle = '#13201c';
      pen.font = '600 66px sans-serif';
      pen.fillText('People join faster when they', 120, 240);
      pen.fillText('see who is already there', 120, 318);
      bars.forEach((height, index) => {
        pen.fillStyle = index < 3 ? '#b9cfc7' : '#0b6b5c';
        pen.fillRect(160 + index * 140, 760 - height, 90, height);
      });
    };
    setInterval(paint, 200);
    paint();
    return canvas.captureStream(5);
  };
}

await mkdir(directory, { recursive: true });
const stage = await openStage();
/** @type {any[]} */
const open = [];

/** @param {string} path @param {{scene?: number, size?: keyof typeof SIZES, scheme?: 'light' | 'dark', locale?: string}} [look] */
async function visit(path, { scene = 4, size = 'desktop', scheme = 'light', locale = 'en-GB' } = {}) {
  const touch = size === 'phone' ? { hasTouch: true } : {};
  const page = await stage.page(null, { context: { viewport: SIZES[size], colorScheme: scheme, locale, ...touch } });
  open.push(page);
  await page.addInitScript(draw, scene);
  await page.addInitScript(slides);
  await page.goto(stage.origin + path);
  return page;
}

async function enter(page, name) {
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  await page.getByTestId('name').fill(name);
  await until(
    () => page.evaluate(() => document.querySelector('[data-testid="preview-video"]')?.videoWidth > 0),
    'the own picture',
  );
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
}

async function seen(page, count) {
  await until(async () => (await page.locator('.tile.seen').count()) >= count, `${count} pictures`, {
    timeoutMs: 20_000,
  });
  await new Promise((resolve) => setTimeout(resolve, 600));
}

/** @param {string} name @param {any} page */
async function shot(name, page, fullPage = false) {
  if (only.length > 0 && !only.includes('outside') && !only.some((part) => name.includes(part))) return;
  await page.mouse.move(0, 0);
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage });
  console.log(name);
}

async function closeAll() {
  await Promise.all(open.splice(0).map((page) => page.context().close()));
}

const password = `pass-${crypto.randomUUID()}`;
const host = new Session(stage.server.socket, { WebSocket });
await host.register({ username: 'ada', password, display_name: 'Ada' });
const soon = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
const { room } = await host.createRoom({ name: 'Weekly design review', begin_at: soon(12), end_at: soon(57) });
await host.createRoom({
  name: 'Office hours',
  begin_at: soon(60 * 27),
  end_at: soon(60 * 28),
  password: 'open sesame',
});
await host.createRoom({ name: '杭州团队站会' });
await host.createRoom({ name: 'Direct line', topology: 'p2p' });
const { room: guarded } = await host.createRoom({ name: 'Interviews', lobby: true });
const { room: locked } = await host.createRoom({ name: 'Board', locked: true });
const { room: later } = await host.createRoom({ name: '季度回顾', begin_at: soon(60 * 50), end_at: soon(60 * 51), recurrence: 'FREQ=WEEKLY' });
const { token } = host;
host.close();

/** A page that is signed in as the host. */
async function asHost(path, look) {
  const page = await visit(path, look);
  await page.evaluate((value) => localStorage.setItem('meeting.token', value), token);
  await page.reload();
  return page;
}

for (const [size, scheme, locale] of [
  ['desktop', 'light', 'en-GB'],
  ['desktop', 'dark', 'zh-CN'],
  ['tablet', 'light', 'zh-CN'],
  ['phone', 'light', 'en-GB'],
]) {
  const name = `${scheme}-${locale.slice(0, 2)}-${SIZES[size].width}`;
  const home = await asHost('/', { size, scheme, locale });
  await home.getByTestId('room').first().waitFor();
  await shot(`home-${name}`, home);
  await home.getByTestId('new-room').click();
  await shot(`create-${name}`, home);
  await home.getByTestId('when-planned').check({ force: true });
  for (const fold of ['room-members', 'room-more-settings']) await home.getByTestId(fold).click();
  await home.getByTestId('room-begin').fill('2030-05-06T10:00');
  await shot(`create-all-${name}`, home, true);
  await home.keyboard.press('Escape');
  await home.getByTestId('room-more').first().click();
  await shot(`room-menu-${name}`, home);
  await home.getByTestId('room-invites').click();
  await home.getByTestId('invite-make').click();
  await home.waitForTimeout(500);
  await shot(`invites-${name}`, home);
  const guest = await visit('/', { size, scheme, locale });
  await guest.getByTestId('guest-home').waitFor();
  await shot(`guest-${name}`, guest);
  const before = await visit(`/r/${room.identity}`, { size, scheme, locale });
  await until(() => before.evaluate(() => document.querySelector('.tile.seen') !== null), 'the own picture');
  await before.getByTestId('name').fill('Bo');
  await shot(`preview-${name}`, before);
  for (const [state, one] of Object.entries({ asking: guarded, locked, early: later })) {
    const door = await visit(`/r/${one.identity}`, { size, scheme, locale });
    // Nobody is looked at who cannot come in.
    if (state === 'asking') await until(() => door.evaluate(() => document.querySelector('.tile.seen') !== null), 'the own picture');
    else await door.getByTestId('door-note').filter({ hasText: /./ }).waitFor();
    await door.getByTestId('name').fill('Bo');
    await shot(`preview-${state}-${name}`, door);
    if (state !== 'asking') continue;
    await door.getByTestId('join').click();
    await door.getByTestId('waiting').waitFor();
    await shot(`waiting-${name}`, door);
    await door.getByTestId('waiting-check').click();
    await shot(`devices-${name}`, door);
  }
  const check = await visit('/check', { size, scheme, locale });
  await check.getByTestId('check-lines').locator('li').first().waitFor();
  await shot(`checking-${name}`, check);
  await until(() => check.getByTestId('check-again').isEnabled(), 'the end of the check', { timeoutMs: 60_000 });
  await shot(`check-${name}`, check);
  const nowhere = await visit('/r/123456789', { size, scheme, locale });
  await nowhere.getByTestId('notice').waitFor();
  await shot(`error-${name}`, nowhere);
  await closeAll();
}
if (only.includes('outside')) {
  await stage.close();
  process.exit();
}

const [ada, ...others] = await Promise.all(
  PEOPLE.slice(0, 4).map((_, index) =>
    (index === 0 ? asHost : visit)(`/r/${room.identity}`, {
      scene: index + 1,
      locale: index === 1 ? 'zh-CN' : 'en-GB',
    }),
  ),
);
await enter(ada, 'Ada');
await shot('room-alone', ada);
for (const [index, page] of others.entries()) await enter(page, PEOPLE[index + 1]);
await seen(ada, 4);
const [bo, lin, di] = others;
await lin.getByTestId('hand').click();
await di.getByTestId('mic').click();
await shot('room-4-dark-en-1440', ada);
await ada.getByTestId('chat').click();
for (const [page, words] of [
  [bo, '大家好，记录在 https://meet.example.org/notes'],
  [di, 'Thank you. I share the figures now.'],
]) {
  const { width } = page.viewportSize();
  await page.getByTestId(width < 768 ? 'chat-narrow' : 'chat').click();
  await page.getByTestId('chat-input').fill(words);
  await page.keyboard.press('Enter');
  await page
    .getByTestId('message-text')
    .filter({ hasText: words.slice(0, 4) })
    .first()
    .waitFor();
  await page.keyboard.press('Escape');
}
await shot('room-chat-dark-en-1440', ada);
await ada.getByTestId('people').click();
await shot('room-people-dark-en-1440', ada);
await ada.keyboard.press('Escape');
await ada.getByTestId('leave').click();
await shot('room-leave-dark-en-1440', ada);
await ada.keyboard.press('Escape');
await di.getByTestId('share').click();
await until(() => ada.evaluate(() => document.querySelector('[data-testid="screen"]')?.videoWidth > 0), 'the screen');
await shot('room-share-dark-en-1440', ada);
await shot('room-sharing-dark-en-1440', di);
await bo.setViewportSize(SIZES.phone);
await bo.waitForTimeout(800);
await shot('room-share-dark-zh-390', bo);
await di.getByTestId('share').click();
await bo.waitForTimeout(800);
await shot('room-4-dark-zh-390', bo);
await ada.setViewportSize(SIZES.tablet);
await ada.waitForTimeout(800);
await shot('room-4-dark-en-768', ada);
await ada.setViewportSize(SIZES.desktop);
await ada.getByTestId('more').click();
await ada.getByTestId('more-devices').click();
await ada.getByTestId('tab-general').click();
await ada.getByTestId('settings-theme').selectOption('light');
await ada.keyboard.press('Escape');
await shot('room-4-light-en-1440', ada);
await ada.getByTestId('people').click();
await shot('room-people-light-en-1440', ada);
await ada.keyboard.press('Escape');
// Eight more, who send nothing: twelve in all.
const bots = await Promise.all(
  ['Eve', 'Kim', '王芳', 'Tomasz Brzęczyszczykiewicz', 'Lu', 'Ngozi', 'Ravi', '佐藤'].map(async (name) => {
    const bot = new Session(stage.server.socket, { WebSocket });
    await bot.guest({ display_name: name });
    await bot.joinRoom({ identity: room.identity });
    return bot;
  }),
);
await until(async () => (await ada.locator('.tile').count()) >= 12, 'twelve tiles');
await shot('room-12-light-en-1440', ada);
await shot('room-12-dark-zh-390', bo);
await bo.getByTestId('more').click();
await shot('room-more-dark-zh-390', bo);
await bo.keyboard.press('Escape');
for (const bot of bots) bot.close();
await ada.getByTestId('leave').click();
await ada.getByTestId('leave-only').click();
await shot('left-light-en-1440', ada);
// The last picture is of a server that went away.
await stage.server.stop();
await bo.getByTestId('reconnecting').waitFor();
await shot('room-reconnecting-dark-zh-390', bo);
await closeAll();
await stage.close();
