/** Notifications of the system: offered where they can work, and shown in the way that this browser has. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

let log;
let registration;
/** Each test has a page of its own, which knows nothing yet. */
let page = 0;
const load = () => import(`../../static/js/flow/system-notes.js?page=${(page += 1)}`);

/** A browser's constructor. @param {{throws?: boolean, permission?: string}} how */
function browser({ throws = false, permission = 'default' }) {
  globalThis.window = Object.assign(new EventTarget(), { focus: () => log.push('focus') });
  globalThis.Notification = window.Notification = class extends EventTarget {
    static permission = permission;

    constructor(title, options = {}) {
      super();
      if (throws) throw new TypeError("Failed to construct 'Notification': Illegal constructor.");
      log.push(`new ${title}|${options.body ?? ''}`);
      log.last = this;
    }

    close() {
      log.push('close');
    }
  };
}

beforeEach(() => {
  log = [];
  registration = undefined;
  const serviceWorker = { getRegistration: async () => registration };
  Object.defineProperty(globalThis, 'navigator', { value: { serviceWorker }, configurable: true });
});
const worker = (answer = async () => {}) => ({
  active: {},
  showNotification: (title, { body, tag }) => {
    log.push(`worker ${title}|${body}|${tag}`);
    return answer();
  },
});

test('a browser that throws is offered nothing, and shows nothing without an error', async () => {
  browser({ throws: true });
  const { canNotify, showNotification } = await load();
  assert.equal(await canNotify(), false);
  Notification.permission = 'granted';
  await showNotification('Ada', 'Hi', 'message', () => {});
  assert.deepEqual(log, []);
});

test('leave that was given before is believed until the constructor throws', async () => {
  browser({ throws: true, permission: 'granted' });
  const { canNotify, showNotification } = await load();
  assert.equal(await canNotify(), true);
  await showNotification('Ada', 'Hi', 'message', () => {});
  assert.deepEqual([await canNotify(), log], [false, []]);
});

test('where the page has a service worker, it notifies for a constructor that throws', async () => {
  browser({ throws: true, permission: 'granted' });
  registration = worker();
  const { canNotify, showNotification } = await load();
  assert.equal(await canNotify(), true);
  await showNotification('Ada', 'Hi', 'message', () => {});
  assert.deepEqual(log.splice(0), ['worker Ada|Hi|meeting-message']);
  registration = worker(() => Promise.reject(new TypeError('No leave.')));
  await showNotification('Ada', 'Hi', 'message', () => {});
  assert.equal(log.length, 1, 'and its refusal is no error of the page');
  registration = { active: null };
  assert.equal(await canNotify(), false, 'one that is not there yet cannot');
});

test('on a desktop a press leads to the page', async () => {
  browser({ permission: 'granted' });
  const { canNotify, showNotification } = await load();
  assert.equal(await canNotify(), true);
  assert.deepEqual(log, [], 'no test notification is shown to a person who gave the permission');
  await showNotification('Ada', 'Hi', 'message', (subject) => log.push(`opened ${subject}`));
  log.last.dispatchEvent(new Event('click'));
  assert.deepEqual([...log], ['new Ada|Hi', 'focus', 'close', 'opened message']);
});

test('without leave nothing is shown, and without the interface nothing is offered', async () => {
  browser({ permission: 'denied' });
  let notes = await load();
  await notes.showNotification('Ada', 'Hi', 'message', () => {});
  assert.deepEqual([await notes.canNotify(), log.some((line) => line.includes('Ada'))], [true, false]);
  globalThis.window = new EventTarget();
  notes = await load();
  assert.equal(await notes.canNotify(), false);
  await notes.showNotification('Ada', 'Hi', 'message', () => {});
});
