/**
 * A client that goes on sending whatever it is told: the rule holds in the packet path, not in the client. "Nothing
 * comes" is judged by another source of the same sender, which is allowed and comes on the same connection meanwhile.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { startServer, until } from '../browser/harness.mjs';
import { Crowd } from './clients.mjs';

const SOURCES = ['microphone', 'camera', 'screen', 'screen_audio'];
/** What is still on its way when a rule begins to hold has come before so many packets of the control. */
const ON_THE_WAY = 20;
/** So many packets of the control come while nothing else may. */
const WINDOW = 60;

let server;
let crowd;
let host;
before(async () => {
  server = await startServer();
  crowd = new Crowd(server);
  host = new Session(server.socket, { WebSocket });
  await host.register({ username: 'hanna', password: `pass-${crypto.randomUUID()}` });
});
after(async () => {
  host?.close();
  await crowd?.stop();
  await server?.stop();
});

/** What each slot of a receiver carries, and how many packets it has got. */
async function slotsOf(receiver) {
  const { slots, packets } = await receiver.do('report');
  return Object.entries(slots).map(([mid, track]) => ({ mid, track, packets: packets[mid] ?? 0 }));
}

/** Waits for so many more packets of each of `tracks`, and answers how many came in all other slots. */
async function others(receiver, tracks, packets) {
  for (;;) {
    const first = await slotsOf(receiver);
    const slotOf = (slots, track) => slots.find((slot) => slot.track === track);
    const now = await until(
      async () => {
        const slots = await slotsOf(receiver);
        const has = (track) => slotOf(slots, track)?.mid === slotOf(first, track)?.mid && slotOf(slots, track);
        if (!tracks.every(has)) return { slots, isMoved: true };
        const gained = (track) => slotOf(slots, track).packets - slotOf(first, track).packets;
        return tracks.every((track) => gained(track) >= packets) && { slots, isMoved: false };
      },
      `${packets} packets of what is allowed`,
      { timeoutMs: 60_000, everyMs: 100 },
    );
    // A track that came into another slot is counted from there on.
    if (now.isMoved) continue;
    const counted = first.filter(({ track }) => !tracks.includes(track));
    return counted.map(({ mid, packets: before }) => now.slots.find((slot) => slot.mid === mid).packets - before);
  }
}

/** Returns once the room's media thread knows all that was asked so far: each step passes the room or the thread. */
async function settled(client) {
  await client.request('participant.update', {});
  await client.request('media.candidate', { connection: 'up', candidate: null });
}

/** Of all that is sent only `tracks` arrive. */
async function arriveAlone(receiver, ...tracks) {
  await settled(receiver);
  await others(receiver, tracks, ON_THE_WAY);
  const leaked = await others(receiver, tracks, WINDOW);
  assert.deepEqual(leaked.filter((packets) => packets > 0), [], `${leaked} packets came in slots of what is forbidden`);
}

const denied = { code: 'perm.denied' };

test('what is muted, forbidden or stopped does not arrive, whatever is sent', { timeout: 240_000 }, async () => {
  const { room } = await host.createRoom({ name: 'Rules' });
  const { identity } = room;
  await host.joinRoom({ identity });
  const cheater = await crowd.enter('aiortc', identity, { publish: { sources: SOURCES } });
  const honest = await crowd.guest('aiortc');
  await honest.do('join', { identity });
  await honest.do('receive');
  let [microphone, camera, screen, screenAudio] = cheater.up.tracks.map(({ id }) => id);
  const start = async (source) => (await cheater.request('media.source', { source, active: true })).track.id;
  const mute = (source) => host.muteParticipant({ participant: cheater.id, source });
  const permit = (permissions) => host.editRoom({ identity, permissions });
  await others(honest, [microphone, camera, screen, screenAudio], ON_THE_WAY);

  // Muted by a host.
  await mute('microphone');
  await arriveAlone(honest, camera, screen, screenAudio);

  // Without the right to unmute there is no other way for a voice either.
  await host.muteParticipant({ participant: 'all', source: 'microphone', allow_unmute: false });
  await assert.rejects(cheater.request('participant.update', { audio: true }), denied);
  await assert.rejects(start('microphone'), denied);
  await assert.rejects(start('screen_audio'), denied);
  await arriveAlone(honest, camera, screen);

  // Without the right to share.
  await permit({ screen: false });
  await assert.rejects(start('screen'), denied);
  await arriveAlone(honest, camera);

  // Allowed again it arrives: it was sent all the time. Then a host stops it, and a camera.
  await permit({ screen: true, unmute: true });
  screen = await start('screen');
  screenAudio = await start('screen_audio');
  await others(honest, [camera, screen, screenAudio], ON_THE_WAY);
  await mute('screen');
  await arriveAlone(honest, camera);
  screen = await start('screen');
  await mute('camera');
  await arriveAlone(honest, screen);

  // Said to be off by the sender alone.
  microphone = await start('microphone');
  await others(honest, [microphone, screen], ON_THE_WAY);
  await cheater.request('media.source', { source: 'screen', active: false });
  await arriveAlone(honest, microphone);
  await cheater.request('participant.update', { video: true });
  await others(honest, [microphone, camera], ON_THE_WAY);
});

test('who waits negotiates nothing', { timeout: 120_000 }, async () => {
  const { room } = await host.createRoom({ name: 'Door', lobby: true });
  const { identity } = room;
  await host.joinRoom({ identity });
  const waiting = await crowd.guest('aiortc');
  await assert.rejects(waiting.do('join', { identity }), { code: 'room.waiting' });
  const nowhere = { code: 'room.not_joined' };
  await assert.rejects(waiting.do('publish', { sources: SOURCES }), nowhere);
  await assert.rejects(waiting.do('receive'), nowhere);
  for (const [type, data] of [
    ['media.source', { source: 'microphone', active: true }],
    ['media.answer', { revision: 1, sdp: 'v=0' }],
    ['media.candidate', { connection: 'up', candidate: null }],
    ['media.view', { tiles: [] }],
    ['media.restart', { connection: 'up' }],
  ]) {
    await assert.rejects(waiting.request(type, data), nowhere, type);
  }
  const { participants } = await host.roster({ identity });
  assert.equal(participants.length, 1, 'nobody but the host is in');
});
