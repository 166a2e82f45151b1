import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotsFor } from '../../static/js/flow/slots.js';
import { grid, stageLayout } from '../../static/js/state/layout.js';
import { longestRise } from '../../static/js/views/room/order.js';

const people = (n) => Array.from({ length: n }, (_, k) => `p${k}`);
const desktop = { width: 1416, height: 812, gap: 8, tileMin: 236, strip: 216, phone: false };
const phone = { width: 374, height: 714, gap: 6, tileMin: 150, strip: 116, phone: true };
const rest = { self: 'me', page: 0, presenter: null, mains: [], prefer: null, hands: [], speaker: null };
const size = ({ w, h }) => `${Math.round(w)}×${Math.round(h)}`;

test('the table of the design: columns and tile sizes', () => {
  const cases = [
    [1416, 812, 8, 236, 2, 2, '704×528'],
    [1416, 812, 8, 236, 5, 3, '467×350'],
    [1416, 812, 8, 236, 12, 4, '348×261'],
    [1416, 812, 8, 236, 25, 5, '277×156'],
    [1056, 812, 8, 236, 2, 1, '715×402'],
    [1056, 812, 8, 236, 5, 2, '472×265'],
    [744, 884, 8, 236, 12, 3, '243×215'],
    [374, 714, 6, 150, 5, 2, '184×234'],
  ];
  for (const [width, height, gap, min, n, cols, box] of cases) {
    const found = grid(n, width, height, gap, min);
    assert.equal(found.cols, cols, `${n} in ${width}×${height}`);
    assert.equal(size(found.boxes[0]), box, `${n} in ${width}×${height}`);
  }
});

test('no tile leaves the stage and none overlaps another, for any number of people', () => {
  for (const frame of [
    desktop,
    phone,
    { ...desktop, width: 744, height: 884 },
    { ...phone, width: 304, height: 500 },
  ]) {
    for (let n = 0; n <= 60; n++) {
      for (const presenter of [null, n > 0 ? 'p0' : 'me']) {
        const { tiles } = stageLayout({ ...frame, ...rest, seats: people(n), presenter });
        for (const [index, a] of tiles.entries()) {
          assert.ok(a.w > 0 && a.h > 0, `${n}: a tile without size`);
          assert.ok(
            a.x >= -0.01 && a.y >= -0.01 && a.x + a.w <= frame.width + 0.01 && a.y + a.h <= frame.height + 0.01,
            `${n}: outside`,
          );
          for (const b of tiles.slice(index + 1)) {
            if (a.float || b.float) continue;
            const apart =
              a.x + a.w <= b.x + 0.01 || b.x + b.w <= a.x + 0.01 || a.y + a.h <= b.y + 0.01 || b.y + b.h <= a.y + 0.01;
            assert.ok(apart, `${n}: ${a.id} covers ${b.id}`);
          }
        }
      }
    }
  }
});

test('every person is on exactly one page, and oneself is last on each', () => {
  for (const frame of [desktop, phone]) {
    for (const n of [3, 8, 11, 24, 26, 60]) {
      const seen = [];
      const { pages } = stageLayout({ ...frame, ...rest, seats: people(n) });
      for (let page = 0; page < pages; page++) {
        const { tiles } = stageLayout({ ...frame, ...rest, seats: people(n), page });
        assert.equal(tiles.at(-1)?.id, 'me');
        seen.push(...tiles.slice(0, -1).map((tile) => tile.id));
      }
      assert.deepEqual(seen, people(n));
    }
  }
});

test('a page that no longer exists becomes the last one', () => {
  assert.equal(stageLayout({ ...phone, ...rest, seats: people(3), page: 7 }).page, 0);
});

test('two people on a phone: the other fills the stage, oneself floats', () => {
  const { tiles } = stageLayout({ ...phone, ...rest, seats: ['p0'] });
  assert.deepEqual(
    tiles.map((tile) => [tile.id, size(tile), tile.float ?? false]),
    [
      ['p0', '374×714', false],
      ['me', '106×142', true],
    ],
  );
});

test('with a panel open on a phone the speaker and oneself stay', () => {
  const { tiles } = stageLayout({ ...phone, ...rest, height: 202, seats: people(6), prefer: 'p4' });
  assert.deepEqual(
    tiles.map((tile) => tile.id),
    ['p4', 'me'],
  );
});

test('with a panel open on a phone the person who spoke last stays while nobody speaks', () => {
  const low = { ...phone, ...rest, height: 250, seats: people(5), prefer: null, speaker: 'p3' };
  assert.deepEqual(stageLayout(low).tiles.map((tile) => tile.id), ['p3', 'me']);
});

test('while a screen is shared its presenter comes first in the strip, and oneself last', () => {
  const layout = stageLayout({ ...desktop, ...rest, seats: people(12), presenter: 'p5' });
  assert.deepEqual(
    layout.tiles.slice(0, 2).map((tile) => tile.id),
    ['p5', 'p0'],
  );
  for (let page = 0; page < layout.pages; page += 1) {
    const { tiles } = stageLayout({ ...desktop, ...rest, seats: people(12), presenter: 'p5', page });
    assert.deepEqual([tiles[0].id, tiles.at(-1).id], ['p5', 'me']);
  }
  assert.deepEqual(layout.share && size(layout.share), '1192×812');
  const narrow = stageLayout({ ...phone, ...rest, seats: people(12), presenter: 'p5' });
  assert.ok(narrow.share && narrow.share.w === 374);
  assert.ok(narrow.tiles.every((tile) => tile.y >= (narrow.share?.h ?? 0)));
});

test('a stage without size seats nobody', () => {
  assert.deepEqual(stageLayout({ ...desktop, ...rest, width: 0, seats: people(2) }).tiles, []);
});

test('raised hands come to the first page in their order, and nobody moves where one page is enough', () => {
  const hands = ['p40', 'p3', 'p33'];
  for (const frame of [desktop, phone]) {
    const input = { ...frame, ...rest, seats: people(50), hands };
    const { pages } = stageLayout(input);
    const seen = [];
    for (let page = 0; page < pages; page++) {
      seen.push(...stageLayout({ ...input, page }).tiles.slice(0, -1).map((tile) => tile.id));
    }
    assert.deepEqual(seen, [...hands, ...people(50).filter((id) => !hands.includes(id))]);
    assert.deepEqual(
      stageLayout({ ...frame, ...rest, seats: people(5), hands: ['p4', 'me'] }).tiles.map((tile) => tile.id),
      [...people(5), 'me'],
    );
  }
});

test('on the narrowest page two columns stand side by side', () => {
  const narrow = { width: 304, height: 500, gap: 6, tileMin: 150, strip: 116, phone: true };
  const { tiles, pages } = stageLayout({ ...narrow, ...rest, seats: people(11) });
  assert.equal(new Set(tiles.map((tile) => Math.round(tile.x))).size, 2);
  assert.equal(pages, 2, 'twelve people on two pages');
});

test('people who speak keep a place on the first page, however many hands are up', () => {
  const frame = { width: 304, height: 500, gap: 6, tileMin: 150, strip: 116, phone: true };
  const hands = people(12).slice(1);
  const input = { ...frame, ...rest, seats: people(12), hands, speaker: 'p0' };
  const shown = (page) => stageLayout({ ...input, page }).tiles.map((tile) => tile.id);
  assert.deepEqual(shown(0), [...hands.slice(0, 6), 'p0', 'me']);
  assert.deepEqual(shown(1), [...hands.slice(6), 'me'], 'nobody is shown twice');
  // A page for one other is theirs as well, and the hands follow.
  const least = { ...input, width: 300, height: 140, phone: false, seats: people(3), hands: ['p2'] };
  const alone = (page) => stageLayout({ ...least, page }).tiles.map((tile) => tile.id);
  assert.deepEqual([alone(0), alone(1), alone(2)], [['p0', 'me'], ['p2', 'me'], ['p1', 'me']]);
  const strip = stageLayout({ ...desktop, ...rest, seats: people(40), presenter: 'p5', hands: people(40).slice(8), speaker: 'p1' });
  assert.ok(strip.tiles.some((tile) => tile.id === 'p1'));
});

test('tiles stand beside a shared screen or below it, whichever shows the screen larger', () => {
  const share = (frame, more = {}) => stageLayout({ ...desktop, ...frame, ...rest, seats: people(12), presenter: 'p5', ...more }).share;
  assert.equal(size(share({})), '1192×812', 'beside on a wide stage');
  const withPanel = share({ width: 1056 });
  assert.equal(withPanel.w, 1056, 'below beside an open panel');
  assert.ok(withPanel.h >= 594 + 44);
  assert.ok(share({ width: 1056 }, { screenRatio: 0.5 }).w < 1056, 'an upright screen has room beside it');
  assert.ok(share({ width: 800, height: 320 }).w < 800, 'a low stage has none below');
});

test('in a strip raised hands follow the presenter', () => {
  const { tiles } = stageLayout({ ...desktop, ...rest, seats: people(40), presenter: 'p5', hands: ['p30', 'p5', 'p2'] });
  assert.deepEqual(
    tiles.slice(0, 4).map((tile) => tile.id),
    ['p5', 'p30', 'p2', 'p0'],
  );
});

test('as many tiles as can be stay where they are', () => {
  const stays = (list) => [...longestRise(list)].sort((a, b) => a - b).map((k) => list[k]);
  assert.deepEqual(stays([0, 1, 2]), [0, 1, 2]);
  assert.deepEqual(stays([4, 0, 1, 2, 3]), [0, 1, 2, 3], 'one that comes first moves alone');
  assert.deepEqual(stays([1, 2, 3, 4, 0]), [1, 2, 3, 4], 'and so does one that goes last');
  assert.equal(stays([5, 1, 4, 2, 3, 0]).length, 3);
  assert.deepEqual(stays([]), []);
});

test('a low stage shows a shared screen alone, and one much wider than high has its tiles beside it', () => {
  const low = stageLayout({ ...phone, ...rest, height: 200, seats: people(6), presenter: 'p4' });
  assert.deepEqual([low.tiles, low.share && size(low.share)], [[], '374×200']);
  const flat = stageLayout({ ...desktop, ...rest, width: 744, height: 322, seats: people(6), presenter: 'p4' });
  assert.deepEqual([flat.share && size(flat.share), flat.tiles[0].id, flat.tiles[0].x], ['520×322', 'p4', 528]);
});

test('where only the presenter and oneself would fit beside a screen, everybody can still be seen', () => {
  const input = { ...phone, ...rest, width: 304, height: 384, seats: people(5), presenter: 'p2' };
  const { pages } = stageLayout(input);
  const seen = Array.from({ length: pages }, (_, page) => stageLayout({ ...input, page }).tiles.map((tile) => tile.id));
  assert.deepEqual(seen, [['p2', 'p0'], ['p2', 'p1'], ['p2', 'p3'], ['p2', 'p4']]);
});

test('a call begins with slots for the pictures that are there, two more, and four at least', () => {
  const person = (id, ...kinds) => ({ id, tracks: kinds.map((kind) => ({ kind })) });
  const self = person('me', 'video', 'video');
  const slots = (others, phone = false) => slotsFor({ self, participants: [self, ...others] }, phone);
  assert.deepEqual(slots([]), { videoSlots: 25, videoSlotsAtFirst: 4 });
  assert.deepEqual(slots([person('a', 'audio', 'video'), person('b', 'audio')]), { videoSlots: 25, videoSlotsAtFirst: 4 });
  const crowd = Array.from({ length: 6 }, (_, n) => person(`p${n}`, 'audio', 'video', 'video'));
  assert.deepEqual(slots(crowd, true), { videoSlots: 9, videoSlotsAtFirst: 14 });
});
