/** Files between two clients: a fake wire between them, and fake connections that carry what they are given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emitter } from '../../static/js/client/emitter.js';
import { BLOCK_BYTES } from '../../static/js/client/file-hash.js';
import { isConnection, isUnwanted, readOffer, unwanted, wanted, writeOffer } from '../../static/js/client/file-offer.js';
import { FileReceiver } from '../../static/js/client/file-receive.js';
import { FileTransfers, MOST_FILE_BYTES } from '../../static/js/client/file-transfer.js';

/** Two sessions whose signals reach each other, in order and later. */
function wire() {
  const make = (id) => Object.assign(new Emitter(), { id, sent: [] });
  const [ada, bo] = [make('ada'), make('bo')];
  for (const [from, to] of [
    [ada, bo],
    [bo, ada],
  ]) {
    from.request = async (type, data) => {
      from.sent.push({ type, ...data });
      const { to: _, ...rest } = data;
      queueMicrotask(() => to.emit(type, { from: from.id, ...rest }));
      return {};
    };
  }
  return { ada, bo };
}

/** Connections that find each other by a name in their descriptions. */
function connections({ spoil = (data) => data } = {}) {
  const all = [];
  return class FakeConnection extends EventTarget {
    localDescription = null;
    remoteDescription = null;
    connectionState = 'new';
    sctp = { maxMessageSize: 65_536 };

    constructor() {
      super();
      this.name = all.push(this) - 1;
    }

    createDataChannel(label) {
      this.channel = new FakeChannel(label, spoil);
      return this.channel;
    }

    async setLocalDescription() {
      this.localDescription = { sdp: `m=application ${this.name}\r\n` };
    }

    async setRemoteDescription({ type, sdp }) {
      this.remoteDescription = { sdp };
      const other = all[Number(/m=application (\d+)/.exec(sdp)?.[1])];
      if (type !== 'answer') return;
      const theirs = new FakeChannel(this.channel.label, (data) => data);
      [this.channel.other, theirs.other] = [theirs, this.channel];
      other.channel = theirs;
      other.dispatchEvent(Object.assign(new Event('datachannel'), { channel: theirs }));
      this.connectionState = other.connectionState = 'connected';
      for (const channel of [theirs, this.channel]) channel.open();
    }

    close() {
      this.connectionState = 'closed';
      this.channel?.close();
    }
  };
}

class FakeChannel extends EventTarget {
  readyState = 'connecting';
  bufferedAmount = 0;
  other = null;

  constructor(label, spoil) {
    super();
    this.label = label;
    this.spoil = spoil;
  }

  open() {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  send(data) {
    const copy = typeof data === 'string' ? data : this.spoil(new Uint8Array(data)).slice().buffer;
    queueMicrotask(() => this.other?.dispatchEvent(Object.assign(new Event('message'), { data: copy })));
  }

  close() {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
    this.other?.close();
  }
}

/** Both sides, and a way to wait for what they tell. */
function pair(options) {
  const { ada, bo } = wire();
  const Connection = connections(options);
  const side = (session) => {
    const files = new FileTransfers(session, { RTCPeerConnection: Connection });
    const told = [];
    const waiting = [];
    files.on('transfer', (transfer) => {
      told.push(transfer);
      for (const [index, { fits, resolve }] of [...waiting.entries()].reverse()) {
        if (fits(transfer)) waiting.splice(index, 1)[0]?.fits && resolve(transfer);
      }
    });
    const until = (fits) => {
      const known = told.find(fits);
      return known ? Promise.resolve(known) : new Promise((resolve) => waiting.push({ fits, resolve }));
    };
    return { files, told, until, state: (state) => until((transfer) => transfer.state === state) };
  };
  return { ada, bo, sender: side(ada), receiver: side(bo) };
}

const blobOf = (size) => new Blob([Uint8Array.from({ length: size }, (_, k) => (k * 31) % 251)]);

test('an offer says name, size and kind, and nobody is connected before it is wanted', async () => {
  const { ada, sender, receiver } = pair();
  await sender.files.offer(new Blob(['hello'], { type: 'text/plain' }), 'a "b" 简历.txt', ['bo'], { everyone: true });
  const offered = await receiver.state('offered');
  assert.deepEqual([offered.name, offered.size, offered.everyone, offered.peer], ['a "b" 简历.txt', 5, true, 'ada']);
  assert.ok(ada.sent.every(({ sdp, connection }) => !isConnection(sdp) && connection.startsWith('file:')));
});

test('a file of several blocks arrives whole, with its hash', async () => {
  const { sender, receiver } = pair();
  const file = blobOf(2 * BLOCK_BYTES + 77);
  await sender.files.offer(file, 'data.bin', ['bo']);
  receiver.files.accept((await receiver.state('offered')).id);
  const { blob } = await receiver.state('done');
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), new Uint8Array(await file.arrayBuffer()));
  assert.equal((await sender.state('done')).bytes, file.size);
});

test('a file that changed on its way is refused by both', async () => {
  const spoil = (bytes) => {
    const copy = bytes.slice();
    copy[0] ^= 1;
    return copy;
  };
  const { sender, receiver } = pair({ spoil });
  await sender.files.offer(blobOf(100), 'data.bin', ['bo']);
  receiver.files.accept((await receiver.state('offered')).id);
  const failed = await receiver.state('failed');
  assert.deepEqual([failed.problem, failed.blob], ['damaged', null]);
  assert.equal((await sender.state('failed')).problem, 'damaged');
});

test('either side pauses, and the one who did resumes', async () => {
  const { sender, receiver } = pair();
  await sender.files.offer(blobOf(3 * BLOCK_BYTES), 'data.bin', ['bo']);
  const { id } = await receiver.state('offered');
  receiver.files.pause(id, true);
  receiver.files.accept(id);
  const paused = await sender.state('paused');
  assert.equal(paused.pausedHere, false);
  assert.equal((await receiver.state('paused')).pausedHere, true);
  receiver.files.pause(id, false);
  await receiver.state('done');
});

test('an offer is declined, or taken back', async () => {
  const one = pair();
  await one.sender.files.offer(blobOf(3), 'a', ['bo']);
  one.receiver.files.cancel((await one.receiver.state('offered')).id);
  await one.sender.state('declined');
  const two = pair();
  await two.sender.files.offer(blobOf(3), 'a', ['bo']);
  await two.receiver.state('offered');
  two.sender.files.cancel(two.sender.told[0].id);
  await two.receiver.state('cancelled');
});

test('who leaves before anything is connected takes the offer along', async () => {
  const { bo, sender, receiver } = pair();
  await sender.files.offer(blobOf(3), 'a', ['bo']);
  await receiver.state('offered');
  bo.emit('participant.left', { participant: 'ada', reason: 'lost' });
  assert.equal((await receiver.state('failed')).problem, 'gone');
});

test('who leaves in the middle ends it; a lost socket only does when the channel breaks too', async () => {
  for (const reason of ['left', 'removed', 'lost']) {
    const { ada, bo, sender, receiver } = pair();
    await sender.files.offer(blobOf(9 * BLOCK_BYTES), 'data.bin', ['bo']);
    const { id } = await receiver.state('offered');
    receiver.files.pause(id, true);
    receiver.files.accept(id);
    await receiver.state('paused');
    bo.emit('participant.left', { participant: 'ada', reason });
    assert.equal(receiver.told.at(-1).state, reason === 'lost' ? 'paused' : 'failed');
    ada.emit('joined', {}, { again: true });
    sender.files.close();
    const failed = await receiver.state('failed');
    assert.deepEqual([failed.problem, failed.blob], ['gone', null]);
  }
});

test('a channel that is open goes on when this side comes back as somebody new; an offer does not', async () => {
  const { ada, sender, receiver } = pair();
  await sender.files.offer(blobOf(3 * BLOCK_BYTES), 'data.bin', ['bo']);
  const { id } = await receiver.state('offered');
  receiver.files.pause(id, true);
  receiver.files.accept(id);
  await receiver.state('paused');
  await sender.files.offer(blobOf(3), 'other.bin', ['bo']);
  ada.emit('joined', { participants: [] }, { again: true, same: false });
  assert.deepEqual([sender.told.at(-1).name, sender.told.at(-1).problem], ['other.bin', 'lost']);
  receiver.files.pause(id, false);
  await receiver.state('done');
});

test('a person who comes back as the same participant goes on with everything, but with those who left meanwhile', async () => {
  const { ada, sender, receiver } = pair();
  await sender.files.offer(blobOf(3), 'data.bin', ['bo']);
  const { id } = await receiver.state('offered');
  ada.emit('joined', { participants: [{ id: 'bo' }] }, { again: true, same: true });
  assert.equal(sender.told.at(-1).state, 'offered');
  receiver.files.accept(id);
  await sender.state('done');
  await sender.files.offer(blobOf(3), 'other.bin', ['bo']);
  ada.emit('joined', { participants: [] }, { again: true, same: true });
  assert.deepEqual([sender.told.at(-1).name, sender.told.at(-1).problem], ['other.bin', 'gone']);
});

test('a file that cannot be read any more ends on both sides', async () => {
  const { sender, receiver } = pair();
  const file = blobOf(3 * BLOCK_BYTES);
  file.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotFoundError')) });
  await sender.files.offer(file, 'data.bin', ['bo']);
  receiver.files.accept((await receiver.state('offered')).id);
  assert.equal((await sender.state('failed')).problem, 'unreadable');
  await receiver.state('cancelled');
});

test('a file that is too large is not offered, and such an offer is not shown', async () => {
  const { bo, sender, receiver } = pair();
  const large = Object.defineProperty(new Blob(), 'size', { value: MOST_FILE_BYTES + 1 });
  await assert.rejects(sender.files.offer(large, 'large', ['bo']), RangeError);
  const sdp = writeOffer({ name: 'large', size: MOST_FILE_BYTES + 1, type: '', everyone: false });
  bo.emit('signal.offer', { from: 'ada', connection: 'file:1', sdp });
  assert.deepEqual(receiver.told, []);
});

test('a flood of offers is cut off', () => {
  const { bo, receiver } = pair();
  for (let n = 0; n < 100; n++) {
    const sdp = writeOffer({ name: `${n}`, size: 1, type: '', everyone: false });
    bo.emit('signal.offer', { from: 'ada', connection: `file:${n}`, sdp });
  }
  assert.equal(receiver.told.length, 16);
});

test('a name keeps no folders, no hidden letters and no leading dots', () => {
  for (const [name, shown] of [
    ['../../etc/passwd', 'passwd'],
    ['C:\\windows\\a.exe', 'a.exe'],
    ['photo\u202Egnp.exe', 'photognp.exe'],
    ['..bashrc', 'bashrc'],
    ['a\u0000b', 'ab'],
  ]) {
    assert.equal(readOffer(writeOffer({ name, size: 1, type: '', everyone: false }))?.name, shown);
  }
  for (const name of ['', '...', 'a/', '\u200B']) {
    assert.equal(readOffer(writeOffer({ name, size: 1, type: '', everyone: false })), null, JSON.stringify(name));
  }
  assert.equal(readOffer('v=0\r\n'), null);
  assert.equal(readOffer('a=file-selector:name:"%" size:1\r\n'), null);
  assert.ok(isUnwanted(unwanted()) && !isUnwanted(wanted()));
});

test('more bytes than were offered are refused', () => {
  const receiver = new FileReceiver(10);
  assert.equal(receiver.add(new ArrayBuffer(10)), true);
  assert.equal(receiver.add(new ArrayBuffer(1)), false);
});
