/** The page as people use it, on the real server with real media from fake devices. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { openStage, until } from './harness.mjs';
import { closeAfter, departs, guest, joinTime, names, received, seesAndHears, seesPeople, visit } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

/** An account that several tests sign in with. */
const password = `pass-${crypto.randomUUID()}`;
const username = `ada-${crypto.randomUUID().slice(0, 8)}`;
/** Longer than any machine takes to join, and shorter than the first time-out of the client. */
const STUCK_MS = 12_000;

let stage;
before(async () => {
  stage = await openStage();
  const session = new Session(stage.server.socket, { WebSocket });
  await session.register({ username, password, display_name: 'Ada' });
  session.close();
});
afterEach(() => {
  stage.assertQuiet();
});
after(() => stage?.close());

async function signIn(page, name, secret) {
  await page.getByTestId('username').fill(name);
  await page.getByTestId('password').fill(secret);
  await page.getByTestId('sign-in').click();
}

test('an account is made on the page, and its owner signs out and in again', async (t) => {
  const [page] = closeAfter(t, await visit(stage, '/'));
  const username = `new-${crypto.randomUUID().slice(0, 8)}`;
  await page.getByTestId('register-open').click();
  await page.getByTestId('display-name').fill('Ada');
  await signIn(page, username, password);
  await page.getByTestId('home').waitFor();
  assert.match((await page.locator('h1').textContent()) ?? '', /Ada$/);

  await page.getByTestId('account').click();
  await page.getByTestId('sign-out').click();
  await page.getByTestId('guest-home').waitFor();
  await signIn(page, username, 'not the password');
  await page.getByText('Username or password is wrong.').waitFor();
  assert.equal(await page.getByTestId('username').inputValue(), username, 'what was typed stays');
  await page.getByTestId('password').fill(password);
  await page.getByTestId('sign-in').click();
  await page.getByTestId('home').waitFor();

  await page.reload();
  await page.getByTestId('home').waitFor();
});

test('a name and a password can be changed', async (t) => {
  const [page] = closeAfter(t, await visit(stage, '/'));
  await signIn(page, username, password);
  await page.getByTestId('account').click();
  await page.getByTestId('account-name').click();
  await page.getByTestId('profile-name').fill('Ada Bo');
  await page.getByTestId('profile-save').click();
  await page.getByTestId('profile-saved').filter({ hasText: 'Saved' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('settings').waitFor({ state: 'detached' });
  await page.getByTestId('account').click();
  await page.getByTestId('account-password').click();
  await page.getByTestId('old-password').fill('not the password');
  await page.getByTestId('new-password').fill(`${password}-2`);
  await page.getByTestId('change-password-submit').click();
  await page.getByTestId('change-password').getByText('Username or password is wrong.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('change-password').waitFor({ state: 'detached' });
});

test('a room is made, changed and deleted', async (t) => {
  const [page] = closeAfter(t, await visit(stage, '/'));
  await signIn(page, username, password);
  await page.getByTestId('new-room').click();
  await page.getByTestId('room-dialog-submit').click();
  await page.getByText('Give the room a name.').waitFor();
  await page.getByTestId('room-name').fill('Reading <b>group</b>');
  await page.getByTestId('when-planned').check({ force: true });
  await page.getByTestId('room-begin').fill('2030-05-06T10:00');
  assert.equal(await page.getByTestId('room-end').inputValue(), '2030-05-06T11:00', 'an hour, until it is said otherwise');
  await page.getByTestId('room-end').fill('2030-05-06T09:00');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByText('The end comes after the begin.').waitFor();
  await page.getByTestId('room-end').fill('2030-05-06T11:30');
  await page.getByTestId('room-password').fill('open sesame');
  await page.getByTestId('room-dialog-submit').click();
  await page.getByTestId('room-made').waitFor();
  await page.getByTestId('room-made-submit').click();
  const row = page.getByTestId('room').filter({ hasText: 'Reading <b>group</b>' });
  await row.waitFor();
  await row.getByText('Password').waitFor();

  await row.getByTestId('room-more').click();
  await page.getByTestId('room-edit').click();
  assert.equal(await page.getByTestId('room-begin').inputValue(), '2030-05-06T10:00');
  await page.getByTestId('room-name').fill('Evening group');
  await page.getByTestId('room-password-remove').check();
  await page.getByTestId('when-now').check({ force: true });
  await page.getByTestId('room-dialog-submit').click();
  const renamed = page.getByTestId('room').filter({ hasText: 'Evening group' });
  await renamed.waitFor();
  await until(async () => !(await renamed.textContent())?.includes('Password'), 'the password to go');

  await renamed.getByTestId('room-more').click();
  await page.getByTestId('room-delete').click();
  await page.getByTestId('delete-dialog-submit').click();
  await renamed.waitFor({ state: 'detached' });
});

test('many rooms come in pages and can be searched', async (t) => {
  const session = new Session(stage.server.socket, { WebSocket });
  t.after(() => session.close());
  await session.login({ username, password });
  for (let n = 1; n <= 9; n++) await session.createRoom({ name: n === 3 ? 'The needle' : `Room ${n}` });
  const [page] = closeAfter(t, await visit(stage, '/'));
  await signIn(page, username, password);
  await page.getByText('1 / 2').waitFor();
  await page.getByLabel('Next page').click();
  await until(async () => (await page.getByTestId('room').count()) === 1, 'the second page');
  await page.getByTestId('room-search').fill('needle');
  await until(
    async () => (await page.getByTestId('room').allTextContents()).join().includes('The needle'),
    'the needle',
  );
  assert.equal(await page.getByTestId('room').count(), 1);
});

test('a guest without the password stays outside, with it comes in', async (t) => {
  const identity = await makeRoom(stage, { name: 'Closed room', password: 'open sesame' });
  const [page] = closeAfter(t, await visit(stage, `/r/${identity}`));
  await page.getByTestId('name').fill('Bo');
  await page.getByTestId('join-password').fill('wrong');
  await page.getByTestId('join').click();
  await page.getByText('This password is not right.').waitFor();
  await page.getByTestId('join-password').fill('open sesame');
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
});

test('a link, a number and nonsense in the field of the home', async (t) => {
  const identity = await makeRoom(stage, { name: 'Numbered room' });
  const [page] = closeAfter(t, await visit(stage, '/'));
  await page.getByTestId('join-address').fill('12 34');
  await page.getByTestId('join-open').click();
  await page.getByText('neither a link').waitFor();
  await page.getByTestId('join-address').fill(`${stage.origin}/r/${identity}`);
  await page.getByTestId('join-open').click();
  await page.getByRole('heading', { name: 'Numbered room' }).waitFor();
  const number = (await page.locator('.side .num').textContent()) ?? '';
  assert.match(number, /^\d{3} \d{3} \d{3}$/);
  await page.goto(stage.origin);
  await page.getByTestId('join-address').fill(number);
  await page.getByTestId('join-open').click();
  await page.getByRole('heading', { name: 'Numbered room' }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/r/${identity}`, 'the address bar holds the link');
});

test('an unknown room is said so in words', async (t) => {
  const [page] = closeAfter(t, await visit(stage, '/r/000000000'));
  await page.getByText('No room with this number').waitFor();
});

test('somebody without devices is told why and joins to watch and listen', async (t) => {
  const identity = await makeRoom(stage);
  const page = await stage.page(null, { context: { locale: 'en-GB' } });
  closeAfter(t, page);
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByText('The browser is blocking your camera').waitFor();
  await page.getByText('The browser is blocking your microphone').waitFor();
  await page.getByTestId('name').fill('Bo');
  await page.getByRole('button', { name: 'Join to watch and listen' }).click();
  await page.getByTestId('invite').waitFor();
  await page.getByTestId('mic').click();
  await page.getByTestId('toast').waitFor();
});

test('three people see and hear each other, write, share, leave and come late', { timeout: 600_000 }, async (t) => {
  const identity = await makeRoom(stage, { name: 'Weekly' });
  const ada = await guest(stage, identity, 'Ada');
  await ada.getByTestId('invite').waitFor();
  const bo = await guest(stage, identity, 'Bo');
  const cy = await guest(stage, identity, '<i>Cy</i>');
  closeAfter(t, ada, bo, cy);
  for (const page of [ada, bo, cy]) await seesPeople(page, 3);
  assert.deepEqual((await names(cy)).slice(0, 2), ['Ada', 'Bo']);
  assert.ok((await names(ada)).includes('<i>Cy</i>'));
  await Promise.all([ada, bo, cy].map((page) => seesAndHears(page, { video: 2, audio: 2 })));

  await t.test('muting shows on the tiles of the others', async () => {
    await bo.getByTestId('mic').click();
    const tile = ada.getByTestId('tile').filter({ hasText: 'Bo' });
    await until(async () => (await tile.getAttribute('aria-label'))?.includes('muted'), "Bo's muted sign");
    assert.equal(await bo.getByTestId('mic').getAttribute('aria-pressed'), 'false');
    await bo.keyboard.press('Control+d');
    await until(async () => !(await tile.getAttribute('aria-label'))?.includes('muted'), 'the sign to go');
  });

  await t.test('Space talks while it is held', async () => {
    await bo.getByTestId('mic').click();
    await until(async () => (await bo.getByTestId('mic').getAttribute('aria-pressed')) === 'false', 'the microphone to be off');
    await bo.getByTestId('stage').focus();
    await bo.keyboard.down('Space');
    await until(async () => (await bo.getByTestId('mic').getAttribute('aria-pressed')) === 'true', 'the microphone');
    await bo.keyboard.up('Space');
    await until(async () => (await bo.getByTestId('mic').getAttribute('aria-pressed')) === 'false', 'silence');
    await bo.getByTestId('mic').click();
  });

  await t.test('a camera goes off and on again', async () => {
    const tile = ada.getByTestId('tile').filter({ hasText: 'Bo' });
    await until(async () => (await tile.getAttribute('class'))?.includes('seen'), "Bo's picture");
    await bo.keyboard.press('Control+e');
    await until(async () => !(await tile.getAttribute('class'))?.includes('seen'), "Bo's avatar");
    await bo.getByTestId('camera').click();
    await until(async () => (await tile.getAttribute('class'))?.includes('seen'), "Bo's picture again");
  });

  await t.test('a hand is seen with its place', async () => {
    await cy.getByTestId('hand').click();
    await ada.getByTestId('tile').filter({ hasText: 'Cy' }).locator('.flag').filter({ hasText: '1' }).waitFor();
    await cy.getByTestId('hand').click();
  });

  await t.test('the chat goes both ways and shows hostile text as text', async () => {
    await ada.getByTestId('chat').click();
    await ada.getByTestId('chat-input').fill('Hello https://example.org/x.');
    await ada.keyboard.press('Enter');
    await until(async () => (await bo.getByTestId('unread').first().textContent()) === '1', "Bo's unread count");
    await bo.getByTestId('chat').click();
    const link = bo.getByTestId('message-text').locator('a');
    assert.equal(await link.getAttribute('href'), 'https://example.org/x');
    assert.match((await link.getAttribute('rel')) ?? '', /noopener/);
    const hostile = ['<img src=x onerror=alert(1)>', 'javascript:alert(1)', '\u202Egnp.exe', 'a\u0301'.repeat(200)];
    bo.on('dialog', () => assert.fail('a message ran'));
    for (const words of hostile) {
      await bo.getByTestId('chat-input').fill(words);
      await bo.keyboard.press('Enter');
      await until(async () => (await bo.getByTestId('chat-input').inputValue()) === '', 'the message to go');
    }
    await until(async () => (await ada.getByTestId('message-text').count()) === 1 + hostile.length, 'the messages');
    const texts = await ada.getByTestId('message-text').allTextContents();
    assert.equal(texts[1], hostile[0]);
    assert.equal(texts[2], hostile[1]);
    assert.equal(texts[3], 'gnp.exe', 'direction overrides are taken out');
    assert.equal(await ada.locator('.msgs img').count(), 0);
    await bo.getByTestId('chat-input').fill('🙂'.repeat(10_000));
    await bo.keyboard.press('Enter');
    await bo.getByTestId('chat-error').waitFor();
    await bo.keyboard.press('Escape');
    await bo.getByTestId('chat-panel').waitFor({ state: 'hidden' });
    await ada.getByTestId('chat').click();
  });

  await t.test('a screen is shared and its end noticed', async () => {
    await ada.getByTestId('share').click();
    await ada.getByTestId('sharing').waitFor();
    for (const page of [bo, cy]) {
      await page.getByText('Ada is presenting').waitFor();
      await until(
        () => page.evaluate(() => document.querySelector('[data-testid="screen"]')?.videoWidth > 0),
        'the screen',
      );
    }
    // What the browser's own "Stop sharing" bar does to the track.
    await ada.evaluate(() => globalThis.sharedTrack.dispatchEvent(new Event('ended')));
    await ada.getByTestId('sharing').waitFor({ state: 'hidden' });
    await bo.getByText('Ada is presenting').waitFor({ state: 'hidden' });
  });

  await t.test('a late joiner sees, hears and reads what was written', async () => {
    const di = await guest(stage, identity, 'Di');
    await seesPeople(di, 4);
    await seesAndHears(di, { video: 3, audio: 3, seconds: 2 });
    await di.getByTestId('chat').click();
    await di.getByText('Hello', { exact: false }).first().waitFor();
    for (const page of [ada, bo, cy]) await seesPeople(page, 4);
    await di.getByTestId('leave').click();
    await di.getByTestId('notice').waitFor();
    for (const page of [ada, bo, cy]) await seesPeople(page, 3);
    await di.getByTestId('rejoin').click();
    await seesPeople(di, 4);
    await departs(di);
    for (const page of [ada, bo, cy]) await seesPeople(page, 3);
  });

  await t.test('a reload comes straight back', async () => {
    await bo.reload();
    await bo.getByTestId('room').waitFor();
    await seesPeople(bo, 3);
    await seesPeople(ada, 3);
    await seesAndHears(bo, { video: 2, audio: 2, seconds: 2 });
    await seesAndHears(ada, { video: 2, audio: 2, seconds: 2 });
  });

  await t.test('a lost socket comes back by itself, and nobody sees them go', async () => {
    const tile = ada.getByTestId('tile').filter({ hasText: 'Cy' });
    const before = await tile.getAttribute('data-participant');
    const sockets = await cy.evaluate(() => globalThis.watchedSockets.length);
    await cy.evaluate(() => globalThis.watchedSockets.at(-1).close(4000));
    await until(() => cy.evaluate((n) => globalThis.watchedSockets.length > n, sockets), 'another socket');
    await cy.getByTestId('hand').click();
    await tile.locator('.flag:not([hidden])').waitFor();
    assert.equal(await tile.getAttribute('data-participant'), before);
    await cy.getByTestId('hand').click();
    await seesAndHears(cy, { video: 2, audio: 2, seconds: 2 });
    await seesAndHears(ada, { video: 2, audio: 2, seconds: 2 });
    assert.equal(await cy.getByTestId('reconnecting').isVisible(), false);
  });

  await t.test('the language changes inside the meeting and nothing stops', async () => {
    const before = await received(ada);
    await ada.getByTestId('more').click();
    await ada.getByTestId('more-devices').click();
    await ada.getByTestId('tab-general').click();
    await ada.getByTestId('settings-language').selectOption('zh');
    await ada.keyboard.press('Escape');
    await ada.getByRole('button', { name: '举手' }).waitFor();
    assert.equal(await ada.evaluate(() => document.documentElement.lang), 'zh-CN');
    await until(async () => {
      const now = await received(ada);
      return now.some((one) => one.frames > (before.find((old) => old.id === one.id)?.frames ?? Infinity));
    }, 'the pictures to go on');
  });
});

test('the host ends the meeting for everybody', async (t) => {
  const [host] = closeAfter(t, await visit(stage, '/', { name: 'host' }));
  await signIn(host, username, password);
  await host.getByTestId('start-first').click();
  await host.getByTestId('join').click();
  await host.getByTestId('room').waitFor();
  const identity = new URL(host.url()).pathname.slice('/r/'.length);
  const [bo] = closeAfter(t, await guest(stage, identity, 'Bo'));
  await host.getByTestId('leave').click();
  await host.getByTestId('end-all').click();
  await host.getByTestId('notice').filter({ hasText: 'The meeting has ended' }).waitFor();
  await bo.getByTestId('notice').filter({ hasText: 'The meeting has ended' }).waitFor();
  await bo.getByTestId('back-home').click();
  await bo.getByTestId('guest-home').waitFor();
});

test('the language is chosen by the browser, can be switched, and is remembered', async (t) => {
  const [page] = closeAfter(t, await visit(stage, '/', { locale: 'zh-CN' }));
  await page.getByText('点开链接').waitFor();
  await page.getByTestId('language').click();
  await page.getByText('Open a link').waitFor();
  await page.reload();
  await page.getByText('Open a link').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
});

test('a device that is pulled out is replaced, and the person is told', { timeout: 240_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const ada = await guest(stage, identity, 'Ada');
  const bo = await guest(stage, identity, 'Bo');
  closeAfter(t, ada, bo);
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 1 });
  await ada.evaluate(() => {
    for (const track of globalThis.watchedTracks.filter((one) => one.readyState === 'live'))
      track.dispatchEvent(new Event('ended'));
  });
  await ada
    .getByTestId('toast')
    .filter({ hasText: /is now/ })
    .waitFor();
  await until(async () => (await ada.getByTestId('camera').getAttribute('aria-pressed')) === 'true', 'the camera');
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 2 });
});

test('sound that the browser holds back starts with a tap', { timeout: 240_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const [ada] = closeAfter(t, await guest(stage, identity, 'Ada'));
  await ada.evaluate(() => {
    const { play } = HTMLAudioElement.prototype;
    globalThis.allowSound = () => {
      HTMLAudioElement.prototype.play = play;
    };
    HTMLAudioElement.prototype.play = () => Promise.reject(new DOMException('a tap is needed', 'NotAllowedError'));
  });
  closeAfter(t, await guest(stage, identity, 'Bo'));
  await ada.getByTestId('listen').waitFor();
  await ada.evaluate(() => globalThis.allowSound());
  await ada.getByTestId('listen').click();
  await ada.getByTestId('listen').waitFor({ state: 'hidden' });
});

test('the room is dark, the rest follows the system, and a choice is kept', async (t) => {
  const identity = await makeRoom(stage);
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const [page] = closeAfter(t, await guest(stage, identity, 'Ada', { context: { colorScheme: 'light' } }));
  assert.equal(await theme(), 'dark');
  await page.getByTestId('leave').click();
  await page.getByTestId('back-home').click();
  await page.getByTestId('guest-home').waitFor();
  assert.equal(await theme(), 'light');
  await page.getByTestId('settings-open').click();
  await page.getByTestId('settings-theme').selectOption('dark');
  await until(async () => (await theme()) === 'dark', 'the dark theme');
  await page.reload();
  await page.getByTestId('guest-home').waitFor();
  assert.equal(await theme(), 'dark');
});

test('on a narrow phone nothing is cut off and every target is large enough', async (t) => {
  const identity = await makeRoom(stage, { name: 'A room with a rather long name, as rooms tend to have' });
  const context = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
  const [page] = closeAfter(t, await visit(stage, '/', { context }));
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.getByTestId('guest-home').waitFor();
  assert.ok((await wide()) <= 0, 'the home scrolls sideways');
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  assert.ok((await wide()) <= 0, 'the preview scrolls sideways');
  await page.getByTestId('name').fill('Bo');
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  assert.ok((await wide()) <= 0, 'the room scrolls sideways');
  const edge = await page.getByTestId('leave').evaluate((button) => button.getBoundingClientRect().right);
  assert.ok(edge <= 320, 'the way out is cut off');
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button')]
      .map((button) => ({
        name: button.getAttribute('aria-label') ?? button.textContent,
        box: button.getBoundingClientRect(),
      }))
      .filter(({ box }) => box.width > 0 && (box.width < 44 || box.height < 44))
      .map(({ name }) => name),
  );
  assert.deepEqual(small, []);
});

test('a room without the server in the middle works with the same page', { timeout: 240_000 }, async (t) => {
  const [host] = closeAfter(t, await visit(stage, '/', { name: 'host' }));
  await signIn(host, username, password);
  await host.getByTestId('new-room').click();
  await host.getByTestId('room-name').fill('Direct room');
  await host.getByTestId('room-more-settings').click();
  await host.getByTestId('topology-p2p').check({ force: true });
  await host.getByTestId('room-dialog-submit').click();
  await host.getByTestId('room-made-submit').click();
  // Other tests may have filled the list.
  const search = host.getByTestId('room-search');
  if (await search.isVisible()) await search.fill('Direct');
  await host.getByTestId('room').filter({ hasText: 'Direct room' }).getByTestId('enter').click();
  await host.getByTestId('join').click();
  await host.getByTestId('room').waitFor();
  const identity = new URL(host.url()).pathname.slice('/r/'.length);
  const [bo] = closeAfter(t, await guest(stage, identity, 'Bo'));
  await seesPeople(host, 2);
  await Promise.all([host, bo].map((page) => seesAndHears(page, { video: 1, audio: 1, seconds: 3 })));
  await host.getByTestId('share').click();
  await until(() => bo.evaluate(() => document.querySelector('[data-testid="screen"]')?.videoWidth > 0), 'the screen');
  await bo.getByTestId('leave').click();
  await seesPeople(host, 1);
});

test('from the press on Join to the first picture of somebody else', { timeout: 240_000 }, async (t) => {
  const identity = await makeRoom(stage, { name: 'Stopwatch' });
  const [ada] = closeAfter(t, await guest(stage, identity, 'Ada'));
  const times = [];
  for (let n = 0; n < 3; n++) {
    const page = await guest(stage, identity, `Bo ${n}`);
    times.push(await joinTime(page));
    await departs(page);
    await seesPeople(ada, 1);
  }
  times.sort((a, b) => a - b);
  console.log(
    `join click → first remote frame: median ${Math.round(times[1])} ms of ${times.map(Math.round).join(', ')}`,
  );
  // The goal, 500 ms, is a figure to read here: a busy machine is no reason to fail, a retry after a time-out is one.
  assert.ok(times[1] < STUCK_MS, `joined after ${times[1]} ms`);
});
