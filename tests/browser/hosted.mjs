/** A room with its host at the page, and people who are only sessions: they fill seats and say things. */
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';
import { until } from './harness.mjs';
import { visit } from './page-people.mjs';

/**
 * @param {any} stage
 * @param {object} [fields] of room.create
 * @returns {Promise<{identity: string, token: string}>} the room, and what signs its owner in
 */
export async function hostedRoom(stage, fields = {}) {
  const session = new Session(stage.server.socket, { WebSocket });
  await session.register({
    username: `host-${crypto.randomUUID().slice(0, 8)}`,
    password: `pass-${crypto.randomUUID()}`,
    display_name: 'Hanna',
  });
  const { room } = await session.createRoom({ name: 'Hosted room', ...fields });
  const { token } = session;
  session.close();
  return { identity: room.identity, token };
}

/** The owner, in the room. @param {any} stage @param {{identity: string, token: string}} room @param {object} [options] */
export async function host(stage, { identity, token }, options = {}) {
  const page = await visit(stage, '/', { name: 'host', ...options });
  await page.evaluate((value) => localStorage.setItem('meeting.token', value), token);
  await page.goto(`${stage.origin}/r/${identity}`);
  await page.getByTestId('room-title').filter({ hasText: /./ }).waitFor();
  await until(
    () => page.evaluate(() => document.querySelector('[data-testid="preview-video"]')?.videoWidth > 0),
    'the own picture',
  );
  await page.getByTestId('join').click();
  await page.getByTestId('room').waitFor();
  return page;
}

/** A line that a test cuts: while it is down no socket comes about on it. */
export function line() {
  const now = {
    isDown: false,
    /** @type {WebSocket | null} */
    last: null,
    WebSocket: class extends WebSocket {
      /** @param {any} url @param {any} protocols */
      constructor(url, protocols) {
        super(url, protocols);
        now.last = this;
        if (now.isDown) this.terminate();
      }
    },
    cut() {
      now.isDown = true;
      now.last?.terminate();
    },
    mend: () => void (now.isDown = false),
  };
  return now;
}

/**
 * Somebody without a page.
 * @param {any} stage
 * @param {string} identity
 * @param {string} name
 * @param {typeof WebSocket} [Socket]
 */
export async function seat(stage, identity, name, Socket = WebSocket) {
  const session = new Session(stage.server.socket, { WebSocket: /** @type {any} */ (Socket) });
  try {
    await session.guest({ display_name: name });
    const reply = await session.joinRoom({ identity });
    return { session, id: reply.self.id };
  } catch (error) {
    // Left alone it would connect again and again.
    session.close();
    throw error;
  }
}

/** The menu of one person in the people panel. @param {any} page @param {string} name */
export async function openPerson(page, name) {
  if (!(await page.getByTestId('people-panel').isVisible())) await page.getByTestId('people').click();
  await page.getByTestId('person').filter({ hasText: name }).getByTestId('person-more').click();
}

/** Does one thing to one person. @param {any} page @param {string} name @param {string} what test id of the item */
export async function act(page, name, what) {
  await openPerson(page, name);
  await page.getByTestId(what).click();
}

/** The names on the tiles as one reads them: row by row, whatever their order in the document. @param {any} page */
export function rows(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('[data-testid="tile"]')]
      .map((tile) => ({ name: tile.querySelector('.nm').textContent, at: new DOMMatrix(getComputedStyle(tile).transform) }))
      .sort((a, b) => Math.round(a.at.m42 - b.at.m42) || a.at.m41 - b.at.m41)
      .map(({ name }) => name),
  );
}

/**
 * Shares a picture of this shape, so that others can tell whose it is.
 * @param {any} page
 * @param {number} width pixels
 * @param {number} height pixels
 */
export async function shareScreen(page, width, height) {
  await page.evaluate(([width, height]) => {
    navigator.mediaDevices.getDisplayMedia = async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width, height });
      const pen = canvas.getContext('2d');
      let frame = 0;
      setInterval(() => {
        pen.fillStyle = `hsl(${(frame += 7) % 360} 60% 50%)`;
        pen.fillRect(0, 0, width, height);
      }, 200);
      const stream = canvas.captureStream(5);
      globalThis.sharedTrack = stream.getVideoTracks()[0];
      return stream;
    };
  }, [width, height]);
  await page.getByTestId('share').click();
  await page.getByTestId('sharing').waitFor();
}

/** Waits until the screen on the stage is upright, or is not. @param {any} page @param {boolean} upright */
export function seesScreen(page, upright) {
  return until(
    () =>
      page.evaluate((upright) => {
        const { videoWidth: width, videoHeight: height } = document.querySelector('[data-testid="screen"]');
        return width > 0 && height > width === upright;
      }, upright),
    upright ? 'the upright screen' : 'the wide screen',
  );
}
