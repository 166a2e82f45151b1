//! Where a stream's clock stands: an instant on a wall clock and the same one on the stream's own (RFC 3550 §6.4.1).

use std::time::Instant;

/// One instant, on two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// A wall clock, as NTP: 32 bits of seconds, 32 of their fraction.
    pub ntp: u64,
    /// A stream's clock.
    pub rtp: u32,
}

impl Pair {
    /// Where the stream's clock stands at another instant of the wall clock.
    pub fn rtp_at(self, ntp: u64, clock_rate: u32) -> u32 {
        let apart = ntp.wrapping_sub(self.ntp) as i64;
        // To the nearest tick.
        let ticks = (i128::from(apart) * i128::from(clock_rate) + (1 << 31)) >> 32;
        self.rtp.wrapping_add(ticks as u32)
    }

    /// When the stream's clock stands there; of all times that it does the nearest.
    pub fn ntp_at(self, rtp: u32, clock_rate: u32) -> u64 {
        let apart = i64::from(rtp.wrapping_sub(self.rtp) as i32);
        let passed = (apart << 32) / i64::from(clock_rate.max(1));
        self.ntp.wrapping_add_signed(passed)
    }
}

/// A packet's arrival, and what is known of its source's clock.
#[derive(Debug, Clone, Copy)]
pub struct Coming {
    /// When it came.
    pub now: Instant,
    /// The same on our wall clock.
    pub ntp: u64,
    /// Where its source's clock stood at an instant of our wall clock, if its sender has told.
    pub clock: Option<Pair>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_followed_both_ways_and_over_the_wrap() {
        let pair = Pair {
            ntp: 3_900_000_000 << 32,
            rtp: u32::MAX - 10,
        };
        let later = pair.ntp + (1 << 31);
        assert_eq!(pair.rtp_at(later, 90_000), 45_000 - 11);
        assert_eq!(pair.ntp_at(45_000 - 11, 90_000), later);
        let earlier = pair.ntp - (1 << 31);
        assert_eq!(pair.rtp_at(earlier, 90_000), u32::MAX - 10 - 45_000);
        assert_eq!(pair.ntp_at(u32::MAX - 10 - 45_000, 90_000), earlier);
        // However far apart they are.
        pair.rtp_at(0, u32::MAX);
        pair.ntp_at(1 << 31, 0);
    }
}
