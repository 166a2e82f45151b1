/**
 * A server that speaks TLS itself, in a browser: the page by HTTP/2, the session by WSS, and a meeting in which two people
 * see and hear each other.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { openStage } from './harness.mjs';
import { guest, seesAndHears, seesPeople } from './page-people.mjs';

/** Somebody who has looked at the certificate and trusts it. */
const context = { ignoreHTTPSErrors: true };
class TrustingSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { rejectUnauthorized: false });
  }
}

let stage;
before(async () => {
  stage = await openStage({ serverArgs: ['--tls-self-signed'] });
});
after(() => stage?.close());

test('two people meet in TLS', { timeout: 180_000 }, async () => {
  assert.match(stage.origin, /^https:/);
  const host = new Session(stage.server.socket, { WebSocket: TrustingSocket });
  const name = crypto.randomUUID().slice(0, 8);
  await host.register({ username: `host-${name}`, password: `pass-${name}-word`, display_name: 'Hana' });
  const begin_at = new Date(Date.now() + 60_000).toISOString();
  const { room } = await host.createRoom({ name: 'In TLS', begin_at });
  host.close();

  const ada = await guest(stage, room.identity, 'Ada', { context });
  const bo = await guest(stage, room.identity, 'Bo', { context });
  await seesPeople(ada, 2);
  await seesAndHears(ada, { video: 1, audio: 1, seconds: 2 });
  await seesAndHears(bo, { video: 1, audio: 1, seconds: 2 });
  const how = await bo.evaluate(() => ({
    page: performance.getEntriesByType('navigation')[0].nextHopProtocol,
    sockets: [...new Set(globalThis.watchedSockets.map(({ url }) => new URL(url).protocol))],
  }));
  assert.deepEqual(how, { page: 'h2', sockets: ['wss:'] });
  stage.assertQuiet();
});
