//! What was sent on a slot lately, to be sent again when a subscriber reports it lost (RFC 4585 §6.2.1).

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::budgets;

/// How many packets are kept: half a second of a fast camera. What is older cannot be repaired.
const CAPACITY: usize = 512;
/// One packet is not sent again sooner, however short the way: several reports of one loss are one loss.
const MIN_GAP: Duration = Duration::from_millis(20);

/// An RTP header with one extension (RFC 3550 §5.1, RFC 8285 §4.2).
const HEADER_BYTES: usize = 20;

/// One packet as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Sent {
    /// Its sequence number on the slot.
    pub sequence: u16,
    /// Its timestamp on the slot.
    pub timestamp: u32,
    /// Its marker bit.
    pub marker: bool,
    /// Its payload type at the subscriber.
    pub payload_type: u8,
    /// The payload type of its repair at the subscriber, if negotiated.
    pub repair: Option<u8>,
    /// Its transport-wide sequence number. Sent again as it was, it must carry the same: two texts under one SRTP
    /// index would betray the key (RFC 7714 §8.1).
    pub stamp: Option<u16>,
    /// Its payload, rewritten.
    pub payload: Bytes,
}

impl Sent {
    /// Its length on the wire, about.
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }
}

/// The last [`CAPACITY`] packets by sequence number. Empty until the first packet, so unused slots cost nothing.
#[derive(Debug, Default)]
pub(in crate::media) struct ResendBuffer {
    places: Vec<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    sent: Sent,
    resends: usize,
    last: Option<Instant>,
}

impl ResendBuffer {
    /// Remembers a packet in place of the one that had its place before.
    pub fn keep(&mut self, sent: Sent) {
        if self.places.is_empty() {
            self.places.resize_with(CAPACITY, || None);
        }
        let place = usize::from(sent.sequence) % CAPACITY;
        self.places[place] = Some(Kept {
            sent,
            resends: 0,
            last: None,
        });
    }

    /// The packet of this number, if it is still there and may be sent again: not before a round trip has passed since
    /// it was sent again the last time, as a report that comes sooner cannot know of it; not more often than
    /// [`budgets::media::RESENDS`]; and only if its bytes can be paid for.
    pub fn take_due(
        &mut self,
        sequence: u16,
        round_trip: Option<Duration>,
        now: Instant,
        pay: impl FnOnce(usize) -> bool,
    ) -> Option<&Sent> {
        let place = usize::from(sequence) % CAPACITY;
        let kept = self.places.get_mut(place)?.as_mut()?;
        let gap = round_trip.unwrap_or_default().max(MIN_GAP);
        let too_soon = kept
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < gap);
        let spent = kept.resends >= budgets::media::RESENDS.size();
        if kept.sent.sequence != sequence || spent || too_soon || !pay(kept.sent.bytes()) {
            return None;
        }
        kept.resends += 1;
        kept.last = Some(now);
        Some(&kept.sent)
    }

    /// The newest packets, most of them large, together at least this long: to probe the line with what the receiver
    /// has, and may yet have lost. Empty when there is not enough.
    pub fn probe(&self, bytes: usize) -> Vec<&Sent> {
        let mut kept: Vec<&Sent> = self
            .places
            .iter()
            .flatten()
            .map(|kept| &kept.sent)
            .collect();
        kept.sort_by_key(|sent| std::cmp::Reverse(sent.payload.len()));
        let mut total = 0;
        let needed = kept.iter().position(|sent| {
            total += sent.payload.len();
            total >= bytes
        });
        kept.truncate(needed.map_or(0, |last| last + 1));
        kept
    }

    /// Forgets everything: what the slot carried before must not be sent to whoever watches it now.
    pub fn clear(&mut self) {
        self.places = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(sequence: u16) -> Sent {
        let payload = Bytes::copy_from_slice(&sequence.to_be_bytes());
        Sent {
            sequence,
            timestamp: 0,
            marker: false,
            payload_type: 96,
            repair: Some(97),
            stamp: None,
            payload,
        }
    }

    /// Due at any time, and paid for.
    fn take(buffer: &mut ResendBuffer, sequence: u16, now: Instant) -> Option<Sent> {
        buffer.take_due(sequence, None, now, |_| true).cloned()
    }

    #[test]
    fn what_was_sent_is_found_over_the_wrap_until_it_is_too_old() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        assert_eq!(take(&mut buffer, 1, now), None);
        for n in 65_000..66_000u32 {
            buffer.keep(sent(n as u16));
        }
        assert_eq!(take(&mut buffer, 65_500, now), Some(sent(65_500)));
        assert_eq!(take(&mut buffer, 10, now), Some(sent(10)));
        assert_eq!(take(&mut buffer, 65_400, now), None);
        assert_eq!(take(&mut buffer, 5_000, now), None);
    }

    #[test]
    fn reports_of_one_loss_are_answered_once_and_not_for_ever() {
        let (mut buffer, mut now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7));
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
        buffer.keep(sent(7));
        for _ in 0..100 {
            assert_eq!(buffer.take_due(7, None, now, |_| false), None);
        }
        assert_eq!(take(&mut buffer, 7, now), Some(sent(7)));
    }

    #[test]
    fn a_line_is_probed_with_the_largest_packets_or_not_at_all() {
        let mut buffer = ResendBuffer::default();
        for n in 0..10 {
            let payload = Bytes::from(vec![0; 100 * usize::from(n)]);
            buffer.keep(Sent { payload, ..sent(n) });
        }
        let sizes = |bytes| {
            let probe = buffer.probe(bytes);
            probe
                .iter()
                .map(|sent| sent.payload.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(2000), [900, 800, 700]);
        assert_eq!(sizes(5000), Vec::<usize>::new());
    }

    #[test]
    fn a_cleared_buffer_repairs_nothing() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7));
        buffer.clear();
        assert_eq!(take(&mut buffer, 7, now), None);
    }
}
