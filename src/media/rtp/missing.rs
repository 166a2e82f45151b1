//! What is missing of a stream that arrives, and when it is asked for (RFC 4585 §6.2.1).

use std::time::{Duration, Instant};

/// Packets of one stream that are asked for at once; the oldest are given up.
const MOST: usize = 256;
/// A gap that is larger is none that can be repaired.
const LARGEST_GAP: u64 = 200;
/// What is only out of order comes within this time.
const REORDERED: Duration = Duration::from_millis(10);
/// One packet is not asked for sooner again, however short the way.
const AGAIN_AFTER: Duration = Duration::from_millis(40);
/// Nor later, if the way's length is not known.
const UNKNOWN_WAY: Duration = Duration::from_millis(100);
/// A packet is asked for so many times, and for so long.
const TRIES: u8 = 10;
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// One stream's.
#[derive(Debug, Default)]
pub struct Missing {
    highest: Option<u64>,
    /// Rising.
    open: Vec<Gap>,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    sequence: u64,
    since: Instant,
    asked: Option<Instant>,
    tries: u8,
}

impl Missing {
    /// A packet came, by its extended number. How long it took since it was asked for, if it was, and only once: so
    /// long are the ways there and back.
    pub fn arrived(&mut self, sequence: u64, now: Instant) -> Option<Duration> {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return None;
        };
        if sequence <= highest {
            let place = self
                .open
                .binary_search_by_key(&sequence, |gap| gap.sequence);
            let gap = self.open.remove(place.ok()?);
            let once = gap.asked.filter(|_| gap.tries == 1);
            return once.map(|asked| now.saturating_duration_since(asked));
        }
        self.highest = Some(sequence);
        if sequence - highest > LARGEST_GAP {
            self.open.clear();
            return None;
        }
        let since = now;
        self.open
            .extend((highest + 1..sequence).map(|sequence| Gap {
                sequence,
                since,
                asked: None,
                tries: 0,
            }));
        let too_many = self.open.len().saturating_sub(MOST);
        self.open.drain(..too_many);
        None
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What is to be asked for now, rising.
    pub fn due(&mut self, round_trip: Option<Duration>, now: Instant) -> impl Iterator<Item = u16> {
        let passed = move |at: Instant| now.saturating_duration_since(at);
        self.open
            .retain(|gap| gap.tries < TRIES && passed(gap.since) < GIVE_UP_AFTER);
        // A quarter more, so that an answer that is on its way has time.
        let way = round_trip.map_or(UNKNOWN_WAY, |way| way * 5 / 4);
        let again = way.max(AGAIN_AFTER);
        self.open.iter_mut().filter_map(move |gap| {
            let is_due = match gap.asked {
                None => passed(gap.since) >= REORDERED,
                Some(asked) => passed(asked) >= again,
            };
            is_due.then(|| {
                gap.asked = Some(now);
                gap.tries += 1;
                gap.sequence as u16
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_gap_is_asked_for_until_it_is_closed() {
        let (start, mut missing) = (Instant::now(), Missing::default());
        let due = |missing: &mut Missing, ms| {
            let way = Some(Duration::from_millis(100));
            missing.due(way, after(start, ms)).collect::<Vec<_>>()
        };
        assert_eq!(missing.arrived(65_534, start), None);
        missing.arrived(65_539, start);
        assert!(
            due(&mut missing, 5).is_empty(),
            "it may be out of order only"
        );
        missing.arrived(65_537, after(start, 6));
        assert_eq!(due(&mut missing, 20), [65_535, 0, 2]);
        assert!(due(&mut missing, 100).is_empty());
        let took = missing.arrived(65_535, after(start, 120));
        assert_eq!(took, Some(Duration::from_millis(100)));
        assert_eq!(due(&mut missing, 145), [0, 2]);
        assert_eq!(
            missing.arrived(65_536, after(start, 150)),
            None,
            "of which asking?"
        );
        assert_eq!(due(&mut missing, 999), [2]);
        assert!(due(&mut missing, 1_500).is_empty());
        assert!(missing.is_empty());
    }

    #[test]
    fn nothing_is_asked_for_without_end() {
        let (start, mut missing) = (Instant::now(), Missing::default());
        missing.arrived(1, start);
        missing.arrived(3, start);
        let way = Some(Duration::ZERO);
        let asked = (0..100).map(|step| missing.due(way, after(start, step * 20)).count());
        assert_eq!(asked.sum::<usize>(), usize::from(TRIES));
    }

    #[test]
    fn what_cannot_be_repaired_is_given_up() {
        let (start, mut missing) = (Instant::now(), Missing::default());
        missing.arrived(1, start);
        missing.arrived(LARGEST_GAP + 3, start);
        assert!(missing.is_empty(), "a gap as after a long silence");
        for sequence in 1..2_000 {
            missing.arrived(1_000 + sequence * 100, start);
        }
        assert_eq!(missing.open.len(), MOST);
        missing.arrived(500, start);
        assert_eq!(missing.open.len(), MOST);
    }
}
