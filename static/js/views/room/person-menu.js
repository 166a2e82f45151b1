/**
 * The menu for one person, on a tile and on a row of the people panel. It shows the actions that the server allows, for
 * people with a lower rank than one's own.
 *
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 * @typedef {import('../../state/meeting.js').Participant} Participant
 * @typedef {import('../../flow/actions.js').Actions} Actions
 * @typedef {import('../kit/menu.js').Item} Item
 */

import { t } from '../../i18n/index.js';
import { cameraOf, isMuted, may, outranks, trackOf } from '../../state/people.js';
import { openConnection } from './connection-card.js';
import { button, el, newId } from '../kit/dom.js';
import { openMenu } from '../kit/menu.js';
import { closePopover, openCard } from '../kit/popover.js';

const LONGEST_NAME = 64;

/**
 * @param {HTMLElement} anchor
 * @param {Actions} actions
 * @param {() => Meeting | null} read the newest state
 * @param {string} id
 * @param {import('../kit/popover.js').PopoverOptions} [options]
 */
export function openPersonMenu(anchor, actions, read, id, options = {}) {
  const name = read()?.participants[id]?.display_name;
  if (name === undefined) return;
  const items = () => {
    const meeting = read();
    const one = meeting?.participants[id];
    if (!meeting || !one) return [];
    const all = [{ title: one.display_name }, ...(id === meeting.self ? own() : theirs())];
    // There are lines only between items.
    return all.filter((item, index) => item !== 'line' || (all[index + 1] ?? 'line') !== 'line');

    /** @returns {Item[]} */
    function own() {
      return ownItems(actions, /** @type {Meeting} */ (meeting), /** @type {Participant} */ (one), open);
    }
    /** @returns {Item[]} */
    function theirs() {
      const all = [viewItems, deviceItems, roleItems, removeItems];
      return all.flatMap((part) => [
        ...part(actions, /** @type {Meeting} */ (meeting), /** @type {Participant} */ (one), open),
        /** @type {const} */ ('line'),
      ]);
    }
  };
  const open = {
    rename: () => openRename(anchor, actions, { id, name, own: id === read()?.self }, options),
    connection: () => openConnection(anchor, actions, read, id, options),
    remove: () => openRemove(anchor, actions, read, id, options),
  };
  openMenu(anchor, items, { ...options, label: name });
}

/** @typedef {{rename: () => void, connection: () => void, remove: () => void}} Next */

/** @param {Actions} actions @param {Meeting} meeting @param {Participant} one @param {Next} open @returns {Item[]} */
function ownItems(actions, meeting, { id }, open) {
  const alone = meeting.seats.length === 0;
  const spotlit = meeting.spotlight.includes(id);
  return [
    ...when(!alone, {
      label: t(meeting.hideSelf ? 'self.show' : 'self.hide'),
      icon: 'user',
      testid: 'hide-self',
      run: () => actions.hideSelf(!meeting.hideSelf),
    }),
    ...when(may(meeting, 'spotlight'), {
      label: t(spotlit ? 'person.unspotlight' : 'person.spotlight'),
      icon: 'spotlight',
      testid: 'spotlight',
      run: () => void actions.setSpotlight(id, !spotlit),
    }),
    ...when(may(meeting, 'rename'), { label: t('person.renameSelf'), icon: 'user', testid: 'rename', run: open.rename }),
    { label: t('person.connection'), icon: 'wifi', testid: 'connection', run: open.connection },
  ];
}

/** @param {Actions} actions @param {Meeting} meeting @param {Participant} one @param {Next} open @returns {Item[]} */
function viewItems(actions, meeting, { id }, open) {
  const pinned = meeting.pin === id;
  const spotlit = meeting.spotlight.includes(id);
  return [
    {
      label: t(pinned ? 'person.unpin' : 'person.pin'),
      icon: pinned ? 'unpin' : 'pin',
      testid: 'pin',
      run: () => actions.pin(pinned ? null : id),
    },
    ...when(may(meeting, 'spotlight'), {
      label: t(spotlit ? 'person.unspotlight' : 'person.spotlight'),
      icon: 'spotlight',
      testid: 'spotlight',
      run: () => void actions.setSpotlight(id, !spotlit),
    }),
    ...when(may(meeting, 'private_chat'), {
      label: t('person.write'),
      icon: 'chat',
      testid: 'write-to',
      run: () => {
        actions.writeTo(id);
        actions.openPanel('chat');
      },
    }),
    { label: t('person.connection'), icon: 'wifi', testid: 'connection', run: open.connection },
  ];
}

/** @param {Actions} actions @param {Meeting} meeting @param {Participant} one @returns {Item[]} */
function deviceItems(actions, meeting, one) {
  const { id } = one;
  const above = outranks(meeting, one);
  const mute = may(meeting, 'mute') && above;
  const ask = may(meeting, 'ask_unmute') && above;
  const muted = isMuted(one);
  const seen = cameraOf(one) !== undefined;
  return [
    ...when(mute && !muted, {
      label: t('person.mute'),
      icon: 'mic-off',
      testid: 'mute',
      run: () => void actions.mute(id, 'microphone'),
    }),
    ...when(ask && muted, {
      label: t('person.askUnmute'),
      icon: 'mic',
      testid: 'ask-unmute',
      run: () => void actions.askUnmute(id, 'microphone'),
    }),
    ...when(mute && seen, {
      label: t('person.stopVideo'),
      icon: 'camera-off',
      testid: 'stop-video',
      run: () => void actions.mute(id, 'camera'),
    }),
    ...when(ask && !seen, {
      label: t('person.askVideo'),
      icon: 'camera',
      testid: 'ask-video',
      run: () => void actions.askUnmute(id, 'camera'),
    }),
    ...when(mute && trackOf(one, 'screen') !== undefined, {
      label: t('person.stopShare'),
      icon: 'screen-off',
      testid: 'stop-share',
      run: () => void actions.mute(id, 'screen'),
    }),
    ...when(one.hand_raised_at !== null && may(meeting, 'lower_hand'), {
      label: t('person.lowerHand'),
      icon: 'hand',
      testid: 'lower-hand',
      run: () => void actions.lowerHand(id),
    }),
  ];
}

/** @param {Actions} actions @param {Meeting} meeting @param {Participant} one @param {Next} open @returns {Item[]} */
function roleItems(actions, meeting, one, open) {
  const { id, role } = one;
  const above = outranks(meeting, one);
  /** @param {import('../../client/protocol.d.ts').Role} next @param {string} key @returns {Item} */
  const turn = (next, key) => ({
    label: t(key),
    icon: 'user',
    testid: `role-${next}`,
    run: () => void actions.setRole(id, next),
  });
  return [
    ...when(may(meeting, 'rename_others') && above, {
      label: t('person.rename'),
      icon: 'user',
      testid: 'rename',
      run: open.rename,
    }),
    ...when(may(meeting, 'make_cohost') && above && role === 'member', turn('cohost', 'person.cohost')),
    ...when(may(meeting, 'make_cohost') && above && role !== 'member', turn('member', 'person.member')),
    ...when(may(meeting, 'make_host') && above && role !== 'host', turn('host', isOwner(meeting) ? 'person.host' : 'person.handOver')),
  ];
}

/** @param {Actions} _actions @param {Meeting} meeting @param {Participant} one @param {Next} open @returns {Item[]} */
function removeItems(_actions, meeting, one, open) {
  return when(may(meeting, 'remove') && outranks(meeting, one), {
    label: t('person.remove'),
    icon: 'remove',
    danger: true,
    testid: 'remove',
    run: open.remove,
  });
}

/** The owner of the room stays a host when another person becomes one. @param {Meeting} meeting */
function isOwner({ room, participants, self }) {
  return room.owner?.id === participants[self]?.user.id;
}

/** @param {boolean} shown @param {Item} item @returns {Item[]} */
function when(shown, item) {
  return shown ? [item] : [];
}

/**
 * @param {HTMLElement} anchor
 * @param {Actions} actions
 * @param {() => Meeting | null} read
 * @param {string} id
 * @param {import('../kit/popover.js').PopoverOptions} options
 */
function openRemove(anchor, actions, read, id, options) {
  const meeting = read();
  if (!meeting) return;
  const name = meeting.names[id] ?? '';
  /**
   * @param {import('../../client/protocol.d.ts').BanLength | null} ban
   * @param {string} key
   * @param {string} testid
   * @returns {Item}
   */
  const item = (ban, key, testid) => ({
    label: t(key),
    hint: t(`${key}.what`),
    icon: ban ? 'lock' : 'remove',
    danger: true,
    testid,
    run: () => void actions.remove(id, ban),
  });
  const bans = may(meeting, 'ban')
    ? [item('meeting', 'remove.meeting', 'remove-meeting'), item('forever', 'remove.forever', 'remove-forever')]
    : [];
  const items = [{ title: t('remove.title', { name }) }, item(null, 'remove.only', 'remove-only'), ...bans];
  openMenu(anchor, items, { ...options, label: t('person.remove') });
}

/**
 * @param {HTMLElement} anchor
 * @param {Actions} actions
 * @param {{id: string, name: string, own: boolean}} whom
 * @param {import('../kit/popover.js').PopoverOptions} options
 */
function openRename(anchor, actions, { id, name, own }, options) {
  const input = el('input', {
    class: 'inp',
    id: newId(),
    value: name,
    maxlength: LONGEST_NAME,
    dir: 'auto',
    'data-testid': 'rename-input',
  });
  const form = el(
    'form',
    {
      class: 'pform',
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          const typed = input.value.trim();
          if (typed === '') return input.focus();
          closePopover();
          if (typed !== name) void actions.rename(id, typed);
        },
      },
    },
    el('label', { class: 'lab', for: input.id, t: own ? 'name.display' : 'name.theirs' }),
    el('div', { class: 'jn' }, input, button('save', { class: 'btn primary', type: 'submit', 'data-testid': 'rename-save' })),
  );
  openCard(anchor, t('person.rename'), [form], { ...options, testid: 'rename-card' });
  input.select();
}
