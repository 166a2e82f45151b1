import { hue, initials } from '../../state/text.js';
import { attribute, el, text } from './dom.js';

/**
 * Initials on the person's colour. Drawn here, in the theme's own lightness, so that no picture has to
 * be fetched while a meeting fills.
 */
export function avatar() {
  return el('span', { class: 'av', 'aria-hidden': 'true' });
}

/**
 * @param {HTMLElement} node
 * @param {string} id decides the colour
 * @param {string} name
 */
export function setAvatar(node, id, name) {
  const { text: letters, han } = initials(name);
  text(node, letters);
  attribute(node, 'class', han ? 'av zh' : 'av');
  setHue(node, id);
}

/** @param {HTMLElement} node @param {string} id */
export function setHue(node, id) {
  const value = String(hue(id));
  if (node.style.getPropertyValue('--h') !== value) node.style.setProperty('--h', value);
}

/**
 * A few overlapping avatars.
 * @param {HTMLElement} node an element of class avs
 * @param {Array<{id: string, display_name: string}>} users
 */
export function setAvatars(node, users) {
  node.replaceChildren(
    ...users.map((user) => {
      const one = avatar();
      setAvatar(one, user.id, user.display_name);
      return one;
    }),
  );
}
