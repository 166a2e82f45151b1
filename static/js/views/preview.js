/**
 * Before the meeting: how one looks and sounds, who is in, the name, the way in.
 * @typedef {import('../state/app.js').AppState} AppState
 */

import { errorText, list, t } from '../i18n/index.js';
import { threes } from '../state/text.js';
import { levelBars } from './art.js';
import { avatar, setAvatar, setAvatars, setHue } from './avatar.js';
import { CAN_CHOOSE_SPEAKER, deviceLabel, openDeviceMenu } from './device-menu.js';
import { attribute, button, busy, el, field, iconButton, newId, say, show, text } from './dom.js';
import { icon, setIcon } from './icons.js';
import { meter } from './meter.js';
import { playTrack } from './video.js';

/** @typedef {'microphone' | 'camera' | 'speaker'} Kind */
/** @type {Array<{kind: Kind, drawing: string}>} */
const PICKERS = [
  { kind: 'microphone', drawing: 'mic' },
  { kind: 'camera', drawing: 'camera' },
  { kind: 'speaker', drawing: 'volume' },
];
/** How many of those who are in are named. */
const NAMED = 3;

/** @param {import('../flow/actions.js').Actions} actions */
export function preview(actions) {
  /** @type {AppState | null} */
  let latest = null;
  const video = el('video', {
    class: 'cam',
    autoplay: true,
    muted: true,
    playsInline: true,
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
  const settings = tool('settings', 'tool.devices', 'preview-settings', () =>
    openPicker(
      settings,
      PICKERS.map(({ kind }) => kind),
    ),
  );
  settings.classList.add('n');
  const level = meter();
  const pickers = PICKERS.filter(({ kind }) => kind !== 'speaker' || CAN_CHOOSE_SPEAKER).map(({ kind, drawing }) => {
    const label = el('span');
    const node = el(
      'button',
      {
        type: 'button',
        class: 'pick',
        tTitle: `device.${kind}`,
        'aria-haspopup': 'menu',
        on: { click: () => openPicker(node, [kind]) },
      },
      icon(drawing, 's'),
      label,
      icon('chev-down', 'xs'),
    );
    return { kind, node, label };
  });

  /** @param {HTMLElement} anchor @param {Kind[]} kinds */
  function openPicker(anchor, kinds) {
    if (latest) openDeviceMenu(anchor, actions, latest.devices, kinds);
  }

  const stateText = el('span');
  const state = el('span', { class: 'chip' }, el('i', { class: 'dot' }), stateText);
  const number = el('span', { class: 'meta num' });
  const title = el('h1', { 'data-testid': 'room-title' });
  const subtitle = el('p', { class: 'sub' });
  const faces = el('div', { class: 'avs' });
  const present = el('span', { 'data-testid': 'present' });
  const name = field(
    'name.yours',
    el('input', {
      class: 'inp',
      id: newId(),
      autocomplete: 'name',
      maxlength: 64,
      'data-testid': 'name',
      on: { input: () => latest && drawName(latest) },
    }),
  );
  const password = field(
    'room.password',
    el('input', { class: 'inp', id: newId(), type: 'password', autocomplete: 'off', 'data-testid': 'join-password' }),
  );
  const refusal = el('p', { class: 'note', role: 'alert', 'data-testid': 'refusal' });
  const join = button('join.now', { class: 'btn primary big wide', type: 'submit', 'data-testid': 'join' });
  const form = el(
    'form',
    {
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          enter();
        },
      },
    },
    name.node,
    password.node,
    refusal,
    el('div', { class: 'sticky' }, join),
  );
  const node = el(
    'main',
    { class: 'pre', 'data-testid': 'preview' },
    el(
      'section',
      {},
      el('div', { class: 'pv' }, tile, el('div', { class: 'pvc' }, microphone, camera, settings)),
      level.node,
      el('div', { class: 'devs' }, ...pickers.map((picker) => picker.node)),
    ),
    el(
      'section',
      { class: 'side' },
      el('div', { class: 'st' }, state, number),
      title,
      subtitle,
      el('div', { class: 'in' }, faces, present),
      form,
    ),
  );

  function enter() {
    const wanted = name.input.value.trim();
    name.complain(wanted === '' ? t('name.missing') : null);
    if (wanted === '') return name.input.focus();
    if (!password.node.hidden && password.input.value === '') {
      password.complain(t('room.password.missing'));
      return password.input.focus();
    }
    password.complain(null);
    void busy(join, () => actions.join(password.node.hidden ? '' : password.input.value, wanted));
  }

  let addressShown = '';

  /** @param {AppState} next */
  function update(next) {
    latest = next;
    const { preview: now, devices } = next;
    drawPicture(next);
    level.update(devices.microphone, devices.microphone.wanted ? actions.ownMedia('microphone') : null);
    for (const picker of pickers) text(picker.label, deviceLabel(devices, picker.kind));

    // The field belongs to the person once they see it; only a new room fills it again.
    if (addressShown !== location.pathname || (name.input.value === '' && document.activeElement !== name.input)) {
      name.input.value = now.name;
      addressShown = location.pathname;
    }
    drawName(next);
    drawRoom(next);
    // The owner is let in without; should the server think otherwise, its refusal shows the field.
    const mine = now.room !== null && now.room.owner.id === next.user?.id;
    show(password.node, now.askPassword || (now.room?.has_password === true && !mine));
    const wrong = now.error === 'room.password_wrong' || now.error === 'room.password_required';
    if (wrong) password.complain(errorText(now.error ?? ''));
    show(refusal, now.error !== null && !wrong);
    if (now.error !== null && !wrong) text(refusal, errorText(now.error));
    say(/** @type {HTMLElement} */ (join.lastChild), joinLabel(devices));
    join.disabled = now.joining;
  }

  /** The tab shows the name as the others will see it. @param {AppState} next */
  function drawName({ user }) {
    const typed = name.input.value.trim();
    text(tabName, typed || t('you.name'));
    show(you, typed !== '');
    setAvatar(face, user?.id ?? '', typed || '?');
  }

  /** @param {AppState} next */
  function drawPicture({ devices, user }) {
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
  }

  /** @param {AppState} next */
  function drawRoom({ preview: { room, present: people } }) {
    show(state, room !== null);
    if (!room) {
      text(title, '');
      text(number, '');
      text(subtitle, '');
      text(present, '');
      return;
    }
    attribute(state, 'class', room.locked ? 'chip lock' : 'chip ok');
    text(stateText, room.locked ? t('chip.locked') : t('chip.open'));
    text(number, threes(room.number));
    text(title, room.name);
    text(subtitle, room.owner.display_name);
    const known = people ?? [];
    setAvatars(faces, known.slice(0, NAMED));
    text(
      present,
      whoIsIn(
        known.map((user) => user.display_name),
        Math.max(room.participants, known.length),
      ),
    );
  }

  return { node, update, stop: () => level.stop() };
}

/** @param {string[]} names @param {number} count */
function whoIsIn(names, count) {
  if (count === 0) return t('present.none');
  if (names.length === 0) return t('present.count', { n: count });
  const named = names.slice(0, NAMED);
  const rest = count - named.length;
  return t('present.names', { n: count, names: list(rest > 0 ? [...named, t('present.others', { n: rest })] : named) });
}

/** @param {import('../state/app.js').Devices} devices */
function joinLabel({ microphone, camera }) {
  const deaf = microphone.problem !== null;
  const blind = camera.problem !== null && camera.wanted;
  if (deaf && blind) return 'join.withoutBoth';
  if (blind) return 'join.withoutCamera';
  return deaf ? 'join.withoutMicrophone' : 'join.now';
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
