//! Fits the packets of whatever a slot carries into one continuous RTP stream (RFC 3550 §5.1).
//!
//! A subscriber sees one SSRC per slot for the whole meeting. At a switch the sequence numbers go on by one and
//! the timestamps by the time that passed, and the encodings' own counters go on too, so that the decoder sees a
//! keyframe in an unbroken stream.

use std::time::Instant;

use super::counters::{Offsets, Places, frame_number};
use super::extensions::Extension;
use super::history::Incoming;

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
    clock_rate: u32,
    anchor: Option<Anchor>,
    /// What is added to the next source's timestamps, if that is known.
    aligned: Option<u32>,
    highest: u64,
    timestamp: u32,
    sent_at: Option<Instant>,
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
}

impl Rewriter {
    /// Counters that begin after these.
    pub fn new(clock_rate: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            clock_rate,
            anchor: None,
            aligned: None,
            highest: u64::from(sequence),
            timestamp,
            sent_at: None,
            picture: None,
            tl0: None,
            frame: None,
        }
    }

    /// The next packet is the first of another source, or of the same after a gap.
    pub fn release(&mut self) {
        self.anchor = None;
        self.aligned = None;
    }

    /// The next packet is the first of another layer of the same source, whose clock is so far from the slot's, if that
    /// is known.
    pub fn switch(&mut self, aligned: Option<u32>) {
        self.anchor = None;
        self.aligned = aligned;
    }

    /// Whether a source is carried, so that packets need not begin a keyframe.
    pub fn is_anchored(&self) -> bool {
        self.anchor.is_some()
    }

    /// What is added to the source's timestamps; `None` while nothing is carried.
    pub fn timestamp_offset(&self) -> Option<u32> {
        self.anchor.map(|anchor| anchor.offsets.timestamp)
    }

    /// The highest sequence number sent, extended.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The newest timestamp sent, and when.
    pub fn newest(&self) -> Option<(u32, Instant)> {
        self.sent_at.map(|at| (self.timestamp, at))
    }

    /// How the packet fits in for the subscriber; `None` for one that is older than the first after the last switch.
    pub fn rewrite(&mut self, packet: &Incoming<'_>, now: Instant) -> Option<Fit> {
        let counted = Counted::of(packet);
        let anchor = match self.anchor {
            Some(anchor) => anchor,
            None => self.take_anchor(packet, counted, now),
        };
        let sequence = packet.sequence.checked_sub(anchor.from)? + anchor.to;
        self.note_counters(counted, anchor.offsets);
        if sequence > self.highest {
            self.highest = sequence;
            self.timestamp = packet.timestamp.wrapping_add(anchor.offsets.timestamp);
            self.sent_at = Some(now);
        }
        Some(Fit {
            sequence: sequence as u16,
            offsets: anchor.offsets,
        })
    }

    fn take_anchor(&mut self, packet: &Incoming<'_>, counted: Counted, now: Instant) -> Anchor {
        let first_timestamp = self.first_timestamp(packet.timestamp, now);
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
        anchor
    }

    /// Where a source begins that has this timestamp of its own: where its clock says, if that is believable, and never
    /// at or before what was sent.
    fn first_timestamp(&mut self, own: u32, now: Instant) -> u32 {
        let gap = self
            .sent_at
            .map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        let passed = (gap * f64::from(self.clock_rate)) as u64 as u32;
        let guessed = self.timestamp.wrapping_add(passed.max(1));
        let Some(aligned) = self.aligned.take() else {
            return guessed;
        };
        let reported = own.wrapping_add(aligned);
        // Its clock may run a little behind or ahead of when its packets come.
        let slack = self.clock_rate as i32;
        let beside = reported.wrapping_sub(guessed) as i32;
        if beside.checked_abs().is_none_or(|beside| beside > slack) {
            return guessed;
        }
        let is_later = reported.wrapping_sub(self.timestamp) as i32 > 0;
        if is_later {
            reported
        } else {
            self.timestamp.wrapping_add(1)
        }
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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::rtp::encoding::Encoding;
    use crate::media::rtp::extensions::ExtensionIds;
    use crate::media::rtp::outgoing::Outgoing;
    use crate::media::rtp::packet::{ExtensionSet, Extensions, Header, View};

    fn source(sequence: u64, timestamp: u32, payload: &[u8], encoding: Encoding) -> Incoming<'_> {
        Incoming {
            sequence,
            timestamp,
            marker: false,
            encoding,
            extensions: Extensions::default(),
            ids: ExtensionIds::none(),
            payload,
        }
    }

    /// What the subscriber gets as the payload.
    fn payload(source: &Incoming<'_>, fit: Fit) -> Vec<u8> {
        let outgoing = Outgoing {
            packet: source,
            offsets: fit.offsets,
            header: Header {
                marker: false,
                payload_type: 96,
                sequence: fit.sequence,
                timestamp: 0,
                ssrc: 1,
            },
            ids: &ExtensionIds::default(),
            mixes: false,
            stamp: None,
            original: None,
        };
        let mut bytes = Vec::new();
        outgoing.write(&mut bytes);
        View::parse(&bytes).unwrap().payload.to_vec()
    }

    /// A VP8 payload with a 15-bit picture id and a TL0PICIDX.
    fn vp8(picture: u16, tl0: u8) -> Vec<u8> {
        let [high, low] = (picture | 0x8000).to_be_bytes();
        vec![0x90, 0xe0, high, low, tl0, 0x20, 0x00, 0xaa]
    }

    #[test]
    fn a_switch_is_seamless_even_over_the_wrap() {
        let start = Instant::now();
        let mut slot = Rewriter::new(90_000, 65_533, u32::MAX - 10);
        let send = |slot: &mut Rewriter, sequence, timestamp: u32, at_ms| {
            let now = start + Duration::from_millis(at_ms);
            let fit = slot.rewrite(&source(sequence, timestamp, b"x", Encoding::H264), now)?;
            Some((fit.sequence, timestamp.wrapping_add(fit.offsets.timestamp)))
        };
        let first = send(&mut slot, 70_000, 5, 0).unwrap();
        assert_eq!(first, (65_534, u32::MAX - 9));
        assert_eq!(send(&mut slot, 70_002, 3005, 33).unwrap().0, 0);
        // A late packet finds its place; one from before the switch does not.
        assert_eq!(send(&mut slot, 70_001, 3005, 34).unwrap().0, 65_535);
        assert_eq!(send(&mut slot, 69_999, 5, 34), None);
        slot.release();
        let switched = send(&mut slot, 12, 4_000_000, 133).unwrap();
        // 3000 ticks after the first packet's, then 100 ms at 90 kHz.
        assert_eq!(switched, (1, (u32::MAX - 9).wrapping_add(3000 + 9000)));
        assert_eq!(
            send(&mut slot, 13, 4_003_000, 166).unwrap().1,
            switched.1.wrapping_add(3000)
        );
    }

    #[test]
    fn another_layer_goes_on_by_its_clock_but_never_back() {
        let start = Instant::now();
        let mut slot = Rewriter::new(90_000, 0, 1_000);
        let send = |slot: &mut Rewriter, timestamp: u32, at_ms| {
            let now = start + Duration::from_millis(at_ms);
            let source = source(9, timestamp, b"x", Encoding::H264);
            let fit = slot.rewrite(&source, now).unwrap();
            timestamp.wrapping_add(fit.offsets.timestamp)
        };
        assert_eq!(send(&mut slot, 0, 0), 1_001);
        // It came 40 ms later, and was taken 33 ms later.
        slot.switch(Some(1_001 - 500));
        assert_eq!(send(&mut slot, 500 + 2_970, 40), 1_001 + 2_970);
        // The same picture in another layer, and an older one.
        slot.switch(Some(7));
        assert_eq!(send(&mut slot, 3_971 - 7, 41), 3_972);
        slot.switch(Some(7));
        assert_eq!(send(&mut slot, 3_000 - 7, 42), 3_973);
        // What cannot be is not believed.
        slot.switch(Some(1 << 31));
        assert_eq!(send(&mut slot, 0, 52), 3_973 + 900);
    }

    #[test]
    fn vp8_picture_counters_go_on_over_a_switch() {
        let now = Instant::now();
        let mut slot = Rewriter::new(90_000, 0, 0);
        let send = |slot: &mut Rewriter, sequence, sent: &[u8]| {
            let source = source(sequence, 0, sent, Encoding::Vp8);
            payload(&source, slot.rewrite(&source, now).unwrap())
        };
        assert_eq!(send(&mut slot, 1, &vp8(0x7ffe, 200)), vp8(0x7ffe, 200));
        assert_eq!(send(&mut slot, 2, &vp8(0x7fff, 201)), vp8(0x7fff, 201));
        slot.release();
        assert_eq!(send(&mut slot, 1, &vp8(500, 7)), vp8(0, 202));
        assert_eq!(send(&mut slot, 2, &vp8(501, 8)), vp8(1, 203));
        // Seven bits stay seven bits.
        slot.release();
        assert_eq!(send(&mut slot, 9, &[0x90, 0x80, 0x7f, 0x00])[2], 2);
    }

    #[test]
    fn vp9_picture_counters_go_on_over_a_switch() {
        let now = Instant::now();
        let mut slot = Rewriter::new(90_000, 0, 0);
        let send = |slot: &mut Rewriter, sent: &[u8]| {
            let source = source(5, 0, sent, Encoding::Vp9);
            payload(&source, slot.rewrite(&source, now).unwrap())
        };
        send(&mut slot, &[0xa8, 0x80, 0x10, 0x00, 0x09, 0xff]);
        slot.release();
        assert_eq!(
            send(&mut slot, &[0xa8, 0x81, 0x00, 0x00, 0x50, 0xff])[..5],
            [0xa8, 0x80, 0x11, 0x00, 0x0a]
        );
    }

    #[test]
    fn frame_numbers_go_on_over_a_switch() {
        let now = Instant::now();
        let mut slot = Rewriter::new(90_000, 0, 0);
        let ids = ExtensionIds::of([(7, Extension::Dependencies.uri())]);
        let send = |slot: &mut Rewriter, sequence: u64, number: u16| {
            let [high, low] = number.to_be_bytes();
            let descriptor = [0xc0, high, low];
            let mut set = ExtensionSet::default();
            set.push(7, &descriptor);
            let mut bytes = Vec::new();
            let header = Header {
                marker: false,
                payload_type: 96,
                sequence: 0,
                timestamp: 0,
                ssrc: 1,
            };
            header.write(&set, &mut bytes);
            let source = Incoming {
                extensions: View::parse(&bytes).unwrap().extensions,
                ids,
                ..source(sequence, 0, b"x", Encoding::Av1)
            };
            let fit = slot.rewrite(&source, now).unwrap();
            number.wrapping_add(fit.offsets.frame)
        };
        assert_eq!(send(&mut slot, 1, 65_535), 65_535);
        assert_eq!(send(&mut slot, 2, 0), 0);
        slot.release();
        assert_eq!(send(&mut slot, 1, 700), 1);
        assert_eq!(send(&mut slot, 3, 702), 3);
    }
}
