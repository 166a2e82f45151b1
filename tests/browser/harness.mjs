/**
 * The ground of the browser tests: a server of their own, pages with fake devices, and the rule that a page which
 * logs an error fails its test. It stops only what it started.
 *
 * ```js
 * const stage = await openStage();            // server and browser
 * after(() => stage.close());
 * const page = await stage.page('/');         // own context: own storage, own devices
 * stage.assertQuiet();                        // no console error, no page error so far
 * ```
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** How long is waited for what must come: as long as it takes on a machine that has much else to do. */
export const PATIENCE_MS = 60_000;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const KEPT_LOG_LINES = 200;

/**
 * The pop-ups of the address bar are pages of their own, two for each window that a test opens, although nobody types there. They
 * took as long to start as a page of ours: five seconds of processor time for four empty pages, 1.2 without them.
 */
const POPUPS = ['WebUIOmniboxPopup', 'WebUIOmniboxFullPopup', 'WebUIOmniboxAimPopup'];

/** What Playwright switches off: the browser reads the last such list alone. */
const OFF = [
  'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay', 'MediaRouter', 'PaintHolding', 'ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints', 'NetworkTimeServiceQuerying', 'AimEnabled', 'PreconnectToSearch',
];

/** For every Chromium of the tests. */
export const WITHOUT_POPUPS = `--disable-features=${[...OFF, ...POPUPS].join(',')}`;

const BROWSER_ARGS = [
  '--use-fake-device-for-media-stream=fps=5',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--auto-select-desktop-capture-source=Entire screen',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  WITHOUT_POPUPS,
  // Pages behind each other must go on sending and drawing as if each had its own window.
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--disable-background-timer-throttling',
];

/** @returns {string} the server to test: MEETING_BIN, else the newest habit of cargo */
export function findServer() {
  const candidates = [
    process.env.MEETING_BIN,
    join(root, 'target/release/meeting'),
    join(root, 'target/debug/meeting'),
  ];
  const found = candidates.find((path) => path && existsSync(path));
  if (!found) throw new Error('No server to test: build it with cargo, or name it in MEETING_BIN.');
  return found;
}

/**
 * Starts the server on free ports with an empty data directory and waits until it listens.
 *
 * @param {string[]} [extraArgs]
 * @param {{before?: string[], host?: string, mediaIp?: string | null}} [where] before: a command that runs it in some other
 *   place · host: it listens at · mediaIp: where it takes media, null: at the machine's own addresses
 * @returns {Promise<{origin: string, socket: string, log: string[], stop: () => Promise<void>, freeze: () => void, thaw: () => void,
 *   kill: () => Promise<void>, again: () => Promise<void>}>} kill: as `kill -9` · again: another one, on the same data and port
 */
export async function startServer(extraArgs = [], { before = [], host = '127.0.0.1', mediaIp = '127.0.0.1' } = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'meeting-test-'));
  let child;
  let exited;
  /** The last lines of both outputs, for a test that failed. */
  const log = [];
  const keep = (line) => {
    log.push(line);
    if (log.length > KEPT_LOG_LINES) log.shift();
  };

  /** Starts a process; its origin, once it listens. */
  const run = async (listen) => {
    const [command, ...args] = [
      ...before, findServer(), 'serve', '--listen', listen, '--data-dir', dataDir, '--no-rate-limit',
      ...(extraArgs.includes('--media-port') ? [] : ['--media-port', '0']),
      ...(extraArgs.includes('--media-ip') || mediaIp === null ? [] : ['--media-ip', mediaIp]), ...extraArgs,
    ];
    child = spawn(
      command,
      args,
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The server did not listen in time.')), START_TIMEOUT_MS);
      const settle = (finish, value) => {
        clearTimeout(timer);
        finish(value);
      };
      createInterface({ input: child.stderr }).on('line', keep);
      createInterface({ input: child.stdout }).on('line', (line) => {
        keep(line);
        const address = /listening on (https?:\/\/[^\s/]+)/.exec(line);
        if (address) settle(resolve, address[1]);
      });
      child.once('error', (error) => settle(reject, error));
      exited.then((outcome) => settle(reject, new Error(`The server ended at once (${outcome}).`)));
    });
  };

  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(force);
    }
    await rm(dataDir, { recursive: true, force: true });
  };

  try {
    const origin = await run(`${host}:0`);
    // A machine that stands still: its sockets stay, and nothing comes from them.
    const freeze = () => child.kill('SIGSTOP');
    const thaw = () => child.kill('SIGCONT');
    const kill = async () => {
      child.kill('SIGKILL');
      await exited;
    };
    const again = async () => {
      await run(new URL(origin).host);
    };
    return { origin, socket: `${origin.replace('http', 'ws')}/ws`, log, stop, freeze, thaw, kill, again };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${log.join('\n')}`);
  }
}

/** The browser; CHROMIUM names another one. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/**
 * A browser with fake devices.
 *
 * @param {string[]} [more] further arguments
 * @param {string} [executablePath]
 */
export function launchBrowser(more = [], executablePath = CHROMIUM) {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [...BROWSER_ARGS, ...more],
  });
}

/**
 * A server, a browser and the pages opened on them.
 *
 * @param {object} [options]
 * @param {string[]} [options.serverArgs]
 * @param {string[]} [options.browserArgs]
 * @param {string} [options.chromium] another browser than CHROMIUM
 * @param {{origin: string, stop: () => Promise<void>}} [options.server] one that already runs; it is stopped with the stage
 */
export async function openStage({ serverArgs = [], browserArgs = [], chromium: browserPath, server: given } = {}) {
  const server = given ?? (await startServer(serverArgs));
  let browser;
  try {
    browser = await launchBrowser(browserArgs, browserPath);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return new Stage(server, browser);
}

class Stage {
  /** What pages complained about: `{page, text}`. */
  complaints = [];
  #browser;
  #pages = 0;

  constructor(server, browser) {
    this.server = server;
    this.origin = server.origin;
    this.#browser = browser;
  }

  /**
   * A page in a context of its own: its own storage, permissions and viewport.
   *
   * @param {string} [path] to go to; none when null
   * @param {object} [options]
   * @param {string} [options.name] under which its complaints are listed
   * @param {(text: string) => boolean} [options.expected] console errors that the test provokes itself
   * @param {import('playwright-core').BrowserContextOptions} [options.context]
   */
  async page(path = '/', { name = `page ${++this.#pages}`, expected = () => false, context: more = {} } = {}) {
    const context = await this.#browser.newContext({
      permissions: ['camera', 'microphone'],
      // Sixty frames a second of what moves for the eye alone would take both processors.
      reducedMotion: 'reduce',
      ...more,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const complain = (text) => {
      if (!expected(text)) this.complaints.push({ page: name, text });
    };
    page.on('console', (message) => {
      if (message.type() === 'error') complain(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => complain(error.stack ?? String(error)));
    page.on('crash', () => complain('The page crashed.'));
    if (path !== null) await page.goto(this.origin + path, { waitUntil: 'domcontentloaded' });
    return page;
  }

  /**
   * A page without views that holds the client library as `client`, for tests below the views.
   *
   * @param {string} [name]
   * @param {(page: import('playwright-core').Page) => Promise<unknown>} [prepare] before anything is loaded
   */
  async clientPage(name, prepare = async () => {}) {
    // Without a page's markup the browser asks for an icon where there is none.
    const page = await this.page(null, { name, expected: (text) => text.includes('/favicon.ico') });
    await prepare(page);
    await page.goto(`${this.origin}/healthz`);
    await page.evaluate(async () => {
      globalThis.client = await import('/js/client/index.js');
    });
    return page;
  }

  /** Fails when any page logged an error. */
  assertQuiet() {
    const found = this.complaints.splice(0);
    if (found.length) throw new Error(found.map(({ page, text }) => `${page}: ${text}`).join('\n'));
  }

  async close() {
    await this.#browser.close();
    await this.server.stop();
  }
}

/**
 * Waits until `probe` answers something truthy, and answers that.
 *
 * @template T
 * @param {() => T|Promise<T>} probe
 * @param {string} what it waits for, in the message of the error
 * @param {{timeoutMs?: number, everyMs?: number}} [options]
 * @returns {Promise<NonNullable<Awaited<T>>>}
 */
export async function until(probe, what, { timeoutMs = PATIENCE_MS, everyMs = 50 } = {}) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
