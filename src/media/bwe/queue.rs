//! The queue before the narrowest part of the path, seen in how long packets take; and how much comes out of it.
//!
//! A queue that empties now and then is a good one; one that stands is congestion. The two are told apart by the least
//! delay of an interval (RFC 8289 §3), so that bunched arrivals and a picture's burst do no harm. The receiver's clock
//! needs not agree with ours: only changes count.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::media::bwe::rate::Bitrate;
use crate::media::bwe::send_history::Delivery;

/// The least delay of this long says how long the queue is: longer than Wi-Fi holds packets back to send them together,
/// and three frames of a camera.
const INTERVAL: Duration = Duration::from_millis(150);
/// It grows when it is so much longer than this time ago.
const GROWTH: Duration = Duration::from_millis(3);
const GROWTH_OVER: Duration = Duration::from_millis(200);
/// The least delay is looked for in the last two of these, so that a new path is known in time.
const BASE_WINDOW: Duration = Duration::from_secs(15);
/// The rate of arrival is measured over this time: half of the 500 ms of GCC (draft-ietf-rmcat-gcc-02 §5.5), as it is
/// asked for only while the queue stands, and then packets come evenly.
const RATE_WINDOW: Duration = Duration::from_millis(250);
/// Samples are kept for this long.
const KEPT: Duration = Duration::from_millis(500);
/// Feedback counts time in 24 bits of 64 ms, and clocks are set: what jumps farther begins anew.
const JUMP: Duration = Duration::from_secs(60);

/// A packet that arrived.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Microseconds on the receiver's clock.
    arrived: i64,
    /// Microseconds that it took longer, or less long, than the first one.
    delay: i64,
    bytes: usize,
}

/// The queue on one connection's path.
#[derive(Debug, Default)]
pub(in crate::media) struct Queue {
    /// The first packet's times.
    origin: Option<(Instant, Duration)>,
    /// The packets of the last [`KEPT`], in the order of arrival.
    samples: VecDeque<Sample>,
    /// The least delays of this window and the one before.
    base: [i64; 2],
    base_since: i64,
}

impl Queue {
    /// Takes a packet that arrived. Whether it is to be begun anew.
    pub fn note(&mut self, delivery: &Delivery, arrived: Duration) -> bool {
        let (first_sent, first_arrived) = *self.origin.get_or_insert((delivery.sent, arrived));
        let sent = micros(delivery.sent.saturating_duration_since(first_sent));
        let arrived = micros(arrived) - micros(first_arrived);
        let delay = arrived - sent;
        let newest = self.samples.back().map_or(arrived, |last| last.arrived);
        if (arrived - newest).abs() > micros(JUMP) {
            *self = Self::default();
            return true;
        }
        if self.samples.is_empty() && self.base == [0, 0] {
            (self.base, self.base_since) = ([delay; 2], arrived);
        }
        if arrived - self.base_since > micros(BASE_WINDOW) {
            self.base = [delay, self.base[0]];
            self.base_since = arrived;
        }
        self.base[0] = self.base[0].min(delay);
        // Reordered packets are rare: they are put in as if they had come last.
        self.samples.push_back(Sample {
            arrived: arrived.max(newest),
            delay,
            bytes: delivery.bytes,
        });
        let oldest = arrived.max(newest) - micros(KEPT);
        while self
            .samples
            .pop_front_if(|sample| sample.arrived < oldest)
            .is_some()
        {}
        false
    }

    /// The least delay of the last [`INTERVAL`], above the least that there was; `None` when hardly anything came.
    pub fn length(&self) -> Option<Duration> {
        let least = self.least(Duration::ZERO, INTERVAL)?;
        let base = self.base[0].min(self.base[1]);
        Some(Duration::from_micros(
            u64::try_from(least - base).unwrap_or_default(),
        ))
    }

    /// Whether it is longer, or shorter, than a moment ago.
    pub fn tends(&self) -> Ordering {
        let before = self.least(GROWTH_OVER, GROWTH_OVER + INTERVAL);
        let now = self.least(Duration::ZERO, INTERVAL);
        let Some(growth) = before.zip(now).map(|(before, now)| now - before) else {
            return Ordering::Equal;
        };
        if growth.unsigned_abs() > micros(GROWTH).unsigned_abs() {
            growth.cmp(&0)
        } else {
            Ordering::Equal
        }
    }

    /// The delay that stands now is no queue of ours: a longer path, or a queue of others.
    pub fn disown(&mut self) {
        if let Some(least) = self.least(Duration::ZERO, INTERVAL) {
            self.base = [least; 2];
        }
    }

    /// What arrived in the last [`RATE_WINDOW`].
    pub fn delivered(&self) -> Bitrate {
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
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
