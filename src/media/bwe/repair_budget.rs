//! How much may be spent on sending packets again: a share of what a connection sends anyway, so that repairing cannot
//! make a narrow line narrower (RFC 8083 §4; RFC 4588 §6 wants retransmission under congestion control).
//!
//! Pure: it is told what is sent and when, and answers whether a repair may go.

use std::time::{Duration, Instant};

use crate::budgets;
use crate::media::bwe::rate::Bitrate;

/// What a quiet connection may repair all the same, so that a voice or the first keyframe can be mended.
const FLOOR: Bitrate = Bitrate::kbps(64);
/// What is not spent is kept for this long: losses come in bursts.
const KEPT: Duration = Duration::from_secs(2);

/// One connection's budget.
#[derive(Debug)]
pub(in crate::media) struct RepairBudget {
    /// Bytes that may be spent now.
    allowance: f64,
    /// The share of what was sent lately, as bytes a second, averaged over [`KEPT`].
    earning: f64,
    at: Instant,
}

impl RepairBudget {
    pub fn new(now: Instant) -> Self {
        Self {
            allowance: FLOOR.bytes_in(KEPT) as f64,
            earning: 0.0,
            at: now,
        }
    }

    /// So much was sent for the first time.
    pub fn earn(&mut self, bytes: usize, now: Instant) {
        self.pass(now);
        let share = bytes as f64 * budgets::media::REPAIRS.most as f64 / 100.0;
        self.allowance += share;
        self.earning += share / KEPT.as_secs_f64();
        self.allowance = self.allowance.min(self.most());
    }

    /// Spends so much, if it is there.
    pub fn spend(&mut self, bytes: usize, now: Instant) -> bool {
        self.pass(now);
        let enough = self.allowance >= bytes as f64;
        if enough {
            self.allowance -= bytes as f64;
        }
        enough
    }

    fn pass(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        self.earning *= (-passed.as_secs_f64() / KEPT.as_secs_f64()).exp();
        let floor = FLOOR.bytes_in(passed.min(KEPT)) as f64;
        self.allowance = (self.allowance + floor).min(self.most());
    }

    fn most(&self) -> f64 {
        FLOOR.bytes_in(KEPT) as f64 + self.earning * KEPT.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends 1,250 bytes every 10 ms, a megabit per second, for some seconds; asks for as many repairs as `asked`
    /// each time. How many bytes were granted.
    fn granted(seconds: u64, sent: usize, asked: usize) -> usize {
        let start = Instant::now();
        let (mut budget, mut granted) = (RepairBudget::new(start), 0);
        for tick in 0..seconds * 100 {
            let now = start + Duration::from_millis(10 * tick);
            budget.earn(sent, now);
            for _ in 0..asked {
                granted += if budget.spend(1250, now) { 1250 } else { 0 };
            }
        }
        granted
    }

    #[test]
    fn repairs_are_a_fifth_of_what_is_sent_whatever_is_asked() {
        let sent = 60 * 125_000;
        let share = sent / 5;
        let floor = 62 * 8_000;
        for asked in [1, 8, 50] {
            let granted = granted(60, 1250, asked);
            assert!(granted <= share + floor, "{granted}");
            assert!(granted >= share, "{granted}");
        }
    }

    #[test]
    fn a_loss_of_a_tenth_is_repaired_whole() {
        let start = Instant::now();
        let mut budget = RepairBudget::new(start);
        for tick in 0..6000 {
            let now = start + Duration::from_millis(10 * tick);
            budget.earn(1250, now);
            assert!(tick % 10 != 0 || budget.spend(1250, now), "at {tick}");
        }
    }

    #[test]
    fn a_quiet_connection_can_repair_a_little_and_saves_no_fortune() {
        assert!(granted(60, 0, 1) >= 60 * 8_000 - 1250);
        let start = Instant::now();
        let mut budget = RepairBudget::new(start);
        let later = start + Duration::from_secs(3600);
        let burst = (0..1000).filter(|_| budget.spend(1250, later)).count();
        assert!(burst * 1250 <= 16_000, "{burst}");
    }
}
