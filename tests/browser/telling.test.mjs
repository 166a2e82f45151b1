/** The page tells the truth about what it sends, what it lost and what wants to be noticed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom, line, seat } from './hosted.mjs';
import { guest, seesAndHears, seesPeople, visit } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

/** Three seconds, and what a busy machine takes to draw it. */
const TOLD_WITHIN_MS = 5_000;

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

/** The page's socket, of which a test answers, drops or closes what it likes. */
function wire() {
  const rules = { refuse: {}, down: false, opened: 0, refused: 0, close: () => {}, tell: () => {} };
  const prepare = (page) =>
    page.routeWebSocket('**/ws', (socket) => {
      rules.opened += 1;
      if (rules.down) return void socket.close({ code: 1013 });
      const server = socket.connectToServer();
      rules.close = () => Promise.all([server.close({ code: 4000 }), socket.close({ code: 4408 })]);
      rules.tell = (frame) => socket.send(JSON.stringify(frame));
      socket.onMessage((text) => {
        const { type, id } = JSON.parse(text);
        const code = rules.refuse[type];
        if (!code) return server.send(text);
        rules.refused += 1;
        socket.send(JSON.stringify({ type: 'error', re: id, error: { code, message: 'No.', retry_after_ms: null } }));
      });
    });
  return { rules, prepare };
}

/** A guest who is gone with the test, whatever becomes of it. */
async function come(t, where, identity, name, { prepare, ...options } = {}) {
  return guest(where, identity, name, {
    ...options,
    prepare: async (page) => {
      t.after(() => page.context().close());
      await prepare?.(page);
    },
  });
}

const pressed = (page, tool) => page.getByTestId(tool).getAttribute('aria-pressed');
const trouble = (page) => page.getByTestId('trouble');

test('who is not heard is not shown as heard, reads why, and tries again', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const { rules, prepare } = wire();
  rules.refuse['media.publish'] = 'media.bad_sdp';
  const bo = await come(t, stage, identity, 'Bo');
  const ada = await come(t, stage, identity, 'Ada', { prepare });
  await trouble(ada).waitFor();
  assert.match(await trouble(ada).textContent(), /Nobody hears or sees you\. This browser and the server could not agree/);
  assert.deepEqual([await pressed(ada, 'mic'), await pressed(ada, 'camera')], ['false', 'false']);
  assert.match(await ada.locator('.tile.me').getAttribute('aria-label'), /muted/);
  assert.equal(await ada.locator('.tile.me').evaluate((tile) => tile.classList.contains('off')), true, 'no own picture either');
  // Receiving goes on meanwhile.
  await seesAndHears(ada, { video: 1, audio: 1, seconds: 1 });
  rules.refuse = {};
  await ada.getByTestId('retry-media').click();
  await trouble(ada).waitFor({ state: 'hidden' });
  await until(async () => (await pressed(ada, 'mic')) === 'true' && (await pressed(ada, 'camera')) === 'true', 'both to be on');
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 1 });
  stage.assertQuiet();
});

test('one device that is refused is off alone, and its button tries again', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const { rules, prepare } = wire();
  rules.refuse['media.source'] = 'media.limit';
  const ada = await come(t, stage, identity, 'Ada', { prepare });
  await trouble(ada).waitFor();
  assert.equal(await pressed(ada, 'mic'), 'false');
  rules.refuse = {};
  await ada.getByTestId('camera').click();
  await until(async () => (await pressed(ada, 'camera')) === 'true', 'the camera to be on');
  await trouble(ada).waitFor({ state: 'hidden' });
  stage.assertQuiet();
});

test('in a room of peers, too, what nobody gets is off, with its reason, and is tried again', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage, { topology: 'p2p' });
  const { rules, prepare } = wire();
  const bo = await come(t, stage, identity, 'Bo');
  for (const type of ['signal.offer', 'signal.answer']) rules.refuse[type] = 'perm.denied';
  const ada = await come(t, stage, identity, 'Ada', { prepare });
  await trouble(ada).filter({ hasText: 'You and Bo do not hear or see each other. You may not do this here.' }).waitFor();
  assert.deepEqual([await pressed(ada, 'mic'), await pressed(ada, 'camera')], ['false', 'false']);
  assert.equal(await ada.locator('.tile.me').evaluate((tile) => tile.classList.contains('off')), true, 'no own picture either');
  rules.refuse = {};
  await ada.getByTestId('retry-media').click();
  await trouble(ada).waitFor({ state: 'hidden' });
  await until(async () => (await pressed(ada, 'mic')) === 'true' && (await pressed(ada, 'camera')) === 'true', 'both to be on');
  for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
  stage.assertQuiet();
});

test('media that the server lost are made anew', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const { rules, prepare } = wire();
  const ada = await come(t, stage, identity, 'Ada', { prepare });
  const bo = await come(t, stage, identity, 'Bo');
  for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
  const count = () => ada.evaluate(() => globalThis.watchedConnections.length);
  const before = await count();
  rules.tell({ type: 'media.failed', data: {} });
  await until(async () => (await count()) === before + 2, 'both connections to be made anew');
  for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 2 });
  await seesPeople(bo, 2);
  stage.assertQuiet();
});

test('a server that stands still is told of while the socket is still open, and forgotten when it goes on', { timeout: 120_000 }, async (t) => {
  const own = await openStage();
  t.after(async () => {
    own.server.thaw();
    await own.close();
  });
  const identity = await makeRoom(own);
  const [ada, bo] = [await guest(own, identity, 'Ada'), await guest(own, identity, 'Bo')];
  for (const page of [ada, bo]) await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
  const began = Date.now();
  own.server.freeze();
  const banner = ada.getByTestId('reconnecting');
  await banner.filter({ hasText: 'The server does not answer' }).waitFor();
  const took = Date.now() - began;
  console.log(`a frozen server was told of after ${took} ms`);
  assert.ok(took < TOLD_WITHIN_MS, `${took} ms`);
  assert.equal(await ada.evaluate(() => globalThis.watchedSockets.at(-1).readyState), 1);
  own.server.thaw();
  await banner.waitFor({ state: 'hidden' });
  await seesAndHears(ada, { video: 1, audio: 1, seconds: 1 });
  own.assertQuiet();
});

test('a server that stands still is told of as soon where nobody speaks and nobody is seen', { timeout: 120_000 }, async (t) => {
  const own = await openStage();
  t.after(async () => {
    own.server.thaw();
    await own.close();
  });
  for (const topology of ['sfu', 'p2p']) {
    const ada = await guest(own, await makeRoom(own, { topology }), 'Ada');
    for (const tool of ['mic', 'camera']) await ada.getByTestId(tool).click();
    await until(async () => (await pressed(ada, 'mic')) === 'false' && (await pressed(ada, 'camera')) === 'false', 'both to be off');
    const began = Date.now();
    own.server.freeze();
    await ada.getByTestId('reconnecting').filter({ hasText: 'The server does not answer' }).waitFor();
    const took = Date.now() - began;
    assert.ok(took < TOLD_WITHIN_MS, `${topology}: ${took} ms`);
    own.server.thaw();
    await ada.getByTestId('reconnecting').waitFor({ state: 'hidden' });
    await ada.context().close();
  }
  own.assertQuiet();
});

test('a lost server is counted down to, and a person who does not want to wait can try at once', { timeout: 120_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const { rules, prepare } = wire();
  const ada = await come(t, stage, identity, 'Ada', { prepare, expected: (text) => text.includes('WebSocket') });
  rules.down = true;
  await rules.close();
  const banner = ada.getByTestId('reconnecting');
  await banner.waitFor();
  await ada.getByTestId('retry-in').filter({ hasText: /Trying again in \d+ s/ }).waitFor();
  const before = rules.opened;
  await ada.getByTestId('try-now').click();
  await until(() => rules.opened > before, 'another try');
  // A server that is in trouble is no reason to be thrown out.
  rules.refuse['session.resume'] = 'server.internal';
  rules.down = false;
  await ada.getByTestId('try-now').click();
  await until(() => rules.refused > 0, 'the server to refuse');
  await ada.getByTestId('retry-in').filter({ hasText: /Trying again in \d+ s/ }).waitFor();
  assert.equal(await ada.getByTestId('room').isVisible(), true);
  rules.refuse = {};
  await ada.getByTestId('try-now').click();
  await banner.waitFor({ state: 'hidden' });
  await seesPeople(ada, 1);
  stage.assertQuiet();
});

test('a message while the chat is closed comes as a toast, counts in the title, and is answered from there', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  t.after(() => hanna.context().close());
  const { session } = await seat(stage, room.identity, 'Cy');
  t.after(() => session.close());
  await seesPeople(hanna, 2);
  const self = await hanna.locator('.tile.me').getAttribute('data-participant');
  await session.sendChat({ text: 'Is the door open?\nI am outside.' });
  const toast = hanna.getByTestId('toast');
  await toast.filter({ hasText: 'Cy: Is the door open?…' }).waitFor();
  assert.equal(await toast.locator('..').getAttribute('aria-live'), 'polite');
  await until(async () => (await hanna.title()) === '(1) Hosted room', 'the title to count');
  await session.sendChat({ text: 'Only for you', to: self });
  await toast.filter({ hasText: 'Cy, privately: Only for you' }).waitFor();
  await toast.getByText('Reply').click();
  await hanna.getByTestId('chat-panel').waitFor();
  await until(() => hanna.evaluate(() => document.activeElement?.dataset.testid === 'chat-input'), 'the field to have the focus');
  assert.match(await hanna.getByTestId('chat-to').textContent(), /Cy/);
  await toast.waitFor({ state: 'detached' });
  await until(async () => (await hanna.title()) === 'Hosted room', 'the title to count no more');
  stage.assertQuiet();
});

test('somebody who waits is announced by a tone and counted; what is switched off is not heard', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage, { lobby: true });
  const hanna = await host(stage, room, {
    init: [() => {
      globalThis.notes = 0;
      const { start } = OscillatorNode.prototype;
      OscillatorNode.prototype.start = function count(...given) {
        globalThis.notes += 1;
        return start.apply(this, given);
      };
    }],
  });
  t.after(() => hanna.context().close());
  const notes = () => hanna.evaluate(() => globalThis.notes);
  const before = await notes();
  const knocks = async (name) => {
    const session = new Session(stage.server.socket, { WebSocket });
    t.after(() => session.close());
    await session.guest({ display_name: name });
    await assert.rejects(session.joinRoom({ identity: room.identity }), { code: 'room.waiting' });
  };
  await knocks('Cy');
  await until(async () => (await notes()) > before, 'a knock to sound');
  await until(async () => (await hanna.title()) === '(1) Hosted room', 'the title to count');
  await hanna.evaluate(() => localStorage.setItem('meeting.notify.knock', 'false'));
  const heard = await notes();
  await knocks('Dan');
  await hanna.getByTestId('toast').filter({ hasText: '2 people wait' }).waitFor();
  assert.equal(await notes(), heard);
  stage.assertQuiet();
});

test('after Join the focus is on the room’s heading, and who listens hears where they are', { timeout: 60_000 }, async (t) => {
  const identity = await makeRoom(stage, { name: 'Reading' });
  const { session } = await seat(stage, identity, 'Cy');
  t.after(() => session.close());
  const ada = await come(t, stage, identity, 'Ada', {
    init: [() => {
      globalThis.heard = [];
      new MutationObserver((changes) => {
        for (const { addedNodes, target } of changes) {
          if (target.parentElement?.closest('[aria-live]') || target.ariaLive) for (const node of addedNodes) globalThis.heard.push(`${document.activeElement.tagName} ${node.textContent}`);
        }
      }).observe(document, { childList: true, subtree: true });
    }],
  });
  const focused = await ada.evaluate(() => [document.activeElement.tagName, document.activeElement.textContent]);
  assert.deepEqual(focused, ['H1', 'Reading']);
  assert.equal(await ada.evaluate(() => document.activeElement.closest('main, section')?.dataset.testid), 'stage');
  assert.equal(await ada.evaluate(() => document.querySelectorAll('h1').length), 1);
  await until(() => ada.evaluate(() => globalThis.heard.includes('H1 You are in; 2 people')), 'to hear it');
  await ada.getByTestId('leave').click();
  await ada.getByTestId('notice').waitFor();
  assert.equal(await ada.evaluate(() => document.querySelectorAll('h1').length), 1);
  assert.match(await ada.locator('main').textContent(), /It goes on without you/);
  stage.assertQuiet();
});

test('the last one out, a wrong link, a wrong number and an unknown path each have their words', { timeout: 60_000 }, async (t) => {
  const identity = await makeRoom(stage);
  const ada = await come(t, stage, identity, 'Ada');
  await ada.getByTestId('leave').click();
  await ada.getByText('Nobody is in any more').waitFor();
  // A person whose connection is lost is still in for the server, but not there for the others.
  const wire = line();
  const { session } = await seat(stage, identity, 'Cy', wire.WebSocket);
  t.after(() => session.close());
  await ada.getByTestId('rejoin').click();
  await seesPeople(ada, 2);
  wire.cut();
  await ada.locator('.tile.away').waitFor();
  await ada.getByTestId('leave').click();
  await ada.getByText('Everybody else has lost the connection').waitFor();
  await ada.goto(`${stage.origin}/r/${'x'.repeat(20)}`);
  await ada.getByTestId('notice').filter({ hasText: 'No room at this address' }).waitFor();
  assert.match(await ada.locator('main').textContent(), /Check that the link is whole/);
  await ada.goto(`${stage.origin}/r/999999999`);
  await ada.getByTestId('notice').filter({ hasText: 'No room with this number' }).waitFor();
  assert.match(await ada.locator('main').textContent(), /nine digits/);
  await ada.evaluate(() => {
    history.pushState(null, '', '/no/such/page');
    dispatchEvent(new PopStateEvent('popstate'));
  });
  await ada.getByTestId('notice').filter({ hasText: 'There is nothing at this address' }).waitFor();
  stage.assertQuiet();
});

test('everything on the tab of a speaker can be told from its colour, in both themes', { timeout: 60_000 }, async (t) => {
  const page = await visit(stage, '/', { context: { reducedMotion: 'reduce' } });
  t.after(() => page.context().close());
  const found = await page.evaluate(async () => {
    const { tile } = await import('/js/views/room/tile.js');
    const made = tile('ada', { pin() {}, more() {} });
    made.node.style.cssText = 'width:400px;height:300px';
    document.body.replaceChildren(made.node);
    const participant = { id: 'ada', user: { id: 'u' }, display_name: 'Ada', connection: 'online', tracks: [] };
    const draw = (more) => made.update({ participant, self: false, speaking: true, hand: 0, muted: false, media: null, ratio: 1.3,
      small: false, pinned: true, spotlit: false, score: 3, ...more }, () => {});
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgb = (colour, opacity, under) => {
      paint.globalAlpha = 1;
      paint.fillStyle = under ?? '#fff';
      paint.fillRect(0, 0, 1, 1);
      paint.globalAlpha = opacity;
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (parts) => {
      const [r, g, b] = parts.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const results = [];
    for (const theme of ['light', 'dark']) {
      document.documentElement.dataset.theme = theme;
      for (const more of [{}, { muted: true }, { score: 2 }, { score: 1 }]) {
        draw(more);
        made.node.classList.add('speaking');
        await new Promise((resolve) => setTimeout(resolve, 300));
        const tab = made.node.querySelector('.tab');
        const ground = getComputedStyle(tab).backgroundColor;
        for (const part of tab.querySelectorAll('.lv i, .mo, .bars rect, .nm, .i.xs')) {
          if (!part.checkVisibility()) continue;
          const style = getComputedStyle(part);
          const colour = part.matches('.lv i') ? style.backgroundColor : part.matches('rect') ? style.fill : style.color;
          const [a, b] = [rgb(colour, Number(style.opacity), ground), rgb(ground, 1)].map(light);
          results.push({ theme, part: part.className.baseVal ?? part.className ?? part.tagName, tag: part.tagName,
            ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
        }
      }
    }
    return results;
  });
  assert.ok(found.length > 40, `${found.length} parts`);
  assert.deepEqual(found.filter(({ ratio }) => ratio < 3), []);
});
