//! How a participant's wall clock relates to ours, by the sender reports of their streams (RFC 3550 §6.4.1).
//!
//! A browser reports all its streams by one wall clock. So one difference stands for all of them: where it is a little
//! wrong, sound and picture are wrong by the same, and stay together. What is taken as the difference contains how long
//! a report needs at least to come here. Therefore an instant on our clock is when something would have come that was
//! captured then and came by a quick way. For two participants these instants differ from when things come by what is
//! more than that alone.
//!
//! The difference follows the quickest report at once, and later ones slowly: clocks drift by some 100 ppm, while a
//! report that is late says nothing of clocks. A report that differs by much is believed once others agree with it: a
//! clock was set anew then. Until then, and where a client tells nonsense, there is no clock for its streams.

use crate::media::rtp::clock::Pair;

/// A second, as NTP.
const SECOND: u64 = 1 << 32;
/// A report that differs by more is late by more than lines queue, or the clock was set anew.
const STEP: u64 = SECOND;
/// So many in a row have to agree that it was.
const AGREEING: u8 = 3;
/// The quickest report of so long, or of twice that, stands for the clock.
const WINDOW: u64 = 15 * SECOND;
/// The difference goes back by at most this share of the time that passes: 1000 ppm.
const SLOWLY: i64 = 1000;

/// What is known of one participant's wall clock.
#[derive(Debug, Default)]
pub(in crate::media) struct WallClock {
    known: Option<Known>,
    /// A difference that a report told out of turn, and how many told it.
    strange: Option<(i64, u8)>,
    /// Rises when the clock was set anew.
    epoch: u32,
}

/// Differences are how far their clock runs ahead of ours.
#[derive(Debug)]
struct Known {
    ahead: i64,
    /// The most of this window, and of the one before.
    most: [i64; 2],
    window_began: u64,
    /// When the last report came.
    heard: u64,
}

impl Known {
    fn new(ahead: i64, ours: u64) -> Self {
        Self {
            ahead,
            most: [ahead; 2],
            window_began: ours,
            heard: ours,
        }
    }

    fn follow(&mut self, seen: i64, ours: u64) {
        if ours.wrapping_sub(self.window_began) >= WINDOW {
            (self.most, self.window_began) = ([seen, self.most[0]], ours);
        }
        self.most[0] = self.most[0].max(seen);
        let quickest = self.most[0].max(self.most[1]);
        let passed = ours.wrapping_sub(self.heard).min(WINDOW) as i64;
        self.heard = ours;
        let most_back = self.ahead.saturating_sub(passed / SLOWLY);
        self.ahead = quickest.max(most_back);
    }
}

impl WallClock {
    /// Takes what a report tells: `theirs` is their clock, and `ours` ours when it came. The epoch of the clock, if it
    /// is believed.
    pub fn take(&mut self, theirs: u64, ours: u64) -> Option<u32> {
        let seen = theirs.wrapping_sub(ours) as i64;
        let Some(known) = &mut self.known else {
            self.known = Some(Known::new(seen, ours));
            return Some(self.epoch);
        };
        if seen.abs_diff(known.ahead) <= STEP {
            self.strange = None;
            known.follow(seen, ours);
            return Some(self.epoch);
        }
        let (most, count) = match self.strange {
            Some((other, count)) if other.abs_diff(seen) <= STEP => (other.max(seen), count + 1),
            _ => (seen, 1),
        };
        self.strange = Some((most, count));
        if count < AGREEING {
            return None;
        }
        self.strange = None;
        self.known = Some(Known::new(most, ours));
        self.epoch = self.epoch.wrapping_add(1);
        Some(self.epoch)
    }

    /// A report's pair on our clock, where it was believed and the clock was not set anew since.
    pub fn pair(&self, theirs: Pair, epoch: u32) -> Option<Pair> {
        let known = self.known.as_ref().filter(|_| epoch == self.epoch)?;
        let ntp = theirs.ntp.wrapping_add_signed(known.ahead.wrapping_neg());
        Some(Pair { ntp, ..theirs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 3_900_000_000 << 32;

    fn ms(ms: u64) -> u64 {
        ms * SECOND / 1000
    }

    /// Where `theirs` is on our clock.
    fn place(clock: &WallClock, theirs: u64, epoch: u32) -> Option<u64> {
        let pair = Pair {
            ntp: theirs,
            rtp: 0,
        };
        Some(clock.pair(pair, epoch)?.ntp)
    }

    #[test]
    fn the_quickest_report_counts_and_a_queue_moves_nothing() {
        let mut clock = WallClock::default();
        let ahead = ms(7_200_000);
        for second in 0..60 {
            let ours = START + second * SECOND;
            // Half a minute long everything waits for 400 ms in a queue.
            let late = ms(if (10..=40).contains(&second) { 420 } else { 20 });
            assert_eq!(clock.take(ours + ahead - late, ours), Some(0));
            let placed = place(&clock, ours + ahead, 0).unwrap();
            let off = placed.abs_diff(ours + ms(20));
            assert!(off <= ms(16), "second {second}: {off}");
        }
    }

    #[test]
    fn a_clock_that_drifts_is_followed_for_an_hour() {
        for ppm in [100_i64, -100] {
            let mut clock = WallClock::default();
            for second in 0..3600_u64 {
                let ours = START + second * SECOND;
                let drift = second as i64 * ppm * SECOND as i64 / 1_000_000;
                // Each second report comes 30 ms later.
                let late = ms(20 + 30 * (second % 2));
                let theirs = ours.wrapping_add_signed(drift);
                assert_eq!(clock.take(theirs - late, ours), Some(0));
                let off = place(&clock, theirs, 0).unwrap().abs_diff(ours + ms(20));
                assert!(off <= ms(4), "{ppm} ppm, second {second}: {off}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_anew_is_believed_when_reports_agree() {
        let mut clock = WallClock::default();
        let mut ours = START;
        for ahead in [ms(0), ms(3_600_000), ms(1_800_000)] {
            let mut believed = None;
            for report in 0..4 {
                ours += SECOND;
                believed = clock.take(ours + ahead, ours);
                assert_eq!(believed.is_some(), ahead == 0 || report >= 2);
            }
            let placed = place(&clock, ours + ahead, believed.unwrap());
            assert_eq!(placed, Some(ours));
        }
        // What was reported by the clock before has no place any more.
        assert_eq!(place(&clock, ours, 0), None);
    }

    #[test]
    fn nonsense_is_not_believed_and_moves_nothing() {
        let mut clock = WallClock::default();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for second in 0..1000 {
            let ours = START + second * SECOND;
            assert_eq!(clock.take(ours, ours), Some(0));
            assert_eq!(place(&clock, ours, 0), Some(ours));
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            for theirs in [random, 0, u64::MAX] {
                assert_eq!(clock.take(theirs, ours), None);
            }
        }
    }
}
