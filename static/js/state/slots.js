/**
 * What people send, and what the slots of the receiving connection carry of it.
 * @typedef {import('./meeting.js').Meeting} Meeting
 * @typedef {import('./meeting.js').Track} Track
 */

/** @param {Meeting['carried']} carried @param {{mid: string, layer: string | null, reason: string | null}} told */
export function explain(carried, { mid, layer, reason }) {
  const { [mid]: _, ...others } = carried;
  return layer === null && reason === null ? others : { ...others, [mid]: { layer, reason } };
}

/** @param {Record<string, string>} live @param {string} mid @param {string | null} track */
export function carry(live, mid, track) {
  const kept = Object.fromEntries(Object.entries(live).filter(([, slot]) => slot !== mid));
  return track === null ? kept : { ...kept, [track]: mid };
}

/** A track that runs is published again when its layers change. @param {Track[]} tracks @param {Track} track */
export function published(tracks, track) {
  const isKnown = tracks.some((one) => one.id === track.id);
  return isKnown ? tracks.map((one) => (one.id === track.id ? track : one)) : [...tracks, track];
}
