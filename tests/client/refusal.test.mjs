/** What a refusal is called, so that there are words for it. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ProtocolError } from '../../static/js/client/errors.js';
import { refusalOf } from '../../static/js/flow/refusal.js';

const refused = (code, request, retry_after_ms) => ProtocolError.fromWire({ code, message: '', retry_after_ms }, request);

test('a refusal is called by its code, and one more room by the reason', () => {
  for (const [code, request, wait, expected] of [
    ['perm.denied', 'room.edit', undefined, 'perm.denied'],
    ['perm.denied', 'room.create', undefined, 'room.most'],
    ['rate.limited', 'room.create', 5_000, 'rate.limited'],
    ['rate.limited', 'room.create', 3_600_000, 'room.mostToday'],
    ['rate.limited', 'chat.send', 3_600_000, 'rate.limited'],
    ['server.busy', 'room.create', undefined, 'server.busy'],
  ]) {
    assert.equal(refusalOf(refused(code, request, wait)), expected, `${code} of ${request}`);
  }
});

test('a mistake of the page is no refusal, and goes to the console', () => {
  const complain = mock.method(console, 'error', () => {});
  assert.equal(refusalOf(new TypeError('x is undefined')), 'unknown');
  assert.equal(refusalOf(undefined), 'unknown');
  assert.equal(complain.mock.callCount(), 2);
});
