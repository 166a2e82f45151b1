/**
 * A server with a private address behind a router that leads a public one to it (NAT 1:1), and two places to call from: a
 * free one, and one behind a firewall, from which nothing passes but TCP to the page's port. Each is a network namespace of
 * its own, and the kernel translates and drops. Everything is taken away when it is closed, also when the process ends
 * before that.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM, startServer } from '../browser/harness.mjs';

const PLACES = /** @type {const} */ (['router', 'server', 'free', 'walled']);
/** In a namespace of its own it is free. */
const MEDIA_PORT = 20_000;

/**
 * @typedef {object} Walls
 * @property {string} publicAddress by which alone the server is known
 * @property {string} privateAddress which it has
 * @property {{free: string, walled: string}} chromium a Chromium at each place
 * @property {(args: string[]) => Promise<any>} serve starts a server as `openStage` takes it, and opens its page's port
 * @property {() => number} dropped how many datagrams the firewall has dropped
 * @property {() => void} close once the servers are stopped
 */

/** @returns {Walls} */
export function openWalls() {
  const names = Object.fromEntries(PLACES.map((place) => [place, `meet${process.pid % 1_000_000}${place[0]}`]));
  const outer = `meet${process.pid % 1_000_000}h`;
  const net = `10.214.${process.pid % 250}`;
  // Of a range that is for documentation alone (RFC 5737).
  const publicAddress = `203.0.113.${1 + (process.pid % 250)}`;
  const privateAddress = `${net}.10`;
  const folder = mkdtempSync(join(tmpdir(), 'meeting-walls-'));
  const remove = () => {
    for (const args of [['link', 'del', outer], ...Object.values(names).map((name) => ['netns', 'del', name])]) {
      try {
        run('ip', args);
      } catch {
        // It was not made, or is gone already.
      }
    }
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', remove);
  const inside = (place, command, args, input = undefined) => run('ip', ['netns', 'exec', names[place], command, ...args], input);
  const table = (text) => inside('router', 'nft', ['-f', '-'], text);
  try {
    for (const name of Object.values(names)) {
      run('ip', ['netns', 'add', name]);
      run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    // Tests make rooms from here.
    lay({ device: outer, at: `${net}.1` }, { netns: names.router, device: 'here', at: `${net}.2` });
    run('ip', ['route', 'add', publicAddress, 'via', `${net}.2`]);
    // Browsers have one address each, so that there is one way only.
    for (const [place, first] of /** @type {const} */ ([['server', 9], ['free', 13], ['walled', 17]])) {
      lay({ netns: names[place], device: 'out', at: `${net}.${first + 1}` }, { netns: names.router, device: place, at: `${net}.${first}` });
      run('ip', ['-n', names[place], 'route', 'add', 'default', 'via', `${net}.${first}`]);
    }
    inside('router', 'sh', ['-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
    table(rules(publicAddress, privateAddress));
  } catch (error) {
    remove();
    throw new Error('These tests need root and the right to make network namespaces, veth interfaces and nftables: '
      + `${/** @type {any} */ (error).stderr ?? error}`);
  }
  const chromium = (place) => {
    const path = join(folder, place);
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${names[place]} ${CHROMIUM} "$@"\n`, { mode: 0o755 });
    return path;
  };
  return {
    publicAddress,
    privateAddress,
    chromium: { free: chromium('free'), walled: chromium('walled') },
    serve: async (args) => {
      const media = ['--media-ip', `${publicAddress}/${privateAddress}`, '--media-port', String(MEDIA_PORT), '--media-threads', '2'];
      const server = await startServer([...media, ...args], { before: ['ip', 'netns', 'exec', names.server], host: privateAddress });
      table(`add element ip walls pages { ${new URL(server.origin).port} }`);
      const outside = (url) => url.replace(privateAddress, publicAddress);
      return { ...server, origin: outside(server.origin), socket: outside(server.socket) };
    },
    dropped: () => Number(/packets (\d+)/.exec(inside('router', 'nft', ['list', 'counter', 'ip', 'walls', 'datagrams']))?.[1]),
    close: () => {
      remove();
      process.removeListener('exit', remove);
    },
  };
}

/** The router's: it translates for everybody, and guards one side. @param {string} outer @param {string} inner */
const rules = (outer, inner) => `
table ip walls {
  set pages { type inet_service; }
  counter datagrams { }
  chain arriving { type nat hook prerouting priority dstnat; ip daddr ${outer} dnat to ${inner}; }
  chain leaving { type nat hook postrouting priority srcnat; ip saddr ${inner} snat to ${outer}; }
  chain passing {
    type filter hook forward priority filter;
    iifname "walled" meta l4proto udp counter name datagrams drop
    oifname "walled" meta l4proto udp drop
    iifname "walled" ct original ip daddr ${outer} tcp dport @pages accept
    iifname "walled" drop
  }
}`;

/**
 * Lays a line between two places; one that names no namespace is on this machine.
 *
 * @typedef {{netns?: string, device: string, at: string}} End
 * @param {End} one @param {End} other
 */
export function lay(one, other) {
  const place = ({ netns }) => (netns ? ['netns', netns] : []);
  run('ip', ['link', 'add', one.device, ...place(one), 'type', 'veth', 'peer', 'name', other.device, ...place(other)]);
  for (const { netns, device, at } of [one, other]) {
    const there = netns ? ['-n', netns] : [];
    run('ip', [...there, 'addr', 'add', `${at}/30`, 'dev', device]);
    // An address that the system adds a second later would be a change of network to browsers, which give up what they load.
    run('ip', [...there, 'link', 'set', device, 'addrgenmode', 'none']);
    run('ip', [...there, 'link', 'set', device, 'up']);
  }
}

/** @param {string} command @param {string[]} args @param {string} [input] @returns {string} */
export function run(command, args, input) {
  return execFileSync(command, args, { input, stdio: ['pipe', 'pipe', 'pipe'], encoding: 'utf8', timeout: 10_000 });
}
