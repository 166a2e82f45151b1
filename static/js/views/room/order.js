/**
 * Puts playing pictures into the order in which they are seen, for people who use the keyboard or a screen reader. As few
 * elements as possible move. Where the browser has `moveBefore`, that keeps the focus, the picture and animations. Elsewhere
 * an element is taken out and put back within one task; the HTML standard then lets it play on, and the focus is set again
 * here.
 */

/** `Element.prototype.moveBefore` of the DOM standard, which not every browser has yet. */
/** @typedef {HTMLElement & {moveBefore?: (node: Node, before: Node | null) => void}} Parent */

/**
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} nodes all children of the parent, in the wanted order
 */
export function inOrder(parent, nodes) {
  const now = [...parent.children];
  const places = nodes.map((node) => now.indexOf(node));
  if (places.every((at, k) => k === 0 || places[k - 1] < at)) return;
  const stay = longestRise(places);
  const focused = document.activeElement;
  let before = /** @type {HTMLElement | null} */ (null);
  for (let k = nodes.length - 1; k >= 0; k--) {
    if (!stay.has(k)) move(parent, nodes[k], before);
    before = nodes[k];
  }
  if (focused !== document.activeElement && focused instanceof HTMLElement) focused.focus({ preventScroll: true });
}

/** @param {Parent} parent @param {HTMLElement} node @param {HTMLElement | null} before */
function move(parent, node, before) {
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

/**
 * The indices of a longest rising subsequence of a list: these elements may stay where they are.
 * @param {number[]} list
 * @returns {Set<number>}
 */
export function longestRise(list) {
  /** @type {number[]} how long the longest one that ends here is */
  const lengths = [];
  /** @type {number[]} the index before it in that one; -1 for none */
  const links = [];
  let end = -1;
  for (let k = 0; k < list.length; k++) {
    lengths[k] = 1;
    links[k] = -1;
    for (let j = 0; j < k; j++) {
      if (list[j] < list[k] && lengths[j] + 1 > lengths[k]) [lengths[k], links[k]] = [lengths[j] + 1, j];
    }
    if (end < 0 || lengths[k] > lengths[end]) end = k;
  }
  const found = new Set();
  for (let k = end; k >= 0; k = links[k]) found.add(k);
  return found;
}
