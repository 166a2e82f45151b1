/**
 * One's own picture before the meeting, with the buttons on it: how one will be seen, and why not if not.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { levelBars } from '../kit/art.js';
import { avatar, setAvatar, setHue } from '../kit/avatar.js';
import { attribute, button, el, iconButton, say, show, text } from '../kit/dom.js';
import { icon, setIcon } from '../kit/icons.js';
import { playTrack } from '../kit/video.js';

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {(anchor: HTMLElement) => void} openSettings
 */
export function ownPicture(actions, openSettings) {
  const video = el('video', {
    class: 'cam',
    autoplay: true,
    muted: true,
    playsInline: true,
    'aria-hidden': 'true',
    'data-testid': 'preview-video',
  });
  const face = avatar();
  const tabName = el('span', { class: 'nm' });
  const muted = icon('mic-off');
  muted.classList.add('mo');
  const bars = levelBars();
  const you = el('span', { class: 'you', t: 'you' });
  const tab = el('div', { class: 'tab' }, muted, bars, tabName, you);
  const permTitle = el('h2');
  const permText = el('p');
  const perm = el(
    'div',
    { class: 'perm', 'data-testid': 'blocked' },
    el('span', { class: 'ic' }, icon('camera-off')),
    permTitle,
    permText,
    button('tryAgain', { on: { click: () => void actions.setCamera(true) } }),
  );
  const tile = el('div', { class: 'tile me' }, face, video, tab, perm);
  const microphone = tool('mic', 'tool.mic', 'preview-mic', () => void actions.toggleMicrophone());
  const camera = tool('camera', 'tool.camera', 'preview-camera', () => void actions.toggleCamera());
  const settings = tool('settings', 'tool.devices', 'preview-settings', () => openSettings(settings));
  const node = el('div', { class: 'pv' }, tile, el('div', { class: 'pvc' }, microphone, camera, settings));

  /** The tab shows the name as the others will see it. @param {string} name @param {string} id decides the colour */
  function drawName(name, id) {
    text(tabName, name || t('you.name'));
    show(you, name !== '');
    setAvatar(face, id, name || '?');
  }

  /** @param {AppState} state @param {string} name */
  function update({ devices, user }, name) {
    const media = actions.ownMedia('camera');
    playTrack(video, tile, media);
    setHue(tile, user?.id ?? '');
    tile.classList.toggle('off', !media);
    const blocked = devices.camera.wanted && devices.camera.problem !== null;
    show(perm, blocked);
    show(face, !media && !blocked);
    show(tab, !blocked);
    if (devices.camera.problem) {
      say(permTitle, `device.camera.${devices.camera.problem}`);
      say(permText, `device.camera.${devices.camera.problem}.do`);
    }
    const speaks = devices.microphone.wanted && devices.microphone.live;
    muted.style.display = speaks ? 'none' : '';
    show(bars, speaks);
    drawTool(microphone, speaks, 'mic', 'tool.mic');
    drawTool(camera, devices.camera.wanted && devices.camera.live, 'camera', 'tool.camera');
    drawName(name, user?.id ?? '');
  }

  return {
    node,
    settings,
    update,
    drawName,
    /** Out of sight nothing plays. */
    stop: () => playTrack(video, tile, null),
  };
}

/** @param {string} drawing @param {string} key @param {string} testid @param {() => void} click */
function tool(drawing, key, testid, click) {
  return iconButton(drawing, key, { class: 'tool', 'data-testid': testid, on: { click } });
}

/** @param {HTMLElement} node @param {boolean} on @param {string} drawing @param {string} key */
function drawTool(node, on, drawing, key) {
  node.classList.toggle('off', !on);
  setIcon(/** @type {any} */ (node.firstChild), on ? drawing : `${drawing}-off`);
  say(node, `${key}.${on ? 'off' : 'on'}`, 'tLabel');
  say(node, `${key}.${on ? 'off' : 'on'}`, 'tTitle');
  attribute(node, 'aria-pressed', String(on));
}
