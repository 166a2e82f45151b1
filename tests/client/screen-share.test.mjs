/** Sharing a screen: its sound is left out where only the picture may be shared. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ProtocolError } from '../../static/js/client/errors.js';
import { ScreenShare } from '../../static/js/flow/screen-share.js';

let log;
let asked;
let maySound;
let refused;
let share;

class FakeTrack {
  constructor(kind) {
    this.kind = kind;
  }

  stop() {
    log.push(`${this.kind} stops`);
  }
}

const call = {
  setSource: async (source, media) => {
    log.push(`${source} ${media ? 'on' : 'off'}`);
    if (media && source in refused) throw new ProtocolError(refused[source], 'No.');
  },
};

beforeEach(() => {
  log = [];
  maySound = true;
  refused = {};
  const getDisplayMedia = async (wanted) => {
    asked = wanted;
    const sounds = wanted.audio ? [new FakeTrack('audio')] : [];
    return { getVideoTracks: () => [new FakeTrack('video')], getAudioTracks: () => sounds };
  };
  Object.defineProperty(globalThis, 'navigator', { value: { mediaDevices: { getDisplayMedia } }, configurable: true });
  share = new ScreenShare({
    call: () => call,
    maySound: () => maySound,
    tell: (sharing) => log.push(sharing ? 'sharing' : 'not sharing'),
    toast: (key) => log.push(key),
  });
});

test('a picture and its sound are shared, and stopped together', async () => {
  await share.toggle();
  assert.deepEqual(log.splice(0), ['sharing', 'screen on', 'screen_audio on']);
  await share.toggle();
  assert.deepEqual(log, ['screen off', 'screen_audio off', 'video stops', 'audio stops', 'not sharing']);
});

test('who may not unmute is not asked for the sound', async () => {
  maySound = false;
  await share.toggle();
  assert.equal(asked.audio, false);
  assert.equal(asked.systemAudio, 'exclude');
  assert.deepEqual(log, ['sharing', 'screen on']);
});

test('a sound that is refused does not end the share', async () => {
  refused = { screen_audio: 'perm.denied' };
  await share.toggle();
  assert.deepEqual(log.splice(0), ['sharing', 'screen on', 'screen_audio on', 'audio stops', 'toast.shareSilent']);
  await share.toggle();
  assert.ok(log.includes('video stops') && log.includes('not sharing'));
});

test('a sound that is stopped from outside leaves the picture, and is told once', async () => {
  await share.toggle();
  log = [];
  share.silenced();
  share.silenced();
  assert.deepEqual(log, ['audio stops', 'toast.shareSilent']);
  log = [];
  share.ended();
  assert.ok(log.includes('video stops') && !log.includes('toast.shareSilent'));
});

test('a picture that is refused is not shared', async () => {
  refused = { screen: 'perm.denied' };
  await share.toggle();
  assert.ok(log.includes('not sharing') && log.includes('toast.shareForbidden') && !log.includes('screen_audio on'));
});
