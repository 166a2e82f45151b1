//! A memory of the next meetings of recurring plans, so that each is searched for only once.
//!
//! The next meeting stays the same from the moment of the question until that meeting ends. The answer is kept for that
//! time under the plan itself. So an edit of the room needs to delete nothing.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::budgets::rooms as budgets;
use crate::protocol::object::Occurrence;
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

/// For how long the answer "no more meetings" is kept. The horizon of a search moves forward with time.
const NOTHING_FOR_MS: i64 = 24 * 3_600_000;

/// A plan that comes again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub(super) rule: String,
    pub(super) begin_at: Timestamp,
    pub(super) end_at: Timestamp,
    pub(super) zone: TimeZone,
}

/// An answer, and the time for which it holds.
#[derive(Debug, Clone)]
struct Found {
    from: Timestamp,
    to: Timestamp,
    next: Option<Occurrence>,
}

/// The last two answers for each plan. Rooms that were ended ask for that moment and for now.
#[derive(Debug, Default)]
pub(super) struct Memo(Mutex<HashMap<Plan, [Option<Found>; 2]>>);

/// What is kept for all rooms of the process.
pub(super) static MEMO: LazyLock<Memo> = LazyLock::new(Memo::default);

impl Memo {
    /// The next meeting at `now`. `search` is called if it is not known.
    pub(super) fn next(
        &self,
        plan: Plan,
        now: Timestamp,
        search: impl FnOnce() -> Option<Occurrence>,
    ) -> Option<Occurrence> {
        // A panic cannot leave the map half changed.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |found: &&Found| (found.from..found.to).contains(&now);
        if let Some(found) = lock().get(&plan)
            && let Some(found) = found.iter().flatten().find(holds)
        {
            return found.next;
        }
        let next = search();
        let found = Found {
            from: now,
            to: next
                .and_then(|next| next.end_at)
                .unwrap_or(now.plus_millis(NOTHING_FOR_MS)),
            next,
        };
        let mut plans = lock();
        if plans.len() >= budgets::PLANS_KEPT.size() {
            plans.clear();
        }
        let [newest, before] = plans.entry(plan).or_default();
        *before = newest.take();
        *newest = Some(found);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000 + minutes * 60_000).unwrap()
    }

    fn plan(number: usize) -> Plan {
        Plan {
            rule: format!("FREQ=DAILY;INTERVAL={number}"),
            begin_at: at(0),
            end_at: at(60),
            zone: TimeZone::UTC,
        }
    }

    fn occurrence(begin: i64) -> Option<Occurrence> {
        Some(Occurrence {
            begin_at: at(begin),
            end_at: Some(at(begin + 60)),
        })
    }

    #[test]
    fn what_was_found_is_looked_for_once_and_holds_until_it_is_over() {
        let memo = Memo::default();
        let known =
            |now, answer| memo.next(plan(1), at(now), || panic!("{now} {answer:?} is known"));
        let new = |now, answer: Option<Occurrence>| memo.next(plan(1), at(now), || answer);
        assert_eq!(new(0, occurrence(100)), occurrence(100));
        for now in [0, 50, 100, 159] {
            assert_eq!(known(now, 100), occurrence(100));
        }
        // Before the question and after its end something else may be next.
        assert_eq!(new(-1, occurrence(0)), occurrence(0));
        assert_eq!(known(10, 100), occurrence(0));
        assert_eq!(known(70, 100), occurrence(100));
        assert_eq!(new(160, None), None);
        assert_eq!(known(161, 0), None);
        assert_eq!(new(160 + 24 * 60, occurrence(5_000)), occurrence(5_000));
    }

    #[test]
    fn plans_are_kept_in_bounded_number() {
        let memo = Memo::default();
        for number in 0..2 * budgets::PLANS_KEPT.size() {
            memo.next(plan(number), at(0), || occurrence(0));
        }
        assert!(memo.0.lock().unwrap().len() <= budgets::PLANS_KEPT.size());
    }
}
