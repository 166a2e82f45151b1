/**
 * No serious finding of axe on any screen, in both themes and both languages; nothing wider than the narrowest phone or
 * than 200 % zoom; the order of the focus.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { en } from '../client/words.mjs';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom, shareScreen } from './hosted.mjs';
import { guest, visit } from './page-people.mjs';

const AXE = readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
/** Each theme and each language once: colours do not depend on the language, and names not on the theme. */
const LOOKS = [
  { scheme: 'light', locale: 'en-GB' },
  { scheme: 'dark', locale: 'zh-CN' },
];
const NARROW = { width: 320, height: 640 };

let stage;
let token;
let open;
let guarded;
/** Two days ahead, and for accounts alone. */
let later;
let closed;
before(async () => {
  stage = await openStage();
  const host = new Session(stage.server.socket, { WebSocket });
  await host.register({
    username: `host-${crypto.randomUUID().slice(0, 8)}`,
    password: `pass-${crypto.randomUUID()}`,
    display_name: 'Hana',
  });
  const soon = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
  open = (await host.createRoom({ name: 'Weekly design review', begin_at: soon(5), end_at: soon(57) })).room.identity;
  guarded = (await host.createRoom({ name: '杭州团队站会', lobby: true, password: 'open sesame' })).room.identity;
  later = (await host.createRoom({ name: 'Offsite', begin_at: soon(2_900), end_at: soon(2_990) })).room.identity;
  closed = (await host.createRoom({ name: '教职工会议', guests: false, start_muted: true })).room.identity;
  token = host.token;
  host.close();
});
after(() => stage?.close());

/** @param {any} page @param {string} where @returns {Promise<string[]>} */
async function findings(page, where) {
  // Animations end first: a colour in between is nobody's choice.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {}))));
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${where}: ${id}: ${node.target.join(' ')}: ${node.any[0]?.message ?? node.all[0]?.message ?? ''}`));
}

/** @param {string} path @param {{scheme?: string, locale?: string, viewport?: object, signedIn?: boolean}} look */
async function at(path, { scheme = 'light', locale = 'en-GB', viewport = { width: 1280, height: 800 }, signedIn = false } = {}) {
  const page = await visit(stage, signedIn ? '/' : path, { locale, context: { viewport, colorScheme: scheme } });
  if (signedIn) {
    await page.evaluate((value) => localStorage.setItem('meeting.token', value), token);
    await page.goto(stage.origin + path);
  }
  return page;
}

/** @param {'notify' | 'general'} tab */
async function settings(tab, look) {
  const page = await home(look);
  await page.getByTestId('settings-open').click();
  await page.getByTestId(`tab-${tab}`).click();
  return page;
}

async function standing(path, look) {
  const page = await at(path, look);
  await page.getByTestId('door-note').filter({ hasText: /./ }).waitFor();
  return page;
}

async function preview(path, look) {
  const page = await at(path, look);
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  await page.getByTestId('name').fill('Bo');
  return page;
}

async function waitingRoom(look) {
  const page = await preview(`/r/${guarded}`, look);
  await page.getByTestId('join-password').fill('open sesame');
  await page.getByTestId('join').click();
  await page.getByTestId('waiting').waitFor();
  return page;
}

async function inRoom(look) {
  const page = await preview(`/r/${open}`, look);
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  return page;
}

async function home(look) {
  const page = await at('/', { ...look, signedIn: true });
  await page.getByTestId('room').first().waitFor();
  return page;
}

/** @param {any} page @param {string} item testid of the menu's entry @param {string} dialog */
async function openFromRow(page, item, dialog) {
  await page.getByTestId('room-more').first().click();
  await page.getByTestId(item).click();
  await page.getByTestId(dialog).waitFor();
}

async function hostMenu(look) {
  const page = await at(`/r/${closed}`, { ...look, signedIn: true });
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  await page.getByTestId('people').click();
  await page.getByTestId('host-controls').click();
  return page;
}

/** Every state to look at: opens it, and what it is called. @type {Record<string, (look: object) => Promise<any>>} */
const STATES = {
  home,
  'home, new room': async (look) => {
    const page = await home(look);
    await page.getByTestId('new-room').click();
    await page.getByTestId('when-planned').check({ force: true });
    for (const fold of ['room-members', 'room-more-settings']) await page.getByTestId(fold).click();
    await page.getByTestId('room-begin').fill('2030-05-06T10:00');
    await page.getByTestId('room-repeat').selectOption('weekly');
    await page.getByTestId('room-repeat-end').selectOption('until');
    return page;
  },
  'home, menu': async (look) => {
    const page = await home(look);
    await page.getByTestId('room-more').first().click();
    return page;
  },
  'home, invites': async (look) => {
    const page = await home(look);
    await openFromRow(page, 'room-invites', 'invites');
    return page;
  },
  'home, attendance': async (look) => {
    const page = await home(look);
    await openFromRow(page, 'room-attendance', 'attendance');
    return page;
  },
  'home, bans': async (look) => {
    const page = await home(look);
    await openFromRow(page, 'room-bans', 'bans');
    return page;
  },
  'home, signed out': async (look) => {
    const page = await at('/', look);
    await page.getByTestId('guest-home').waitFor();
    return page;
  },
  preview: (look) => preview(`/r/${open}`, look),
  'preview, asking': (look) => preview(`/r/${guarded}`, look),
  'preview, two days early': (look) => standing(`/r/${later}`, look),
  'preview, accounts only': (look) => standing(`/r/${closed}`, look),
  'preview, settings': async (look) => {
    const page = await preview(`/r/${open}`, look);
    await page.getByTestId('settings-open').click();
    await page.getByTestId('devices').waitFor();
    return page;
  },
  'home, notifications': (look) => settings('notify', look),
  'home, general settings': (look) => settings('general', look),
  waiting: waitingRoom,
  'waiting, devices': async (look) => {
    const page = await waitingRoom(look);
    await page.getByTestId('waiting-check').click();
    await page.getByTestId('devices').waitFor();
    return page;
  },
  room: inRoom,
  'room, chat': async (look) => {
    const page = await inRoom(look);
    await page.getByTestId('chat').click();
    return page;
  },
  'room, people': async (look) => {
    const page = await inRoom(look);
    await page.getByTestId('people').click();
    return page;
  },
  'room, host controls': (look) => hostMenu(look),
  'room, rights': async (look) => {
    const page = await hostMenu(look);
    await page.getByTestId('host-rights').click();
    return page;
  },
  check: async (look) => {
    const page = await at('/check', look);
    await until(() => page.getByTestId('check-again').isEnabled(), 'the end of the check', { timeoutMs: 60_000 });
    return page;
  },
  error: async (look) => {
    const page = await at('/r/123456789', look);
    await page.getByTestId('notice').waitFor();
    return page;
  },
};

/** What is wider than the window at some widths, in this state of the page. @param {any} page @param {string} where */
async function tooWide(page, where) {
  const wide = [];
  // A page at 200 % on a screen of 1280 is laid out as on one of 640.
  for (const viewport of [NARROW, { width: 390, height: 844 }, { width: 640, height: 400 }]) {
    await page.setViewportSize(viewport);
    const [over, dialog] = await page.evaluate(() => {
      const { documentElement: html } = document;
      const form = document.querySelector('dialog[open] form');
      return [html.scrollWidth - html.clientWidth, form ? form.scrollWidth - form.clientWidth : 0];
    });
    if (over > 0 || dialog > 0) wide.push(`${where} at ${viewport.width}: ${over} and ${dialog} px wider`);
  }
  return wide;
}

for (const look of LOOKS) {
  const name = `axe finds nothing serious, and nothing is wider than a phone or a page at 200 % (${look.scheme}, ${look.locale})`;
  test(name, { timeout: 300_000 }, async () => {
    const found = [];
    for (const [name, show] of Object.entries(STATES)) {
      const page = await show(look);
      found.push(...(await findings(page, name)), ...(await tooWide(page, name)));
      await page.context().close();
    }
    assert.deepEqual(found, []);
  });
}

test('axe finds nothing serious where a screen is chosen, and in a person’s sheet', { timeout: 240_000 }, async (t) => {
  const room = await hostedRoom(stage);
  for (const name of ['Ada', 'Bo']) {
    const page = await guest(stage, room.identity, name);
    t.after(() => page.context().close());
    await page.getByTestId('camera').click();
    await shareScreen(page, 320, 180);
  }
  const found = [];
  for (const { scheme, locale } of LOOKS) {
    const page = await host(stage, room, { locale, context: { viewport: { width: 390, height: 844 } } });
    if (scheme === 'light') {
      // The room is dark until one chooses otherwise.
      await page.getByTestId('more').click();
      await page.getByTestId('more-devices').click();
      await page.getByTestId('tab-general').click();
      await page.getByTestId('settings-theme').selectOption('light');
      await page.keyboard.press('Escape');
      await until(() => page.evaluate(() => document.documentElement.dataset.theme === 'light'), 'the light theme');
    }
    await page.getByTestId('screen-choice').waitFor();
    found.push(...(await findings(page, `screens, ${scheme}, ${locale}`)));
    await page.getByTestId('tile').filter({ hasText: 'Ada' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    found.push(...(await findings(page, `sheet, ${scheme}, ${locale}`)));
    await page.context().close();
  }
  assert.deepEqual(found, []);
});

test('the focus goes through the preview in the order one reads, and what happens is said', { timeout: 120_000 }, async () => {
  const page = await preview(`/r/${guarded}`, {});
  await page.locator('.brand').focus();
  const order = [];
  for (let n = 0; n < 14; n++) {
    order.push(await page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.className ?? ''));
    await page.keyboard.press('Tab');
  }
  const known = ['check-link', 'language', 'settings-open', 'preview-mic', 'preview-camera', 'name', 'join-password', 'join'];
  assert.deepEqual(order.filter((one) => known.includes(one)), known);
  await page.getByTestId('join-password').fill('open sesame');
  await page.getByTestId('join').click();
  await page.getByTestId('waiting').waitFor();
  const said = await page.evaluate(() => document.querySelector('[role="status"] h1')?.textContent);
  assert.equal(said, en['waiting.alone'], 'nobody is in');
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1');
  // A dialog gives the focus back to what opened it.
  await page.getByTestId('waiting-check').click();
  await page.getByTestId('devices').waitFor();
  await page.keyboard.press('Escape');
  await until(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'waiting-check'), 'the focus');
  await page.context().close();
});
