//! How a stream arrives, as its sender is told in receiver reports (RFC 3550 §6.4.1, §A.3, §A.8).

use std::time::Instant;

use super::rtcp::Block;

/// One stream's.
#[derive(Debug, Default)]
pub struct Reception {
    first: Option<u64>,
    highest: u64,
    received: u64,
    reported: Totals,
    /// Between arriving and being sent, in units of the clock, of the last packet.
    transit: Option<u32>,
    /// Sixteen times as much.
    jitter: u32,
    origin: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    expected: u64,
    received: u64,
}

/// A sender's last report: the middle of its time, and when it came.
pub type LastReport = (u32, Instant);

impl Reception {
    /// A packet came, by its extended number, not as a repair.
    pub fn note(&mut self, sequence: u64, timestamp: u32, clock_rate: u32, now: Instant) {
        self.first.get_or_insert(sequence);
        self.highest = self.highest.max(sequence);
        self.received += 1;
        let origin = *self.origin.get_or_insert(now);
        let passed = now.saturating_duration_since(origin);
        let arrived = (passed.as_secs_f64() * f64::from(clock_rate)) as u64 as u32;
        let transit = arrived.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let change = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A clock that jumps is no jitter.
            if change < clock_rate.saturating_mul(4) {
                let jitter = self.jitter.saturating_add(change);
                self.jitter = jitter.saturating_sub((self.jitter.saturating_add(8)) >> 4);
            }
        }
    }

    /// What its sender is told; none before anything came.
    pub fn block(&mut self, ssrc: u32, last: Option<LastReport>, now: Instant) -> Option<Block> {
        let expected = self.highest - self.first? + 1;
        let lost = expected as i64 - self.received as i64;
        let now_expected = expected - self.reported.expected;
        let now_received = self.received - self.reported.received;
        let now_lost = now_expected.saturating_sub(now_received);
        self.reported = Totals {
            expected,
            received: self.received,
        };
        let fraction = (now_lost * 256).checked_div(now_expected).unwrap_or(0);
        let (last_report, delay) = last.map_or((0, 0), |(middle, at)| {
            let passed = now.saturating_duration_since(at).as_secs_f64();
            (middle, (passed * 65_536.0) as u32)
        });
        Some(Block {
            ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: i32::try_from(lost).unwrap_or(i32::MAX),
            // Extended numbers begin one turn up.
            highest: (self.highest as u32).wrapping_sub(1 << 16),
            jitter: self.jitter >> 4,
            last_report,
            delay,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn losses_are_told_once_and_in_all() {
        let (start, mut stream) = (Instant::now(), Reception::default());
        assert_eq!(stream.block(7, None, start), None);
        for sequence in (65_536..65_636).filter(|sequence| sequence % 4 != 1) {
            stream.note(sequence, 0, 90_000, start);
        }
        let block = stream.block(7, None, start).unwrap();
        assert_eq!((block.fraction_lost, block.lost), (64, 25));
        assert_eq!((block.highest, block.last_report), (99, 0));
        for sequence in 65_636..65_736 {
            stream.note(sequence, 0, 90_000, start);
        }
        let last = Some((0x0102_0304, start));
        let later = start + Duration::from_millis(1_500);
        let block = stream.block(7, last, later).unwrap();
        assert_eq!((block.fraction_lost, block.lost), (0, 25));
        assert_eq!((block.last_report, block.delay), (0x0102_0304, 98_304));
        // Twice as many as were expected.
        stream.note(65_636, 0, 90_000, start);
        let block = stream.block(7, None, start).unwrap();
        assert_eq!((block.fraction_lost, block.lost), (0, 24));
    }

    #[test]
    fn jitter_is_the_mean_change_of_the_way() {
        let (start, mut stream) = (Instant::now(), Reception::default());
        let mut jitter = 0;
        for packet in 0..1_000_u64 {
            // Each second one is 10 ms late.
            let at = start + Duration::from_millis(20 * packet + 10 * (packet % 2));
            stream.note(65_536 + packet, packet as u32 * 960, 48_000, at);
            jitter = stream.block(7, None, at).unwrap().jitter;
        }
        assert!((470..=490).contains(&jitter), "{jitter}");
        stream.note(70_000, u32::MAX / 2, 48_000, start);
        assert!(stream.block(7, None, start).unwrap().jitter <= jitter);
    }
}
