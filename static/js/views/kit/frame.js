/** A page that is hidden before its next frame has none. */
const LATEST_MS = 100;

/**
 * Draws with the next frame: a join or a burst of chat is many messages, and who draws after each of them keeps the
 * next one waiting. Nobody looks at a hidden page, but what it shows must be right.
 *
 * @param {() => void} draw
 */
export function nextFrame(draw) {
  let drawn = false;
  const once = () => {
    if (!drawn) draw();
    drawn = true;
  };
  if (!document.hidden) requestAnimationFrame(once);
  setTimeout(once, document.hidden ? 0 : LATEST_MS);
}
