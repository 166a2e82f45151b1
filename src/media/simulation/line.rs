//! What is between the server and its clients: lines of some width, and weather.

use std::time::{Duration, Instant};

/// The narrowest part of a path.
pub(super) struct Line {
    bits_per_second: u64,
    /// What would wait longer is dropped.
    queue: Duration,
    /// When it has sent all that waits.
    free_at: Instant,
}

impl Line {
    pub fn new(kbps: u64, queue: Duration, now: Instant) -> Self {
        Self {
            bits_per_second: kbps * 1000,
            queue,
            free_at: now,
        }
    }

    /// When a datagram has passed; nothing where it finds no room.
    pub fn pass(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        let begin = self.free_at.max(now);
        if begin - now > self.queue {
            return None;
        }
        let bits = bytes as u64 * 8;
        self.free_at = begin + Duration::from_micros(bits * 1_000_000 / self.bits_per_second);
        Some(self.free_at)
    }
}

/// What happens to media on its way to one end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    /// The share that is lost, in per cent.
    pub loss: u32,
    /// So many are lost in a row, as often in all.
    pub in_a_row: u32,
    /// Each waits up to so much longer; order is kept.
    pub jitter: Duration,
    /// The share that others overtake, in per cent.
    pub late: u32,
    /// The share that comes twice, in per cent.
    pub doubled: u32,
}

/// Those that are overtaken come so much later.
const LATE: Duration = Duration::from_millis(40);

/// The weather of one way.
#[derive(Default)]
pub(super) struct Sky {
    is_losing: bool,
    last: Option<Instant>,
}

impl Sky {
    /// When a datagram arrives that would arrive at this moment: not at all, once, or twice.
    pub fn arrivals(
        &mut self,
        weather: Weather,
        due: Instant,
        chance: &mut Chance,
    ) -> [Option<Instant>; 2] {
        if self.loses(weather, chance) {
            return [None; 2];
        }
        let jitter = weather.jitter * chance.below(1000) / 1000;
        let due = self
            .last
            .map_or(due + jitter, |last| last.max(due + jitter));
        self.last = Some(due);
        let is_late = chance.below(100) < weather.late;
        let first = if is_late { due + LATE } else { due };
        let again = (chance.below(100) < weather.doubled).then_some(due);
        [Some(first), again]
    }

    /// Losses of a row hang together (Gilbert's model).
    fn loses(&mut self, weather: Weather, chance: &mut Chance) -> bool {
        let row = weather.in_a_row.max(1);
        let dice = chance.below(10_000);
        self.is_losing = if self.is_losing && row > 1 {
            dice < 10_000 - 10_000 / row
        } else {
            dice < 100 * weather.loss * 100 / row / (100 - weather.loss)
        };
        self.is_losing
    }
}

/// Chance that begins with a seed, which is not 0 (Marsaglia's xorshift).
pub(super) struct Chance(pub u32);

impl Chance {
    pub fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % end
    }
}

/// Whether this is media, or reports on it.
pub(super) fn is_media(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 6 == 2)
}

/// Whether this is a packet of sound or picture.
pub(super) fn is_rtp(bytes: &[u8]) -> bool {
    bytes.len() > 2 && bytes[0] >> 6 == 2 && !(64..96).contains(&(bytes[1] & 127))
}
