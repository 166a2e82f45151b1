/**
 * The meeting in a small window over other work: a document of its own where the browser has that, with microphone and
 * way back, else the browser's window for a video.
 */

import { el, iconButton, text } from './dom.js';
import { setIcon } from './icons.js';
import { playTrack } from './video.js';

/** @type {any} */
const documents = /** @type {any} */ (globalThis).documentPictureInPicture;
const SIZE = { width: 400, height: 260 };

export function canPictureInPicture() {
  return documents !== undefined || document.pictureInPictureEnabled === true;
}

/**
 * @param {import('../flow/actions.js').Actions} actions
 * @param {() => {media: MediaStreamTrack | null, name: string}} main who is shown
 */
export function pictureInPicture(actions, main) {
  const video = el('video', { class: 'cam', autoplay: true, muted: true, playsInline: true });
  const name = el('span', { class: 'nm', dir: 'auto' });
  const microphone = iconButton('mic', 'tool.mic', {
    class: 'tool',
    on: { click: () => void actions.toggleMicrophone() },
  });
  const leave = iconButton('leave', 'leave', { class: 'tool leave', on: { click: () => void actions.leave() } });
  const node = el(
    'div',
    { class: 'pip' },
    el('div', { class: 'tile' }, video, el('div', { class: 'tab' }, name)),
    el('div', { class: 'pipbar' }, microphone, leave),
  );
  /** @type {Window | null} */
  let opened = null;
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
      playTrack(video, node, null);
    });
    update(null);
  }

  async function openVideo() {
    document.body.append(host);
    host.append(video);
    update(null);
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) {
      await new Promise((resolve) => video.addEventListener('loadedmetadata', resolve, { once: true }));
    }
    await video.requestPictureInPicture();
    video.addEventListener('leavepictureinpicture', close, { once: true });
  }

  function close() {
    if (document.pictureInPictureElement === video) void document.exitPictureInPicture();
    opened?.close();
    opened = null;
    host.remove();
    playTrack(video, node, null);
  }

  /** @param {import('../state/app.js').AppState | null} state */
  function update(state) {
    if (!opened && !host.isConnected) return;
    const shown = main();
    playTrack(video, node, shown.media);
    text(name, shown.name);
    if (state) {
      const on = state.devices.microphone.wanted && state.devices.microphone.live;
      setIcon(/** @type {any} */ (microphone.firstChild), on ? 'mic' : 'mic-off');
      microphone.classList.toggle('off', !on);
    }
  }
  return { open, update, close };
}
