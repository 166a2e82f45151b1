/**
 * The proxy configurations of `.deploy`, as they stand there but for names, ports and certificate, in Debian's nginx and
 * Caddy: the page, a log-in over the WebSocket, and a socket that stays open at rest go through, and `meeting doctor`
 * finds the way sound. nginx passes media on as well.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { findServer, root, startServer, until, WITHOUT_POPUPS } from './harness.mjs';

/** Longer than the pause between two pings of the server (15 s): one of them has come and was answered by then. */
const AT_REST_MS = 17_000;

const folder = mkdtempSync(join(tmpdir(), 'meeting-proxies-'));
const started = [];
let browser;
let server;

before(async () => {
  server = await startServer(['--trusted-proxy', '127.0.0.1', '--public-url', 'https://meet.example.org']);
  const key = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-subj', '/CN=meet.example.org'];
  const made = spawnSync('openssl', [...key, '-keyout', join(folder, 'key'), '-out', join(folder, 'pem')]);
  assert.equal(made.status, 0, String(made.stderr));
  // The name leads to a proxy of this test, whose port stands in the address.
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', WITHOUT_POPUPS, '--host-resolver-rules=MAP meet.example.org 127.0.0.1'],
  });
});

after(async () => {
  await browser?.close();
  for (const child of started) child.kill();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** @returns {Promise<number>} */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {any} */ (probe.address());
  await new Promise((resolve) => probe.close(() => resolve(undefined)));
  return port;
}

const example = (file) => readFileSync(join(root, '.deploy', file), 'utf8');

/** @param {string} program @param {string[]} args @param {number} port that it opens */
async function start(program, args, port) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder } });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  await until(async () => child.exitCode !== null || (await opens(port)), `${program} to listen`);
  assert.equal(child.exitCode, null, said);
}

const opens = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('connect', () => socket.destroy());
    socket.on('error', () => resolve(false));
  });

/** The page, a log-in, a socket at rest, and the doctor. @param {number} port */
async function holds(port) {
  const origin = `https://meet.example.org:${port}`;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  await page.getByTestId('register-open').waitFor();
  const told = await page.evaluate(
    ({ atRest }) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`wss://${location.host}/ws`, 'meeting.v1');
        const seen = [];
        let closed = null;
        socket.onclose = ({ code }) => (closed = code);
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          seen.push(frame.type);
          if (frame.type === 'hello') socket.send('{"type":"auth.guest","id":1,"data":{"display_name":"Ada"}}');
          if (frame.re === 1) setTimeout(() => socket.send('{"type":"ping","id":2,"data":{}}'), atRest);
          if (frame.re === 2) resolve({ seen, closed });
        };
        setTimeout(() => resolve({ seen, closed }), atRest + 8_000);
      }),
    { atRest: AT_REST_MS },
  );
  await context.close();
  assert.deepEqual(told, { seen: ['hello', 'ok', 'ok'], closed: null });
}

/** What the doctor says of an address, by its subject. @param {string} url */
function doctor(url) {
  const { stdout } = spawnSync(findServer(), ['doctor', '--json', '--data-dir', folder, '--public-url', url], { encoding: 'utf8' });
  return Object.fromEntries(JSON.parse(stdout).findings.map(({ check, level, sentence }) => [check, `${level}: ${sentence}`]));
}

// Beside each other, since each waits for most of its time.
describe('what is configured in .deploy', { concurrency: true }, () => {
  test('nginx', { timeout: 90_000 }, async () => {
    const [port, plain] = [await freePort(), await freePort()];
    const conf = example('nginx/meeting.conf')
      .replaceAll('listen [::]', '# [::]')
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replace('listen 80', `listen 127.0.0.1:${plain}`)
      // A port of its own stands in the Host header here, as it would at any other port than 443.
      .replaceAll('$host;', '$http_host;')
      .replace('127.0.0.1:8080', new URL(server.origin).host)
      .replace('/etc/ssl/meet.example.org.pem', join(folder, 'pem'))
      .replace('/etc/ssl/meet.example.org.key', join(folder, 'key'));
    const whole = `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}\nhttp { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;\n${conf}}\n`;
    writeFileSync(join(folder, 'nginx.conf'), whole);
    await start('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], port);
    await holds(port);
    const found = doctor(`https://127.0.0.1:${port}`);
    assert.match(found.public, /^ok/);
    assert.match(found.proxy, /^ok/, 'it says whom it speaks for');
    assert.match(found.certificate, /^wrong: .*(who signed|another name|refuse)/, 'one that this test has signed itself');
  });

  test('Caddy', { timeout: 90_000 }, async () => {
    const [port, plain] = [await freePort(), await freePort()];
    // A certificate of the public kind cannot be had here.
    const options = `{\n\tadmin off\n\tauto_https disable_redirects\n\thttp_port ${plain}\n\thttps_port ${port}\n\tlocal_certs\n\tskip_install_trust\n}\n`;
    const conf = example('caddy/Caddyfile').replace('127.0.0.1:8080', new URL(server.origin).host);
    writeFileSync(join(folder, 'Caddyfile'), options + conf);
    await start('/usr/bin/caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], port);
    await holds(port);
  });

  test('nginx passes media on, by UDP and by TCP', { timeout: 30_000 }, async () => {
    const stream = '/usr/lib/nginx/modules/ngx_stream_module.so';
    assert.ok(existsSync(stream), 'libnginx-mod-stream');
    const port = await freePort();
    const udp = createSocket('udp4');
    await new Promise((resolve) => udp.bind(0, '127.0.0.1', () => resolve(undefined)));
    const behind = udp.address().port;
    udp.on('message', (message, from) => udp.send(`back ${message}`, from.port, from.address));
    const tcp = createServer((socket) => socket.on('data', (data) => socket.write(`back ${data}`)));
    await new Promise((resolve) => tcp.listen(behind, '127.0.0.1', () => resolve(undefined)));
    const conf = example('nginx/media-stream.conf')
      .replaceAll('listen [::]', '# [::]')
      .replaceAll('listen 20000', `listen 127.0.0.1:${port}`)
      .replace('10.0.0.5:20000', `127.0.0.1:${behind}`);
    writeFileSync(join(folder, 'stream.conf'), `load_module ${stream}; daemon off; pid ${folder}/stream.pid; error_log stderr; events {}\n${conf}`);
    await start('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'stream.conf')], port);
    const client = createSocket('udp4');
    const answered = new Promise((resolve) => client.once('message', (message) => resolve(String(message))));
    client.send('media', port, '127.0.0.1');
    assert.equal(await answered, 'back media');
    const socket = connect(port, '127.0.0.1', () => socket.write('frames'));
    const text = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))));
    assert.equal(text, 'back frames');
    socket.destroy();
    client.close();
    udp.close();
    tcp.close();
  });
});
