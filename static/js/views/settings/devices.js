/**
 * Sound and picture, as a part of the settings. Everything takes effect at once.
 * @typedef {import('../../state/app.js').AppState} AppState
 */

import { t } from '../../i18n/index.js';
import { QUALITIES } from '../../state/viewing.js';
import { CAN_CHOOSE_SPEAKER } from '../kit/device-menu.js';
import { attribute, busy, button, el, keyed, newId, say, show, text } from '../kit/dom.js';
import { meter } from '../kit/meter.js';

/** @param {import('../../flow/actions.js').Actions} actions */
export function soundPart(actions) {
  const microphone = picker('device.microphone', (id) => void actions.chooseDevice('microphone', id));
  const camera = picker('device.camera', (id) => void actions.chooseDevice('camera', id));
  const speaker = picker('device.speaker', (id) => void actions.chooseSpeaker(id));
  const level = meter();
  const test = button('sound.test', {
    class: 'btn',
    icon: 'volume',
    'data-testid': 'test-tone',
    on: { click: () => void busy(test, () => actions.testSpeaker()) },
  });
  const cameraWords = el('p', { class: 'meta', hidden: true });
  const blur = tick('sound.blur', 'blur', (on) => void actions.setBlur(on));
  const blurWords = el('p', { class: 'meta', t: 'sound.blur.none', 'data-testid': 'blur-none' });
  const quality = picker('picture.quality', (choice) => actions.setPicture(/** @type {any} */ (choice)));
  quality.select.append(...QUALITIES.map((value) => el('option', { value, t: `picture.${value}` })));
  attribute(quality.select, 'data-testid', 'picture-quality');
  const qualityWords = el('p', { class: 'meta' });
  quality.node.append(qualityWords);
  const hints = tick('sound.hints', 'hints', (on) => actions.setHelp({ hints: on }));
  const space = tick('sound.space', 'push-to-talk', (on) => actions.setHelp({ pushToTalk: on }));
  space.node.classList.add('keyed');
  const help = actions.help();
  hints.input.checked = help.hints;
  space.input.checked = help.pushToTalk;

  /** @param {AppState} state */
  function update({ devices, picture, meeting }) {
    quality.select.value = picture;
    // Between browsers there is nobody who could send less.
    say(qualityWords, meeting?.room.topology === 'p2p' ? 'picture.direct' : `picture.${picture}.what`);
    fill(microphone.select, devices.microphones, devices.microphone.id, 'device.none');
    fill(camera.select, devices.cameras, devices.camera.id, 'device.none');
    fill(speaker.select, devices.speakers, devices.speaker, 'device.system');
    level.update(devices.microphone, devices.microphone.wanted ? actions.ownMedia('microphone') : null);
    show(cameraWords, devices.camera.problem !== null);
    if (devices.camera.problem) say(cameraWords, `device.camera.${devices.camera.problem}`);
    show(blur.node, devices.blur.offered);
    // Without a camera nobody knows what the browser offers.
    show(blurWords, !devices.blur.offered && devices.camera.live);
    say(blurWords, devices.blur.on ? 'sound.blur.system' : 'sound.blur.none');
    blur.input.checked = devices.blur.on;
  }

  return {
    node: el(
      'div',
      { class: 'sub', 'data-testid': 'devices' },
      microphone.node,
      level.node,
      CAN_CHOOSE_SPEAKER ? speaker.node : null,
      el('div', { class: 'row' }, test),
      camera.node,
      cameraWords,
      blur.node,
      blurWords,
      quality.node,
      el('div', { class: 'ticks' }, hints.node, space.node),
    ),
    update,
    stop: () => level.stop(),
  };
}

/** @param {string} key @param {(id: string) => void} choose */
function picker(key, choose) {
  const select = el('select', { class: 'inp', id: newId(), on: { change: () => choose(select.value) } });
  return { select, node: el('div', { class: 'field' }, el('label', { for: select.id, t: key }), select) };
}

/**
 * @param {HTMLSelectElement} select
 * @param {import('../../state/app.js').Choice[]} list
 * @param {string} current
 * @param {string} none what to say when there is nothing to choose
 */
function fill(select, list, current, none) {
  const choices = list.length === 0 ? [{ id: '', label: t(none) }] : list;
  keyed(
    select,
    choices,
    ({ id }) => id,
    ({ id }) => el('option', { value: id }),
    (option, { label }) => text(option, label),
  );
  select.disabled = list.length === 0;
  const known = choices.some(({ id }) => id === current);
  if (document.activeElement !== select || select.value !== current) select.value = known ? current : choices[0].id;
}

/** @param {string} key @param {string} testid @param {(on: boolean) => void} change */
function tick(key, testid, change) {
  const input = el('input', {
    type: 'checkbox',
    id: newId(),
    'data-testid': testid,
    on: { change: () => change(input.checked) },
  });
  return { input, node: el('label', { class: 'tick', for: input.id }, input, el('span', { t: key })) };
}
