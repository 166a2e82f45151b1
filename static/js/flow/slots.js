/** Pictures that can be received at once: a whole page of tiles and a screen. */
const VIDEO_SLOTS = 25;
const VIDEO_SLOTS_PHONE = 9;
/** A connection is made for this many at least, and for this many more than there are. */
const FIRST_SLOTS = 4;
const SPARE_SLOTS = 2;

/**
 * How many pictures a call can receive, and for how many it is made: every slot is an m-line that the browser sets up
 * before the first picture comes.
 *
 * @param {import('../client/protocol.d.ts').Joined} reply
 * @param {boolean} phone
 */
export function slotsFor({ self, participants }, phone) {
  const others = participants.filter(({ id }) => id !== self.id);
  const pictures = others.flatMap(({ tracks }) => tracks).filter(({ kind }) => kind === 'video').length;
  return {
    videoSlots: phone ? VIDEO_SLOTS_PHONE : VIDEO_SLOTS,
    videoSlotsAtFirst: Math.max(FIRST_SLOTS, pictures + SPARE_SLOTS),
  };
}
