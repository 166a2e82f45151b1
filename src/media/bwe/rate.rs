//! Bitrates, and how fast something flows.

use std::iter::Sum;
use std::ops::Add;
use std::time::{Duration, Instant};

/// Bits per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::media) struct Bitrate(u64);

impl Bitrate {
    pub const fn kbps(kilobits: u64) -> Self {
        Self(kilobits * 1000)
    }

    /// So many bytes in this time. A time below a millisecond counts as one.
    pub fn of(bytes: u64, over: Duration) -> Self {
        let micros = over.as_micros().max(1000);
        Self(u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX))
    }

    /// How many bytes flow in this time.
    pub fn bytes_in(self, time: Duration) -> u64 {
        u64::try_from(u128::from(self.0) * time.as_micros() / 8_000_000).unwrap_or(u64::MAX)
    }

    pub fn percent(self, percent: u64) -> Self {
        Self((u128::from(self.0) * u128::from(percent) / 100) as u64)
    }

    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Bitrate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Bitrate {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::default(), Add::add)
    }
}

/// A meter sums up over this time, twice.
const HALF: Duration = Duration::from_millis(500);
/// So many halves are remembered.
const HALVES: usize = 12;

/// Measures the bitrate of the last second, by halves.
#[derive(Debug, Default)]
pub(in crate::media) struct Meter {
    /// When the newest bucket was begun.
    began: Option<Instant>,
    /// Bytes, the newest first: it is still being filled.
    buckets: [u64; 1 + HALVES],
    /// How many of the older ones are known.
    full: usize,
}

impl Meter {
    pub fn add(&mut self, bytes: usize, now: Instant) {
        self.roll(now);
        self.buckets[0] += bytes as u64;
    }

    /// What flowed in the last second; `None` until there was half a one.
    pub fn rate(&mut self, now: Instant) -> Option<Bitrate> {
        self.began?;
        self.roll(now);
        self.over(0)
    }

    /// The most that flowed in one of the last seconds: what is to be reckoned with.
    pub fn peak(&mut self, now: Instant) -> Option<Bitrate> {
        self.began?;
        self.roll(now);
        let seconds = 0..self.full.max(2) - 1;
        seconds.filter_map(|age| self.over(age)).max()
    }

    /// A second that ended so many halves ago.
    fn over(&self, age: usize) -> Option<Bitrate> {
        let halves = self.full.checked_sub(age)?.min(2);
        let bytes: u64 = self.buckets[1 + age..][..halves].iter().sum();
        (halves > 0).then(|| Bitrate::of(bytes, HALF * halves as u32))
    }

    fn roll(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began).as_millis() / HALF.as_millis();
        if passed == 0 {
            return;
        }
        let known = usize::try_from(passed).map_or(HALVES + 1, |passed| passed.min(HALVES + 1));
        self.began = Some(if known > HALVES {
            now
        } else {
            began + HALF * known as u32
        });
        self.buckets.rotate_right(known);
        self.buckets[..known].fill(0);
        self.full = (self.full + known).min(HALVES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_follows_within_a_second_and_knows_silence() {
        let (mut meter, start) = (Meter::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(meter.rate(start), None);
        for ms in (0..2000).step_by(10) {
            meter.add(1250, at(ms));
        }
        assert_eq!(meter.rate(at(2000)), Some(Bitrate::kbps(1000)));
        for ms in (2000..4000).step_by(10) {
            meter.add(250, at(ms));
        }
        assert_eq!(meter.rate(at(4000)), Some(Bitrate::kbps(200)));
        assert_eq!(meter.peak(at(4000)), Some(Bitrate::kbps(1000)));
        for ms in (4000..10_000).step_by(10) {
            meter.add(250, at(ms));
        }
        assert_eq!(meter.peak(at(10_000)), Some(Bitrate::kbps(200)));
        assert_eq!(meter.rate(at(60_000)), Some(Bitrate::default()));
    }

    #[test]
    fn a_rate_and_its_bytes_agree() {
        let rate = Bitrate::of(125_000, Duration::from_secs(1));
        assert_eq!(rate, Bitrate::kbps(1000));
        assert_eq!(rate.bytes_in(Duration::from_millis(60)), 7500);
        assert_eq!(rate.percent(85), Bitrate::kbps(850));
        assert_eq!(Bitrate::of(1, Duration::ZERO), Bitrate::kbps(8));
    }
}
