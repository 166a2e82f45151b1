//! Whether more is sent to somebody than their line carries: seen in how long packets take, and in how many are lost.
//!
//! A queue that empties now and then is a good one; one that stands is congestion (RFC 8289 §3 tells the two apart in
//! the same way, by the least delay of an interval). Bunched arrivals and a keyframe's burst so do no harm.
//!
//! Pure: deliveries in, a verdict out. The receiver's clock needs not agree with ours: only changes count.
//!
//! What a line carries is learnt from transport-wide feedback (`send_history`, then here, then `breaker`), or from
//! receiver reports where there is none. `allotment` gives each slot the whole picture, stills
//! or nothing; `pacer` sends stills evenly; `probe` finds room by trains of repair packets.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::media::bwe::rate::Bitrate;
use crate::media::bwe::send_history::Delivery;

/// The least delay of this long says how long the queue is.
const INTERVAL: Duration = Duration::from_millis(150);
/// A queue below this is none that can be told from jitter.
const STANDING: Duration = Duration::from_millis(60);
/// Above [`STANDING`] it must grow, or lose, for so long;
const PATIENCE: Duration = Duration::from_millis(200);
/// above this it counts at once: sound is late already.
const DEEP: Duration = Duration::from_millis(150);
/// It grows when it is so much longer than this time ago.
const GROWTH: Duration = Duration::from_millis(3);
const GROWTH_OVER: Duration = Duration::from_millis(200);
/// A queue that stands so long and neither grows nor loses is a longer way, or somebody else's: nothing that sending
/// less would mend.
const LONGER_WAY_AFTER: Duration = Duration::from_secs(2);
/// The least delay is looked for in the last two of these, so that a new way is known in time.
const BASE_WINDOW: Duration = Duration::from_secs(15);
/// Losses are counted over this time: long enough that chance makes no 25 % of 15 %.
const LOSS_WINDOW: Duration = Duration::from_secs(2);
/// Few packets say nothing of losses.
const ENOUGH: usize = 40;
/// Up to this loss repair helps; beyond it, it makes things worse.
const MOST_LOST_PERCENT: usize = 25;
/// A loss that goes with a queue.
const SOME_LOST_PERCENT: usize = 2;
/// The rate of arrival is measured over this time.
const RATE_WINDOW: Duration = Duration::from_millis(300);

/// Too much is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Congested {
    /// What arrives meanwhile: as the line is full, what it carries.
    pub delivered: Bitrate,
}

/// A packet that arrived.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Microseconds on the receiver's clock.
    arrived: i64,
    /// Microseconds that it took longer, or less long, than the first one.
    delay: i64,
    bytes: usize,
}

/// The line of one connection.
#[derive(Debug, Default)]
pub(in crate::media) struct LineMonitor {
    /// The first packet's times.
    origin: Option<(Instant, Duration)>,
    /// In the order of arrival, of the last [`KEPT`].
    samples: VecDeque<Sample>,
    /// When packets were told of, and whether they were lost.
    told: VecDeque<(Instant, bool)>,
    lost: usize,
    /// The least delays of this window and the one before.
    base: [i64; 2],
    base_since: i64,
    standing_since: Option<Instant>,
    /// Since when it stands without growing or losing.
    steady_since: Option<Instant>,
}

/// Samples are kept for this long.
const KEPT: Duration = Duration::from_millis(500);

impl LineMonitor {
    /// Takes a report; says whether there is congestion now.
    pub fn take(&mut self, deliveries: &[Delivery], now: Instant) -> Option<Congested> {
        for delivery in deliveries {
            self.told.push_back((now, delivery.arrived.is_none()));
            self.lost += usize::from(delivery.arrived.is_none());
            if let Some(arrived) = delivery.arrived {
                self.note_arrival(delivery, arrived);
            }
        }
        while let Some((_, was_lost)) = self
            .told
            .pop_front_if(|(at, _)| now.saturating_duration_since(*at) > LOSS_WINDOW)
        {
            self.lost -= usize::from(was_lost);
        }
        self.is_congested(now).then(|| Congested {
            delivered: self.delivered(),
        })
    }

    fn note_arrival(&mut self, delivery: &Delivery, arrived: Duration) {
        let (first_sent, first_arrived) = *self.origin.get_or_insert((delivery.sent, arrived));
        let sent = micros(delivery.sent.saturating_duration_since(first_sent));
        let arrived = micros(arrived) - micros(first_arrived);
        let sample = Sample {
            arrived,
            delay: arrived - sent,
            bytes: delivery.bytes,
        };
        let newest = self.samples.back().map_or(arrived, |last| last.arrived);
        // Feedback counts time in 24 bits of 64 ms, and clocks are set: then begin anew.
        if (arrived - newest).abs() > micros(Duration::from_secs(60)) {
            *self = Self::default();
            return;
        }
        if self.samples.is_empty() && self.base == [0, 0] {
            self.base = [sample.delay; 2];
            self.base_since = arrived;
        }
        if arrived - self.base_since > micros(BASE_WINDOW) {
            self.base = [sample.delay, self.base[0]];
            self.base_since = arrived;
        }
        self.base[0] = self.base[0].min(sample.delay);
        // Reordered packets are rare: they are put in as if they had come last.
        self.samples.push_back(Sample {
            arrived: arrived.max(newest),
            ..sample
        });
        let oldest = arrived.max(newest) - micros(KEPT);
        while self
            .samples
            .pop_front_if(|sample| sample.arrived < oldest)
            .is_some()
        {}
    }

    fn is_congested(&mut self, now: Instant) -> bool {
        if self.has_lost(MOST_LOST_PERCENT) {
            return true;
        }
        let Some(queue) = self.queue() else {
            return false;
        };
        if queue < micros(STANDING) {
            (self.standing_since, self.steady_since) = (None, None);
            return false;
        }
        if !self.grows() && !self.has_lost(SOME_LOST_PERCENT) {
            self.standing_since = None;
            let since = *self.steady_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= LONGER_WAY_AFTER {
                self.base = [self.base() + queue; 2];
                self.steady_since = None;
            }
        } else {
            self.steady_since = None;
            let since = *self.standing_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= PATIENCE {
                return true;
            }
        }
        queue >= micros(DEEP)
    }

    fn base(&self) -> i64 {
        self.base[0].min(self.base[1])
    }

    /// The least delay of the last [`INTERVAL`], above the least that there was; `None` when hardly anything came.
    fn queue(&self) -> Option<i64> {
        let least = self.least(Duration::ZERO, INTERVAL)?;
        Some(least - self.base())
    }

    fn grows(&self) -> bool {
        let before = self.least(GROWTH_OVER, GROWTH_OVER + INTERVAL);
        let now = self.least(Duration::ZERO, INTERVAL);
        before
            .zip(now)
            .is_some_and(|(before, now)| now - before > micros(GROWTH))
    }

    /// The least delay between these ages, if a few packets came then.
    fn least(&self, newest: Duration, oldest: Duration) -> Option<i64> {
        const FEW: usize = 3;
        let end = self.samples.back()?.arrived;
        let ages = micros(newest)..micros(oldest);
        let within = self
            .samples
            .iter()
            .filter(|sample| ages.contains(&(end - sample.arrived)));
        let (count, least) = within.fold((0, i64::MAX), |(count, least), sample| {
            (count + 1, least.min(sample.delay))
        });
        (count >= FEW).then_some(least)
    }

    fn has_lost(&self, percent: usize) -> bool {
        self.told.len() >= ENOUGH && self.lost * 100 >= self.told.len() * percent
    }

    /// What arrived in the last [`RATE_WINDOW`].
    fn delivered(&self) -> Bitrate {
        let Some(newest) = self.samples.back().map(|sample| sample.arrived) else {
            return Bitrate::default();
        };
        let from = newest - micros(RATE_WINDOW);
        let mut within = self.samples.iter().filter(|sample| sample.arrived >= from);
        // The first one only says when it began.
        let Some(first) = within.next() else {
            return Bitrate::default();
        };
        let bytes: usize = within.map(|sample| sample.bytes).sum();
        let over = Duration::from_micros((newest - first.arrived).unsigned_abs());
        Bitrate::of(bytes as u64, over)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
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
        congested: Vec<(u64, Congested)>,
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
            let (told, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|delivery| delivery.arrived.is_none_or(|at| at <= by));
            self.waiting = waiting;
            let verdict = self.monitor.take(&told, self.start + by);
            self.congested.extend(verdict.map(|verdict| (ms, verdict)));
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
            let (ms, congested) = line.congested[0];
            // A short queue shows by its losses alone, and they take longer to tell.
            assert!(ms <= within_ms, "{queue_ms}: {ms}");
            let near = Bitrate::kbps(850)..=Bitrate::kbps(1150);
            assert!(near.contains(&congested.delivered), "{congested:?}");
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
            None
        );
    }
}
