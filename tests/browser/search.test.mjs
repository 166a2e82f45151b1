/** What people type into a search finds what others wrote, in the meeting as in the list of rooms. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { host, hostedRoom, seat } from './hosted.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

test('people are found by any spelling of their names', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const names = ['Straße', 'İnci', 'ΣΊΣΥΦΟΣ', ...Array.from({ length: 9 }, (_, number) => `Guest ${number}`)];
  const seats = await Promise.all(names.map((name) => seat(stage, room.identity, name)));
  t.after(() => seats.forEach(({ session }) => session.close()));
  const page = await host(stage, room);
  t.after(() => page.context().close());
  await page.getByTestId('people').click();
  const people = page.getByTestId('person');
  await until(async () => (await people.count()) === names.length + 1, 'everybody');
  for (const [typed, found] of [['STRASSE', 'Straße'], ['inci', 'İnci'], ['σίσυφος', 'ΣΊΣΥΦΟΣ']]) {
    await page.getByTestId('people-search').fill(typed);
    await until(async () => (await people.count()) === 1, typed);
    assert.match(await people.textContent(), new RegExp(found));
  }
  stage.assertQuiet();
});
