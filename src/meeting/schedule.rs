//! When the meetings of a room are planned: once, or again and again by a recurrence rule (RFC 5545 §3.3.10).
//!
//! A rule counts by the clocks of the time zone of the room, or in UTC without a zone. A meeting at nine stays at nine
//! when clocks are changed. A time in the gap of such a change moves behind the gap (2:30 becomes 3:30). Of a time that
//! occurs twice the first is taken ([`TimeZone::instant`]). Every meeting lasts exactly as long as the first one.
//!
//! The rule must name the first time of the room (RFC 5545 §3.8.5.3). [`recurrence`](super::recurrence) says which days
//! a rule names, and what a search costs.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDateTime, TimeDelta, Timelike as _, Utc};

use self::memo::{MEMO, Plan};
use super::recurrence::rule::{self, Rule};
use super::recurrence::{HORIZON_YEARS, Pattern};
use crate::protocol::object::{Occurrence, Room};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

pub use super::recurrence::BadRule;

mod memo;

/// A recurring meeting lasts at most this long. There is at most one a day, so no two overlap.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// The years in which a rule may begin.
const FIRST_YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;
/// No gap in the clocks of a zone is longer. So an instant is at most this much later than its local time says.
const LONGEST_GAP: Days = Days::new(2);

/// Checks the rule of a room, counted by the clocks of `zone`, and returns the rule as it is stored.
///
/// # Errors
/// [`BadRule`]
pub fn check(
    begin_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    zone: TimeZone,
    rule: &str,
) -> Result<String, BadRule> {
    let (Some(begin), Some(end)) = (begin_at, end_at) else {
        return Err(BadRule::NoTimes);
    };
    let first = whole_second(begin.utc());
    let times = Times::read(rule, zone, first)?;
    if end.utc() - begin.utc() > LONGEST {
        return Err(BadRule::TooLong);
    }
    if !FIRST_YEARS.contains(&begin.utc().year()) {
        return Err(BadRule::TooFar);
    }
    if times.until.is_some_and(|until| until < first) {
        return Err(BadRule::Over);
    }
    let day = times.wall.date();
    if times.pattern.days(day, day).next().is_none() || zone.instant(times.wall) != first {
        return Err(BadRule::NotFirst);
    }
    let horizon = years_after(times.wall);
    let goes_on =
        times.count != Some(1) && times.until.is_none_or(|until| zone.wall(until) > horizon);
    if goes_on && times.pattern.days(day, horizon.date()).nth(1).is_none() {
        return Err(BadRule::TooRare);
    }
    rule::written(rule, zone)
}

/// The planned meeting that runs at `now`, or else the next one. None if no more are planned.
pub fn next(room: &Room, now: Timestamp) -> Option<Occurrence> {
    let begin_at = room.begin_at?;
    let once = Occurrence {
        begin_at,
        end_at: room.end_at,
    };
    let (Some(rule), Some(end)) = (&room.recurrence, room.end_at) else {
        return Some(once).filter(|once| once.end_at.is_none_or(|end| end > now));
    };
    if end > now {
        return Some(once);
    }
    let plan = Plan {
        rule: rule.clone(),
        begin_at,
        end_at: end,
        zone: room.time_zone.unwrap_or_default(),
    };
    MEMO.next(plan.clone(), now, || next_of(&plan, now))
}

/// The search behind [`next`] without its memory: for benchmarks.
pub fn search(
    rule: &str,
    begin_at: Timestamp,
    end_at: Timestamp,
    zone: TimeZone,
    now: Timestamp,
) -> Option<Occurrence> {
    let rule = rule.to_owned();
    let plan = Plan {
        rule,
        begin_at,
        end_at,
        zone,
    };
    next_of(&plan, now)
}

/// The same for a recurring plan whose first meeting is over.
fn next_of(plan: &Plan, now: Timestamp) -> Option<Occurrence> {
    let Plan {
        rule,
        begin_at,
        end_at,
        zone,
    } = plan;
    let lasts = end_at.utc() - begin_at.utc();
    let first = whole_second(begin_at.utc());
    let fraction = begin_at.utc() - first;
    let times = Times::read(rule, *zone, first).ok()?;
    let is_to_come = |begin: &DateTime<Utc>| *begin + fraction + lasts > now.utc();
    let begin = times.from(now.utc() - lasts)?.find(is_to_come)? + fraction;
    Some(Occurrence {
        begin_at: begin.into(),
        end_at: Some((begin + lasts).into()),
    })
}

/// Whether the last planned meeting is past, `next` being the next one at `now`.
pub fn is_past(room: &Room, next: Option<&Occurrence>, now: Timestamp) -> bool {
    match room.recurrence {
        None => room.end_at.is_some_and(|end| end <= now),
        Some(_) => next.is_none(),
    }
}

/// When the room opens for people who may not come early. None if they may come in at `now`.
pub fn opens_at(room: &Room, now: Timestamp) -> Option<Timestamp> {
    let early = i64::try_from(room.early_ms).unwrap_or(i64::MAX);
    let opens = next(room, now)?.begin_at.plus_millis(-early);
    (opens > now).then_some(opens)
}

/// Whether a meeting that was ended at `ended_at` is still over. `at_now` is the next meeting now. A recurring room
/// opens for its next meeting.
pub fn is_still_ended(room: &Room, ended_at: Timestamp, at_now: Option<&Occurrence>) -> bool {
    room.recurrence.is_none() || next(room, ended_at).as_ref() == at_now
}

/// The times of a rule.
///
/// The rule is counted in local time without a zone. Each time is then looked up in the zone, so that gaps and overlaps
/// are handled in one place.
struct Times {
    pattern: Pattern,
    zone: TimeZone,
    /// The local time of the first one.
    wall: NaiveDateTime,
    count: Option<u32>,
    until: Option<DateTime<Utc>>,
}

impl Times {
    fn read(rule: &str, zone: TimeZone, first: DateTime<Utc>) -> Result<Self, BadRule> {
        let wall = zone.wall(first);
        let rule = Rule::read(rule, zone, wall.time())?;
        Ok(Self {
            count: rule.count,
            until: rule.until,
            pattern: Pattern::new(rule, wall.date()),
            zone,
            wall,
        })
    }

    /// The times from about `from` on; they begin a few days before it at most.
    fn from(&self, from: DateTime<Utc>) -> Option<impl Iterator<Item = DateTime<Utc>>> {
        let from = self.zone.wall(from);
        let begin = match self.count {
            Some(_) => self.wall.date(),
            None => from.date().checked_sub_days(LONGEST_GAP)?,
        };
        let most = self.count.map_or(usize::MAX, |count| count as usize);
        // The search stops at the end of the rule.
        let end = self
            .until
            .map(|until| self.zone.wall(until).date() + LONGEST_GAP);
        let horizon = years_after(from).date();
        let days = self
            .pattern
            .days(begin, end.map_or(horizon, |end| end.min(horizon)));
        // Earlier times are only counted. To look one up in the zone costs more than to find it.
        let long_past = from.date().checked_sub_days(LONGEST_GAP)?;
        Some(
            days.take(most)
                .skip_while(move |day| *day < long_past)
                .map(|day| self.zone.instant(day.and_time(self.wall.time())))
                .take_while(|time| self.until.is_none_or(|until| *time <= until)),
        )
    }
}

/// How far a search for the next time goes.
fn years_after(wall: NaiveDateTime) -> NaiveDateTime {
    let months = Months::new(12 * HORIZON_YEARS.unsigned_abs());
    wall.checked_add_months(months).unwrap_or(wall)
}

/// Rules know no fractions of a second.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.with_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests;
