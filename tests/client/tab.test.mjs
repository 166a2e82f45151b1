/** A duplicated tab has a copy of what the first one stored, and must not take the meeting from it. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { claimTab } from '../../static/js/flow/tab.js';
import { settings } from '../../static/js/flow/settings.js';

/** One browser's locks: a caller waits until the holder is gone. */
function lockManager() {
  const held = new Map();
  return {
    gone: () => held.clear(),
    async request(name, { signal }, run) {
      while (held.has(name)) {
        if (signal.aborted) throw signal.reason;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      held.set(name, true);
      return run();
    },
  };
}

const tab = () => {
  const kept = new Map();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, String(value)),
    removeItem: (key) => void kept.delete(key),
  };
};

let locks;
beforeEach(() => {
  locks = lockManager();
  globalThis.sessionStorage = tab();
});

function enterMeeting() {
  settings.rejoin = { identity: 'room', display_name: 'Ada', password: 'word', microphone: true, camera: true };
  settings.draft = { identity: 'room', to: null, text: 'Half a' };
  sessionStorage.setItem('meeting.session', '{}');
}

test('a page that is loaded anew finds what the one before stored', async () => {
  assert.equal(await claimTab(locks), sessionStorage);
  enterMeeting();
  // The browser is a little late with letting go.
  setTimeout(() => locks.gone(), 50);
  assert.equal(await claimTab(locks), sessionStorage);
  assert.equal(settings.rejoin?.identity, 'room');
  assert.equal(sessionStorage.getItem('meeting.session'), '{}');
});

test('a duplicated tab begins anew, and so does its reload', async () => {
  await claimTab(locks);
  enterMeeting();
  const first = new Map(sessionStorage.kept);
  globalThis.sessionStorage = tab();
  for (const [key, value] of first) sessionStorage.setItem(key, value);
  assert.equal(await claimTab(locks), sessionStorage, 'what it stores from here on is its own');
  assert.deepEqual([settings.rejoin, settings.draft, sessionStorage.getItem('meeting.session')], [null, null, null]);
  assert.notEqual(sessionStorage.getItem('meeting.tab'), first.get('meeting.tab'));
});

test('where nothing tells pages apart, or nothing is stored, nothing is kept', async () => {
  assert.equal(await claimTab(null), undefined);
  sessionStorage.getItem = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  assert.equal(await claimTab(locks), undefined);
});

test("a room's password is known to the page and stored nowhere", () => {
  enterMeeting();
  assert.equal(settings.rejoin?.password, 'word');
  assert.equal([...sessionStorage.kept.values()].join().includes('word'), false);
  settings.turn({ camera: false });
  assert.deepEqual([settings.rejoin?.password, settings.rejoin?.camera], ['word', false]);
  settings.rejoin = { ...settings.rejoin, identity: 'another', password: undefined };
  assert.equal(settings.rejoin?.password, undefined);
});
