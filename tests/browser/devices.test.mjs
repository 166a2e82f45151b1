/** Microphone, camera and speaker: what the page says of them, and what it does when they come, go and fail. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { en, zh } from '../client/words.mjs';
import { fakeDevices } from './fake-devices.mjs';
import { openStage, until } from './harness.mjs';
import { guest, seesAndHears, visit } from './page-people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
let identity;
before(async () => {
  stage = await openStage();
  identity = await makeRoom(stage);
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

/** Closes a test's pages at its end. */
function together(t, ...pages) {
  t.after(() => Promise.all(pages.map((page) => page.context().close())));
  return pages;
}

const init = [fakeDevices];
const toast = (page, words) => page.getByTestId('toast').filter({ hasText: words });
const pressed = (page, button) => page.getByTestId(button).getAttribute('aria-pressed');

/** The dialog "Sound and picture", from inside a meeting. @param {any} page */
async function openSound(page) {
  await page.getByTestId('more').click();
  await page.getByTestId('more-devices').click();
  await page.getByTestId('devices').waitFor();
}

const FAILURES = [
  { name: 'NotAllowedError', message: 'Permission denied', problem: 'denied' },
  { name: 'NotAllowedError', message: 'Permission dismissed', problem: 'dismissed' },
  { name: 'NotAllowedError', message: 'Permission denied by system', problem: 'system' },
  { name: 'SecurityError', message: 'no', problem: 'denied' },
  { name: 'NotFoundError', message: 'Requested device not found', problem: 'missing' },
  { name: 'NotReadableError', message: 'Could not start video source', problem: 'busy' },
  { name: 'OverconstrainedError', message: '', problem: 'unsuitable' },
  { name: 'TypeError', message: 'no', problem: 'unknown' },
];

for (const [locale, words] of [['en-GB', en], ['zh-CN', zh]]) {
  test(`every failure of a device is said in words (${locale})`, { timeout: 120_000 }, async (t) => {
    const [page] = together(t, await visit(stage, `/r/${identity}`, { init, locale }));
    for (const { problem, ...error } of FAILURES) {
      await page.evaluate((refuse) => sessionStorage.setItem('refuse', JSON.stringify(refuse)), {
        audioinput: error,
        videoinput: error,
      });
      await page.reload({ waitUntil: 'domcontentloaded' });
      const blocked = page.getByTestId('blocked');
      await blocked.getByRole('heading', { name: words[`device.camera.${problem}`], exact: true }).waitFor();
      await blocked.getByText(words[`device.camera.${problem}.do`], { exact: true }).waitFor();
      await page.getByTestId('meter').getByText(words[`device.microphone.${problem}`], { exact: true }).waitFor();
      await page.getByTestId('join').filter({ hasText: words['join.withoutBoth'] }).waitFor();
    }
    // The other scripts of this page ask for the devices themselves, and fail without them.
    const bare = await stage.page(null, { context: { locale } });
    together(t, bare);
    await bare.addInitScript(() => Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined }));
    await bare.goto(`${stage.origin}/r/${identity}`);
    await bare.getByRole('heading', { name: words['device.camera.insecure'], exact: true }).waitFor();
    await bare.getByText(words['device.microphone.insecure'], { exact: true }).waitFor();
  });
}

test('what fails fails alone, and works again when it is asked for again', { timeout: 180_000 }, async (t) => {
  const [page] = together(t, await visit(stage, '/', { init }));
  await page.evaluate(() =>
    sessionStorage.setItem('refuse', JSON.stringify({ videoinput: { name: 'NotReadableError' } })));
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByTestId('blocked').getByText(en['device.camera.busy']).waitFor();
  await page.getByTestId('meter').getByText(en['meter.heard']).waitFor();
  await page.getByTestId('join').filter({ hasText: en['join.withoutCamera'] }).waitFor();
  await page.evaluate(() => (globalThis.refuse = {}));
  await page.getByTestId('blocked').getByRole('button').click();
  await page.getByTestId('blocked').waitFor({ state: 'hidden' });
  await page.getByTestId('join').filter({ hasText: en['join.now'] }).waitFor();
});

test('devices come, are used on demand, go in mid-call, and come back', { timeout: 240_000 }, async (t) => {
  const ada = await guest(stage, identity, 'Ada', { init });
  const bo = await guest(stage, identity, 'Bo');
  together(t, ada, bo);
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 1 });
  const opened = () => ada.evaluate(() => globalThis.opened.at(-1));
  assert.equal(await opened(), 'lid');

  await t.test('a headset is a microphone and a speaker, and one button takes both', async () => {
    await ada.evaluate(() => {
      globalThis.plug('audioinput', 'head', 'Headset');
      globalThis.plug('audiooutput', 'ears', 'Headset');
      globalThis.changed();
    });
    await toast(ada, 'Headset is connected').getByRole('button', { name: 'Use it' }).click();
    await until(async () => (await opened()) === 'head', 'the headset');
    const elements = () => ada.evaluate(() => [...document.querySelectorAll('[data-testid="sinks"] audio')].map((one) => one.sinkId));
    await until(async () => (await elements()).length > 0 && (await elements()).every((id) => id === 'ears'), 'the speaker');
    await seesAndHears(bo, { video: 1, audio: 1, seconds: 1 });
  });

  await t.test('pulled out, another one takes its place, and it is said', async () => {
    await ada.evaluate(() => {
      globalThis.unplug('head');
      globalThis.changed();
    });
    await toast(ada, 'Microphone is now Desk microphone').waitFor();
    assert.equal(await opened(), 'desk');
    assert.equal(await pressed(ada, 'mic'), 'true');
    await seesAndHears(bo, { video: 1, audio: 1, seconds: 2 });
    await ada.evaluate(() => {
      globalThis.unplug('ears');
      globalThis.changed();
    });
    await toast(ada, 'Sound now comes from Loudspeaker').waitFor();
    const ids = await ada.evaluate(() => [...document.querySelectorAll('[data-testid="sinks"] audio')].map((one) => one.sinkId));
    assert.ok(ids.length > 0 && ids.every((id) => id === ''), 'nothing plays on a device that is gone');
  });

  await t.test('back again, it is used again without being asked', async () => {
    await ada.evaluate(() => {
      globalThis.plug('audioinput', 'head-2', 'Headset');
      globalThis.changed();
    });
    await toast(ada, 'Microphone is now Headset').waitFor();
    assert.equal(await opened(), 'head-2', 'known by its name, although its id is new');
    await ada.evaluate(() => {
      globalThis.plug('audiooutput', 'ears-2', 'Headset');
      globalThis.changed();
    });
    await toast(ada, 'Sound now comes from Headset').waitFor();
    await seesAndHears(bo, { video: 1, audio: 1, seconds: 2 });
  });

  await t.test('who is muted stays so on another microphone', async () => {
    await ada.getByTestId('mic').click();
    await ada.evaluate(() => {
      globalThis.unplug('head-2');
      globalThis.changed();
    });
    await toast(ada, 'Microphone is now Desk microphone').waitFor();
    assert.equal(await pressed(ada, 'mic'), 'false');
    const live = await ada.evaluate(() => globalThis.watchedTracks.filter((one) => one.kind === 'audio' && one.readyState === 'live').map((one) => one.enabled));
    assert.deepEqual(live, [false]);
    await ada.getByTestId('mic').click();
  });

  await t.test('the last one gone is said, and the meeting goes on without', async () => {
    await ada.evaluate(() => {
      globalThis.unplug('lid');
      globalThis.changed();
    });
    await toast(ada, en['toast.camera.lost']).waitFor();
    assert.equal(await pressed(ada, 'camera'), 'false');
    const tile = bo.getByTestId('tile').filter({ hasText: 'Ada' });
    await until(async () => (await tile.getAttribute('class')).includes('off'), 'the avatar');
    await ada.getByTestId('camera').click();
    await toast(ada, en['device.camera.missing']).waitFor();
  });
});

test('the page says that one talks while muted, and that it hears nothing', { timeout: 240_000 }, async (t) => {
  const [page] = together(t, await guest(stage, identity, 'Cy', { init }));
  await page.getByTestId('mic').click();
  // What was said of the key first makes room; it is said once.
  await toast(page, en['toast.muted']).waitFor();
  await page.getByTestId('toast').filter({ hasNot: page.getByRole('button') }).waitFor({ state: 'hidden' });
  await toast(page, en['toast.muted']).getByRole('button', { name: 'Unmute' }).click();
  await until(async () => (await pressed(page, 'mic')) === 'true', 'the microphone');
  await page.evaluate(() => (globalThis.voice = 0));
  await toast(page, en['meter.silent']).getByRole('button', { name: 'Change' }).click();
  await page.getByTestId('devices').waitFor();
  await page.getByTestId('hints').uncheck();
  await page.keyboard.press('Escape');
  await page.evaluate(() => {
    globalThis.voice = 0.3;
    globalThis.listened = 0;
    const { getFloatTimeDomainData: read } = AnalyserNode.prototype;
    AnalyserNode.prototype.getFloatTimeDomainData = function (samples) {
      read.call(this, samples);
      if (samples.some((one) => one > 0.1)) globalThis.listened += 1;
    };
  });
  await page.getByTestId('mic').click();
  await page.getByTestId('toast').waitFor({ state: 'hidden' });
  await until(() => page.evaluate(() => globalThis.listened > 20), 'two seconds of talking while muted');
  assert.equal(await page.getByTestId('toast').count(), 0, 'who does not want to be told is not told');
});

test('the speaker is chosen, tested, remembered, and replaced when it is gone', { timeout: 180_000 }, async (t) => {
  const [page] = together(t, await visit(stage, '/', { init }));
  const two = () => globalThis.plug('audiooutput', 'ears', 'Headphones');
  await page.addInitScript(two);
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByTestId('meter').getByText(en['meter.heard']).waitFor();
  await page.getByRole('button', { name: 'Speaker: Loudspeaker' }).click();
  await page.getByRole('menuitemradio', { name: 'Headphones' }).click();
  await page.getByRole('button', { name: 'Speaker: Headphones' }).waitFor();

  // What the tone gives to its element, and which device that one plays on.
  await page.evaluate(() => {
    const { play } = HTMLMediaElement.prototype;
    globalThis.tone = { sink: null, loudest: 0 };
    HTMLMediaElement.prototype.play = function () {
      if (!this.isConnected && this.srcObject?.getAudioTracks().length) {
        const context = new AudioContext();
        const analyser = context.createAnalyser();
        context.createMediaStreamSource(this.srcObject).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        setInterval(() => {
          analyser.getFloatTimeDomainData(samples);
          globalThis.tone = { sink: this.sinkId, loudest: Math.max(globalThis.tone.loudest, ...samples) };
        }, 50);
      }
      return play.call(this);
    };
  });
  await page.getByRole('button', { name: 'Speaker: Headphones' }).click();
  await page.getByRole('menuitem', { name: 'Play a test tone' }).click();
  await until(() => page.evaluate(() => globalThis.tone.loudest > 0.05 && globalThis.tone.sink === 'ears'), 'the tone on the headphones');

  await page.reload();
  await page.getByRole('button', { name: 'Speaker: Headphones' }).waitFor();
  await page.getByTestId('name').fill('Di');
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  const [ed] = together(t, await guest(stage, identity, 'Ed'));
  const sinks = () => page.evaluate(() => [...document.querySelectorAll('[data-testid="sinks"] audio')].map((one) => one.sinkId));
  await until(async () => (await sinks()).includes('ears'), 'the voices on the headphones');
  await seesAndHears(page, { video: 1, audio: 1, seconds: 1 });
  assert.ok(ed);

  // A remembered one that is gone when one comes: the system's choice, without a word.
  const gone = await page.context().newPage();
  await gone.addInitScript(fakeDevices);
  await gone.goto(`${stage.origin}/r/${identity}`);
  await gone.getByRole('button', { name: 'Speaker: Loudspeaker' }).waitFor();
  await gone.getByTestId('meter').getByText(en['meter.heard']).waitFor();
});

test('the background is blurred where the browser can, and where it cannot it is said', { timeout: 180_000 }, async (t) => {
  const [page] = together(t, await visit(stage, '/', { init }));
  const open = async (blurs) => {
    await page.evaluate((value) => sessionStorage.setItem('blurs', JSON.stringify(value)), blurs);
    await page.goto(`${stage.origin}/r/${identity}`);
    await page.getByTestId('blocked').waitFor({ state: 'hidden' });
    await until(() => page.evaluate(() => globalThis.opened.includes('lid')), 'the camera');
    await page.getByRole('button', { name: /^Camera: / }).click();
    await page.getByRole('menuitem', { name: 'Sound and picture' }).click();
    await page.getByTestId('devices').waitFor();
  };
  await open(null);
  await page.getByTestId('blur-none').filter({ hasText: en['sound.blur.none'] }).waitFor();
  assert.equal(await page.getByTestId('blur').isVisible(), false);

  await open({ offered: [true, false], on: false });
  const isOn = () => page.evaluate(() => globalThis.blurs.on);
  await page.getByTestId('blur').check();
  await until(isOn, 'the blur');
  assert.equal(await page.getByTestId('blur-none').isVisible(), false);
  // Remembered, with the camera that is opened next time.
  await open({ offered: [true, false], on: false });
  await until(isOn, 'the blur again');
  await until(() => page.getByTestId('blur').isChecked(), 'the tick');
  await page.getByTestId('blur').uncheck();
  await until(async () => !(await isOn()), 'no blur');

  // Some systems have it in their own menu alone, and tell when it was switched there.
  await open({ offered: [false], on: false });
  await page.getByTestId('blur-none').filter({ hasText: en['sound.blur.none'] }).waitFor();
  await page.evaluate(() => {
    globalThis.blurs = { offered: [true], on: true };
    globalThis.watchedTracks.at(-1).dispatchEvent(new Event('configurationchange'));
  });
  await page.getByTestId('blur-none').filter({ hasText: en['sound.blur.system'] }).waitFor();
});

test('Space talks for those who want it to', { timeout: 180_000 }, async (t) => {
  const [page] = together(t, await guest(stage, identity, 'Flo', { init }));
  const isOn = async () => (await pressed(page, 'mic')) === 'true';
  /** What the page did with each press of the key: took it, or left it to the browser. */
  const taken = () => page.evaluate(() => globalThis.taken);
  await page.evaluate(() => {
    globalThis.taken = [];
    addEventListener('keydown', (event) => {
      if (event.code === 'Space') setTimeout(() => globalThis.taken.push(event.defaultPrevented));
    }, { capture: true });
  });
  await page.getByTestId('mic').click();
  await page.getByTestId('stage').focus();
  await page.keyboard.down('Space');
  await until(isOn, 'the microphone');
  // A window that loses the focus never hears of the key's end.
  await page.evaluate(() => window.dispatchEvent(new Event('blur')));
  await until(async () => !(await isOn()), 'silence');
  await page.keyboard.up('Space');

  for (const optOut of [
    async (on) => {
      await openSound(page);
      await page.getByTestId('push-to-talk').setChecked(on);
      await page.keyboard.press('Escape');
      await page.getByTestId('devices').waitFor({ state: 'detached' });
    },
    async (on) => {
      await page.getByTestId('more').click();
      await page.getByTestId('more-shortcuts').click();
      await page.getByTestId('shortcuts-on').setChecked(on);
      await page.keyboard.press('Escape');
    },
  ]) {
    await optOut(false);
    await page.getByTestId('stage').focus();
    await page.evaluate(() => globalThis.taken.splice(0));
    await page.keyboard.press('Space');
    await until(async () => (await taken()).length === 1, 'the key');
    assert.deepEqual(await taken(), [false], 'the key is the browser’s again');
    assert.equal(await isOn(), false);
    await optOut(true);
    await page.getByTestId('stage').focus();
    await page.keyboard.down('Space');
    await until(isOn, 'the microphone');
    await page.keyboard.up('Space');
    await until(async () => !(await isOn()), 'silence');
  }
});
