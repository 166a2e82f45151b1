//! What was sent on a slot lately, to be sent again when a subscriber reports it lost (RFC 4585 §6.2.1).

use std::time::{Duration, Instant};

use bytes::Bytes;

/// How many packets are kept: half a second of a fast camera. What is older cannot be repaired.
const CAPACITY: usize = 512;
/// One packet is not sent again sooner: several reports of one loss are one loss.
const MIN_GAP: Duration = Duration::from_millis(20);
/// Nor more often than this: a subscriber that never gets it is out of reach.
const MAX_RESENDS: u8 = 8;

/// One packet as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
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
    /// Its payload, rewritten.
    pub payload: Bytes,
}

/// The last [`CAPACITY`] packets by sequence number. Empty until the first packet, so unused slots cost nothing.
#[derive(Debug, Default)]
pub(super) struct ResendBuffer {
    places: Vec<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    sent: Sent,
    resends: u8,
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

    /// The packet of this number, if it is still there and due to be sent again.
    pub fn take_due(&mut self, sequence: u16, now: Instant) -> Option<&Sent> {
        let place = usize::from(sequence) % CAPACITY;
        let kept = self.places.get_mut(place)?.as_mut()?;
        let too_soon = kept
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < MIN_GAP);
        if kept.sent.sequence != sequence || kept.resends >= MAX_RESENDS || too_soon {
            return None;
        }
        kept.resends += 1;
        kept.last = Some(now);
        Some(&kept.sent)
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
            payload,
        }
    }

    #[test]
    fn what_was_sent_is_found_over_the_wrap_until_it_is_too_old() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        assert_eq!(buffer.take_due(1, now), None);
        for n in 65_000..66_000u32 {
            buffer.keep(sent(n as u16));
        }
        assert_eq!(buffer.take_due(65_500, now), Some(&sent(65_500)));
        assert_eq!(buffer.take_due(10, now), Some(&sent(10)));
        assert_eq!(buffer.take_due(65_400, now), None);
        assert_eq!(buffer.take_due(5_000, now), None);
    }

    #[test]
    fn reports_of_one_loss_are_answered_once_and_not_for_ever() {
        let (mut buffer, mut now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7));
        let mut answered = 0;
        for _ in 0..100 {
            answered += usize::from(buffer.take_due(7, now).is_some());
            now += Duration::from_millis(10);
        }
        assert_eq!(answered, usize::from(MAX_RESENDS));
    }

    #[test]
    fn a_cleared_buffer_repairs_nothing() {
        let (mut buffer, now) = (ResendBuffer::default(), Instant::now());
        buffer.keep(sent(7));
        buffer.clear();
        assert_eq!(buffer.take_due(7, now), None);
    }
}
