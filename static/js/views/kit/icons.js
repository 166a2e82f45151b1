/**
 * The page's own drawings: 24 px grid, 1.75 stroke, round caps and joins.
 *
 * Kept as data and built with createElementNS, because the content policy allows neither markup
 * strings nor a second document just for pictures.
 */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Each icon is a list of shapes: path data, "rect x y w h rx", "circle cx cy r", or path data behind
 * its own stroke width ("w2.6 M…").
 * @type {Record<string, string[]>}
 */
const SHAPES = {
  mic: ['rect 9 3 6 11 3', 'M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3'],
  'mic-off': [
    'M9 11.2a3 3 0 0 0 3 2.8M15 11.3V6a3 3 0 0 0-5.8-1.1M5.5 11.5a6.5 6.5 0 0 0 9.6 5.7M18.5 11.5c0 1.1-.3 2.1-.7 3M12 18v3M4 4l16 16',
  ],
  camera: ['rect 2.5 6 13 12 3', 'm15.5 11 4.6-2.9a.9.9 0 0 1 1.4.8v6.2a.9.9 0 0 1-1.4.8L15.5 13'],
  'camera-off': [
    'M9.5 6h3a3 3 0 0 1 3 3v2l4.6-2.9a.9.9 0 0 1 1.4.8v6.2a.9.9 0 0 1-1.4.8L18 14.6M15.3 15.8a3 3 0 0 1-2.8 2.2h-7a3 3 0 0 1-3-3V9a3 3 0 0 1 2.7-3M4 4l16 16',
  ],
  screen: ['rect 3 4 18 13 2.5', 'M8.5 20.5h7M12 13.5v-6M9.3 10 12 7.3l2.7 2.7'],
  'screen-off': ['rect 3 4 18 13 2.5', 'M8.5 20.5h7M9.7 8.2l4.6 4.6M14.3 8.2l-4.6 4.6'],
  hand: [
    'M7.5 12.5V6.3a1.4 1.4 0 0 1 2.8 0V11M10.3 10.5V4.4a1.4 1.4 0 0 1 2.8 0v6.1M13.1 10.7V5.6a1.4 1.4 0 0 1 2.8 0v6M15.9 11V8.4a1.4 1.4 0 0 1 2.8 0v6.1a6.5 6.5 0 0 1-6.5 6.5c-2.5 0-4.2-1-5.5-3l-3-4.7a1.4 1.4 0 0 1 2.3-1.6l1.5 1.9',
  ],
  bell: ['M6 10a6 6 0 0 1 12 0c0 4.2 1.6 5.6 2.2 6.2a.5.5 0 0 1-.4.8H4.2a.5.5 0 0 1-.4-.8C4.4 15.6 6 14.2 6 10zM10 20a2.2 2.2 0 0 0 4 0'],
  chat: [
    'M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 3.7V17A2.5 2.5 0 0 1 4 14.5zM8.5 9h7M8.5 12.5h4.5',
  ],
  people: [
    'circle 9 8 3.5',
    'M2.7 19.5c.3-3.5 2.9-5.7 6.3-5.7s6 2.2 6.3 5.7M15.8 4.9a3.4 3.4 0 0 1 0 6.2M17.6 14.3c2.2.7 3.6 2.6 3.8 5.2',
  ],
  more: ['w2.6 M5.5 12v.01M12 12v.01M18.5 12v.01'],
  'more-v': ['w2.6 M12 5.5v.01M12 12v.01M12 18.5v.01'],
  leave: ['M13 4H7.5A2.5 2.5 0 0 0 5 6.5v11A2.5 2.5 0 0 0 7.5 20H13M10.5 12H20M16.5 8.2 20.3 12l-3.8 3.8'],
  lock: ['rect 5 10.5 14 10 2.5', 'M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.7v1.6'],
  link: [
    'M10 14a4 4 0 0 0 5.8.2l3.1-3.1a4 4 0 0 0-5.7-5.7l-1.5 1.5M14 10a4 4 0 0 0-5.8-.2l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.5-1.5',
  ],
  copy: [
    'rect 8.5 8.5 11.5 11.5 2.5',
    'M15.5 8.5v-2A2.5 2.5 0 0 0 13 4H6.5A2.5 2.5 0 0 0 4 6.5V13a2.5 2.5 0 0 0 2.5 2.5h2',
  ],
  settings: ['M4 7h9M17.5 7H20M4 17h2.5M11 17h9', 'circle 15.2 7 2.3', 'circle 8.8 17 2.3'],
  clock: ['circle 12 12 8.7', 'M12 7.2V12l3.2 2'],
  calendar: ['rect 3.5 5 17 15.5 2.7', 'M3.5 10h17M8 3v3.7M16 3v3.7'],
  download: ['M12 4v11M7.5 11 12 15.5 16.5 11M4.5 19.5h15'],
  wifi: ['M3 9.7a13 13 0 0 1 18 0M6.2 13.2a8.3 8.3 0 0 1 11.6 0M9.3 16.5a3.9 3.9 0 0 1 5.4 0M12 19.7v.05'],
  check: ['m5 12.7 4.5 4.5L19 7.3'],
  warning: [
    'M10.4 4.6 2.9 17.4A1.9 1.9 0 0 0 4.5 20.3h15a1.9 1.9 0 0 0 1.6-2.9L13.6 4.6a1.9 1.9 0 0 0-3.2 0zM12 9.5v4M12 16.7v.05',
  ],
  info: ['circle 12 12 8.7', 'M12 11.2v5M12 7.9v.05'],
  search: ['circle 10.8 10.8 6.5', 'm15.6 15.6 4.7 4.7'],
  send: ['M4.5 5.3a.9.9 0 0 1 1.2-1.1l14.2 6.9a1 1 0 0 1 0 1.8L5.7 19.8a.9.9 0 0 1-1.2-1.1L6.3 12zM6.3 12h6.2'],
  globe: [
    'circle 12 12 8.7',
    'M3.3 12h17.4M12 3.3c2.3 2.5 3.5 5.4 3.5 8.7s-1.2 6.2-3.5 8.7c-2.3-2.5-3.5-5.4-3.5-8.7S9.7 5.8 12 3.3z',
  ],
  moon: ['M20 14.3A8.3 8.3 0 0 1 9.7 4a8.3 8.3 0 1 0 10.3 10.3z'],
  sun: [
    'circle 12 12 4',
    'M12 2.8v1.7M12 19.5v1.7M2.8 12h1.7M19.5 12h1.7M5.5 5.5l1.2 1.2M17.3 17.3l1.2 1.2M5.5 18.5l1.2-1.2M17.3 6.7l1.2-1.2',
  ],
  close: ['m6 6 12 12M18 6 6 18'],
  plus: ['M12 5v14M5 12h14'],
  'chev-down': ['m6.5 9.5 5.5 5.5 5.5-5.5'],
  'chev-up': ['m6.5 14.5 5.5-5.5 5.5 5.5'],
  'chev-left': ['M14.5 6.5 9 12l5.5 5.5'],
  'chev-right': ['M9.5 6.5 15 12l-5.5 5.5'],
  volume: [
    'M4 10v4a1 1 0 0 0 1 1h2.8l4 3.6a.7.7 0 0 0 1.2-.5V5.9a.7.7 0 0 0-1.2-.5L7.8 9H5a1 1 0 0 0-1 1zM16.2 9.2a4 4 0 0 1 0 5.6M18.7 6.7a7.5 7.5 0 0 1 0 10.6',
  ],
  flip: [
    'M4 8.7A2.7 2.7 0 0 1 6.7 6H8l1.3-1.7h5.4L16 6h1.3A2.7 2.7 0 0 1 20 8.7v7.6a2.7 2.7 0 0 1-2.7 2.7H6.7A2.7 2.7 0 0 1 4 16.3zM8.8 12.5a3.2 3.2 0 0 1 5.5-2.2M15.2 12.5a3.2 3.2 0 0 1-5.5 2.2M14.7 8.7v1.9h-1.9M9.3 16.3v-1.9h1.9',
  ],
  end: [
    'M3.7 14.7v-1.4C3.7 10.6 7.8 9 12 9s8.3 1.6 8.3 4.3v1.4c0 .8-.7 1.4-1.5 1.2l-3-.6c-.6-.1-1-.6-1-1.2v-1.5a11 11 0 0 0-5.6 0v1.5c0 .6-.4 1.1-1 1.2l-3 .6c-.8.2-1.5-.4-1.5-1.2z',
  ],
  user: ['circle 12 8 3.8', 'M4.8 20c.5-3.9 3.3-6.3 7.2-6.3s6.7 2.4 7.2 6.3'],
  pin: ['M9 3.5h6M9.7 3.5l-.4 6.2c-2.1.9-3.3 2.4-3.3 4.3h12c0-1.9-1.2-3.4-3.3-4.3l-.4-6.2M12 14v6.5'],
  remove: ['circle 12 12 8.7', 'M8 12h8'],
  unpin: [
    'M9 3.5h6l-.4 5.5M9.5 7l-.2 2.7C7.2 10.6 6 12.1 6 14h9M18 14c0-.9-.3-1.7-.8-2.4M12 14v6.5M4 4l16 16',
  ],
  spotlight: [
    'circle 12 10 3.3',
    'M6.5 19.5c.6-2.7 2.7-4.3 5.5-4.3s4.9 1.6 5.5 4.3M3.5 8V5.5a2 2 0 0 1 2-2H8M16 3.5h2.5a2 2 0 0 1 2 2V8',
  ],
  grid: ['rect 3.5 4.5 7.5 6.5 1.7', 'rect 13.5 4.5 7 6.5 1.7', 'rect 3.5 13.5 7.5 6.5 1.7', 'rect 13.5 13.5 7 6.5 1.7'],
  speaker: ['rect 3 4.5 18 10 2.2', 'w2.6 M4 18.5h3.5M10.3 18.5h3.5M16.5 18.5H20'],
  smile: ['circle 12 12 9', 'M8.3 14.2c.8 1.3 2.1 2.1 3.7 2.1s2.9-.8 3.7-2.1M9 9.7v.1M15 9.7v.1'],
  file: ['M13.5 3.5h-6A2.5 2.5 0 0 0 5 6v12a2.5 2.5 0 0 0 2.5 2.5h9A2.5 2.5 0 0 0 19 18V9zM13.5 3.5V7a2 2 0 0 0 2 2H19M9 13.5h6M9 16.7h3.5'],
  attach: [
    'm19.5 11.3-7.7 7.7a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.5 1.5 0 0 1-2.2-2.2l7.2-7.2',
  ],
  pip: ['rect 3 5 18 14 2.7', 'rect 12 11.5 6.5 5 1.2'],
  full: ['M9 4H6a2 2 0 0 0-2 2v3M15 4h3a2 2 0 0 1 2 2v3M9 20H6a2 2 0 0 1-2-2v-3M15 20h3a2 2 0 0 0 2-2v-3'],
  keyboard: ['rect 2.5 6 19 12 2.5', 'M6.5 10v.05M10 10v.05M13.5 10v.05M17 10v.05M8.5 14.2h7'],
  server: ['rect 3.5 4 17 7 2.2', 'rect 3.5 13 17 7 2.2', 'M7.2 7.5v.05M7.2 16.5v.05'],
  unlock: ['rect 5 10.5 14 10 2.5', 'M8 10.5V8a4 4 0 0 1 7.7-1.5M12 14.7v1.6'],
};

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @returns {SVGElement}
 */
export function svg(name, attributes, /** @type {SVGElement[]} */ ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/**
 * @param {string} shape
 * @returns {SVGElement}
 */
function draw(shape) {
  const words = shape.split(' ');
  if (words[0] === 'rect') {
    const [, x, y, width, height, rx] = words;
    return svg('rect', { x, y, width, height, rx });
  }
  if (words[0] === 'circle') {
    const [, cx, cy, r] = words;
    return svg('circle', { cx, cy, r });
  }
  if (words[0].startsWith('w')) {
    return svg('path', { d: words.slice(1).join(' '), 'stroke-width': words[0].slice(1) });
  }
  return svg('path', { d: shape });
}

/**
 * The shapes of an icon, for drawings that embed one.
 * @param {string} name
 * @returns {SVGElement[]}
 */
export function iconShapes(name) {
  return (SHAPES[name] ?? []).map(draw);
}

/**
 * @param {string} name a key of the table above
 * @param {string} [size] "s" (20 px) or "xs" (16 px)
 * @returns {SVGElement}
 */
export function icon(name, size = '') {
  const node = svg(
    'svg',
    { class: `i ${size}`.trim(), viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    ...iconShapes(name),
  );
  node.dataset.icon = name;
  return node;
}

/**
 * Draws another icon in the same element, so that a button keeps its node and its focus.
 * @param {SVGElement} node made by icon()
 * @param {string} name
 */
export function setIcon(node, name) {
  if (node.dataset.icon === name) return;
  node.dataset.icon = name;
  node.replaceChildren(...iconShapes(name));
}

/** The mark: a tile with its corner cut away. */
export function mark() {
  return svg(
    'svg',
    { viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    svg('path', {
      class: 'mark-tile',
      d: 'M4 11a7 7 0 0 1 7-7h10a7 7 0 0 1 7 7v10a7 7 0 0 1-7 7h-1.5a.5.5 0 0 1-.5-.5V24a5.5 5.5 0 0 0-5.5-5.5H4.5a.5.5 0 0 1-.5-.5z',
    }),
    svg('path', {
      class: 'mark-tab',
      d: 'M4 22.2a.7.7 0 0 1 .7-.7h8.1a3.2 3.2 0 0 1 3.2 3.2v2.6a.7.7 0 0 1-.7.7H11a7 7 0 0 1-7-5.8z',
    }),
  );
}
