//! What was sent on a slot lately, to be sent again when a subscriber reports it lost (RFC 4585 §6.2.1). The packets
//! themselves lie in the [history](super::history) of their source, once for all subscribers.

use std::time::{Duration, Instant};

use super::counters::Offsets;
use super::dependency::Active;
use crate::budgets;

/// So many packets are known at first; twice as many when that is less than a second,
const FEWEST: usize = 64;
/// but no more, as in the history of their source.
const MOST: usize = 512;
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// One packet is not sent again sooner, even when the round trip is short: several reports of one loss are one loss.
const MIN_GAP: Duration = Duration::from_millis(20);

/// One packet as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The SSRC of the stream that it came on.
    pub stream: u32,
    /// Its extended sequence number there.
    pub source: u64,
    /// What its counters were fitted by.
    pub offsets: Offsets,
    /// Its sequence number on the slot.
    pub sequence: u16,
    /// Whether it ends a picture there.
    pub marker: bool,
    /// Which decode targets its dependency descriptor names as active, if not what came.
    pub active: Option<Active>,
    /// Its payload type at the subscriber.
    pub payload_type: u8,
    /// The payload type of its repair at the subscriber, if negotiated.
    pub repair: Option<u8>,
    /// Its transport-wide sequence number. Sent again as it was, it must carry the same: two texts under one SRTP
    /// index would betray the key (RFC 7714 §8.1).
    pub stamp: Option<u16>,
    /// Its length on the wire, about.
    pub bytes: u16,
}

/// The number of stretches whose packets are known, see [`Stretch`]. A slot begins a few in a second at most.
const STRETCHES: u16 = 16;

/// The last packets by sequence number. Empty until the first packet, so unused slots cost nothing.
#[derive(Debug, Default)]
pub struct ResendBuffer {
    places: Vec<Option<Kept>>,
    origin: Option<Instant>,
    /// The last ones, each at its number modulo [`STRETCHES`].
    stretches: Vec<Stretch>,
    /// The newest one's number.
    stretch: u16,
}

/// What packets have in common that follow each other: there are hundreds of packets for each slot of each subscriber,
/// so it is kept once. It ends where the slot turns to something else.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    stream: u32,
    offsets: Offsets,
    active: Option<Active>,
    payload_type: u8,
    repair: Option<u8>,
    /// The highest number of the source, and the number that it has on the slot. All other pairs of numbers are as far
    /// apart, except for what was left out of the source in between.
    source: u64,
    sequence: u16,
    /// How many were left out up to there, from any beginning.
    skips: u16,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    /// When it was sent, in milliseconds; for the last time, if it was sent again.
    at: u32,
    sequence: u16,
    stamp: u16,
    bytes: u16,
    /// The number of its stretch, and how many were left out of that up to here.
    stretch: u16,
    skips: u16,
    resends: u8,
    marks: Marks,
}

/// Whether a packet carries a transport-wide number, and whether it ends a picture. In one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    None,
    Stamped,
    Ends,
    StampedAndEnds,
}

impl Marks {
    fn of(sent: &Sent) -> Self {
        match (sent.stamp.is_some(), sent.marker) {
            (false, false) => Self::None,
            (true, false) => Self::Stamped,
            (false, true) => Self::Ends,
            (true, true) => Self::StampedAndEnds,
        }
    }

    fn is_stamped(self) -> bool {
        matches!(self, Self::Stamped | Self::StampedAndEnds)
    }

    fn ends(self) -> bool {
        matches!(self, Self::Ends | Self::StampedAndEnds)
    }
}

/// More that were left out between two packets make them two stretches.
const MOST_SKIPS: i64 = 4_096;

impl Stretch {
    fn of(sent: &Sent) -> Self {
        Self {
            stream: sent.stream,
            offsets: sent.offsets,
            active: sent.active,
            payload_type: sent.payload_type,
            repair: sent.repair,
            source: sent.source,
            sequence: sent.sequence,
            skips: 0,
        }
    }

    /// Goes on with a packet, if that belongs here: how many were left out up to it.
    fn take(&mut self, sent: &Sent) -> Option<u16> {
        let ahead = sent.sequence.wrapping_sub(self.sequence) as i16;
        let expected = self.source.checked_add_signed(ahead.into())?;
        let skipped = i64::try_from(sent.source).ok()? - i64::try_from(expected).ok()?;
        let is_same = (self.stream, self.payload_type) == (sent.stream, sent.payload_type)
            && (self.offsets, self.repair) == (sent.offsets, sent.repair)
            && self.active == sent.active
            && skipped.abs() <= MOST_SKIPS;
        let skips = is_same.then(|| self.skips.wrapping_add(skipped as u16))?;
        if ahead > 0 {
            (self.source, self.sequence, self.skips) = (sent.source, sent.sequence, skips);
        }
        Some(skips)
    }

    /// The source's number of a packet.
    fn source_of(&self, kept: &Kept) -> Option<u64> {
        let behind = self.sequence.wrapping_sub(kept.sequence) as i16;
        let skipped = self.skips.wrapping_sub(kept.skips) as i16;
        self.source
            .checked_add_signed(-i64::from(behind) - i64::from(skipped))
    }
}

impl ResendBuffer {
    /// Remembers a packet in place of the one that had its place before.
    pub fn keep(&mut self, sent: Sent, now: Instant) {
        let at = self.millis(now);
        let oldest = self
            .place(sent.sequence)
            .and_then(|place| self.places[place]);
        let young =
            oldest.is_some_and(|oldest| u128::from(at - oldest.at.min(at)) < KNOWN_FOR.as_millis());
        if self.places.is_empty() || (young && self.places.len() < MOST) {
            self.grow();
        }
        let (stretch, skips) = self.stretch_for(&sent);
        if let Some(place) = self.place(sent.sequence) {
            self.places[place] = Some(Kept {
                at,
                sequence: sent.sequence,
                stamp: sent.stamp.unwrap_or_default(),
                bytes: sent.bytes,
                stretch,
                skips,
                resends: 0,
                marks: Marks::of(&sent),
            });
        }
    }

    /// The number of the newest stretch, or of another one that this packet begins, and how many were left out of it.
    fn stretch_for(&mut self, sent: &Sent) -> (u16, u16) {
        let newest = self
            .stretches
            .get_mut(usize::from(self.stretch % STRETCHES));
        if let Some(skips) = newest.and_then(|newest| newest.take(sent)) {
            return (self.stretch, skips);
        }
        // The first one gets number 0.
        if !self.stretches.is_empty() {
            self.stretch = self.stretch.wrapping_add(1);
        }
        let former = self
            .stretches
            .get_mut(usize::from(self.stretch % STRETCHES));
        match former {
            Some(former) => *former = Stretch::of(sent),
            None => self.stretches.push(Stretch::of(sent)),
        }
        (self.stretch, 0)
    }

    /// As it was sent, unless its stretch is forgotten.
    fn sent(&self, kept: &Kept) -> Option<Sent> {
        if self.stretch.wrapping_sub(kept.stretch) >= STRETCHES {
            return None;
        }
        let stretch = self.stretches.get(usize::from(kept.stretch % STRETCHES))?;
        Some(Sent {
            stream: stretch.stream,
            source: stretch.source_of(kept)?,
            offsets: stretch.offsets,
            sequence: kept.sequence,
            marker: kept.marks.ends(),
            active: stretch.active,
            payload_type: stretch.payload_type,
            repair: stretch.repair,
            stamp: kept.marks.is_stamped().then_some(kept.stamp),
            bytes: kept.bytes,
        })
    }

    /// The packet of this number, if it is still known and may be sent again: not before a round trip has passed since
    /// it was sent again the last time, as a report that comes sooner cannot know of it; not more often than
    /// [`budgets::media::RESENDS`]; and only if its bytes can be paid for.
    pub fn take_due(
        &mut self,
        sequence: u16,
        round_trip: Option<Duration>,
        now: Instant,
        pay: impl FnOnce(usize) -> bool,
    ) -> Option<Sent> {
        let at = self.millis(now);
        let place = self.place(sequence)?;
        let kept = (*self.places.get(place)?)?;
        let sent = self.sent(&kept)?;
        let gap = round_trip.unwrap_or_default().max(MIN_GAP);
        let passed = u128::from(at - kept.at.min(at));
        let too_soon = kept.resends > 0 && passed < gap.as_millis();
        let spent = usize::from(kept.resends) >= budgets::media::RESENDS.size();
        if kept.sequence != sequence || spent || too_soon || !pay(kept.bytes.into()) {
            return None;
        }
        let resends = kept.resends + 1;
        self.places[place] = Some(Kept {
            resends,
            at,
            ..kept
        });
        Some(sent)
    }

    /// The newest packets that are still there, most of them large, together at least this long: to probe the line with
    /// what the receiver has, and may yet have lost. Empty when there is not enough.
    pub fn probe(&self, bytes: usize, is_there: impl Fn(&Sent) -> bool) -> Vec<Sent> {
        let kept = self.places.iter().flatten();
        let kept = kept.filter_map(|kept| self.sent(kept));
        let mut kept: Vec<Sent> = kept.filter(is_there).collect();
        kept.sort_by_key(|sent| std::cmp::Reverse(sent.bytes));
        let mut total = 0;
        let needed = kept.iter().position(|sent| {
            total += usize::from(sent.bytes);
            total >= bytes
        });
        kept.truncate(needed.map_or(0, |last| last + 1));
        kept
    }

    /// Forgets everything: what the slot carried before must not be sent to the viewer of the new track.
    pub fn clear(&mut self) {
        self.places = Vec::new();
        (self.stretches, self.stretch) = (Vec::new(), 0);
    }

    fn millis(&mut self, now: Instant) -> u32 {
        let origin = *self.origin.get_or_insert(now);
        now.saturating_duration_since(origin).as_millis() as u32
    }

    fn place(&self, sequence: u16) -> Option<usize> {
        usize::from(sequence).checked_rem(self.places.len())
    }

    fn grow(&mut self) {
        let count = (self.places.len() * 2).clamp(FEWEST, MOST);
        let kept = std::mem::take(&mut self.places);
        self.places.resize(count, None);
        for one in kept.into_iter().flatten() {
            if let Some(place) = self.place(one.sequence) {
                self.places[place] = Some(one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(sequence: u16) -> Sent {
        Sent {
            stream: 5,
            source: u64::from(sequence) + 70_000,
            offsets: Offsets::default(),
            sequence,
            marker: false,
            active: None,
            payload_type: 96,
            repair: Some(97),
            stamp: None,
            bytes: 1_000,
        }
    }

    /// Due at any time, and paid for.
    fn take(buffer: &mut ResendBuffer, sequence: u16, now: Instant) -> Option<Sent> {
        buffer.take_due(sequence, None, now, |_| true)
    }

    #[test]
    fn what_was_sent_is_found_over_the_wrap_until_it_is_too_old() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        assert_eq!(take(&mut buffer, 1, now), None);
        for n in 65_000..66_000u32 {
            buffer.keep(sent(n as u16), now);
        }
        assert_eq!(take(&mut buffer, 65_500, now), Some(sent(65_500)));
        assert_eq!(take(&mut buffer, 10, now), Some(sent(10)));
        assert_eq!(take(&mut buffer, 65_400, now), None);
        assert_eq!(take(&mut buffer, 5_000, now), None);
    }

    #[test]
    fn reports_of_one_loss_are_answered_once_and_not_for_ever() {
        let (mut buffer, mut now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7), now);
        let start = now;
        let mut answered = Vec::new();
        for _ in 0..200 {
            let round_trip = Some(Duration::from_millis(130));
            if buffer.take_due(7, round_trip, now, |_| true).is_some() {
                answered.push(now.saturating_duration_since(start).as_millis());
            }
            now += Duration::from_millis(10);
        }
        assert_eq!(answered, [0, 130, 260, 390, 520]);
        assert_eq!(answered.len(), budgets::media::RESENDS.size());
    }

    #[test]
    fn what_cannot_be_paid_for_is_not_counted_as_a_try() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7), now);
        for _ in 0..100 {
            assert_eq!(buffer.take_due(7, None, now, |_| false), None);
        }
        assert_eq!(take(&mut buffer, 7, now), Some(sent(7)));
    }

    #[test]
    fn a_line_is_probed_with_the_largest_packets_or_not_at_all() {
        let mut buffer = ResendBuffer::default();
        for n in 0..10_u16 {
            let bytes = 100 * n;
            buffer.keep(Sent { bytes, ..sent(n) }, Instant::now());
        }
        let sizes = |bytes| {
            let probe = buffer.probe(bytes, |sent| sent.sequence != 6);
            probe
                .iter()
                .map(|sent| usize::from(sent.bytes))
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(2000), [900, 800, 700]);
        assert_eq!(sizes(2800), [900, 800, 700, 500]);
        assert_eq!(sizes(5000), Vec::<usize>::new());
    }

    #[test]
    fn a_cleared_buffer_repairs_nothing() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7), now);
        buffer.clear();
        assert_eq!(take(&mut buffer, 7, now), None);
    }

    /// For all turns of a slot and all orders of its packets: each is told as it was sent, or not at all.
    #[test]
    fn packets_are_told_as_they_were_sent_whatever_follows_them() {
        let mut random = 0x9e37_79b9_u32;
        let mut next = |below: u32| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random % below
        };
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        let mut all = std::collections::HashMap::new();
        let (mut newest, mut told) = (sent(65_000), 0);
        for step in 0..20_000u32 {
            if next(20) == 0 {
                newest.stream = next(3);
                newest.offsets.timestamp = next(2);
                newest.repair = (next(3) > 0).then_some(97);
                newest.source = u64::from(next(5)) * 1_000 + u64::from(step);
            }
            let ahead = 1 + next(3) as u16;
            newest.sequence = newest.sequence.wrapping_add(ahead);
            // Some of the source are left out now and then.
            let skipped = if next(4) == 0 { next(40) } else { 0 };
            newest.source += u64::from(ahead) + u64::from(skipped);
            newest.marker = next(3) == 0;
            newest.stamp = (next(2) == 0).then_some(step as u16);
            newest.bytes = 1 + next(1_200) as u16;
            buffer.keep(newest, now);
            all.insert(newest.sequence, newest);
            let sequence = newest.sequence.wrapping_sub(next(300) as u16);
            if let Some(found) = take(&mut buffer, sequence, now) {
                told += 1;
                assert_eq!(Some(&found), all.get(&sequence), "{step}");
            }
            if next(500) == 0 {
                buffer.clear();
                all.clear();
            }
        }
        assert!(told > 5_000, "{told}");
    }

    #[test]
    fn a_late_packet_of_the_same_source_is_no_stretch_of_its_own() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        for n in [100, 103, 101, 104, 102, 99] {
            buffer.keep(sent(n), now);
        }
        assert_eq!(buffer.stretches.len(), 1);
        for n in 99..=104 {
            assert_eq!(take(&mut buffer, n, now), Some(sent(n)));
        }
    }

    #[test]
    fn what_is_known_of_a_packet_takes_little() {
        assert_eq!(size_of::<Option<Kept>>(), 16);
    }
}
