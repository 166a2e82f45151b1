//! Limits what each key may spend over time: a burst, and a rate at which it is refilled.
//!
//! It is the generic cell rate algorithm (ITU-T I.371 annex A), with two additions that its crate lacks. Spending can
//! be given back, for a correct attempt at a password. A key that is a little too fast is told how long to wait, and is
//! not refused. The caller passes the time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::budgets::Budget;

/// Full keys are removed after this many spendings, or after as many as there are keys.
const PRUNE_AFTER: usize = 1_024;

/// A burst, and its refill.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The most that may be spent at once.
    pub burst: u64,
    /// The time for refilling one.
    pub period: Duration,
}

impl Rate {
    /// `burst` at once and, in the long run, `rate`.
    ///
    /// # Panics
    /// When the rate says no time, or nothing: the table of budgets is wrong then.
    pub const fn of(burst: &Budget, rate: &Budget) -> Self {
        let Some(every) = rate.every else {
            panic!("a rate counts within a time");
        };
        let nanos = every.as_nanos() / rate.most as u128;
        Self {
            burst: burst.most,
            period: Duration::from_nanos(nanos as u64),
        }
    }
}

/// The spending of each key. A key that is full again is removed.
#[derive(Debug)]
pub struct Allowance<K> {
    rate: Rate,
    spent: Mutex<Spent<K>>,
}

#[derive(Debug)]
struct Spent<K> {
    /// The time at which each key is full again.
    whole_at: HashMap<K, Instant>,
    spendings: usize,
}

impl<K: Hash + Eq + Clone> Allowance<K> {
    /// Nobody has spent anything.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            spent: Mutex::new(Spent {
                whole_at: HashMap::new(),
                spendings: 0,
            }),
        }
    }

    /// Spends `cost`, or nothing.
    ///
    /// # Errors
    /// How long until it can be spent.
    pub fn spend(&self, key: &K, cost: u64, now: Instant) -> Result<(), Duration> {
        self.spend_ahead(key, cost, now, Duration::ZERO).map(|_| ())
    }

    /// Spends `cost`, in advance if necessary. Returns how long the spender must wait, at most `patience`.
    ///
    /// # Errors
    /// How long until it can be spent with that patience; nothing is spent.
    pub fn spend_ahead(
        &self,
        key: &K,
        cost: u64,
        now: Instant,
        patience: Duration,
    ) -> Result<Duration, Duration> {
        let mut spent = self.lock();
        spent.prune_when_due(now);
        let whole_at = spent.whole_at.get(key).copied().unwrap_or(now).max(now);
        let whole_at = whole_at + self.time_of(cost);
        // After the whole burst, one more is allowed when its first part is refilled.
        let wait = (whole_at - now).saturating_sub(self.time_of(self.rate.burst));
        if wait > patience {
            return Err(wait - patience);
        }
        spent.whole_at.insert(key.clone(), whole_at);
        Ok(wait)
    }

    /// Spends `cost` in any case. The debt is waited for before the next spending.
    pub fn owe(&self, key: &K, cost: u64, now: Instant) {
        let mut spent = self.lock();
        spent.prune_when_due(now);
        let whole_at = spent.whole_at.get(key).copied().unwrap_or(now).max(now);
        spent
            .whole_at
            .insert(key.clone(), whole_at + self.time_of(cost));
    }

    /// Gives back spending that does not count after all.
    pub fn give_back(&self, key: &K, cost: u64, now: Instant) {
        let mut spent = self.lock();
        let Some(whole_at) = spent.whole_at.get_mut(key) else {
            return;
        };
        *whole_at = whole_at.checked_sub(self.time_of(cost)).unwrap_or(now);
        if *whole_at <= now {
            spent.whole_at.remove(key);
        }
    }

    fn time_of(&self, cost: u64) -> Duration {
        let nanos = self.rate.period.as_nanos() * u128::from(cost);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX >> 4))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spent<K>> {
        // No panic can leave the counts half changed.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Spent<K> {
    /// This is rarer the more keys there are, so that a spending stays cheap.
    fn prune_when_due(&mut self, now: Instant) {
        self.spendings += 1;
        if self.spendings >= PRUNE_AFTER && self.spendings >= self.whole_at.len() {
            self.spendings = 0;
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            self.whole_at.shrink_to(PRUNE_AFTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_IN_TEN_SECONDS: Rate = Rate {
        burst: 2,
        period: Duration::from_secs(10),
    };

    fn spent_at_once(allowance: &Allowance<&str>, key: &'static str, now: Instant) -> usize {
        (0..100)
            .take_while(|_| allowance.spend(&key, 1, now).is_ok())
            .count()
    }

    #[test]
    fn a_burst_is_spent_and_comes_back_at_the_time_that_was_named() {
        let (allowance, start) = (Allowance::new(TWO_IN_TEN_SECONDS), Instant::now());
        assert_eq!(spent_at_once(&allowance, "ada", start), 2);
        let wait = allowance.spend(&"ada", 1, start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(10));
        assert!(allowance.spend(&"ada", 1, start + wait / 2).is_err());
        assert_eq!(spent_at_once(&allowance, "ada", start + wait), 1);
        assert_eq!(spent_at_once(&allowance, "bo", start), 2, "each on its own");
    }

    #[test]
    fn what_is_given_back_was_not_spent() {
        let (allowance, start) = (Allowance::new(TWO_IN_TEN_SECONDS), Instant::now());
        for _ in 0..100 {
            allowance.spend(&"ada", 1, start).unwrap();
            allowance.give_back(&"ada", 1, start);
        }
        allowance.give_back(&"ada", 50, start);
        assert_eq!(spent_at_once(&allowance, "ada", start), 2, "and no more");
    }

    #[test]
    fn the_patient_are_held_back_and_then_refused() {
        let (allowance, start) = (Allowance::new(TWO_IN_TEN_SECONDS), Instant::now());
        let patience = Duration::from_secs(15);
        let ahead = || allowance.spend_ahead(&"ada", 1, start, patience);
        let seconds = |count| Ok(Duration::from_secs(count));
        assert_eq!(
            [ahead(), ahead(), ahead()],
            [seconds(0), seconds(0), seconds(10)]
        );
        assert_eq!(ahead(), Err(Duration::from_secs(5)));
        assert_eq!(
            ahead(),
            Err(Duration::from_secs(5)),
            "a refusal costs nothing"
        );
    }

    #[test]
    fn what_is_owed_is_waited_for() {
        let (allowance, start) = (Allowance::new(TWO_IN_TEN_SECONDS), Instant::now());
        allowance.owe(&"ada", 5, start);
        let wait = allowance.spend(&"ada", 1, start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(40));
        assert_eq!(spent_at_once(&allowance, "ada", start + wait), 1);
    }

    #[test]
    fn keys_that_have_rested_are_forgotten() {
        let (allowance, start) = (Allowance::new(TWO_IN_TEN_SECONDS), Instant::now());
        for key in 1..PRUNE_AFTER {
            allowance.spend(&key, 1, start).unwrap();
        }
        let later = start + Duration::from_secs(60);
        allowance.spend(&0, 1, later).unwrap();
        assert!(allowance.lock().whole_at.len() <= 1);
    }
}
