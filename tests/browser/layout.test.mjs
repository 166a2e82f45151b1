/**
 * Where things stand in the room, from a wide window to the narrowest phone: nothing lies on a shared screen, what can be
 * chosen can be reached, tools stay where they are.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom, seat, seesScreen, shareScreen } from './hosted.mjs';
import { guest, seesPeople } from './page-people.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const PHONES = [{ width: 390, height: 844 }, { width: 320, height: 568 }];
const SIZES = [{ width: 1280, height: 800 }, { width: 768, height: 1024 }, { width: 844, height: 390 }, ...PHONES];

let stage;
before(async () => {
  stage = await openStage();
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

/** Closes a test's pages at its end. @param {any} t @param {...any} pages */
function together(t, ...pages) {
  t.after(() => Promise.all(pages.map((page) => page.context().close())));
}

/** Somebody whose picture is of no interest here. @param {any} identity @param {string} name @param {object} [options] */
async function plain(identity, name, options) {
  const page = await guest(stage, identity, name, options);
  await page.getByTestId('camera').click();
  return page;
}

/**
 * What of the window everything that can be seen takes, once nothing moves any more.
 * @param {any} page
 * @param {Record<string, string>} selectors
 * @returns {Promise<Record<string, {left: number, top: number, right: number, bottom: number}[]>>}
 */
function boxes(page, selectors) {
  return page.evaluate(async (selectors) => {
    // Two frames: what a window's new width changes is measured in one and drawn in the next.
    for (let n = 0; n < 2; n++) await new Promise((resolve) => requestAnimationFrame(resolve));
    const finite = document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity);
    await Promise.all(finite.map((one) => one.finished.catch(() => {})));
    const found = {};
    for (const [name, selector] of Object.entries(selectors)) {
      found[name] = [...document.querySelectorAll(selector)]
        .map((node) => node.getBoundingClientRect())
        .filter(({ width, height }) => width > 0 && height > 0)
        .map(({ left, top, right, bottom }) => ({ left, top, right, bottom }));
    }
    return found;
  }, selectors);
}

const PIXEL = 1;
const meet = (a, b) =>
  a.left < b.right - PIXEL && b.left < a.right - PIXEL && a.top < b.bottom - PIXEL && b.top < a.bottom - PIXEL;
const isInside = (box, { width, height }) =>
  box.left >= -PIXEL && box.top >= -PIXEL && box.right <= width + PIXEL && box.bottom <= height + PIXEL;

/** What the server says of the pictures from now on, as if the connection were too slow for them, once `narrow` is set. */
function narrowed() {
  globalThis.narrow = false;
  const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
  Object.defineProperty(MessageEvent.prototype, 'data', {
    get() {
      const data = get.call(this);
      if (!globalThis.narrow || typeof data !== 'string' || !data.includes('"media.slots"')) return data;
      const frame = JSON.parse(data);
      const slots = frame.data.slots.map((slot) => (slot.track && slot.kind === 'video' ? { ...slot, layer: null, reason: 'bandwidth' } : slot));
      return JSON.stringify({ ...frame, data: { ...frame.data, slots } });
    },
  });
}

const TOOLS = { header: '.head', toolbar: 'nav.bar' };

test('two people share their screens', { timeout: 300_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room, { context: PHONE, init: [narrowed] });
  await hanna.getByTestId('camera').tap();
  const ada = await plain(room.identity, 'Ada');
  const bo = await plain(room.identity, 'Bo');
  together(t, hanna, ada, bo);
  for (const page of [hanna, ada, bo]) await seesPeople(page, 3);
  await shareScreen(bo, 480, 640);
  await ada.getByText('Bo is presenting').waitFor();
  await seesScreen(ada, true);

  await t.test('the line that says one shares lies over nothing, and gives its room back', async () => {
    const stageAt = async () => (await boxes(ada, { stage: '.stage' })).stage[0];
    const empty = await stageAt();
    await shareScreen(ada, 1280, 720);
    for (const size of SIZES) {
      await ada.setViewportSize(size);
      const covered = { ...TOOLS, stage: '.stage', screen: '[data-testid="screen"]', tiles: '.tile' };
      const found = await boxes(ada, { line: '[data-testid="sharing"]', stop: '[data-testid="sharing"] button', ...covered });
      const [line] = found.line;
      assert.ok(isInside(line, size) && isInside(found.stop[0], size), `the line is inside at ${size.width}`);
      assert.equal(found.screen.length, 1, `the screen is there at ${size.width}`);
      for (const name of Object.keys(covered)) {
        for (const box of found[name]) assert.ok(!meet(line, box), `the line lies over the ${name} at ${size.width}`);
      }
    }
    await ada.setViewportSize(SIZES[0]);
    await ada.getByTestId('sharing').getByRole('button').click();
    await ada.getByTestId('sharing').waitFor({ state: 'hidden' });
    await until(async () => JSON.stringify(await stageAt()) === JSON.stringify(empty), 'the stage as it was');
    await shareScreen(ada, 1280, 720);
  });

  await t.test('messages stand beside a shared screen or below it, and never on the tools', async () => {
    await ada.getByTestId('mic').click();
    const who = hanna.getByTestId('tile').filter({ has: hanna.getByText('Ada', { exact: true }) });
    for (const size of SIZES) {
      await ada.setViewportSize(size);
      await who.tap();
      await hanna.getByTestId('ask-unmute').tap();
      await ada.getByTestId('toast').filter({ hasText: 'Hanna asks you to speak' }).waitFor();
      const found = await boxes(ada, { toast: '[data-testid="toast"]', screen: '[data-testid="screen"]', ...TOOLS });
      const [toast] = found.toast;
      assert.ok(isInside(toast, size), `the message is inside at ${size.width}`);
      for (const [name, all] of Object.entries(found)) {
        if (name === 'toast') continue;
        for (const box of all) assert.ok(!meet(toast, box), `the message lies over the ${name} at ${size.width}`);
      }
      await ada.evaluate(() => document.querySelector('[data-testid="toast"]').remove());
    }
    await ada.setViewportSize(SIZES[0]);
  });

  await t.test('on a phone the screens can be chosen while a panel is open', async () => {
    const choice = hanna.getByTestId('screen-choice');
    const checked = () => choice.getByRole('radio', { checked: true }).textContent();
    // The sentence that says why the screen is blurry takes nothing from what can be chosen.
    await hanna.evaluate(() => (globalThis.narrow = true));
    const [first, second] = (await checked()) === 'Ada' ? ['Bo', 'Ada'] : ['Ada', 'Bo'];
    const why = hanna.getByTestId('screen-why').filter({ hasText: 'too slow' });
    // The server speaks of a slot when it carries something else: back at once would be no change.
    for (const name of [first, second]) {
      await choice.getByText(name, { exact: true }).tap();
      await why.waitFor();
    }
    for (const size of PHONES) {
      await hanna.setViewportSize(size);
      for (const [opener, panel] of [['chat-narrow', 'chat'], ['people-narrow', 'people']]) {
        const where = `${panel} at ${size.width}`;
        await hanna.getByTestId(opener).tap();
        await hanna.locator(`#${panel}`).waitFor();
        const found = await boxes(hanna, {
          choices: '[data-testid="screen-of"]',
          screen: '[data-testid="screen"]',
          panel: `#${panel}`,
          because: '[data-testid="screen-because"]',
          ...TOOLS,
        });
        assert.equal(found.choices.length, 2, where);
        const [screen] = found.screen;
        assert.equal(found.because.length, 1, `the sentence can be reached: ${where}`);
        assert.ok(isInside(found.because[0], size), `inside: ${where}`);
        assert.ok(screen.bottom - screen.top >= size.height / 10, `the screen can be made out: ${where}`);
        for (const box of found.choices) {
          const [wide, high] = [box.right - box.left, box.bottom - box.top];
          assert.ok(wide >= 72 && high >= 44, `${wide} × ${high}: large enough for a finger and a name: ${where}`);
          assert.ok(isInside(box, size), `inside: ${where}`);
          for (const other of [screen, ...found.because, ...found.panel, ...found.header, ...found.toolbar]) {
            assert.ok(!meet(box, other), `covered by nothing: ${where}`);
          }
        }
        const cut = await choice.locator('button').evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
        assert.equal(cut, 0, `short names are read whole: ${where}`);
        const other = (await checked()) === 'Ada' ? 'Bo' : 'Ada';
        await hanna.getByTestId('screen-because').tap();
        const told = await boxes(hanna, { why: '[data-testid="screen-why"]', screen: '[data-testid="screen"]', panel: `#${panel}`, ...TOOLS });
        for (const [name, all] of Object.entries(told)) {
          if (name === 'why') assert.ok(all.length === 1 && all[0].right - all[0].left > 100 && isInside(all[0], size), `it is read: ${where}`);
          else for (const box of all) assert.ok(!meet(told.why[0], box), `the sentence lies over the ${name}: ${where}`);
        }
        await hanna.getByTestId('screen-because').tap();
        await choice.getByText(other, { exact: true }).tap();
        await until(async () => (await checked()) === other, `the other screen: ${where}`);
        await seesScreen(hanna, other === 'Bo');
        await hanna.getByTestId(opener).tap();
        await hanna.locator(`#${panel}`).waitFor({ state: 'hidden' });
      }
    }
  });

  await t.test("on a phone all that can be done with a person is reached in their sheet", async () => {
    await ada.getByTestId('hand').click();
    const who = hanna.getByTestId('tile').filter({ has: hanna.getByText('Ada', { exact: true }) });
    const sheet = hanna.getByRole('menu');
    const cdp = await hanna.context().newCDPSession(hanna);
    /** A finger goes over the sheet. @param {number} from pixels from the top @param {number} to */
    const swipe = async (from, to) => {
      const touch = async (type, ...ys) => {
        await cdp.send('Input.dispatchTouchEvent', { type, touchPoints: ys.map((y) => ({ x: 160, y })) });
        // As slow as a finger: what comes within one frame may be taken for a tap.
        await hanna.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      };
      await touch('touchStart', from);
      for (let n = 1; n <= 8; n++) await touch('touchMove', from + ((to - from) * n) / 8);
      await touch('touchEnd');
    };
    /** Whether all of an entry can be touched. */
    const lies = (entry) =>
      entry.evaluate((node) => {
        const { left, right, top, bottom } = node.getBoundingClientRect();
        return [top + 4, bottom - 4].every((y) => node.contains(document.elementFromPoint((left + right) / 2, y)));
      });
    for (const size of PHONES) {
      await hanna.setViewportSize(size);
      await who.tap();
      await sheet.waitFor();
      const entries = sheet.getByRole('menuitem');
      await until(async () => (await entries.count()) === 12, 'everything a host can do');
      const fits = async (where) => {
        const found = await boxes(hanna, { sheet: '.menu.pop', title: '.menu.pop > .ttl:first-child' });
        assert.ok(isInside(found.sheet[0], size), `the sheet is inside: ${where}`);
        assert.ok(isInside(found.title[0], size) && found.title[0].top >= found.sheet[0].top - PIXEL, `the name stays: ${where}`);
        const at = await sheet.locator('.ttl').first().evaluate((node) => {
          const { left, top } = node.getBoundingClientRect();
          return document.elementFromPoint(left + 24, top + 16) === node;
        });
        assert.ok(at, `nothing is drawn on the name: ${where}`);
      };
      const where = `at ${size.width}`;
      assert.ok(await sheet.evaluate((node) => node.scrollHeight > node.clientHeight), `there is more than fits ${where}`);
      await until(() => lies(entries.first()), `the first action ${where}`);
      await fits(`at the top ${where}`);
      const [low, high] = [size.height * 0.8, size.height * 0.4];
      await until(async () => (await swipe(low, high), lies(entries.last())), `the last action by touch ${where}`);
      await fits(`at the end ${where}`);
      await until(async () => (await swipe(high, low), lies(entries.first())), `the first action again by touch ${where}`);
      for (const [key, entry] of [['End', entries.last()], ['Home', entries.first()]]) {
        await hanna.keyboard.press(key);
        await until(() => entry.evaluate((node) => node === document.activeElement), `${key} ${where}`);
        await until(() => lies(entry), `what ${key} leads to ${where}`);
        await fits(`after ${key} ${where}`);
      }
      await hanna.keyboard.press('Escape');
      await sheet.waitFor({ state: 'detached' });
    }
    // The last one does what it says.
    await who.tap();
    await hanna.keyboard.press('End');
    await sheet.getByTestId('remove').tap();
    await hanna.getByTestId('remove-only').tap();
    await ada.getByTestId('notice').filter({ hasText: 'A host removed you' }).waitFor();
  });
});

test('tools stay where they are, however long the name is and whatever runs beside it', { timeout: 240_000 }, async (t) => {
  for (const name of ['A room whose name is as long as a name may be, sixty-four signs.', '一个名字特别长的会议室'.repeat(6).slice(0, 64)]) {
    const room = await hostedRoom(stage, { name });
    const page = await host(stage, room, { locale: name.startsWith('A') ? 'en-US' : 'zh-CN' });
    together(t, page);
    const places = () => boxes(page, { tools: 'nav.bar .mid button, nav.bar .rt button, .head > .tool' });
    const wide = async (size) => {
      const { bars } = await boxes(page, { bars: 'nav.bar, .head' });
      for (const bar of bars) assert.ok(isInside(bar, size), `nothing sticks out at ${size.width}`);
      const { tools } = await places();
      assert.ok(tools.length >= 6 && tools.every((box) => isInside(box, size)), `every tool is inside at ${size.width}`);
      return JSON.stringify(tools);
    };
    /** The clock shows something wider or narrower, and the tools are looked at before it ticks. @param {string} words */
    const clockSays = async (words, size) => {
      await page.evaluate((words) => {
        for (const clock of document.querySelectorAll('.rinfo > .num')) clock.textContent = words;
      }, words);
      return wide(size);
    };
    const sizes = [{ width: 1440, height: 900 }, { width: 1024, height: 768 }, { width: 768, height: 1024 }, ...PHONES];
    const before = new Map();
    for (const size of sizes) {
      await page.setViewportSize(size);
      before.set(size, await wide(size));
      assert.equal(await clockSays('1:11 AM', size), before.get(size), `a short time at ${size.width}`);
      assert.equal(await clockSays('12:58:58 下午 PM', size), before.get(size), `a long time at ${size.width}`);
    }
    await page.getByTestId('more').click();
    await page.getByTestId('more-timer').click();
    await page.getByTestId('timer-minutes').fill('120');
    await page.getByTestId('timer-go').click();
    for (const size of sizes) {
      await page.setViewportSize(size);
      await page.locator('[data-testid="timer"]:visible').waitFor();
      assert.equal(await wide(size), before.get(size), `a timer at ${size.width}`);
    }
  }
});

test('the toolbar is one tab stop, through every width', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const page = await host(stage, room);
  together(t, page);
  const { session } = await seat(stage, room.identity, 'Bo');
  t.after(() => session.close());
  await seesPeople(page, 2);
  const stops = () =>
    page.evaluate(() =>
      [...document.querySelectorAll('nav.bar button')].filter((one) => one.tabIndex === 0 && one.offsetParent !== null).length);
  const isIn = () => page.evaluate(() => document.activeElement?.closest('nav.bar') !== null);
  for (const name of ['room-info', 'share', 'react', 'layout', 'people', 'chat', 'leave']) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByTestId(name).focus();
    assert.equal(await stops(), 1, `${name} at 1280`);
    for (const width of [800, 390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await until(async () => (await stops()) === 1, `one stop at ${width}, after ${name}`);
      // Tab goes in once and out again, whichever of the buttons is the stop.
      await page.locator('main.stage .tile[tabindex="0"]').focus();
      for (let n = 0; n < 20 && !(await isIn()); n++) await page.keyboard.press('Tab');
      assert.ok(await isIn(), `the toolbar is reached at ${width}, after ${name}`);
      await page.keyboard.press('ArrowRight');
      assert.ok((await isIn()) && (await stops()) === 1, `the arrows walk at ${width}, after ${name}`);
      await page.keyboard.press('Shift+Tab');
      assert.ok(!(await isIn()), `left backwards by one key at ${width}, after ${name}`);
      await page.keyboard.press('Tab');
      assert.ok(await isIn(), `and entered again at ${width}, after ${name}`);
      await page.keyboard.press('Tab');
      assert.ok(!(await isIn()), `left forwards by one key at ${width}, after ${name}`);
    }
  }
});

test('on a low page an open panel takes the place of the stage, and the tools stay', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const page = await host(stage, room);
  together(t, page);
  // A phone on its side, and a window zoomed to 200 %.
  for (const size of [{ width: 844, height: 390 }, { width: 720, height: 450 }]) {
    await page.setViewportSize(size);
    for (const [panel, key] of [['chat', 'c'], ['people', 'p']]) {
      await page.keyboard.press(`Control+Alt+${key}`);
      const lies = async (one, height) => {
        const box = await one.boundingBox();
        return box !== null && box.height >= height && box.y >= 0 && box.y + box.height <= size.height;
      };
      const where = `${panel} at ${size.width}×${size.height}`;
      await until(() => lies(page.getByTestId(`${panel}-panel`), 200), where);
      if (panel === 'chat') {
        await page.getByTestId('chat-input').focus();
        await until(() => lies(page.getByTestId('chat-input'), 20), `the field of the ${where}`);
      }
      for (const tool of ['mic', 'camera', 'leave']) await until(() => lies(page.getByTestId(tool), 40), `${tool} beside ${where}`);
      await page.keyboard.press('Escape');
      await page.getByTestId('stage').waitFor();
    }
  }
});
