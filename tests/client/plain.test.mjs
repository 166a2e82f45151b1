/** Small pure readings: time zones, lists for spreadsheets, devices, one's own voice, invite links. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csv } from '../../static/js/state/csv.js';
import { changesOf, problemOf, remembered } from '../../static/js/state/devices.js';
import { inviteFrom, roomFrom } from '../../static/js/state/text.js';
import { instantOf, isZone, wallOf, zoneNames } from '../../static/js/state/zones.js';
import { VoiceWatch } from '../../static/js/state/voice-watch.js';
import { createPushToTalk } from '../../static/js/flow/push-to-talk.js';

test('the clocks of a zone show what they do, also when they are changed', () => {
  for (const [zone, wall, at, shown = wall] of [
    ['UTC', '2026-03-02T09:00', '2026-03-02T09:00Z'],
    ['Asia/Shanghai', '2031-05-05T07:00', '2031-05-04T23:00Z'],
    ['America/Los_Angeles', '2026-03-02T19:00', '2026-03-03T03:00Z'],
    ['Australia/Sydney', '2026-01-05T00:00', '2026-01-04T13:00Z'],
    ['Europe/Berlin', '2026-07-06T09:00', '2026-07-06T07:00Z'],
    // What is left out comes after the gap; what comes twice is the first.
    ['Europe/Berlin', '2026-03-29T02:30', '2026-03-29T01:30Z', '2026-03-29T03:30'],
    ['Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30Z'],
    ['Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:45Z', '2026-10-04T02:45'],
    ['Pacific/Apia', '2011-12-30T09:00', '2011-12-30T19:00Z', '2011-12-31T09:00'],
  ]) {
    assert.equal(instantOf(wall, zone), Date.parse(at), `${wall} in ${zone}`);
    assert.equal(wallOf(Date.parse(at), zone), shown, `${at} in ${zone}`);
  }
  assert.equal(instantOf('', 'UTC'), null);
  assert.equal(wallOf(Date.parse('2026-03-02T09:00:59.999Z'), 'UTC'), '2026-03-02T09:00');
});

test('zones to choose from are the known ones and those in use', () => {
  const names = zoneNames('Etc/GMT+5', 'Europe/Berlin');
  for (const name of ['UTC', 'Etc/GMT+5', 'Asia/Shanghai']) assert.ok(names.includes(name), name);
  assert.equal(names.filter((name) => name === 'Europe/Berlin').length, 1);
  assert.ok(names.every(isZone));
  assert.ok(!isZone('Mars/Base'));
});

test('a list for spreadsheets holds no formula and loses no letter', () => {
  assert.equal(csv([['Name', 3]]), '\uFEFFName,3\r\n');
  assert.equal(csv([['=1+1', '+49', '-x', '@a', '\tb']]), "\uFEFF'=1+1,'+49,'-x,'@a,'\tb\r\n");
  assert.equal(csv([['a "b", c', '小林\n']]), '\uFEFF"a ""b"", c","小林\n"\r\n');
});

test('why a device gives nothing', () => {
  const problem = (name, message = '') => problemOf({ name, message });
  assert.equal(problem('NotAllowedError', 'Permission denied'), 'denied');
  assert.equal(problem('NotAllowedError', 'Permission denied by system'), 'system');
  assert.equal(problem('NotAllowedError', 'Permission dismissed'), 'dismissed');
  assert.equal(problem('NotFoundError'), 'missing');
  assert.equal(problem('NotReadableError'), 'busy');
  assert.equal(problem('OverconstrainedError'), 'unsuitable');
  assert.equal(problemOf(undefined), 'unknown');
});

test('the remembered device is known by its id, else by its name', () => {
  const list = [
    { id: 'a', label: 'Built-in' },
    { id: 'b', label: 'Headset' },
  ];
  assert.equal(remembered(list, { id: 'b', label: 'Built-in' })?.id, 'b');
  assert.equal(remembered(list, { id: 'gone', label: 'Headset' })?.id, 'b');
  assert.equal(remembered(list, { id: 'gone', label: 'Gone' }), null);
  assert.equal(remembered(list, {}), null);
});

test('what was plugged in and out', () => {
  const a = { id: 'a', label: 'A' };
  const b = { id: 'b', label: 'B' };
  const alias = { id: 'default', label: 'Default - B' };
  assert.deepEqual(changesOf([a], [alias, a, b]), { added: [b], removed: [] });
  assert.deepEqual(changesOf([alias, a, b], [a]), { added: [], removed: [b] });
  assert.deepEqual(changesOf([], [a]), { added: [], removed: [] });
});

/** Feeds levels every 100 ms and collects the hints with the time of each; those of a busy page are not told. */
function listen(watch, { from = 0, levels, muted, told = true }) {
  const hints = [];
  levels.forEach((level, index) => {
    const now = from + index * 100;
    const hint = watch.hear({ level, muted, now });
    if (!hint) return;
    hints.push([hint, now]);
    if (told) watch.said(hint, now);
  });
  return hints;
}

test('talking while muted is said once, a cough is not', () => {
  const watch = new VoiceWatch();
  assert.deepEqual(listen(watch, { levels: [0, 0.2, 0.2, 0, 0, 0, 0, 0, 0, 0, 0], muted: true }), []);
  assert.deepEqual(listen(watch, { from: 10_000, levels: Array(40).fill(0.1), muted: true }), [['talking', 10_500]]);
  assert.deepEqual(listen(watch, { from: 90_000, levels: Array(10).fill(0.1), muted: false }), []);
  assert.equal(listen(watch, { from: 100_000, levels: Array(10).fill(0.1), muted: true }).length, 1);
});

test('a microphone that gives nothing is said once, until another one is taken', () => {
  const watch = new VoiceWatch();
  const silence = Array(200).fill(0);
  assert.deepEqual(listen(watch, { levels: silence, muted: false }), [['silent', 12_000]]);
  assert.deepEqual(listen(watch, { from: 30_000, levels: silence, muted: false }), []);
  watch.reset();
  assert.equal(listen(watch, { from: 60_000, levels: silence, muted: false }).length, 1);
  const quiet = new VoiceWatch();
  assert.deepEqual(listen(quiet, { levels: Array(200).fill(0.0002), muted: false }), []);
});

test('a hint that found no place is offered until it was said', () => {
  const watch = new VoiceWatch();
  assert.equal(listen(watch, { levels: Array(12).fill(0.1), muted: true, told: false }).length, 7);
  assert.equal(listen(watch, { from: 1200, levels: Array(8).fill(0.1), muted: true }).length, 1);
  assert.equal(listen(watch, { from: 10_000, levels: Array(125).fill(0), muted: false, told: false }).length, 5);
  assert.equal(listen(watch, { from: 22_500, levels: Array(50).fill(0), muted: false }).length, 1);
});

test('holding a key talks only as long as it is held, and leaves who is not muted alone', async () => {
  let muted = true;
  const said = [];
  const talk = createPushToTalk({
    isMuted: () => muted,
    setMicrophone: async (on) => {
      said.push(on);
      await Promise.resolve();
      muted = !on;
    },
  });
  talk.hold(true);
  await talk.hold(false);
  assert.deepEqual([said, muted], [[true, false], true]);
  muted = false;
  talk.hold(true);
  await talk.hold(false);
  assert.deepEqual([said, muted], [[true, false], false]);
});

test('an invite is read from a link and never taken for the room', () => {
  const link = 'https://meet.example.org/r/0123456789abcdef#invite=tok_en-1';
  assert.equal(inviteFrom(link), 'tok_en-1');
  assert.equal(roomFrom(link, 'https://meet.example.org'), '0123456789abcdef');
  assert.equal(inviteFrom('#invite='), null);
  assert.equal(inviteFrom('#other=1'), null);
});
