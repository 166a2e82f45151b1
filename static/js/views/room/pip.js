/**
 * The meeting in a small window over other work: a document of its own where the browser has that, with microphone and
 * way back, else the browser's window for a video.
 */

import { t } from '../../i18n/index.js';
import { avatar, setAvatar, setHue } from '../kit/avatar.js';
import { attribute, el, iconButton, text } from '../kit/dom.js';
import { setIcon } from '../kit/icons.js';
import { playTrack } from '../kit/video.js';

/** @type {any} Chromium has it, the others do not yet */
const documents = /** @type {any} */ (globalThis).documentPictureInPicture;
const SIZE = { width: 400, height: 260 };

export function canPictureInPicture() {
  return documents !== undefined || document.pictureInPictureEnabled === true;
}

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {() => {
 *   media: MediaStreamTrack | null, name: string, user: string,
 *   viewRequest: ((size: {w: number, h: number}) => import('../../state/viewing.js').ViewRequest) | null,
 * }} main who is shown
 */
export function pictureInPicture(actions, main) {
  const video = el('video', { class: 'cam', autoplay: true, muted: true, playsInline: true });
  const face = avatar();
  const name = el('span', { class: 'nm', dir: 'auto' });
  const microphone = iconButton('mic', 'tool.mic', {
    class: 'tool',
    on: { click: () => void actions.toggleMicrophone() },
  });
  const leave = iconButton('leave', 'leave', { class: 'tool leave', on: { click: () => void actions.leave() } });
  const tile = el('div', { class: 'tile' }, face, video, el('div', { class: 'tab' }, name));
  const node = el('div', { class: 'pip', 'data-testid': 'pip' }, tile, el('div', { class: 'pipbar' }, microphone, leave));
  /** @type {Window | null} */
  let opened = null;
  /** @type {PictureInPictureWindow | null} */
  let small = null;
  // The browser's video window only takes a video that stands in the page.
  const host = el('div', { class: 'vh', 'aria-hidden': 'true' });

  async function open() {
    if (opened || document.pictureInPictureElement) return close();
    try {
      if (documents !== undefined) await openDocument();
      else await openVideo();
    } catch {
      // The browser refused, or the window was closed while it opened.
      close();
    }
  }

  async function openDocument() {
    const window = /** @type {Window} */ (await documents.requestWindow(SIZE));
    opened = window;
    for (const link of document.querySelectorAll('link[rel="stylesheet"]')) {
      const copy = window.document.createElement('link');
      copy.rel = 'stylesheet';
      copy.href = /** @type {HTMLLinkElement} */ (link).href;
      window.document.head.append(copy);
    }
    window.document.documentElement.dataset.theme = 'dark';
    window.document.documentElement.lang = document.documentElement.lang;
    window.document.title = document.title;
    window.document.body.append(node);
    window.addEventListener('pagehide', () => {
      opened = null;
      playTrack(video, tile, null);
      actions.viewApart(null);
    });
    window.addEventListener('resize', () => update(actions.state()));
    update(actions.state());
  }

  async function openVideo() {
    // A browser opens its video window for a picture alone.
    if (!main().media) return actions.toast('toast.pip.nothing', {}, 'camera-off');
    document.body.append(host);
    host.append(video);
    update(actions.state());
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) {
      await new Promise((resolve) => video.addEventListener('loadedmetadata', resolve, { once: true }));
    }
    small = await video.requestPictureInPicture();
    small.addEventListener('resize', () => update(actions.state()));
    video.addEventListener('leavepictureinpicture', close, { once: true });
    // The meeting may be over by now.
    if (!host.isConnected) close();
  }

  function close() {
    if (document.pictureInPictureElement === video) void document.exitPictureInPicture();
    opened?.close();
    opened = null;
    small = null;
    host.remove();
    playTrack(video, tile, null);
    actions.viewApart(null);
  }

  /** In CSS pixels of its own. */
  function size() {
    if (opened) return { w: opened.innerWidth, h: opened.innerHeight };
    return small ? { w: small.width, h: small.height } : { w: SIZE.width, h: SIZE.height };
  }

  /** @param {import('../../state/app.js').AppState} state */
  function update({ devices: { microphone: own } }) {
    if (!opened && !host.isConnected) return;
    const shown = main();
    actions.viewApart(shown.viewRequest?.(size()) ?? null);
    playTrack(video, tile, shown.media);
    text(name, shown.name);
    setAvatar(face, shown.user, shown.name);
    setHue(tile, shown.user);
    tile.classList.toggle('off', !shown.media);
    const on = own.wanted && own.live;
    setIcon(/** @type {any} */ (microphone.firstChild), on ? 'mic' : 'mic-off');
    microphone.classList.toggle('off', !on);
    attribute(microphone, 'aria-pressed', String(on));
    // The page translates its own document alone.
    for (const [button, key] of /** @type {const} */ ([[microphone, on ? 'tool.mic.off' : 'tool.mic.on'], [leave, 'leave']])) {
      attribute(button, 'aria-label', t(key));
      attribute(button, 'title', t(key));
    }
  }
  return { open, update, close };
}
