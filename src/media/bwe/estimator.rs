//! What the line to one subscriber carries: the estimate that follows from what was sent, what came, and what probes
//! found.
//!
//! There is no estimate at first. A line is taken for wide until something speaks against it, and then for what
//! arrived. From there the estimate goes down at once with congestion. It goes up by what probes find, or slowly by
//! itself while it is used (draft-ietf-rmcat-gcc-02 §5.5: multiplicative far from the rate of the last congestion,
//! additive near it). While less is sent than the estimate allows, nothing is learnt of it: it does not grow by that,
//! and does not fall below the half.

use std::time::{Duration, Instant};

use crate::media::bwe::congestion::{LineMonitor, Verdict};
use crate::media::bwe::prober::Prober;
use crate::media::bwe::rate::{Bitrate, Meter};
use crate::media::bwe::send_history::SendHistory;
use crate::media::bwe::trials::Trials;

/// After a cut the queue drains; what is seen meanwhile says nothing new.
const SETTLING: Duration = Duration::from_millis(1000);
/// Under congestion the estimate keeps this share of what arrives, so that the queue drains. GCC keeps 85 % (§5.5).
/// Here the division of the line among pictures leaves some of it free already.
const KEPT_PERCENT: u64 = 95;
/// Congestion while no more is sent than the estimate: others use the line as well, or it became narrower (§5.5).
const LESS_PERCENT: u64 = 85;
/// Where less than this share of what is sent arrives, even that is too much, and much less may be carried.
const ARRIVES_PERCENT: u64 = 90;
/// Below this share of the estimate the application, not the line, bounds what is sent (libwebrtc's).
const USED_PERCENT: u64 = 65;
/// The estimate grows up to this share of what arrives (§5.5).
const GROWS_TO_PERCENT: u64 = 150;
/// It grows so much a second (§5.5: 8 %),
const GROWTH_PER_SECOND: f64 = 0.08;
/// and half as fast this near to where congestion was seen; there the draft adds half a packet each time that a response
/// can come, which is more than that on a line of 0.3 Mbit/s and less on one of 4.
const NEAR_PERCENT: u64 = 115;
const NEAR_GROWTH_PER_SECOND: f64 = 0.04;
/// No line is taken to be narrower: less could not be told apart from silence.
const LEAST: Bitrate = Bitrate::kbps(64);
/// What waits is sent at so much of the estimate (libwebrtc's pacer),
const PACE_PERCENT: u64 = 250;
/// and nothing waits where the estimate is so many times what is sent.
const WIDE_PERCENT: u64 = 400;

/// The estimate of one connection's line.
#[derive(Debug)]
pub(in crate::media) struct Estimator {
    history: SendHistory,
    monitor: LineMonitor,
    prober: Prober,
    trials: Trials,
    estimate: Option<Bitrate>,
    /// The estimate before the last cut, if that cut was to show whether others fill the queue.
    before_cut: Option<Bitrate>,
    /// What arrived when there was congestion last.
    full_at: Option<Bitrate>,
    sent: Meter,
    arrived: Meter,
    cut_at: Option<Instant>,
    grown_at: Instant,
}

impl Estimator {
    pub fn new(now: Instant) -> Self {
        Self {
            history: SendHistory::default(),
            monitor: LineMonitor::default(),
            prober: Prober::new(now),
            trials: Trials::default(),
            estimate: None,
            before_cut: None,
            full_at: None,
            sent: Meter::default(),
            arrived: Meter::default(),
            cut_at: None,
            grown_at: now,
        }
    }

    /// What the line carries; `None` while nothing speaks against it.
    pub fn limit(&self) -> Option<Bitrate> {
        self.estimate
    }

    /// Whether more may be sent than now, if the limit allows it.
    pub fn may_try(&self, now: Instant) -> bool {
        self.trials.may_try(now)
    }

    /// More is sent from now on.
    pub fn tried(&mut self, now: Instant) {
        self.trials.tried(now);
    }

    /// Nothing is held back: after a while the line is taken for wide again.
    pub fn at_ease(&mut self, now: Instant) {
        if self.trials.at_ease(now) {
            (self.estimate, self.full_at) = (None, None);
            self.prober = Prober::new(now);
        }
    }

    /// A packet of any kind is sent. Gives the number that it is to carry for transport-wide feedback.
    pub fn stamp(&mut self, bytes: usize, now: Instant) -> u16 {
        let probe = self.prober.note_sent(bytes, now);
        self.sent.add(bytes, now);
        self.history.stamp(bytes, probe, now)
    }

    /// A packet is sent that no feedback will tell of.
    pub fn note_unnumbered(&mut self, bytes: usize, now: Instant) {
        self.sent.add(bytes, now);
    }

    /// What is sent.
    pub fn sent(&mut self, now: Instant) -> Bitrate {
        self.sent.rate(now).unwrap_or_default()
    }

    /// How fast what waits is to be sent; `None` where nothing has to wait.
    pub fn pace(&mut self, now: Instant) -> Option<Bitrate> {
        let estimate = self.estimate?;
        let wide = self.sent(now).percent(WIDE_PERCENT);
        (estimate < wide).then(|| estimate.percent(PACE_PERCENT))
    }

    /// Takes a report of the packets of these numbers, each with its time of arrival unless it was lost. `count` is how
    /// many it speaks of. Whether the estimate went down.
    pub fn report(
        &mut self,
        count: u16,
        reported: impl Iterator<Item = (u16, Option<Duration>)>,
        now: Instant,
    ) -> bool {
        if !self.history.may_report(count) {
            return false;
        }
        let reported =
            reported.filter_map(|(number, arrived)| self.history.acknowledge(number, arrived));
        let deliveries: Vec<_> = reported.collect();
        for delivery in &deliveries {
            self.prober.note(delivery);
            if delivery.arrived.is_some() {
                self.arrived.add(delivery.bytes, now);
            }
        }
        let verdict = self.monitor.take(&deliveries, now);
        self.take_found(now);
        match verdict {
            Verdict::Free => self.grow(now),
            Verdict::Busy => self.grown_at = now,
            Verdict::Steady { delivered } => {
                let estimate = self.estimate;
                if estimate.is_some_and(|estimate| self.is_used(estimate, now)) {
                    return self.cut(delivered, now);
                }
                self.monitor.disown();
            }
            Verdict::Others => {
                // It changed nothing.
                self.estimate = self.estimate.max(self.before_cut);
            }
            Verdict::Congested { delivered } => return self.cut(delivered, now),
        }
        false
    }

    /// There is congestion, and this much arrives. Returns whether that is news.
    pub fn cut(&mut self, delivered: Bitrate, now: Instant) -> bool {
        let settled = |at| now.saturating_duration_since(at) >= SETTLING;
        if !self.cut_at.is_none_or(settled) {
            return false;
        }
        let kept = delivered.percent(KEPT_PERCENT);
        let sent = self.sent(now);
        let less = self.estimate.map_or(kept, |estimate| {
            let used = estimate.percent(USED_PERCENT);
            let least = if delivered < sent.percent(ARRIVES_PERCENT) {
                estimate.percent(50)
            } else {
                estimate.percent(LESS_PERCENT)
            };
            if sent >= used {
                kept.min(estimate.percent(LESS_PERCENT))
            } else {
                kept.clamp(least, estimate)
            }
        });
        let less = less.max(LEAST);
        self.before_cut = self.estimate.filter(|_| self.monitor.knows_others());
        self.estimate = Some(less);
        self.full_at = Some(delivered);
        (self.cut_at, self.grown_at) = (Some(now), now);
        let has_failed = self.trials.congested(now);
        self.prober.congested(has_failed, now);
        self.monitor.note_cut(now);
        true
    }

    fn is_used(&mut self, estimate: Bitrate, now: Instant) -> bool {
        self.sent(now) >= estimate.percent(USED_PERCENT)
    }

    fn grow(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.grown_at);
        self.grown_at = now;
        let Some(estimate) = self.estimate else {
            return;
        };
        let arrived = self.arrived.rate(now).unwrap_or_default();
        let most = arrived.percent(GROWS_TO_PERCENT);
        if estimate >= most || !self.is_used(estimate, now) {
            return;
        }
        let passed = passed.min(Duration::from_secs(1));
        let is_near = self.full_at.is_some_and(|full| {
            (full.percent(LESS_PERCENT)..full.percent(NEAR_PERCENT)).contains(&estimate)
        });
        let speed = if is_near {
            NEAR_GROWTH_PER_SECOND
        } else {
            GROWTH_PER_SECOND
        };
        let more = estimate.bytes_in(passed.mul_f64(speed));
        let more = Bitrate::of(more, Duration::from_secs(1));
        self.estimate = Some((estimate + more).min(most));
    }

    fn take_found(&mut self, now: Instant) {
        let estimate = self.estimate.unwrap_or_default();
        let found = self.prober.conclude(estimate, now);
        if let Some(found) = found {
            self.estimate = self.estimate.map(|estimate| estimate.max(found.rate));
        }
    }

    /// How many bytes a probe needs, if it is time for one.
    pub fn take_probe(&mut self, now: Instant) -> Option<u64> {
        self.take_found(now);
        let estimate = self.estimate?;
        let drains = |at| now.saturating_duration_since(at) < SETTLING;
        if self.cut_at.is_some_and(drains) || self.monitor.has_queue() {
            return None;
        }
        self.prober.needs(estimate, now)
    }

    /// Begins a probe of so many bytes.
    pub fn begin_probe(&mut self, bytes: u64, now: Instant) {
        if let Some(estimate) = self.estimate {
            self.prober.begin(estimate, bytes, now);
        }
    }

    /// The line cannot be probed, so that after the wait only a try can tell.
    pub fn try_unprobed(&mut self, now: Instant) {
        self.prober.put_off(now);
        if self.trials.may_try(now) {
            self.estimate = None;
            self.trials.tried(now);
        }
    }

    /// Whether a probe is being sent.
    pub fn is_probing(&self) -> bool {
        self.prober.is_sending()
    }

    /// Whether another packet of the probe is due.
    pub fn is_padding_due(&self, now: Instant) -> bool {
        self.prober.is_due(now)
    }

    /// There is nothing more to probe with.
    pub fn end_probe(&mut self, now: Instant) {
        self.prober.end(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends this for so many seconds over a line that delays nothing; the report comes every 50 ms.
    fn send(estimator: &mut Estimator, start: Instant, seconds: std::ops::Range<u64>, kbps: u64) {
        let mut reported = Vec::new();
        for ms in (seconds.start * 1000..seconds.end * 1000).step_by(10) {
            let now = start + Duration::from_millis(ms);
            let number = estimator.stamp((kbps * 10 / 8) as usize, now);
            reported.push((number, Some(Duration::from_millis(ms + 20))));
            if ms % 50 == 0 {
                estimator.report(reported.len() as u16, reported.drain(..), now);
            }
        }
    }

    #[test]
    fn it_grows_by_use_alone_and_no_farther_than_it_is_used() {
        let start = Instant::now();
        let mut estimator = Estimator::new(start);
        send(&mut estimator, start, 0..2, 900);
        assert_eq!(estimator.limit(), None);
        estimator.cut(Bitrate::kbps(1000), start + Duration::from_secs(2));
        assert_eq!(estimator.limit(), Some(Bitrate::kbps(950)));
        send(&mut estimator, start, 2..5, 300);
        let little = estimator.limit();
        assert!(little < Some(Bitrate::kbps(1000)), "{little:?}");
        send(&mut estimator, start, 5..60, 300);
        assert_eq!(estimator.limit(), little);
        send(&mut estimator, start, 60..90, 900);
        let grown = estimator.limit().unwrap();
        assert!(grown > Bitrate::kbps(1200), "{grown:?}");
        send(&mut estimator, start, 90..200, 900);
        assert!(estimator.limit().unwrap() <= Bitrate::kbps(1360));
    }

    #[test]
    fn it_does_not_fall_to_the_little_that_is_sent() {
        let start = Instant::now();
        let mut estimator = Estimator::new(start);
        send(&mut estimator, start, 0..2, 1700);
        estimator.cut(Bitrate::kbps(2000), start + Duration::from_secs(2));
        send(&mut estimator, start, 2..10, 100);
        let before = estimator.limit().unwrap();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(estimator.cut(Bitrate::kbps(100), at(10_000)));
        assert_eq!(estimator.limit(), Some(before.percent(85)));
        assert!(!estimator.cut(Bitrate::kbps(100), at(10_500)), "no news");
        send(&mut estimator, start, 10..11, 100);
        assert!(estimator.cut(Bitrate::kbps(50), at(11_000)));
        let half = before.percent(85).percent(50);
        assert_eq!(estimator.limit(), Some(half), "and not even that arrives");
    }

    #[test]
    fn nothing_waits_where_the_line_is_wide() {
        let start = Instant::now();
        let mut estimator = Estimator::new(start);
        send(&mut estimator, start, 0..3, 300);
        let now = start + Duration::from_secs(3);
        assert_eq!(estimator.pace(now), None);
        estimator.cut(Bitrate::kbps(2000), now);
        assert_eq!(estimator.pace(now), None);
        let later = now + Duration::from_secs(2);
        send(&mut estimator, start, 3..5, 800);
        assert_eq!(estimator.pace(later), Some(Bitrate::kbps(4750)));
    }

    #[test]
    fn what_cannot_be_probed_is_tried() {
        let start = Instant::now();
        let mut estimator = Estimator::new(start);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(
            estimator.take_probe(start),
            None,
            "there is nothing to find"
        );
        estimator.cut(Bitrate::kbps(1000), start);
        estimator.try_unprobed(at(1500));
        assert_eq!(estimator.limit(), Some(Bitrate::kbps(950)));
        estimator.try_unprobed(at(2500));
        assert_eq!(estimator.limit(), None);
        estimator.cut(Bitrate::kbps(1000), at(4000));
        estimator.try_unprobed(at(7000));
        assert_eq!(estimator.limit(), Some(Bitrate::kbps(950)), "it has failed");
    }
}
