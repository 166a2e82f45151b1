//! Fits the packets of whatever a slot carries into one continuous RTP stream (RFC 3550 §5.1).
//!
//! A subscriber sees one SSRC per slot for the whole meeting. At a switch the sequence numbers go on by one and
//! the timestamps by the time that passed, and VP8's and VP9's picture counters go on too, so that the decoder
//! sees a keyframe in an unbroken stream.

use std::time::Instant;

use bytes::Bytes;

use crate::media::peer::codec::Encoding;

/// A packet as it arrived, each one once.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Incoming<'a> {
    /// Extended, as [`crate::media::rtp::sequence::SequenceWindow`] gives it.
    pub sequence: u64,
    /// In units of the clock rate.
    pub timestamp: u32,
    /// Its payload.
    pub payload: &'a Bytes,
    /// How to read it.
    pub encoding: Encoding,
}

/// What is sent in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Outgoing {
    /// On the slot's own count.
    pub sequence: u16,
    /// On the slot's own clock.
    pub timestamp: u32,
    /// With its picture counters fitted in.
    pub payload: Bytes,
}

/// One slot's counters.
#[derive(Debug)]
pub(in crate::media) struct Rewriter {
    clock_rate: u32,
    anchor: Option<Anchor>,
    highest: u64,
    timestamp: u32,
    sent_at: Option<Instant>,
    picture: Option<u16>,
    tl0: Option<u8>,
}

/// How the source that is carried now maps to the slot.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    from: u64,
    to: u64,
    timestamp_offset: u32,
    picture_offset: u16,
    tl0_offset: u8,
}

impl Rewriter {
    /// Counters that begin after these.
    pub fn new(clock_rate: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            clock_rate,
            anchor: None,
            highest: u64::from(sequence),
            timestamp,
            sent_at: None,
            picture: None,
            tl0: None,
        }
    }

    /// The next packet is the first of another source, or of the same after a gap.
    pub fn release(&mut self) {
        self.anchor = None;
    }

    /// Whether a source is carried, so that packets need not begin a keyframe.
    pub fn is_anchored(&self) -> bool {
        self.anchor.is_some()
    }

    /// What is added to the source's timestamps; `None` while nothing is carried.
    pub fn timestamp_offset(&self) -> Option<u32> {
        self.anchor.map(|anchor| anchor.timestamp_offset)
    }

    /// The highest sequence number sent, extended.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The newest timestamp sent, and when.
    pub fn newest(&self) -> Option<(u32, Instant)> {
        self.sent_at.map(|at| (self.timestamp, at))
    }

    /// The packet as the subscriber gets it; `None` for one that is older than the first after the last switch.
    pub fn rewrite(&mut self, incoming: Incoming<'_>, now: Instant) -> Option<Outgoing> {
        let ids = PictureIds::find(incoming.encoding, incoming.payload);
        let anchor = match self.anchor {
            Some(anchor) => anchor,
            None => self.take_anchor(incoming, ids, now),
        };
        let sequence = incoming.sequence.checked_sub(anchor.from)? + anchor.to;
        let timestamp = incoming.timestamp.wrapping_add(anchor.timestamp_offset);
        let payload = self.rewrite_ids(incoming.payload, ids, anchor);
        if sequence > self.highest {
            self.highest = sequence;
            self.timestamp = timestamp;
            self.sent_at = Some(now);
        }
        Some(Outgoing {
            sequence: sequence as u16,
            timestamp,
            payload,
        })
    }

    fn take_anchor(&mut self, incoming: Incoming<'_>, ids: PictureIds, now: Instant) -> Anchor {
        let gap = self
            .sent_at
            .map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        let ticks = ((gap * f64::from(self.clock_rate)) as u64 as u32).max(1);
        let first_timestamp = self.timestamp.wrapping_add(ticks);
        let picture = ids.picture(incoming.payload).zip(self.picture);
        let tl0 = ids.tl0(incoming.payload).zip(self.tl0);
        let anchor = Anchor {
            from: incoming.sequence,
            to: self.highest + 1,
            timestamp_offset: first_timestamp.wrapping_sub(incoming.timestamp),
            picture_offset: picture.map_or(0, |(new, last)| last.wrapping_add(1).wrapping_sub(new)),
            tl0_offset: tl0.map_or(0, |(new, last)| last.wrapping_add(1).wrapping_sub(new)),
        };
        self.anchor = Some(anchor);
        anchor
    }

    fn rewrite_ids(&mut self, payload: &Bytes, ids: PictureIds, anchor: Anchor) -> Bytes {
        let picture = ids
            .picture(payload)
            .map(|id| id.wrapping_add(anchor.picture_offset) & ids.picture_mask());
        let tl0 = ids
            .tl0(payload)
            .map(|index| index.wrapping_add(anchor.tl0_offset));
        if let Some(id) = picture {
            let newer = self
                .picture
                .is_none_or(|last| id.wrapping_sub(last) & 0x7fff < 0x4000);
            self.picture = if newer { Some(id) } else { self.picture };
        }
        if let Some(index) = tl0 {
            let newer = self.tl0.is_none_or(|last| index.wrapping_sub(last) < 0x80);
            self.tl0 = if newer { Some(index) } else { self.tl0 };
        }
        if anchor.picture_offset == 0 && anchor.tl0_offset == 0 {
            return payload.clone();
        }
        let mut bytes = payload.to_vec();
        ids.write(&mut bytes, picture, tl0);
        bytes.into()
    }
}

/// Where in a payload its picture counters stand, if anywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct PictureIds {
    /// Offset, and whether it has 15 bits instead of 7.
    picture: Option<(usize, bool)>,
    tl0: Option<usize>,
}

impl PictureIds {
    fn find(encoding: Encoding, payload: &[u8]) -> Self {
        let found = match encoding {
            Encoding::Vp8 => Self::vp8(payload),
            Encoding::Vp9 => Self::vp9(payload),
            Encoding::Opus | Encoding::H264 | Encoding::Av1 | Encoding::Other => None,
        };
        found.unwrap_or_default()
    }

    /// RFC 7741 §4.2.
    fn vp8(payload: &[u8]) -> Option<Self> {
        if payload.first()? & 0x80 == 0 {
            return None;
        }
        let extension = *payload.get(1)?;
        let (mut at, mut ids) = (2, Self::default());
        if extension & 0x80 != 0 {
            at = ids.note_picture(payload, at)?;
        }
        if extension & 0x40 != 0 {
            payload.get(at)?;
            ids.tl0 = Some(at);
        }
        Some(ids)
    }

    /// RFC 9628 §4.2; TL0PICIDX only stands in non-flexible mode.
    fn vp9(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let (mut at, mut ids) = (1, Self::default());
        if first & 0x80 != 0 {
            at = ids.note_picture(payload, at)?;
        }
        if first & 0x20 != 0 && first & 0x10 == 0 {
            payload.get(at + 1)?;
            ids.tl0 = Some(at + 1);
        }
        Some(ids)
    }

    fn note_picture(&mut self, payload: &[u8], at: usize) -> Option<usize> {
        let long = payload.get(at)? & 0x80 != 0;
        let end = at + if long { 2 } else { 1 };
        payload.get(end - 1)?;
        self.picture = Some((at, long));
        Some(end)
    }

    fn picture_mask(self) -> u16 {
        if self.picture.is_some_and(|(_, long)| long) {
            0x7fff
        } else {
            0x7f
        }
    }

    fn picture(self, payload: &[u8]) -> Option<u16> {
        let (at, long) = self.picture?;
        let first = u16::from(*payload.get(at)? & 0x7f);
        if long {
            Some(first << 8 | u16::from(*payload.get(at + 1)?))
        } else {
            Some(first)
        }
    }

    fn tl0(self, payload: &[u8]) -> Option<u8> {
        payload.get(self.tl0?).copied()
    }

    fn write(self, payload: &mut [u8], picture: Option<u16>, tl0: Option<u8>) {
        match (self.picture, picture) {
            (Some((at, true)), Some(id)) => {
                payload[at..at + 2].copy_from_slice(&(id | 0x8000).to_be_bytes())
            }
            (Some((at, false)), Some(id)) => payload[at] = id as u8 & 0x7f,
            _ => {}
        }
        if let (Some(at), Some(index)) = (self.tl0, tl0) {
            payload[at] = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn incoming(
        sequence: u64,
        timestamp: u32,
        payload: &Bytes,
        encoding: Encoding,
    ) -> Incoming<'_> {
        Incoming {
            sequence,
            timestamp,
            payload,
            encoding,
        }
    }

    /// A VP8 payload with a 15-bit picture id and a TL0PICIDX.
    fn vp8(picture: u16, tl0: u8) -> Bytes {
        let [high, low] = (picture | 0x8000).to_be_bytes();
        Bytes::from(vec![0x90, 0xe0, high, low, tl0, 0x20, 0x00, 0xaa])
    }

    #[test]
    fn a_switch_is_seamless_even_over_the_wrap() {
        let start = Instant::now();
        let mut slot = Rewriter::new(90_000, 65_533, u32::MAX - 10);
        let empty = Bytes::from_static(b"x");
        let send = |slot: &mut Rewriter, sequence, timestamp, at_ms| {
            let now = start + Duration::from_millis(at_ms);
            slot.rewrite(incoming(sequence, timestamp, &empty, Encoding::H264), now)
        };
        let first = send(&mut slot, 70_000, 5, 0).unwrap();
        assert_eq!((first.sequence, first.timestamp), (65_534, u32::MAX - 9));
        assert_eq!(send(&mut slot, 70_002, 3005, 33).unwrap().sequence, 0);
        // A late packet finds its place; one from before the switch does not.
        assert_eq!(send(&mut slot, 70_001, 3005, 34).unwrap().sequence, 65_535);
        assert_eq!(send(&mut slot, 69_999, 5, 34), None);
        slot.release();
        let switched = send(&mut slot, 12, 4_000_000, 133).unwrap();
        assert_eq!(switched.sequence, 1);
        // 3000 ticks after the first packet's, then 100 ms at 90 kHz.
        assert_eq!(switched.timestamp, (u32::MAX - 9).wrapping_add(3000 + 9000));
        assert_eq!(
            send(&mut slot, 13, 4_003_000, 166).unwrap().timestamp,
            switched.timestamp.wrapping_add(3000)
        );
    }

    #[test]
    fn vp8_picture_counters_go_on_over_a_switch() {
        let now = Instant::now();
        let mut slot = Rewriter::new(90_000, 0, 0);
        let send = |slot: &mut Rewriter, sequence, payload: Bytes| {
            slot.rewrite(incoming(sequence, 0, &payload, Encoding::Vp8), now)
                .unwrap()
                .payload
        };
        assert_eq!(send(&mut slot, 1, vp8(0x7ffe, 200)), vp8(0x7ffe, 200));
        assert_eq!(send(&mut slot, 2, vp8(0x7fff, 201)), vp8(0x7fff, 201));
        slot.release();
        assert_eq!(send(&mut slot, 1, vp8(500, 7)), vp8(0, 202));
        assert_eq!(send(&mut slot, 2, vp8(501, 8)), vp8(1, 203));
        // Seven bits stay seven bits.
        slot.release();
        let short = Bytes::from_static(&[0x90, 0x80, 0x7f, 0x00]);
        assert_eq!(send(&mut slot, 9, short)[2], 2);
    }

    #[test]
    fn vp9_picture_counters_go_on_over_a_switch() {
        let now = Instant::now();
        let mut slot = Rewriter::new(90_000, 0, 0);
        let send = |slot: &mut Rewriter, payload: &'static [u8]| {
            let payload = Bytes::from_static(payload);
            slot.rewrite(incoming(5, 0, &payload, Encoding::Vp9), now)
                .unwrap()
                .payload
        };
        send(&mut slot, &[0xa8, 0x80, 0x10, 0x00, 0x09, 0xff]);
        slot.release();
        assert_eq!(
            send(&mut slot, &[0xa8, 0x81, 0x00, 0x00, 0x50, 0xff])[..5],
            [0xa8, 0x80, 0x11, 0x00, 0x0a]
        );
    }

    #[test]
    fn malformed_payloads_of_every_length_pass_without_a_panic() {
        for encoding in [
            Encoding::Vp8,
            Encoding::Vp9,
            Encoding::H264,
            Encoding::Av1,
            Encoding::Opus,
        ] {
            let mut slot = Rewriter::new(90_000, 0, 0);
            for (n, first) in (0..=255u8).enumerate() {
                for length in 0..12 {
                    let mut bytes = vec![0xf0; length];
                    if let Some(byte) = bytes.first_mut() {
                        *byte = first;
                    }
                    let payload = Bytes::from(bytes);
                    slot.release();
                    let out = slot
                        .rewrite(incoming(n as u64, 0, &payload, encoding), Instant::now())
                        .unwrap();
                    assert_eq!(out.payload.len(), length);
                }
            }
        }
    }
}
