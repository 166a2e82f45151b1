/** The server below a path of its host, behind a proxy that takes the path away and behind one that does not. */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/session.js';
import { openStage, startServer } from './harness.mjs';
import { guest, seesAndHears, seesPeople } from './page-people.mjs';

const PREFIX = '/meet';
const closing = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

/**
 * A proxy on a port of its own that serves what lies below PREFIX, and nothing else.
 * @param {{strips: boolean}} kind whether it takes the path away
 */
async function openProxy({ strips }) {
  /** @type {URL} */
  let target;
  /** Requests outside of the path: the page must make none. @type {string[]} */
  const astray = [];
  const through = (path) => {
    if (path !== PREFIX && !path.startsWith(`${PREFIX}/`)) {
      astray.push(path);
      return null;
    }
    return strips ? path.slice(PREFIX.length) || '/' : path;
  };
  const proxy = createServer((asked, answer) => {
    const path = through(asked.url);
    if (path === null) return void answer.writeHead(404).end();
    const headers = { ...asked.headers, 'x-forwarded-host': asked.headers.host, 'x-forwarded-for': '203.0.113.9' };
    const onward = request({ host: target.hostname, port: target.port, path, method: asked.method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  proxy.on('upgrade', (asked, socket, head) => {
    const path = through(asked.url);
    if (path === null) return void socket.destroy();
    const onward = connect(Number(target.port), target.hostname, () => {
      const lines = asked.rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join('');
      onward.write(`GET ${path} HTTP/1.1\r\n${lines}\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', () => resolve(undefined)));
  closing.push(() => {
    proxy.closeAllConnections();
    return new Promise((resolve) => proxy.close(resolve));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (proxy.address());
  return { origin: `http://127.0.0.1:${port}`, astray, aim: (origin) => void (target = new URL(origin)) };
}

for (const strips of [true, false]) {
  const kind = strips ? 'takes the path away' : 'leaves the path';
  test(`two people meet below a path, and the proxy ${kind}`, { timeout: 180_000 }, async () => {
    const proxy = await openProxy({ strips });
    const below = proxy.origin + PREFIX;
    const server = await startServer(['--public-url', `${below}/`, '--trusted-proxy', '127.0.0.0/8']);
    proxy.aim(server.origin);
    const stage = await openStage({ server: { ...server, origin: proxy.origin } });
    closing.push(() => stage.close());

    const host = new Session(`${below.replace('http', 'ws')}/ws`, { WebSocket });
    const name = crypto.randomUUID().slice(0, 8);
    await host.register({ username: `host-${name}`, password: `pass-${name}-word`, display_name: 'Hana' });
    const begin_at = new Date(Date.now() + 60_000).toISOString();
    const { room } = await host.createRoom({ name: 'Below', begin_at });
    host.close();

    const moved = await fetch(below, { redirect: 'manual' });
    if (!strips) assert.deepEqual([moved.status, moved.headers.get('location')], [308, `${PREFIX}/`]);
    const calendar = await (await fetch(`${below}/r/${room.identity}/calendar.ics`)).text();
    assert.match(calendar.replaceAll('\r\n ', ''), new RegExp(`URL:${below}/r/${room.identity}`));

    // The start, its links, and a link that is typed in.
    const start = await stage.page(`${PREFIX}/`, { name: 'start' });
    await start.getByTestId('check-link').waitFor();
    assert.equal(await start.getByTestId('check-link').getAttribute('href'), `${PREFIX}/check`);
    await start.getByTestId('check-link').click();
    await start.waitForURL(`${below}/check`);
    await start.reload();
    assert.equal(new URL(start.url()).pathname, `${PREFIX}/check`);
    await start.context().close();

    // A room's own link, into the meeting.
    const inside = { origin: below, page: (path, options) => stage.page(path, options) };
    const ada = await guest(inside, room.identity, 'Ada');
    const bo = await guest(inside, room.identity, 'Bo');
    await seesPeople(ada, 2);
    await seesAndHears(bo, { video: 1, audio: 1 });
    assert.equal(new URL(ada.url()).pathname, `${PREFIX}/r/${room.identity}`);
    stage.assertQuiet();
    assert.deepEqual(proxy.astray, []);
  });
}
