//! Packets of a stream that are left out on its way to one subscriber, so that the others are numbered without a gap.

/// So far back a late packet finds its number; what is older is lost.
const KNOWN: u64 = 512;
const BITS: u64 = u64::BITS as u64;

/// Which packets were left out, by their extended numbers.
#[derive(Debug, Clone, Default)]
pub struct Skips {
    /// All so far.
    total: u64,
    /// The highest number that was left out.
    newest: u64,
    /// The last ones, a bit each.
    bits: [u64; (KNOWN / BITS) as usize],
}

impl Skips {
    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Leaves one out, unless it is so old that nobody asks for its number any more.
    pub fn skip(&mut self, sequence: u64) {
        if sequence > self.newest {
            let passed = sequence - self.newest;
            for step in 1..=passed.min(KNOWN) {
                self.set(self.newest + step, false);
            }
            self.newest = sequence;
        }
        if self.newest - sequence < KNOWN && !self.get(sequence) {
            self.set(sequence, true);
            self.total += 1;
        }
    }

    /// How many before this one were left out; none where that is not known any more, or it was left out itself.
    pub fn before(&self, sequence: u64) -> Option<u64> {
        if self.total == 0 || sequence > self.newest {
            return Some(self.total);
        }
        if self.newest - sequence >= KNOWN || self.get(sequence) {
            return None;
        }
        let since = (sequence..=self.newest).filter(|one| self.get(*one));
        Some(self.total - since.count() as u64)
    }

    fn get(&self, sequence: u64) -> bool {
        let place = sequence % KNOWN;
        let word = self.bits.get((place / BITS) as usize).copied();
        word.unwrap_or_default() >> (place % BITS) & 1 == 1
    }

    fn set(&mut self, sequence: u64, skipped: bool) {
        let place = sequence % KNOWN;
        if let Some(word) = self.bits.get_mut((place / BITS) as usize) {
            let bit = 1 << (place % BITS);
            *word = if skipped { *word | bit } else { *word & !bit };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_not_counted() {
        let mut skips = Skips::default();
        assert_eq!(skips.before(70_000), Some(0));
        for sequence in [70_001, 70_002, 70_005] {
            skips.skip(sequence);
            skips.skip(sequence);
        }
        let before = [70_000, 70_001, 70_003, 70_004, 70_006, 90_000];
        let before = before.map(|sequence| skips.before(sequence));
        assert_eq!(before, [Some(0), None, Some(2), Some(2), Some(3), Some(3)]);
        // One that came late.
        skips.skip(70_003);
        assert_eq!(
            [70_004, 70_006].map(|one| skips.before(one)),
            [Some(3), Some(4)]
        );
    }

    #[test]
    fn what_is_too_old_has_no_number() {
        let mut skips = Skips::default();
        for sequence in (0..10_000).filter(|one| one % 3 == 0) {
            skips.skip(sequence);
        }
        assert_eq!(skips.before(9_998), Some(3_333));
        assert_eq!(skips.before(9_500), Some(3_167));
        assert_eq!(skips.before(9_400), None);
        skips.skip(1_000_000);
        assert_eq!(skips.before(999_600), Some(3_334));
        assert_eq!(skips.before(1_000_001), Some(3_335));
    }
}
