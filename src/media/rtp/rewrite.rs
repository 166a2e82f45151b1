//! Fits the packets of a slot's changing content into one continuous RTP stream (RFC 3550 §5.1).
//!
//! A subscriber sees one SSRC per slot for the whole meeting. At a switch the sequence numbers go on by one and
//! the timestamps on the slot's [`Timeline`], and the encodings' own counters go on too, so that the decoder sees a
//! keyframe in an unbroken stream.

use std::time::Instant;

use super::clock::{Coming, Pair};
use super::counters::{Offsets, Places, frame_number};
use super::encoding::Encoding;
use super::extensions::Extension;
use super::history::Incoming;
use super::pictures::{Named, Pictures};
use super::skips::Skips;
use super::timeline::Timeline;

/// How a packet fits into the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// On the slot's own count.
    pub sequence: u16,
    /// What is added to its counters.
    pub offsets: Offsets,
}

/// One slot's counters.
#[derive(Debug)]
pub struct Rewriter {
    anchor: Option<Anchor>,
    /// What of the source was left out.
    skips: Skips,
    /// And of its pictures, once it is VP8: most slots carry none.
    pictures: Option<Box<Pictures>>,
    /// The source's highest number that was sent.
    newest: u64,
    highest: u64,
    timeline: Timeline,
    picture: Option<u16>,
    tl0: Option<u8>,
    frame: Option<u16>,
}

/// How the source that is carried now maps to the slot.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    from: u64,
    to: u64,
    offsets: Offsets,
}

/// A source's own counters in one packet.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    /// With as many ones as it has bits.
    picture: Option<(u16, u16)>,
    tl0: Option<u8>,
    frame: Option<u16>,
}

impl Counted {
    fn of(packet: &Incoming<'_>) -> Self {
        let places = Places::find(packet.encoding, packet.payload);
        let descriptor = packet
            .ids
            .get(Extension::Dependencies)
            .and_then(|id| packet.extensions.get(id));
        Self {
            picture: places.picture(packet.payload),
            tl0: places.tl0(packet.payload),
            frame: descriptor.and_then(frame_number),
        }
    }

    /// VP8's pictures are counted; receivers of VP9 take a gap for what it is.
    fn named(self, packet: &Incoming<'_>) -> Option<Named> {
        let (id, mask) = self.picture.filter(|_| packet.encoding == Encoding::Vp8)?;
        Some(Named {
            id,
            mask,
            tl0: self.tl0,
        })
    }
}

impl Rewriter {
    /// Counters that begin after this number, and where the timeline does.
    pub fn new(sequence: u16, timeline: Timeline) -> Self {
        Self {
            anchor: None,
            skips: Skips::default(),
            pictures: None,
            newest: 0,
            highest: u64::from(sequence),
            timeline,
            picture: None,
            tl0: None,
            frame: None,
        }
    }

    /// The next packet is the first of another source or layer, or of the same after a gap.
    pub fn release(&mut self) {
        self.anchor = None;
    }

    /// Whether a source is carried, so that packets need not begin a keyframe.
    pub fn is_anchored(&self) -> bool {
        self.anchor.is_some()
    }

    /// The highest sequence number sent, extended.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Where the slot's clock stands at `ntp`, which is our wall clock at `now`, by where its source's does; none while
    /// nothing is carried, or nothing can be told yet.
    pub fn tell_clock(&mut self, source: Option<Pair>, ntp: u64, now: Instant) -> Option<u32> {
        let offset = self.anchor?.offsets.timestamp;
        self.timeline.tell(source, offset, ntp, now)
    }

    /// How the packet fits in for the subscriber; `None` for one that is older than the first after the last switch.
    pub fn rewrite(&mut self, packet: &Incoming<'_>, coming: &Coming) -> Option<Fit> {
        let counted = Counted::of(packet);
        let anchor = match self.anchor {
            Some(anchor) => anchor,
            None => self.take_anchor(packet, counted, coming),
        };
        let passed = packet.sequence.checked_sub(anchor.from)?;
        let passed = passed.checked_sub(self.skips.before(packet.sequence)?)?;
        let sequence = passed + anchor.to;
        let mut offsets = anchor.offsets;
        if let Some(picture) = counted.named(packet) {
            let left_out = self.pictures.get_or_insert_default().send(picture)?;
            offsets.picture = offsets.picture.wrapping_sub(left_out as u16);
        }
        self.newest = self.newest.max(packet.sequence);
        self.note_counters(counted, offsets);
        if sequence > self.highest {
            self.highest = sequence;
            let timestamp = packet.timestamp.wrapping_add(offsets.timestamp);
            self.timeline.note(timestamp, coming.now);
        }
        Some(Fit {
            sequence: sequence as u16,
            offsets,
        })
    }

    /// Leaves a packet out. Whether no number was kept for it: otherwise something has to be sent in its place.
    pub fn skip(&mut self, packet: &Incoming<'_>) -> bool {
        let sequence = packet.sequence;
        if self.anchor.is_none_or(|anchor| sequence < anchor.from) {
            return true;
        }
        if let Some(picture) = Counted::of(packet).named(packet) {
            self.pictures.get_or_insert_default().leave_out(picture);
        }
        if sequence < self.newest {
            return self.skips.before(sequence).is_none();
        }
        self.skips.skip(sequence);
        true
    }

    /// Only the slowest temporal layer is sent, and this packet is the next that came. `is_slowest` is whether it is of
    /// that layer.
    pub fn skip_missing(&mut self, packet: &Incoming<'_>, is_slowest: bool) {
        if let Some(picture) = Counted::of(packet).named(packet)
            && let Some(pictures) = &mut self.pictures
        {
            pictures.leave_out_missing(picture, is_slowest);
        }
    }

    fn take_anchor(&mut self, packet: &Incoming<'_>, counted: Counted, coming: &Coming) -> Anchor {
        let first_timestamp = self.timeline.begin(packet.timestamp, coming);
        let picture = counted.picture.zip(self.picture);
        let tl0 = counted.tl0.zip(self.tl0);
        let frame = counted.frame.zip(self.frame);
        let after = |(new, last): (u16, u16)| last.wrapping_add(1).wrapping_sub(new);
        let anchor = Anchor {
            from: packet.sequence,
            to: self.highest + 1,
            offsets: Offsets {
                timestamp: first_timestamp.wrapping_sub(packet.timestamp),
                picture: picture.map_or(0, |((new, _), last)| after((new, last))),
                tl0: tl0.map_or(0, |(new, last)| last.wrapping_add(1).wrapping_sub(new)),
                frame: frame.map_or(0, after),
            },
        };
        self.anchor = Some(anchor);
        self.skips.clear();
        if let Some(pictures) = &mut self.pictures {
            pictures.clear();
        }
        self.newest = packet.sequence;
        anchor
    }

    fn note_counters(&mut self, counted: Counted, offsets: Offsets) {
        if let Some((id, mask)) = counted.picture {
            let id = id.wrapping_add(offsets.picture) & mask;
            let newer = self
                .picture
                .is_none_or(|last| id.wrapping_sub(last) & 0x7fff < 0x4000);
            self.picture = if newer { Some(id) } else { self.picture };
        }
        if let Some(index) = counted.tl0 {
            let index = index.wrapping_add(offsets.tl0);
            let newer = self.tl0.is_none_or(|last| index.wrapping_sub(last) < 0x80);
            self.tl0 = if newer { Some(index) } else { self.tl0 };
        }
        if let Some(number) = counted.frame {
            let number = number.wrapping_add(offsets.frame);
            let newer = self
                .frame
                .is_none_or(|last| number.wrapping_sub(last) < 0x8000);
            self.frame = if newer { Some(number) } else { self.frame };
        }
    }
}

#[cfg(test)]
mod tests;
