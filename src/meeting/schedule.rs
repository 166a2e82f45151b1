//! When a room's meetings are planned.

use crate::protocol::object::{Occurrence, Room};
use crate::protocol::time::Timestamp;

/// The planned meeting that runs at `now`, or else comes next; none when none is planned any more.
pub fn next(facts: &Room, now: Timestamp) -> Option<Occurrence> {
    let begin_at = facts.begin_at?;
    let end_at = facts.end_at;
    let is_to_come = end_at.is_none_or(|end| end > now);
    is_to_come.then_some(Occurrence { begin_at, end_at })
}

/// Whether the last planned meeting is past.
pub fn is_past(facts: &Room, now: Timestamp) -> bool {
    match facts.recurrence {
        None => facts.end_at.is_some_and(|end| end <= now),
        Some(_) => next(facts, now).is_none(),
    }
}

/// When people may come in whom the room does not let in early: none when they may at `now`.
pub fn opens_at(facts: &Room, now: Timestamp) -> Option<Timestamp> {
    let early = i64::try_from(facts.early_ms).unwrap_or(i64::MAX);
    let opens = next(facts, now)?.begin_at.plus_millis(-early);
    (opens > now).then_some(opens)
}

/// Whether a meeting that was ended at `ended_at` still is: a room that comes again is open for its next meeting.
pub fn is_still_ended(facts: &Room, ended_at: Timestamp, now: Timestamp) -> bool {
    facts.recurrence.is_none() || next(facts, ended_at) == next(facts, now)
}
