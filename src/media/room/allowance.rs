//! How much of a budget that comes back with time is left. Pure: the time is passed in.

use std::time::{Duration, Instant};

use crate::budgets::Budget;

/// One spender's share of a budget: all of it at once, then as it comes back.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Allowance {
    /// The time in which one unit comes back.
    each: Duration,
    /// The time in which all units come back.
    all: Duration,
    /// When the whole budget will be there again.
    full_at: Instant,
}

impl Allowance {
    /// A whole budget.
    pub fn new(budget: &Budget, now: Instant) -> Self {
        let all = budget.every.unwrap_or_default();
        let most = u32::try_from(budget.most).unwrap_or(u32::MAX).max(1);
        Self {
            each: all / most,
            all,
            full_at: now,
        }
    }

    /// Spends one unit.
    ///
    /// # Errors
    /// The time until there is one unit again.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + self.each;
        let debt = full_at.saturating_duration_since(now);
        if debt > self.all {
            return Err(debt - self.all);
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::media::CONNECTIONS;

    #[test]
    fn what_is_spent_comes_back_one_by_one() {
        let now = Instant::now();
        let mut allowance = Allowance::new(&CONNECTIONS, now);
        assert_eq!([allowance.take(now), allowance.take(now)], [Ok(()), Ok(())]);
        let wait = Duration::from_secs(10);
        assert_eq!(allowance.take(now), Err(wait));
        assert_eq!(allowance.take(now + wait), Ok(()));
        assert_eq!(allowance.take(now + wait), Err(wait));
        let later = now + Duration::from_secs(3_600);
        assert_eq!(
            [allowance.take(later), allowance.take(later)],
            [Ok(()), Ok(())]
        );
        assert!(allowance.take(later).is_err());
    }
}
