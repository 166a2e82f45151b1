//! What is left of a budget: a token bucket. It bounds how much is spent at once and how fast it comes back.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use super::Budget;

/// With so many buckets those are looked for that are full.
const MANY: usize = 1_024;

/// What somebody may still spend of something.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// How much it holds when it is full.
    most: f64,
    /// How much comes back in a second.
    rate: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    /// A full one: `burst` bounds what is spent at once, `rate` what comes back.
    pub fn new(burst: &Budget, rate: &Budget, now: Instant) -> Self {
        let most = burst.most as f64;
        let every = rate.every.unwrap_or(Duration::from_secs(1));
        Self {
            most,
            rate: rate.most as f64 / every.as_secs_f64(),
            left: most,
            filled: now,
        }
    }

    /// Spends `amount`, or tells how long it is until that much is there again.
    ///
    /// # Errors
    /// The wait; nothing is spent.
    pub fn spend(&mut self, amount: u64, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        // A request for more than the bucket ever holds waits until it is full.
        let amount = (amount as f64).min(self.most);
        if amount <= self.left {
            self.left -= amount;
            return Ok(());
        }
        Err(Duration::from_secs_f64((amount - self.left) / self.rate))
    }

    /// Whether it is full, so that it says no more than a new one.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.left >= self.most
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.most);
        self.filled = now;
    }
}

/// A bucket for each of many who spend.
#[derive(Debug)]
pub struct Buckets<K> {
    burst: &'static Budget,
    rate: &'static Budget,
    spenders: HashMap<K, Bucket>,
    /// With how many those are dropped next who have all of theirs again.
    looked_at: usize,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Nobody has spent anything.
    pub fn new(burst: &'static Budget, rate: &'static Budget) -> Self {
        Self {
            burst,
            rate,
            spenders: HashMap::new(),
            looked_at: MANY,
        }
    }

    /// As [`Bucket::spend`], for one of them.
    ///
    /// # Errors
    /// The wait; nothing is spent.
    pub fn spend(&mut self, spender: K, amount: u64, now: Instant) -> Result<(), Duration> {
        if self.spenders.len() >= self.looked_at {
            self.spenders.retain(|_, bucket| !bucket.is_full(now));
            // The more buckets there are, the more rarely they are cleared, so that each costs little.
            self.looked_at = MANY.max(2 * self.spenders.len());
        }
        let full = || Bucket::new(self.burst, self.rate, now);
        let bucket = self.spenders.entry(spender).or_insert_with(full);
        bucket.spend(amount, now)
    }

    /// Forgets those for whom `is_kept` is false.
    pub fn retain(&mut self, is_kept: impl Fn(&K) -> bool) {
        self.spenders.retain(|spender, _| is_kept(spender));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::rooms as budgets;

    #[test]
    fn a_key_with_its_whole_allowance_takes_no_memory() {
        let start = Instant::now();
        let (burst, rate) = (&budgets::PAIR_BURST, &budgets::PAIR);
        let mut buckets = Buckets::new(burst, rate);
        for spender in 0..10 * MANY {
            let now = start + Duration::from_secs(spender as u64 / 100);
            assert_eq!(buckets.spend(spender, burst.most, now), Ok(()));
            assert!(buckets.spend(spender, 1, now).is_err());
        }
        assert!(buckets.spenders.len() <= 2 * MANY + 1);
        buckets.retain(|spender| *spender == 10 * MANY - 1);
        assert_eq!(buckets.spenders.len(), 1);
    }

    #[test]
    fn what_is_spent_comes_back_in_time() {
        let start = Instant::now();
        let (burst, rate) = (&budgets::PAIR_BURST, &budgets::PAIR);
        let mut bucket = Bucket::new(burst, rate, start);
        assert_eq!(bucket.spend(burst.most, start), Ok(()));
        let wait = bucket.spend(rate.most, start).unwrap_err();
        assert_eq!(wait, rate.every.unwrap());
        assert!(!bucket.is_full(start));
        assert_eq!(bucket.spend(rate.most, start + wait), Ok(()));
        // A request for more than the whole is granted when the bucket is full.
        assert!(bucket.spend(u64::MAX, start + wait).is_err());
        let later = start + Duration::from_secs(3_600);
        assert!(bucket.is_full(later));
        assert_eq!(bucket.spend(u64::MAX, later), Ok(()));
    }
}
