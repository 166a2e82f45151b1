/** What hosts can do, on the page of who does it and on the page of whom it meets. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openStage, until } from './harness.mjs';
import { act, host, hostedRoom, openPerson, seat } from './hosted.mjs';
import { closeAfter, guest, names, received, seesAndHears, seesPeople, visit } from './page-people.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
afterEach(() => stage.assertQuiet());
after(() => stage?.close());

const pressed = (page, tool) => page.getByTestId(tool).getAttribute('aria-pressed');
const toast = (page, words) => page.getByTestId('toast').filter({ hasText: words }).waitFor();
const energy = async (page) => Math.max(0, ...(await received(page)).map((one) => one.energy));

/** Waits until no sound comes any more: three looks in a row find the same energy. */
async function falls(page) {
  let before = await energy(page);
  let still = 0;
  await until(
    async () => {
      const now = await energy(page);
      still = now - before < 1e-6 ? still + 1 : 0;
      before = now;
      return still >= 3;
    },
    'silence',
    { everyMs: 500 },
  );
}

test('who is muted is silent, is asked to speak, and speaks', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  await seesAndHears(hanna, { video: 1, audio: 1, seconds: 1 });

  await act(hanna, 'Bo', 'mute');
  await toast(bo, 'Hanna muted you');
  await until(async () => (await pressed(bo, 'mic')) === 'false', "Bo's microphone to be off");
  assert.match((await bo.locator('[aria-live="assertive"]').textContent()) ?? '', /Hanna muted you/);
  await falls(hanna);

  await act(hanna, 'Bo', 'ask-unmute');
  await toast(bo, 'Hanna asks you to speak');
  await bo.getByTestId('toast').getByRole('button', { name: 'Unmute' }).click();
  await until(async () => (await pressed(bo, 'mic')) === 'true', "Bo's microphone to be on");
  const quiet = await energy(hanna);
  await until(async () => (await energy(hanna)) > quiet, 'Bo to be heard');

  await act(hanna, 'Bo', 'stop-video');
  await toast(bo, 'Hanna stopped your video');
  await until(async () => (await pressed(bo, 'camera')) === 'false', "Bo's camera to be off");
  await bo.getByTestId('camera').click();
  const tile = hanna.getByTestId('tile').filter({ hasText: 'Bo' });
  await until(async () => (await tile.getAttribute('class'))?.includes('seen'), "Bo's picture again");

  await act(hanna, 'Bo', 'stop-video');
  await until(async () => (await pressed(bo, 'camera')) === 'false', "Bo's camera to be off again");
  await act(hanna, 'Bo', 'mute');
  await until(async () => (await pressed(bo, 'mic')) === 'false', "Bo's microphone to be off again");
  await bo.reload();
  await bo.getByTestId('room').waitFor();
  const wanted = await bo.evaluate(() => JSON.parse(sessionStorage.getItem('meeting.rejoin') ?? '{}'));
  assert.deepEqual([wanted.microphone, wanted.camera], [false, false], 'a reload undoes nothing');
});

test('all are muted, and nobody unmutes without being asked', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  await seesAndHears(hanna, { video: 1, audio: 1, seconds: 1 });
  await hanna.getByTestId('people').click();
  await hanna.getByTestId('mute-all').click();
  await hanna.getByTestId('mute-all-hard').click();
  await until(async () => (await pressed(bo, 'mic')) === 'false', "Bo's microphone to be off");
  await falls(hanna);
  await bo.getByTestId('mic').click();
  await toast(bo, 'Only hosts may unmute now');
  assert.equal(await pressed(bo, 'mic'), 'false');
  await act(hanna, 'Bo', 'ask-unmute');
  await toast(bo, 'asks you to speak');
  await bo.getByTestId('toast').getByRole('button').click();
  await until(async () => (await pressed(bo, 'mic')) === 'true', "Bo's microphone to be on");
});

test('the waiting room: admitted one goes in by itself, denied one is told', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage, { lobby: true });
  const hanna = await host(stage, room);
  // A message goes by itself after a while, so it is awaited from the beginning.
  const told = hanna.getByTestId('toast').filter({ hasText: /wait/ }).first().waitFor({ timeout: 60_000 });
  const [bo, cy] = await Promise.all(
    ['Bo', 'Cy'].map(async (name) => {
      const page = await visit(stage, `/r/${room.identity}`, { name });
      await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
      await page.getByTestId('name').fill(name);
      await page.getByTestId('join').click();
      return page;
    }),
  );
  closeAfter(t, hanna, bo, cy);
  await told;
  await hanna.getByTestId('people').click();
  await until(async () => (await hanna.getByTestId('waiting').count()) === 2, 'two people waiting');
  assert.deepEqual(await names(hanna), ['Hanna'], 'nobody is in yet');
  await hanna.getByTestId('waiting').filter({ hasText: 'Bo' }).getByTestId('admit').click();
  await bo.getByTestId('room').waitFor();
  await seesPeople(hanna, 2);
  await hanna.getByTestId('waiting').filter({ hasText: 'Cy' }).getByTestId('deny').click();
  await until(async () => (await hanna.getByTestId('waiting').count()) === 0, 'nobody waiting');
  await until(async () => /did not let you in|denied/i.test((await cy.locator('body').textContent()) ?? ''), 'the words to Cy');
  assert.equal(await cy.getByTestId('room').count(), 0);
});

test('lock and permissions are switched, and the menus of others follow', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  await bo.getByTestId('share').waitFor();
  await hanna.getByTestId('people').click();
  await hanna.getByTestId('host-controls').click();
  await hanna.getByTestId('host-rights').click();
  await hanna.getByTestId('may-screen').click();
  await bo.getByTestId('share').waitFor({ state: 'hidden' });
  await hanna.getByTestId('may-chat').click();
  await bo.getByTestId('chat').click();
  await until(() => bo.getByTestId('chat-input').isDisabled(), 'the chat to be closed for members');
  await hanna.getByTestId('host-back').click();
  await hanna.getByTestId('lock').click();
  await until(async () => (await hanna.getByTestId('lock').getAttribute('aria-checked')) === 'true', 'the lock');
  await assert.rejects(seat(stage, room.identity, 'Cy'), { code: 'room.locked' });
  await hanna.keyboard.press('Escape');
});

test('roles: a co-host gets the means of one, and loses them again', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  const cy = await seat(stage, room.identity, 'Cy');
  closeAfter(t, hanna, bo);
  t.after(() => cy.session.close());
  await seesPeople(bo, 3);
  await openPerson(bo, 'Cy');
  assert.equal(await bo.getByTestId('remove').count(), 0, 'members remove nobody');
  await bo.keyboard.press('Escape');
  await act(hanna, 'Bo', 'role-cohost');
  await toast(bo, 'You are a co-host now');
  await openPerson(bo, 'Cy');
  await bo.getByTestId('remove').waitFor();
  await bo.keyboard.press('Escape');
  await openPerson(bo, 'Hanna');
  assert.equal(await bo.getByTestId('mute').count(), 0, 'nobody mutes a host from below');
  await bo.keyboard.press('Escape');
  await act(hanna, 'Bo', 'role-member');
  await toast(bo, 'You are a member now');
  await openPerson(bo, 'Cy');
  assert.equal(await bo.getByTestId('remove').count(), 0);
});

test('who is removed may come again, who is kept out may not', { timeout: 120_000 }, async (t) => {
  const room = await hostedRoom(stage);
  const hanna = await host(stage, room);
  const bo = await guest(stage, room.identity, 'Bo');
  closeAfter(t, hanna, bo);
  await seesPeople(hanna, 2);
  await act(hanna, 'Bo', 'remove');
  await hanna.getByTestId('remove-only').click();
  await bo.getByTestId('notice').filter({ hasText: 'A host removed you' }).waitFor();
  await seesPeople(hanna, 1);
  await bo.goto(`${stage.origin}/r/${room.identity}`);
  await bo.getByTestId('join').click();
  await bo.getByTestId('room').waitFor();
  await seesPeople(hanna, 2);
  await act(hanna, 'Bo', 'remove');
  await hanna.getByTestId('remove-meeting').click();
  await bo.getByTestId('notice').filter({ hasText: 'A host removed you' }).waitFor();
  await bo.goto(`${stage.origin}/r/${room.identity}`);
  await bo.getByTestId('join').click();
  await until(async () => (await bo.getByTestId('notice').count()) > 0, 'the refusal');
  await seesPeople(hanna, 1);
});
