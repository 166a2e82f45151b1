import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renameStreams, streamsByMid } from '../../static/js/client/msid.js';

const SDP = [
  'v=0', 's=-',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=sendrecv', 'a=msid:stream-1 audio-1',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=recvonly', 'a=msid:stream-2 video-1',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=msid:stream-3 video-2', 'a=sendonly', 'a=mid:2',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:3', 'a=sendonly', 'a=msid:- video-3',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:4', 'a=sendonly',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:5', '',
].join('\r\n');

test('only m-lines that send have a stream', () => {
  assert.deepEqual([...streamsByMid(SDP)], [['0', 'stream-1'], ['2', 'stream-3'], ['3', '-'], ['4', '-']]);
  assert.deepEqual([...streamsByMid('')], []);
});

test('streams are renamed wherever they are named', () => {
  const renamed = renameStreams(`${SDP}a=ssrc:1 msid:stream-1 audio-1\r\n`, [{ streamId: 'stream-1', trackId: 'track-9' }]);
  assert.equal(renamed.match(/track-9/g).length, 2);
  assert.equal(renamed.includes('stream-1'), false);
});
