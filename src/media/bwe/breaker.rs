//! The circuit breaker of a connection that receives (in the sense of RFC 8083): it trips when the line carries less
//! than is sent, says how much may be sent from then on, and lets more be tried when probes have found room.
//!
//! Pure: what was seen and the time in, a limit out. It knows neither packets nor slots.

use std::time::{Duration, Instant};

use crate::media::bwe::rate::Bitrate;

/// After a trip the queue drains; what is seen meanwhile is no news.
const SETTLING: Duration = Duration::from_secs(1);
/// The line is probed this often while something is held back.
const PROBE_EVERY: Duration = Duration::from_millis(1500);
/// A probe is so much of what the line carries: as long as it stands in the queue, sound waits behind it.
const PROBE_LENGTH: Duration = Duration::from_millis(60);
/// More is not tried sooner after a trip than this, twice as long after every failed try,
const FIRST_WAIT: Duration = Duration::from_secs(3);
/// but at most this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A try that trips within this time has failed.
const TRY: Duration = Duration::from_secs(10);
/// Without a trip for so long, and with nothing held back, the line is wide again.
const FORGET_AFTER: Duration = Duration::from_secs(30);
/// No line is taken to be narrower: less could not be told apart from silence.
const LEAST: Bitrate = Bitrate::kbps(64);

/// One connection's breaker.
#[derive(Debug)]
pub(in crate::media) struct Breaker {
    limit: Option<Bitrate>,
    tripped_at: Option<Instant>,
    tried_at: Option<Instant>,
    wait: Duration,
    probed_at: Instant,
    /// What the last probe found.
    found: Option<Bitrate>,
}

impl Breaker {
    pub fn new(now: Instant) -> Self {
        Self {
            limit: None,
            tripped_at: None,
            tried_at: None,
            wait: FIRST_WAIT,
            probed_at: now,
            found: None,
        }
    }

    /// What the line carries, as far as that is known to be too little.
    pub fn limit(&self) -> Option<Bitrate> {
        self.limit
    }

    /// There is congestion, and this much arrives. Whether that is news.
    pub fn trip(&mut self, delivered: Bitrate, now: Instant) -> bool {
        let passed = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        if passed(self.tripped_at).is_some_and(|passed| passed < SETTLING) {
            return false;
        }
        if passed(self.tried_at).is_some_and(|passed| passed < TRY) {
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
        // Congestion below the limit: others use the line as well.
        let less = self
            .limit
            .map_or(delivered, |limit| delivered.min(limit.percent(85)));
        self.limit = Some(less.max(LEAST));
        (self.tripped_at, self.tried_at) = (Some(now), None);
        (self.probed_at, self.found) = (now, None);
        true
    }

    /// Whether the line is to be probed now, and with how many bytes.
    pub fn take_probe(&mut self, now: Instant) -> Option<u64> {
        let limit = self.limit?;
        if now.saturating_duration_since(self.probed_at) < PROBE_EVERY {
            return None;
        }
        self.probed_at = now;
        Some(limit.bytes_in(PROBE_LENGTH))
    }

    /// A probe came through at this rate. Two in a row must have found room: one may have met a moment's luck.
    pub fn probed(&mut self, found: Bitrate) {
        let before = self.found.replace(found);
        if let (Some(_), Some(before)) = (self.limit, before) {
            self.limit = Some(found.min(before).max(LEAST));
        }
    }

    /// The line cannot be probed, so that after the wait only a try can tell.
    pub fn try_unprobed(&mut self, now: Instant) {
        if self.may_try(now) {
            self.limit = None;
            self.tried_at = Some(now);
        }
    }

    /// Whether more may be sent than now, if the limit allows it.
    pub fn may_try(&self, now: Instant) -> bool {
        self.tripped_at
            .is_none_or(|at| now.saturating_duration_since(at) >= self.wait)
    }

    /// More is sent from now on.
    pub fn tried(&mut self, now: Instant) {
        self.tried_at = Some(now);
    }

    /// Nothing is held back.
    pub fn at_ease(&mut self, now: Instant) {
        let quiet = self
            .tripped_at
            .max(self.tried_at)
            .is_none_or(|at| now.saturating_duration_since(at) >= FORGET_AFTER);
        if quiet {
            (self.limit, self.found, self.wait) = (None, None, FIRST_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: Bitrate = Bitrate::kbps(1000);

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn it_trips_once_and_listens_again_when_the_queue_is_drained() {
        let start = Instant::now();
        let mut breaker = Breaker::new(start);
        assert_eq!(breaker.limit(), None);
        assert!(breaker.trip(MBIT, start));
        assert!(!breaker.trip(MBIT.percent(10), after(start, 500)));
        assert_eq!(breaker.limit(), Some(MBIT));
        assert!(breaker.trip(MBIT, after(start, 1500)));
        assert_eq!(breaker.limit(), Some(MBIT.percent(85)));
    }

    #[test]
    fn two_probes_must_find_room() {
        let start = Instant::now();
        let mut breaker = Breaker::new(start);
        assert_eq!(breaker.take_probe(after(start, 9000)), None);
        breaker.trip(MBIT, start);
        assert_eq!(breaker.take_probe(after(start, 1000)), None);
        assert_eq!(breaker.take_probe(after(start, 1500)), Some(7500));
        breaker.probed(Bitrate::kbps(4000));
        assert_eq!(breaker.limit(), Some(MBIT));
        breaker.probed(Bitrate::kbps(950));
        assert_eq!(breaker.limit(), Some(Bitrate::kbps(950)));
        breaker.probed(Bitrate::kbps(4000));
        breaker.probed(Bitrate::kbps(3900));
        assert_eq!(breaker.limit(), Some(Bitrate::kbps(3900)));
    }

    #[test]
    fn every_failed_try_is_followed_by_a_longer_wait() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(now);
        breaker.trip(MBIT, now);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let began = now;
            while !breaker.may_try(now) {
                now += Duration::from_millis(100);
            }
            waits.push(now.saturating_duration_since(began).as_secs());
            breaker.tried(now);
            now += Duration::from_millis(1500);
            assert!(breaker.trip(MBIT, now));
        }
        assert_eq!(waits, [3, 6, 12, 24, 48, 60, 60]);
    }

    #[test]
    fn a_try_that_holds_is_no_failure_and_the_trip_is_forgotten() {
        let start = Instant::now();
        let mut breaker = Breaker::new(start);
        breaker.trip(MBIT, start);
        breaker.tried(after(start, 5000));
        breaker.at_ease(after(start, 20_000));
        assert_eq!(breaker.limit(), Some(MBIT));
        breaker.at_ease(after(start, 36_000));
        assert_eq!(breaker.limit(), None);
        breaker.trip(MBIT, after(start, 50_000));
        assert!(breaker.may_try(after(start, 53_000)));
    }

    #[test]
    fn a_line_that_cannot_be_probed_is_tried() {
        let start = Instant::now();
        let mut breaker = Breaker::new(start);
        breaker.trip(MBIT, start);
        breaker.try_unprobed(after(start, 2000));
        assert_eq!(breaker.limit(), Some(MBIT));
        breaker.try_unprobed(after(start, 3000));
        assert_eq!(breaker.limit(), None);
        breaker.trip(MBIT, after(start, 4000));
        breaker.try_unprobed(after(start, 9000));
        assert_eq!(breaker.limit(), Some(MBIT));
    }
}
