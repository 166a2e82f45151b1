//! How much one session may ask: a token bucket for requests, and a count for frames that are not requests.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::budgets::ws as budgets;
use crate::protocol::error::{ErrorCode, WireError};

/// How many requests a second a session may send in the long run.
pub const REQUESTS_PER_SECOND: u32 = budgets::REQUESTS.most as u32;

/// How many requests it may send at once.
pub const BURST: u32 = budgets::BURST.most as u32;

const MINUTE: Duration = Duration::from_secs(60);

/// What becomes of a request for its speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It is carried out.
    Fine,
    /// It is refused; the next has a chance after so long.
    TooFast(Duration),
    /// The session is ended.
    Flood,
}

/// The error for a client that was too fast. The wait is rounded up, so that a request after it passes.
pub fn too_fast(wait: Duration) -> WireError {
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    WireError::from(ErrorCode::RateLimited).retry_after(wait.saturating_add(1))
}

/// The pace of one session.
#[derive(Debug)]
pub struct Limits {
    limited: bool,
    tokens: f64,
    filled: Instant,
    refusals: Window,
    bad_frames: Window,
}

impl Limits {
    /// A full bucket; `limited` false lets everything pass but bad frames.
    pub fn new(limited: bool, now: Instant) -> Self {
        Self {
            limited,
            tokens: f64::from(BURST),
            filled: now,
            refusals: Window::new(budgets::REFUSALS.size()),
            bad_frames: Window::new(budgets::BAD_FRAMES.size()),
        }
    }

    /// Takes one request into account.
    pub fn request(&mut self, now: Instant) -> Pace {
        if !self.limited {
            return Pace::Fine;
        }
        let (rate, burst) = (f64::from(REQUESTS_PER_SECOND), f64::from(BURST));
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * rate).min(burst);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Pace::Fine;
        }
        if self.refusals.overflows(now) {
            return Pace::Flood;
        }
        Pace::TooFast(Duration::from_secs_f64((1.0 - self.tokens) / rate))
    }

    /// Takes one frame that is no request into account: whether that is one too many.
    pub fn bad_frame_is_one_too_many(&mut self, now: Instant) -> bool {
        self.bad_frames.overflows(now)
    }
}

/// How often something happened in the last minute.
#[derive(Debug)]
struct Window {
    most: usize,
    times: VecDeque<Instant>,
}

impl Window {
    fn new(most: usize) -> Self {
        Self {
            most,
            times: VecDeque::new(),
        }
    }

    fn overflows(&mut self, now: Instant) -> bool {
        while self
            .times
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE)
        {
            self.times.pop_front();
        }
        if self.times.len() >= self.most {
            return true;
        }
        self.times.push_back(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_twenty_a_second() {
        let start = Instant::now();
        let mut limits = Limits::new(true, start);
        for _ in 0..BURST {
            assert_eq!(limits.request(start), Pace::Fine);
        }
        assert_eq!(
            limits.request(start),
            Pace::TooFast(Duration::from_millis(50))
        );
        assert_eq!(
            limits.request(start + Duration::from_millis(50)),
            Pace::Fine
        );
        assert!(matches!(
            limits.request(start + Duration::from_millis(50)),
            Pace::TooFast(_)
        ));
    }

    #[test]
    fn two_thousand_at_once_are_refused_and_a_flood_ends_it() {
        let start = Instant::now();
        let mut limits = Limits::new(true, start);
        let paces: Vec<Pace> = (0..2_000).map(|_| limits.request(start)).collect();
        assert!(!paces.contains(&Pace::Flood));
        assert!((0..4_000).any(|_| limits.request(start) == Pace::Flood));
    }

    #[test]
    fn the_eleventh_bad_frame_in_a_minute_is_one_too_many() {
        let start = Instant::now();
        let mut limits = Limits::new(false, start);
        for _ in 0..10 {
            assert!(!limits.bad_frame_is_one_too_many(start));
        }
        assert!(limits.bad_frame_is_one_too_many(start + Duration::from_secs(59)));
        assert!(!limits.bad_frame_is_one_too_many(start + MINUTE));
    }
}
