/**
 * Firefox in the browser tests. Debian's Firefox speaks WebDriver BiDi, which puppeteer drives; playwright drives only
 * a Firefox of its own. The pages here answer the part of playwright's interface that the helpers of these tests use, so
 * that one helper serves both browsers.
 *
 * ```js
 * const stage = await openStage({ serverArgs: ['--media-ip', ownAddress()] });
 * const firefox = await openFirefox(stage);   // on the stage's server, beside its Chromium
 * const page = await guest(firefox, identity, 'Fox');
 * ```
 */
import { networkInterfaces } from 'node:os';
import puppeteer from 'puppeteer-core';
import { PATIENCE_MS, until } from './harness.mjs';

const LAUNCH_TIMEOUT_MS = 120_000;

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Nothing of the browser's own goes out.
  'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/**
 * An address of this machine that Firefox sends media to: its ICE agent leaves the loopback interface out.
 *
 * @returns {string}
 */
export function ownAddress() {
  const all = Object.values(networkInterfaces()).flat();
  const found = all.find((one) => one && one.family === 'IPv4' && !one.internal);
  if (!found) throw new Error('Firefox needs a network interface beside the loopback one; this machine has none.');
  return found.address;
}

/**
 * Starts Firefox with fake devices; FIREFOX names another binary.
 *
 * @param {{server: {origin: string, socket: string}, origin: string}} stage whose server the pages go to
 */
export async function openFirefox(stage) {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    timeout: LAUNCH_TIMEOUT_MS,
    protocolTimeout: LAUNCH_TIMEOUT_MS,
    extraPrefsFirefox: PREFERENCES,
  });
  return new FirefoxStage(stage, browser);
}

class FirefoxStage {
  /** What pages complained about: `{page, text}`. */
  complaints = [];
  #browser;
  #pages = 0;

  constructor(stage, browser) {
    this.server = stage.server;
    this.origin = stage.origin;
    this.#browser = browser;
  }

  /** As a stage's `page` in harness.mjs; of the context's options it takes the viewport and the colour scheme. */
  async page(path = '/', { name = `Firefox page ${++this.#pages}`, expected = () => false, context = {} } = {}) {
    const own = await this.#browser.createBrowserContext();
    const page = await own.newPage();
    const complain = (text) => {
      if (!expected(text)) this.complaints.push({ page: name, text });
    };
    page.on('console', (message) => {
      if (message.type() === 'error') complain(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => complain(error.stack ?? String(error)));
    if (context.viewport) await page.setViewport(context.viewport);
    const wrapped = new FirefoxPage(page, own);
    if (path !== null) await wrapped.goto(this.origin + path);
    return wrapped;
  }

  /** Fails when any page logged an error. */
  assertQuiet() {
    const found = this.complaints.splice(0);
    if (found.length) throw new Error(found.map(({ page, text }) => `${page}: ${text}`).join('\n'));
  }

  /** Ends Firefox alone; the server is the stage's. */
  async close() {
    await this.#browser.close();
  }
}

class FirefoxPage {
  constructor(page, context) {
    this.page = page;
    this.keyboard = page.keyboard;
    this.#context = context;
  }

  #context;

  context() {
    return this.#context;
  }

  async addInitScript(script) {
    await this.page.evaluateOnNewDocument(script);
  }

  async goto(url) {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
  }

  async reload() {
    await this.page.reload({ waitUntil: 'domcontentloaded' });
  }

  async setViewportSize(size) {
    await this.page.setViewport(size);
  }

  async screenshot(options) {
    return this.page.screenshot(options);
  }

  url() {
    return this.page.url();
  }

  evaluate(script, argument) {
    return this.page.evaluate(script, argument);
  }

  getByTestId(id) {
    return this.locator(`[data-testid="${id}"]`);
  }

  locator(selector) {
    return new FirefoxLocator(this.page, [{ selector }]);
  }

  /** The innermost elements that say this. @param {string|RegExp} text */
  getByText(text) {
    return this.locator('body *').filter({ hasText: text }).innermost();
  }

  async close() {
    await this.#context.close();
  }
}

/** Finds the elements of a locator in the page. Each step narrows down what the one before has found. */
function find(steps) {
  const isShown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden';
  let found = [document];
  for (const { selector, text, flags, innermost, index, shown } of steps) {
    if (selector) found = [...new Set(found.flatMap((root) => [...root.querySelectorAll(selector)]))];
    if (text !== undefined) found = found.filter((element) => new RegExp(text, flags).test(element.textContent));
    if (innermost) found = found.filter((one) => !found.some((other) => other !== one && one.contains(other)));
    if (index !== undefined) found = found.slice(index, index + 1 || undefined);
    if (shown) found = found.filter(isShown);
  }
  return found;
}

/** A lazy reference to elements of a page, of which the first that is shown is meant. */
class FirefoxLocator {
  #page;
  #steps;

  constructor(page, steps) {
    this.#page = page;
    this.#steps = steps;
  }

  #with(step) {
    return new FirefoxLocator(this.#page, [...this.#steps, step]);
  }

  locator(selector) {
    return this.#with({ selector });
  }

  getByTestId(id) {
    return this.locator(`[data-testid="${id}"]`);
  }

  /** The field's value. */
  async inputValue() {
    await this.waitFor({ state: 'attached' });
    return this.#read(([element]) => element.value);
  }

  async isEnabled() {
    return this.#read(([element]) => !!element && !element.disabled);
  }

  /** @param {{hasText: string|RegExp}} wanted */
  filter({ hasText }) {
    const text = hasText instanceof RegExp ? hasText.source : hasText.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return this.#with({ text, flags: hasText instanceof RegExp ? hasText.flags : 'i' });
  }

  innermost() {
    return this.#with({ innermost: true });
  }

  nth(index) {
    return this.#with({ index });
  }

  first() {
    return this.nth(0);
  }

  last() {
    return this.nth(-1);
  }

  /** Runs `read` on the elements found, in the page. */
  #read(read, argument) {
    return this.#page.evaluate(
      `(${read})((${find})(${JSON.stringify(this.#steps)}), ${JSON.stringify(argument) ?? 'undefined'})`,
    );
  }

  count() {
    return this.#read((found) => found.length);
  }

  allTextContents() {
    return this.#read((found) => found.map((element) => element.textContent));
  }

  async textContent() {
    await this.waitFor({ state: 'attached' });
    return this.#read(([element]) => element.textContent);
  }

  async getAttribute(name) {
    await this.waitFor({ state: 'attached' });
    return this.#read(([element], attribute) => element.getAttribute(attribute), name);
  }

  async isVisible() {
    return (await this.#with({ shown: true }).count()) > 0;
  }

  async isChecked() {
    await this.waitFor({ state: 'attached' });
    return this.#read(([element]) => element.checked);
  }

  /** @param {{state?: 'visible'|'hidden'|'attached'|'detached', timeout?: number}} [options] */
  async waitFor({ state = 'visible', timeout = PATIENCE_MS } = {}) {
    const holds = {
      visible: () => this.isVisible(),
      hidden: async () => !(await this.isVisible()),
      attached: async () => (await this.count()) > 0,
      detached: async () => (await this.count()) === 0,
    };
    await until(holds[state], `${JSON.stringify(this.#steps)} to be ${state}`, { timeoutMs: timeout });
  }

  /** The middle of the element once it stands still and nothing lies over it. */
  async #middle() {
    let before = '';
    return until(async () => {
      const place = await this.#with({ shown: true }).#read(([element]) => {
        if (!element || element.disabled) return null;
        element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
        const box = element.getBoundingClientRect();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        const hit = document.elementFromPoint(x, y);
        return hit && (element.contains(hit) || hit.contains(element) || hit.closest('label')?.control === element)
          ? { x, y } : null;
      });
      const now = JSON.stringify(place);
      const still = place && now === before;
      before = now;
      return still ? place : null;
    }, `${JSON.stringify(this.#steps)} to be clickable`);
  }

  async click() {
    const { x, y } = await this.#middle();
    await this.#page.mouse.click(x, y);
  }

  async hover() {
    const { x, y } = await this.#middle();
    await this.#page.mouse.move(x, y);
  }

  async focus() {
    await this.waitFor();
    await this.#with({ shown: true }).#read(([element]) => element.focus());
  }

  async press(key) {
    await this.focus();
    await this.#page.keyboard.press(key);
  }

  /** Replaces what the field holds, by the keyboard. */
  async fill(text) {
    await this.focus();
    await this.#with({ shown: true }).#read(([element]) => element.select());
    if (text) await this.#page.keyboard.type(text);
    else await this.#page.keyboard.press('Backspace');
  }

  async check() {
    if (!(await this.isChecked())) await this.#read(([element]) => element.click());
  }
}
