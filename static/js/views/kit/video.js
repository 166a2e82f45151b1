/** Showing a media track in a video element, without ever rebuilding the element. */

/** @type {WeakMap<HTMLVideoElement, MediaStreamTrack>} */
const playing = new WeakMap();

/**
 * Until the first frame is there the tile keeps its avatar; then it gets the class `seen`.
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} tile
 * @param {MediaStreamTrack | null} track
 * @param {() => void} [onframe] the first frame was drawn
 */
export function playTrack(video, tile, track, onframe = () => {}) {
  if ((playing.get(video) ?? null) === track) return;
  tile.classList.remove('seen');
  if (!track) {
    playing.delete(video);
    video.srcObject = null;
    return;
  }
  playing.set(video, track);
  video.srcObject = new MediaStream([track]);
  // A browser may refuse to start a video in a hidden tab; it starts by itself when the tab is seen.
  video.play().catch(() => {});
  const drawn = () => {
    if (playing.get(video) !== track) return;
    tile.classList.add('seen');
    onframe();
  };
  if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(drawn);
  else /** @type {HTMLVideoElement} */ (video).addEventListener('loadeddata', drawn, { once: true });
}
