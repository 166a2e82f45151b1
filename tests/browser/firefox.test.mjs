/** Firefox and Chromium in one room, by the page as people use it: each must see and hear the other. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openFirefox } from './firefox.mjs';
import { openStage, until } from './harness.mjs';
import { guest, names, seesAndHears, seesPeople } from './page_people.mjs';
import { makeRoom } from './rooms.mjs';

let stage;
let firefox;
before(async () => {
  stage = await openStage();
  firefox = await openFirefox(stage);
});
after(async () => {
  await firefox?.close();
  await stage?.close();
});
afterEach(() => {
  stage.assertQuiet();
  firefox.assertQuiet();
});

/** Leaves the browsers without pages when a test ends. */
function together(t, ...pages) {
  t.after(() => Promise.all(pages.map((page) => page.context().close())));
  return pages;
}

for (const topology of ['sfu', 'p2p']) {
  test(`${topology}: Firefox and Chromium see and hear each other, and share a screen both ways`, { timeout: 240_000 }, async (t) => {
    const identity = await makeRoom(stage, { topology, name: `Both ${topology}` });
    const [fox] = together(t, await guest(firefox, identity, 'Fox'));
    const [ada] = together(t, await guest(stage, identity, 'Ada'));
    const pages = [fox, ada];
    await Promise.all(pages.map((page) => seesPeople(page, 2)));
    assert.deepEqual((await names(fox)).map((name) => name.trim()).sort(), (await names(ada)).map((name) => name.trim()).sort());
    await Promise.all(pages.map((page) => seesAndHears(page, { video: 1, audio: 1, seconds: 3 })));
    for (const [sharer, viewer] of [[fox, ada], [ada, fox]]) {
      await sharer.getByTestId('share').click();
      await until(
        () => viewer.evaluate(() => document.querySelector('[data-testid="screen"]')?.videoWidth > 0),
        'the shared screen',
      );
      await sharer.getByTestId('stop-share').click();
      await viewer.getByTestId('screen').waitFor({ state: 'detached' });
    }
  });
}
