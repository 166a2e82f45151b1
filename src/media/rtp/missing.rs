//! What is missing of a stream that arrives, and when it is asked for (RFC 4585 §6.2.1).

use std::time::{Duration, Instant};

/// Packets of one stream that are asked for at once; the oldest are given up.
const MOST: usize = 256;
/// A larger gap cannot be repaired.
const LARGEST_GAP: u64 = 200;
/// What is further behind the newest packet is not asked for any more.
const NEAR: u16 = 300;
/// A packet that is only out of order comes within this time, or within a quarter more than such packets took lately,
const REORDERED: Duration = Duration::from_millis(10);
/// but nothing waits longer to be asked for.
const MOST_REORDERED: Duration = Duration::from_millis(60);
/// One packet is not asked for again sooner, even when the round trip is short.
const AGAIN_AFTER: Duration = Duration::from_millis(40);
/// Nor later, if the round trip is not known.
const UNKNOWN_WAY: Duration = Duration::from_millis(100);
/// A packet is asked for so many times, and for so long.
const ATTEMPTS: u8 = 10;
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// One stream's.
#[derive(Debug)]
pub struct Missing {
    highest: Option<u64>,
    /// Rising.
    open: Vec<Gap>,
    /// A packet that is only out of order comes within this time.
    patience: Duration,
    /// The round trip, when it was last told.
    way: Option<Duration>,
}

impl Default for Missing {
    fn default() -> Self {
        Self {
            highest: None,
            open: Vec::new(),
            patience: REORDERED,
            way: None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    sequence: u64,
    since: Instant,
    asked: Option<Instant>,
    attempts: u8,
}

impl Missing {
    /// A packet came, by its extended number. Returns how long it took since it was asked for, if it was, and only
    /// once: so long is the round trip.
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
            let took = gap.asked.map(|asked| now.saturating_duration_since(asked));
            if self.learn(took, now.saturating_duration_since(gap.since)) {
                return None;
            }
            return took.filter(|_| gap.attempts == 1);
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
                attempts: 0,
            }));
        let too_many = self.open.len().saturating_sub(MOST);
        self.open.drain(..too_many);
        None
    }

    /// Learns from a packet that came after all, so long after it was asked for and after it was missed. Returns
    /// whether it was only out of order: it was not asked for, or could not have been sent again in that time.
    fn learn(&mut self, took: Option<Duration>, late: Duration) -> bool {
        let was_late = took.is_none_or(|took| self.way.is_some_and(|way| took < way / 2));
        self.patience = if was_late {
            self.patience.max(late * 5 / 4).min(MOST_REORDERED)
        } else {
            (self.patience * 15 / 16).max(REORDERED)
        };
        was_late
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether this packet is missing and was asked for.
    pub fn awaits(&self, sequence: u16) -> bool {
        let mut open = self.open.iter();
        open.any(|gap| gap.sequence as u16 == sequence && gap.asked.is_some())
    }

    /// Whether this number is one of the stream's newest ones, so that it may have been asked for lately.
    pub fn is_near(&self, sequence: u16) -> bool {
        let behind = |highest: u64| (highest as u16).wrapping_sub(sequence) < NEAR;
        self.highest.is_some_and(behind)
    }

    /// What is to be asked for now, rising.
    pub fn due(&mut self, round_trip: Option<Duration>, now: Instant) -> impl Iterator<Item = u16> {
        let passed = move |at: Instant| now.saturating_duration_since(at);
        self.open
            .retain(|gap| gap.attempts < ATTEMPTS && passed(gap.since) < GIVE_UP_AFTER);
        // A quarter more, so that an answer under way has time.
        let way = round_trip.map_or(UNKNOWN_WAY, |way| way * 5 / 4);
        let again = way.max(AGAIN_AFTER);
        self.way = round_trip;
        let patience = self.patience;
        self.open.iter_mut().filter_map(move |gap| {
            let is_due = match gap.asked {
                None => passed(gap.since) >= patience,
                Some(asked) => passed(asked) >= again,
            };
            is_due.then(|| {
                gap.asked = Some(now);
                gap.attempts += 1;
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
    fn what_was_asked_for_is_awaited_until_it_comes() {
        let (start, mut missing) = (Instant::now(), Missing::default());
        assert!(!missing.is_near(7));
        missing.arrived(65_535, start);
        missing.arrived(65_537, after(start, 1));
        assert!(!missing.awaits(0), "nobody has asked");
        assert_eq!(missing.due(None, after(start, 50)).collect::<Vec<_>>(), [0]);
        let awaited = |missing: &Missing| [65_535, 0, 1].map(|sequence| missing.awaits(sequence));
        assert_eq!(awaited(&missing), [false, true, false]);
        let near = [1, 0, 65_300, 2, 65_000, 300];
        assert_eq!(
            near.map(|sequence| missing.is_near(sequence)),
            [true, true, true, false, false, false]
        );
        missing.arrived(65_536, after(start, 90));
        assert_eq!(awaited(&missing), [false; 3]);
    }

    /// How many of a thousand packets, 5 ms apart, are asked for where one of twenty comes late, or again, or neither.
    fn asked(late_ms: u64, again_ms: Option<u64>) -> usize {
        let (start, mut missing) = (Instant::now(), Missing::default());
        let way = Some(Duration::from_millis(50));
        let (mut coming, mut asked) = (Vec::new(), 0);
        for ms in 0..5_000 {
            let now = after(start, ms);
            if ms % 5 == 0 {
                let is_late = ms % 100 == 50;
                let at = if is_late { ms + late_ms } else { ms };
                coming.push((at, ms / 5));
            }
            coming.retain(|(at, sequence)| {
                if *at == ms {
                    missing.arrived(*sequence, now);
                }
                *at > ms
            });
            if ms % 20 == 0 {
                for sequence in missing.due(way, now) {
                    asked += 1;
                    coming.extend(again_ms.map(|again| (ms + again, u64::from(sequence))));
                }
            }
        }
        asked
    }

    #[test]
    fn what_is_only_out_of_order_is_not_asked_for_for_long() {
        assert!(asked(30, None) <= 4, "{}", asked(30, None));
        assert_eq!(asked(1_000_000, Some(55)), 50, "what is lost is");
    }

    #[test]
    fn nothing_is_asked_for_without_end() {
        let (start, mut missing) = (Instant::now(), Missing::default());
        missing.arrived(1, start);
        missing.arrived(3, start);
        let way = Some(Duration::ZERO);
        let asked = (0..100).map(|step| missing.due(way, after(start, step * 20)).count());
        assert_eq!(asked.sum::<usize>(), usize::from(ATTEMPTS));
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
