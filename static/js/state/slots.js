/**
 * What the slots of the receiving connection carry.
 * @typedef {import('./meeting.js').Meeting} Meeting
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
