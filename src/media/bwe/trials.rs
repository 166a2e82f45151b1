//! When more may be tried than goes well now: a try that fails is a picture that stutters, so that each is followed by
//! a longer wait (exponential back-off).

use std::time::{Duration, Instant};

/// More is not tried sooner after congestion than this, twice as long after every failed try,
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// but at most this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An attempt has failed when there is congestion within this time.
const TRY: Duration = Duration::from_secs(10);
/// Without congestion for so long, and with nothing held back, all is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(30);

/// The attempts of one connection.
#[derive(Debug)]
pub(in crate::media) struct Trials {
    congested_at: Option<Instant>,
    tried_at: Option<Instant>,
    wait: Duration,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            congested_at: None,
            tried_at: None,
            wait: FIRST_WAIT,
        }
    }
}

impl Trials {
    /// There is congestion. Whether a try has failed by it.
    pub fn congested(&mut self, now: Instant) -> bool {
        let has_failed = passed(self.tried_at, now).is_some_and(|passed| passed < TRY);
        if has_failed {
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
        (self.congested_at, self.tried_at) = (Some(now), None);
        has_failed
    }

    /// Whether more may be sent than now.
    pub fn may_try(&self, now: Instant) -> bool {
        passed(self.congested_at, now).is_none_or(|passed| passed >= self.wait)
    }

    /// More is sent from now on.
    pub fn tried(&mut self, now: Instant) {
        self.tried_at = Some(now);
    }

    /// Nothing is held back. Whether all is forgotten by now.
    pub fn at_ease(&mut self, now: Instant) -> bool {
        let last = self.congested_at.max(self.tried_at);
        let quiet = passed(last, now).is_none_or(|passed| passed >= FORGET_AFTER);
        if quiet {
            *self = Self::default();
        }
        quiet
    }
}

fn passed(since: Option<Instant>, now: Instant) -> Option<Duration> {
    since.map(|at| now.saturating_duration_since(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failed_try_is_followed_by_a_longer_wait() {
        let (mut now, mut trials) = (Instant::now(), Trials::default());
        trials.congested(now);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let began = now;
            while !trials.may_try(now) {
                now += Duration::from_millis(100);
            }
            waits.push(now.saturating_duration_since(began).as_secs());
            trials.tried(now);
            now += Duration::from_millis(1500);
            assert!(trials.congested(now));
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_try_that_holds_is_no_failure_and_is_forgotten() {
        let (start, mut trials) = (Instant::now(), Trials::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!trials.congested(start));
        trials.tried(at(5));
        assert!(!trials.at_ease(at(20)));
        assert!(trials.at_ease(at(36)));
        assert!(!trials.congested(at(50)));
        assert!(trials.may_try(at(52)));
    }
}
