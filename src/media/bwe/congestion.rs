//! Whether more is sent to a subscriber than their line carries.
//!
//! Three witnesses: the queue that stands (`queue`), the delays that rise (`trend`), the packets that are lost
//! (`losses`). The trend alone is quick and sometimes wrong, which would cost a layer of a picture for seconds: it
//! counts where there is a queue as well. The queue alone counts when it is deep: sound is late already.
//!
//! Pure: deliveries in, a verdict out.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::media::bwe::losses::Losses;
use crate::media::bwe::queue::Queue;
use crate::media::bwe::rate::Bitrate;
use crate::media::bwe::send_history::Delivery;
use crate::media::bwe::trend::{Trend, Usage};

/// A queue below this cannot be told from jitter.
const STANDING: Duration = Duration::from_millis(60);
/// A queue above this counts where the delays rise, or packets are lost that may have found it full.
const NOTICEABLE: Duration = Duration::from_millis(25);
/// The queue must grow, or lose packets, for so long: by then a keyframe's queue has stopped growing.
const PATIENCE: Duration = Duration::from_millis(250);
/// A queue above this counts at once.
const DEEP: Duration = Duration::from_millis(150);
/// A queue that stands so long and neither grows nor loses is a longer path, unless the line is used to its bound.
const STEADY: Duration = Duration::from_secs(2);
/// Sending less, twice at most, drains a queue of ours within this time, by so much at least. What is left then is
/// caused by others, and to send still less would only leave the line to them,
const DRAINED_WITHIN: Duration = Duration::from_secs(3);
const CUTS: u32 = 2;
const UNDRAINED_PERCENT: u32 = 60;
/// but not while so much of ours is lost in it.
const OURS_LOST_PERCENT: usize = 4;
/// The queue is then ignored for so long. The time is doubled each time that it turns out so again, up to the longest.
const OTHERS_FOR: Duration = Duration::from_secs(10);
const OTHERS_FOR_LONGEST: Duration = Duration::from_secs(160);
/// A loss that goes with a queue.
const SOME_LOST_PERCENT: usize = 2;
/// A loss that goes with a short one.
const MORE_LOST_PERCENT: usize = 8;
/// Above this loss nothing grows (draft-ietf-rmcat-gcc-02 §6).
const GROWS_BELOW_PERCENT: usize = 10;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Verdict {
    /// There is room, as far as can be seen.
    Free,
    /// There is a queue, or a loss: no more is to be sent than now.
    Busy,
    /// A queue stands and does nothing else: a longer path, or a line that is used to its bound.
    Steady {
        /// What arrives meanwhile.
        delivered: Bitrate,
    },
    /// The queue that sending less has not drained is caused by others.
    Others,
    /// Too much is sent.
    Congested {
        /// What arrives meanwhile: as the line is full, what it carries.
        delivered: Bitrate,
    },
}

/// A cut, until its effect is known.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at: Instant,
    cuts: u32,
    queue: Duration,
    /// The shortest that was seen since.
    least: Duration,
}

/// The line of one connection.
#[derive(Debug, Default)]
pub(in crate::media) struct LineMonitor {
    queue: Queue,
    trend: Trend,
    losses: Losses,
    standing_since: Option<Instant>,
    /// Since when it stands without growing or losing.
    steady_since: Option<Instant>,
    cut: Option<Cut>,
    /// For how long the queue was taken for that of others, and until when it is.
    others: Option<(Duration, Instant)>,
}

impl LineMonitor {
    /// Takes a report; says how the line is.
    pub fn take(&mut self, deliveries: &[Delivery], now: Instant) -> Verdict {
        for delivery in deliveries {
            self.losses.note(delivery, now);
            let Some(arrived) = delivery.arrived else {
                continue;
            };
            if self.queue.note(delivery, arrived) {
                *self = Self::default();
                return Verdict::Busy;
            }
            self.trend.note(delivery, arrived);
        }
        self.losses.pass(now);
        if self.is_others(now) {
            return Verdict::Others;
        }
        let verdict = self.judge(now);
        let is_free = self.trend.usage() == Usage::Normal
            && !self.has_queue()
            && !self.losses.reach(GROWS_BELOW_PERCENT);
        match verdict {
            Verdict::Free if !is_free => Verdict::Busy,
            verdict => verdict,
        }
    }

    /// Whether there is a queue to be seen.
    pub fn has_queue(&self) -> bool {
        self.queue.length().is_some_and(|queue| queue >= NOTICEABLE)
    }

    /// Less is sent from now on.
    pub fn note_cut(&mut self, now: Instant) {
        self.losses.note_cut(now);
        (self.standing_since, self.steady_since) = (None, None);
        let queue = self.queue.length().unwrap_or_default();
        if let Some(cut) = &mut self.cut {
            cut.cuts += 1;
            cut.at = now;
        } else if queue >= STANDING {
            self.cut = Some(Cut {
                at: now,
                cuts: 1,
                queue,
                least: queue,
            });
        }
    }

    /// Whether the queue was lately taken for that of others.
    pub fn knows_others(&self) -> bool {
        self.others.is_some()
    }

    /// The delay that stands is the path's own.
    pub fn disown(&mut self) {
        self.queue.disown();
        (self.standing_since, self.steady_since) = (None, None);
    }

    /// Whether the last cut has turned out to change nothing.
    fn is_others(&mut self, now: Instant) -> bool {
        let length = self.queue.length();
        let Some(cut) = &mut self.cut else {
            return false;
        };
        let passed = now.saturating_duration_since(cut.at);
        // Just after a cut its effect cannot be seen here.
        if passed >= DRAINED_WITHIN / 3 {
            cut.least = cut.least.min(length.unwrap_or_default());
        }
        if passed < DRAINED_WITHIN {
            return false;
        }
        let is_left = cut.least * 100 >= cut.queue * UNDRAINED_PERCENT;
        let is_others = is_left && !self.losses.reach(OURS_LOST_PERCENT);
        self.cut = None;
        self.others = is_others.then(|| {
            let longer = self.others.map(|(before, _)| before * 2);
            let time = longer.unwrap_or(OTHERS_FOR).min(OTHERS_FOR_LONGEST);
            (time, now + time)
        });
        is_others
    }

    fn judge(&mut self, now: Instant) -> Verdict {
        let delivered = self.queue.delivered();
        let congested = Verdict::Congested { delivered };
        if self.losses.are_too_many() {
            return congested;
        }
        let Some(queue) = self.queue.length().filter(|queue| *queue >= NOTICEABLE) else {
            (self.standing_since, self.steady_since) = (None, None);
            return Verdict::Free;
        };
        let loses = self.losses.reach(MORE_LOST_PERCENT);
        // Once it is known for that, one cut has to show that it is no more.
        let waits = match (self.others, self.cut) {
            (Some((_, until)), cut) => now < until || cut.is_some(),
            (None, Some(cut)) => cut.cuts >= CUTS,
            (None, None) => false,
        };
        if waits && !self.losses.reach(OURS_LOST_PERCENT) {
            return Verdict::Busy;
        }
        let tends = self.queue.tends();
        let grows = tends == Ordering::Greater;
        let rises = loses || (grows && self.trend.usage() == Usage::Over);
        let is_long = queue >= STANDING && (grows || self.losses.reach(SOME_LOST_PERCENT));
        let since = if rises || is_long {
            self.steady_since = None;
            *self.standing_since.get_or_insert(now)
        } else {
            self.standing_since = None;
            let since = *self.steady_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= STEADY {
                self.steady_since = None;
                return Verdict::Steady { delivered };
            }
            now
        };
        if (queue >= DEEP && tends != Ordering::Less)
            || now.saturating_duration_since(since) >= PATIENCE
        {
            return congested;
        }
        Verdict::Busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of this rate with a queue of this many bytes, and a sender; in virtual time, with a report every 50 ms.
    struct Line {
        start: Instant,
        monitor: LineMonitor,
        bytes_per_ms: f64,
        queue_ms: f64,
        delay_ms: f64,
        /// When it has sent all that it holds.
        free_at: f64,
        waiting: Vec<Delivery>,
        congested: Vec<(u64, Bitrate)>,
        random: u32,
        loss_percent: u32,
    }

    impl Line {
        fn new(kbps: u64, queue_ms: u64) -> Self {
            Self {
                start: Instant::now(),
                monitor: LineMonitor::default(),
                bytes_per_ms: kbps as f64 / 8.0,
                queue_ms: queue_ms as f64,
                delay_ms: 20.0,
                free_at: 0.0,
                waiting: Vec::new(),
                congested: Vec::new(),
                random: 0x2545_f491,
                loss_percent: 0,
            }
        }

        fn send(&mut self, ms: u64, bytes: usize) {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let begin = self.free_at.max(ms as f64);
            let is_lost =
                begin - ms as f64 > self.queue_ms || self.random % 100 < self.loss_percent;
            if !is_lost {
                self.free_at = begin + bytes as f64 / self.bytes_per_ms;
            }
            let arrives = Duration::from_secs_f64((self.free_at + self.delay_ms) / 1000.0);
            self.waiting.push(Delivery {
                sent: self.start + Duration::from_millis(ms),
                arrived: (!is_lost).then_some(arrives),
                bytes,
                probe: None,
            });
        }

        /// Tells of what has arrived by now.
        fn report(&mut self, ms: u64) {
            let by = Duration::from_millis(ms);
            let (reported, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|delivery| delivery.arrived.is_none_or(|at| at <= by));
            self.waiting = waiting;
            let verdict = self.monitor.take(&reported, self.start + by);
            match verdict {
                Verdict::Congested { delivered } => self.congested.push((ms, delivered)),
                Verdict::Steady { .. } => self.monitor.disown(),
                Verdict::Free | Verdict::Busy | Verdict::Others => {}
            }
        }

        /// Twenty frames a second at this rate, and a voice of 40 kbit/s.
        fn call(&mut self, from_ms: u64, to_ms: u64, kbps: u64) {
            for ms in from_ms..to_ms {
                if ms % 20 == 0 {
                    self.send(ms, 100);
                }
                if ms % 50 == 0 {
                    let frame = kbps * 50 / 8;
                    for _ in 0..frame / 1200 {
                        self.send(ms, 1200);
                    }
                    self.send(ms, (frame % 1200) as usize);
                    self.report(ms);
                }
            }
        }
    }

    #[test]
    fn a_narrow_line_is_noticed_soon_and_measured() {
        for (queue_ms, within_ms) in [(40, 1500), (300, 700), (2000, 700)] {
            let mut line = Line::new(1000, queue_ms);
            line.call(0, 3000, 1700);
            let (ms, delivered) = line.congested[0];
            // A short queue shows by its losses alone, and they take longer to tell.
            assert!(ms <= within_ms, "{queue_ms}: {ms}");
            let near = Bitrate::kbps(850)..=Bitrate::kbps(1150);
            assert!(near.contains(&delivered), "{delivered:?}");
        }
    }

    #[test]
    fn a_line_that_is_wide_enough_is_left_alone() {
        let mut line = Line::new(2000, 300);
        line.call(0, 20_000, 1700);
        assert_eq!(line.congested, []);
    }

    #[test]
    fn losses_that_repair_can_mend_are_no_congestion() {
        for percent in [5, 15] {
            let mut line = Line::new(10_000, 300);
            line.loss_percent = percent;
            line.call(0, 300_000, 1700);
            assert_eq!(line.congested, [], "{percent} %");
        }
        let mut line = Line::new(10_000, 300);
        line.loss_percent = 40;
        line.call(0, 5000, 1700);
        assert!(!line.congested.is_empty());
    }

    #[test]
    fn a_way_that_becomes_longer_is_no_congestion() {
        let mut line = Line::new(10_000, 300);
        line.call(0, 5000, 1700);
        line.delay_ms += 100.0;
        line.call(5000, 15_000, 1700);
        assert_eq!(line.congested, []);
    }

    #[test]
    fn packets_that_come_in_bunches_are_no_congestion() {
        let mut line = Line::new(100_000, 300);
        for ms in 0..20_000u64 {
            if ms % 50 == 0 {
                for _ in 0..9 {
                    line.send(ms, 1200);
                }
            }
            if ms % 20 == 0 {
                line.send(ms, 100);
            }
            // Held back for up to 80 ms, then all at once.
            if ms % 80 == 0 {
                let at = Duration::from_millis(ms + 20);
                for delivery in &mut line.waiting {
                    delivery.arrived = delivery.arrived.map(|arrived| arrived.max(at));
                }
                line.report(ms + 20);
            }
        }
        assert_eq!(line.congested, []);
    }

    #[test]
    fn a_clock_that_jumps_begins_anew() {
        let mut line = Line::new(10_000, 300);
        line.call(0, 2000, 1700);
        line.delay_ms += 3_600_000.0;
        let start = line.start;
        let delivery = Delivery {
            sent: start + Duration::from_secs(2),
            arrived: Some(Duration::from_secs(4000)),
            bytes: 1200,
            probe: None,
        };
        assert_eq!(
            line.monitor
                .take(&[delivery], start + Duration::from_secs(2)),
            Verdict::Busy
        );
    }
}
