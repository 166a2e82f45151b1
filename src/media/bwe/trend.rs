//! Whether delays rise: the delay-based half of Google congestion control (draft-ietf-rmcat-gcc-02 §5), with the trend
//! line that libwebrtc has used since 2016 in place of the draft's Kalman filter.
//!
//! Packets that were sent together form a group (§5.2). The draft compares the groups' last packets; it wants a sender
//! that paces. Our pictures leave in one piece where the line is wide, so a group is compared by its quickest packet:
//! the last one's delay would tell the picture's size.
//!
//! The slope of the delays over the arrivals of the last groups is compared with a threshold that follows it (§5.4), so
//! that another flow which fills the queue does not starve this one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::media::bwe::send_history::Delivery;

/// Packets sent within this time are one group (§5.2).
const BURST: Duration = Duration::from_millis(5);
/// The line is laid through so many groups (libwebrtc's window).
const WINDOW: usize = 20;
/// A delay counts so much against the smoothed ones before it (libwebrtc).
const SMOOTHING: f64 = 0.9;
/// A slope counts as many times as there are groups, up to this (libwebrtc),
const MOST_GROUPS: u32 = 60;
/// and this many times (libwebrtc's gain), to be compared with milliseconds.
const GAIN: f64 = 4.0;
/// The threshold at first, its bounds, and how fast it follows, per millisecond, up and down (§5.4, table 1).
const THRESHOLD: f64 = 12.5;
const LEAST_THRESHOLD: f64 = 6.0;
const MOST_THRESHOLD: f64 = 600.0;
const UP: f64 = 0.0087;
const DOWN: f64 = 0.039;
/// What is so far above the threshold is an outlier that it does not follow (§5.4).
const OUTLIER: f64 = 15.0;
/// It must rise for so long, and not less than before (§5.4, table 1).
const RISES_FOR: f64 = 10.0;

/// What the delays do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) enum Usage {
    /// They stay the same, except for noise.
    #[default]
    Normal,
    /// They rise: more is sent than arrives.
    Over,
    /// They fall: the queue empties.
    Under,
}

/// Packets that were sent together.
#[derive(Debug, Clone, Copy)]
struct Group {
    sent: Instant,
    /// The quickest one's, in milliseconds on the receiver's clock.
    arrived: f64,
    /// How long it took, in milliseconds from anywhere.
    delay: f64,
}

/// The delays of one connection.
#[derive(Debug, Default)]
pub(in crate::media) struct Trend {
    origin: Option<Instant>,
    group: Option<Group>,
    last: Option<Group>,
    groups: u32,
    delay: f64,
    smoothed: f64,
    /// When groups arrived, and the smoothed delay then.
    line: VecDeque<(f64, f64)>,
    slope: f64,
    threshold: Option<f64>,
    rising_for: Option<f64>,
    rises: u32,
    usage: Usage,
}

impl Trend {
    /// What the delays do now.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes a packet that arrived.
    pub fn note(&mut self, delivery: &Delivery, arrived: Duration) {
        let origin = *self.origin.get_or_insert(delivery.sent);
        let arrived = arrived.as_secs_f64() * 1e3;
        let sent = delivery
            .sent
            .saturating_duration_since(origin)
            .as_secs_f64()
            * 1e3;
        let one = Group {
            sent: delivery.sent,
            arrived,
            delay: arrived - sent,
        };
        let Some(group) = &mut self.group else {
            self.group = Some(one);
            return;
        };
        // What is told late of an earlier group says nothing new.
        let Some(since) = one.sent.checked_duration_since(group.sent) else {
            return;
        };
        if since <= BURST {
            if one.delay < group.delay {
                (group.arrived, group.delay) = (one.arrived, one.delay);
            }
            return;
        }
        let done = *group;
        self.group = Some(one);
        if let Some(last) = self.last.replace(done) {
            self.add(&last, &done);
        }
    }

    fn add(&mut self, last: &Group, group: &Group) {
        self.groups = (self.groups + 1).min(MOST_GROUPS);
        self.delay += group.delay - last.delay;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        self.line.push_back((group.arrived, self.smoothed));
        if self.line.len() > WINDOW {
            self.line.pop_front();
        }
        let slope = slope(&self.line).unwrap_or(self.slope);
        let passed = (group.arrived - last.arrived).clamp(0.0, 100.0);
        self.judge(slope, passed);
        self.slope = slope;
    }

    fn judge(&mut self, slope: f64, passed: f64) {
        let rise = slope * f64::from(self.groups) * GAIN;
        let threshold = self.threshold.unwrap_or(THRESHOLD);
        if rise > threshold {
            let rising = self
                .rising_for
                .map_or(passed / 2.0, |rising| rising + passed);
            self.rising_for = Some(rising);
            self.rises += 1;
            if rising > RISES_FOR && self.rises > 1 && slope >= self.slope {
                self.usage = Usage::Over;
            }
        } else {
            (self.rising_for, self.rises) = (None, 0);
            self.usage = if rise < -threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        if rise.abs() <= threshold + OUTLIER {
            let speed = if rise.abs() < threshold { DOWN } else { UP };
            let moved = threshold + speed * (rise.abs() - threshold) * passed;
            self.threshold = Some(moved.clamp(LEAST_THRESHOLD, MOST_THRESHOLD));
        }
    }
}

/// Of the line through these points that is nearest to them (least squares); `None` for too few.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    if points.len() < WINDOW {
        return None;
    }
    let count = points.len() as f64;
    let (sum_x, sum_y) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (up, down) = points.iter().fold((0.0, 0.0), |(up, down), (x, y)| {
        let away = x - mean_x;
        (up + away * (y - mean_y), down + away * away)
    });
    (down > 0.0).then(|| up / down)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of three packets every 20 ms, each later than the one before by so many milliseconds, and by some noise.
    fn usage(groups: u64, later: f64, noise: impl Fn(u64) -> f64) -> Vec<Usage> {
        let (mut trend, start) = (Trend::default(), Instant::now());
        let reported = (0..groups).map(|group| {
            let sent = start + Duration::from_millis(group * 20);
            for packet in 0..3 {
                let late = 500.0 + later * group as f64 + noise(group) + f64::from(packet);
                let arrived = Duration::from_secs_f64((group as f64 * 20.0 + late) / 1e3);
                let delivery = Delivery {
                    sent,
                    arrived: Some(arrived),
                    bytes: 1200,
                    probe: None,
                };
                trend.note(&delivery, arrived);
            }
            trend.usage()
        });
        reported.collect()
    }

    #[test]
    fn delays_that_rise_are_noticed_and_those_that_fall() {
        let rising = usage(60, 2.0, |_| 0.0);
        let first = rising.iter().position(|usage| *usage == Usage::Over);
        assert!(first.is_some_and(|first| first <= 25), "{first:?}");
        let falling = usage(60, -2.0, |_| 0.0);
        assert_eq!(falling.last(), Some(&Usage::Under));
    }

    #[test]
    fn noise_is_no_trend() {
        let jitter = |group: u64| (group * 7919 % 31) as f64;
        let over = usage(3000, 0.0, jitter);
        let over = over.iter().filter(|usage| **usage == Usage::Over).count();
        assert!(over <= 30, "{over} of 3000");
    }

    #[test]
    fn a_pictures_size_is_no_delay() {
        let sizes = |group: u64| if group.is_multiple_of(50) { 0.0 } else { 0.2 };
        assert!(!usage(500, 0.0, sizes).contains(&Usage::Over));
    }
}
