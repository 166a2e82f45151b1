/**
 * When the network may be back or is another one, the machine woke up, or somebody looks at the page again: what waits for
 * its turn is tried now.
 *
 * @param {() => void} woke
 */
export function onWaking(woke) {
  window.addEventListener('online', woke);
  window.addEventListener('pageshow', ({ persisted }) => persisted && woke());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) woke();
  });
  // From Wi-Fi to mobile and back; not every browser tells it.
  /** @type {any} */ (navigator).connection?.addEventListener?.('change', woke);
}
