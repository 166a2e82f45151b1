//! How often keyframes are asked for: each costs everybody who watches the source, as the sender's encoder takes it
//! from the quality of the other pictures.

use std::time::{Duration, Instant};

use crate::budgets;

/// A subscriber that goes on asking for keyframes of one slot is heard after this time, then after twice as long each
/// time,
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// but at least this often.
const LONGEST_WAIT: Duration = match budgets::media::KEYFRAME_REQUESTS.every {
    Some(every) => every,
    None => FIRST_WAIT,
};

/// The requests for one slot of one subscriber.
#[derive(Debug, Default)]
pub(in crate::media) struct ViewerRequests {
    last: Option<(Instant, Duration)>,
    /// One came too soon, and is due later.
    is_waiting: bool,
}

impl ViewerRequests {
    /// The subscriber asks; whether the source is to be asked now.
    pub fn ask(&mut self, now: Instant) -> bool {
        self.is_waiting = true;
        self.take_due(now)
    }

    /// Whether a request that came too soon is due by now.
    pub fn take_due(&mut self, now: Instant) -> bool {
        if !self.is_waiting {
            return false;
        }
        let wait = match self.last {
            None => FIRST_WAIT,
            Some((at, wait)) => {
                let passed = now.saturating_duration_since(at);
                if passed < wait {
                    return false;
                }
                // A subscriber that was content for a while begins anew.
                if passed >= wait * 4 {
                    FIRST_WAIT
                } else {
                    (wait * 2).min(LONGEST_WAIT)
                }
            }
        };
        self.last = Some((now, wait));
        self.is_waiting = false;
        true
    }

    /// The slot shows a keyframe, or something else: what was asked for is there.
    pub fn settle(&mut self) {
        self.is_waiting = false;
    }
}

/// The least time between two requests to one source, over all subscribers.
const GAP: Duration = Duration::from_millis(400);
/// So many may follow each other by this gap before [`budgets::media::KEYFRAMES`] alone counts.
const BURST: u32 = 4;

/// The requests to one source, of all subscribers.
#[derive(Debug, Default)]
pub(in crate::media) struct SourceRequests {
    last: Option<Instant>,
    /// How many of the burst are spent, and when that was counted.
    spent: u32,
    counted_at: Option<Instant>,
}

impl SourceRequests {
    /// Whether the source may be asked now.
    pub fn is_free(&mut self, now: Instant) -> bool {
        self.recover(now);
        let rested = self
            .last
            .is_none_or(|at| now.saturating_duration_since(at) >= GAP);
        rested && self.spent < BURST
    }

    /// When it was asked last.
    pub fn last(&self) -> Option<Instant> {
        self.last
    }

    /// The source was asked.
    pub fn note(&mut self, now: Instant) {
        self.recover(now);
        self.last = Some(now);
        self.spent += 1;
    }

    fn recover(&mut self, now: Instant) {
        let budget = &budgets::media::KEYFRAMES;
        let each = budget.every.unwrap_or(GAP) / (budget.most as u32).max(1);
        let counted_at = *self.counted_at.get_or_insert(now);
        let passed = now.saturating_duration_since(counted_at).as_millis() / each.as_millis();
        let back = u32::try_from(passed).unwrap_or(u32::MAX);
        if back >= self.spent {
            (self.spent, self.counted_at) = (0, Some(now));
        } else {
            self.spent -= back;
            self.counted_at = Some(counted_at + each * back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_that_keeps_asking_is_heard_less_and_less() {
        let start = Instant::now();
        let mut requests = ViewerRequests::default();
        let mut granted = Vec::new();
        for ms in (0..30_000).step_by(100) {
            if requests.ask(start + Duration::from_millis(ms)) {
                granted.push(ms);
            }
        }
        assert_eq!(granted, [0, 500, 1500, 3500, 7500, 15_500, 23_500]);
        assert!(requests.ask(start + Duration::from_secs(90)));
        assert!(requests.ask(start + Duration::from_millis(90_500)));
    }

    #[test]
    fn a_request_that_came_too_soon_is_not_lost() {
        let start = Instant::now();
        let mut requests = ViewerRequests::default();
        assert!(requests.ask(start));
        assert!(!requests.ask(start + Duration::from_millis(300)));
        assert!(requests.take_due(start + Duration::from_millis(500)));
        assert!(!requests.take_due(start + Duration::from_millis(5000)));
        assert!(!requests.ask(start + Duration::from_millis(600)));
        requests.settle();
        assert!(!requests.take_due(start + Duration::from_millis(5000)));
    }

    #[test]
    fn however_many_ask_a_source_sends_a_keyframe_a_second() {
        let start = Instant::now();
        let mut source = SourceRequests::default();
        let mut asked = Vec::new();
        for ms in (0..60_000u64).step_by(20) {
            let now = start + Duration::from_millis(ms);
            if source.is_free(now) {
                source.note(now);
                asked.push(ms);
            }
        }
        assert_eq!(asked[..4], [0, 400, 800, 1200]);
        let most = 60 * budgets::media::KEYFRAMES.most as usize + BURST as usize;
        assert!((most - 3..=most).contains(&asked.len()), "{}", asked.len());
    }
}
