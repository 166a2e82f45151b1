/**
 * Runs the connection check from the page: who one is, which sessions, what is sent.
 *
 * @typedef {import('./actions.js').Parts} Parts
 * @typedef {import('./check.js').Sample} Sample
 */

import { createCall } from '../client/create-call.js';
import { Session } from '../client/session.js';
import { t } from '../i18n/index.js';
import { verdictWord } from '../state/check.js';
import { wireReport } from '../state/check-report.js';
import { leaveReport, tryWay } from './check-ways.js';
import { runCheck } from './check.js';
import { settings } from './settings.js';

const WIDTH = 640;
const HEIGHT = 360;
const FRAMES = 15;

/** @param {Pick<Parts, 'session' | 'store'> & {url: string}} parts  url: of the server's socket */
export async function check({ session, store, url }) {
  const { dispatch } = store;
  const second = async (/** @type {string} */ token) => {
    const other = new Session(url);
    await other.withToken(token);
    return other;
  };
  const found = await runCheck({
    authenticated: async () => {
      if (session.state !== 'online') await session.connect();
      if (!session.user) await session.guest({ display_name: settings.name || t('guest') });
      dispatch({ type: 'session', auth: session.hello?.auth ?? [], server: session.hello?.server ?? '' });
      dispatch({ type: 'user', user: session.user });
      return session;
    },
    second,
    tryWay: (token, identity, way) =>
      tryWay(way, {
        session: () => second(token),
        call: async (other, PeerConnection) => {
          const reply = await other.joinRoom({ identity });
          const call = createCall(other, reply, { audioSlots: 1, videoSlots: 1, RTCPeerConnection: PeerConnection });
          await call.start();
          return /** @type {import('../client/call.js').Call} */ (call);
        },
      }),
    startCall: async (other, identity) => {
      const reply = await other.joinRoom({ identity });
      const call = createCall(other, reply, { audioSlots: 1, videoSlots: 1 });
      call.on('slot', ({ kind, mediaTrack }) => void play(kind, mediaTrack));
      await call.start();
      return /** @type {import('../client/call.js').Call} */ (call);
    },
    sample,
    secure: isSecureContext,
    // A loopback address is a secure context even where nothing is encrypted (W3C Secure Contexts §3.1).
    local: isSecureContext && new URL(url).protocol !== 'wss:',
    tell: (found) => dispatch({ type: 'check', check: { running: true, found, code: null } }),
  });
  const code = await leaveReport(wireReport(found, verdictWord(found)));
  dispatch({ type: 'check', check: { running: false, found, code } });
}

/**
 * A browser plays, and measures, only what goes somewhere; here nobody sees or hears it.
 * @param {'audio' | 'video'} kind
 * @param {MediaStreamTrack | null} track
 */
async function play(kind, track) {
  if (!track) return;
  const element = document.createElement(kind);
  element.muted = true;
  element.srcObject = new MediaStream([track]);
  track.addEventListener('ended', () => (element.srcObject = null));
  await element.play().catch(() => {});
}

/** A picture that is never twice the same, and a tone that nobody hears. @returns {Promise<Sample>} */
async function sample() {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  let frame = 0;
  const draw = () => {
    frame += 1;
    for (let x = 0; x < WIDTH; x += 16) {
      for (let y = 0; y < HEIGHT; y += 16) {
        pen.fillStyle = `hsl(${(x + y + frame * 9) % 360} 60% ${30 + Math.random() * 40}%)`;
        pen.fillRect(x, y, 16, 16);
      }
    }
  };
  draw();
  const timer = setInterval(draw, 1000 / FRAMES);
  const [picture] = canvas.captureStream(FRAMES).getVideoTracks();
  const context = new AudioContext();
  const voice = context.createOscillator();
  const way = context.createMediaStreamDestination();
  voice.frequency.value = 440;
  voice.connect(way);
  voice.start();
  await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 500))]);
  const [tone] = way.stream.getAudioTracks();
  return {
    picture,
    tone,
    stop: () => {
      clearInterval(timer);
      picture.stop();
      tone.stop();
      void context.close();
    },
  };
}
