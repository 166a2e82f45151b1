//! When a room's meetings are planned: once, or again and again by a recurrence rule (RFC 5545 §3.3.10).
//!
//! A rule is counted by the clocks of the room's time zone, or in UTC when it names none: a meeting at nine stays at nine
//! when clocks are changed. What such a change leaves out comes after the gap (2:30 at 3:30), and what it shows twice is
//! the first of both ([`TimeZone::instant`]). Every meeting lasts as long as the first one by a stop watch.
//!
//! The room's first time must be one that the rule names (RFC 5545 §3.8.5.3). Which days a rule names, and what it costs
//! to find them, stands in [`recurrence`](super::recurrence).

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDateTime, TimeDelta, Timelike as _, Utc};

use self::memo::{MEMO, Plan};
use super::recurrence::rule::{self, Rule};
use super::recurrence::{HORIZON_YEARS, Pattern};
use crate::protocol::object::{Occurrence, Room};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

pub use super::recurrence::BadRule;

mod memo;

/// Meetings that come again last at most this long: as there is at most one a day, no two overlap.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// The years in which a rule may begin.
const FIRST_YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;
/// No gap in a zone's clocks is longer, so a time is at most so much later than its wall says.
const LONGEST_GAP: Days = Days::new(2);

/// Checks that a room may come again by `rule`, counted by the clocks of `zone`, and gives the rule as it is kept.
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

/// The planned meeting that runs at `now`, or else comes next; none when none is planned any more.
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

/// What [`next`] looks for when it is not known yet: for benchmarks.
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

/// The same for a plan that comes again and whose first meeting is over.
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

/// When people may come in whom the room does not let in early: none when they may at `now`.
pub fn opens_at(room: &Room, now: Timestamp) -> Option<Timestamp> {
    let early = i64::try_from(room.early_ms).unwrap_or(i64::MAX);
    let opens = next(room, now)?.begin_at.plus_millis(-early);
    (opens > now).then_some(opens)
}

/// Whether a meeting that was ended at `ended_at` still is, `at_now` being the next one now: a room that comes again is
/// open for its next meeting.
pub fn is_still_ended(room: &Room, ended_at: Timestamp, at_now: Option<&Occurrence>) -> bool {
    room.recurrence.is_none() || next(room, ended_at).as_ref() == at_now
}

/// The times of a rule.
///
/// The rule is counted on a clock that nobody changes, and each time is then looked up in the zone, so that every gap and
/// overlap is met by one rule.
struct Times {
    pattern: Pattern,
    zone: TimeZone,
    /// What the clock on the wall shows at the first of them.
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

    /// Those from about `from` on, some days before it at most.
    fn from(&self, from: DateTime<Utc>) -> Option<impl Iterator<Item = DateTime<Utc>>> {
        let from = self.zone.wall(from);
        let begin = match self.count {
            Some(_) => self.wall.date(),
            None => from.date().checked_sub_days(LONGEST_GAP)?,
        };
        let most = self.count.map_or(usize::MAX, |count| count as usize);
        // Nothing comes after the end of a rule, so that a search for it ends there.
        let end = self
            .until
            .map(|until| self.zone.wall(until).date() + LONGEST_GAP);
        let horizon = years_after(from).date();
        let days = self
            .pattern
            .days(begin, end.map_or(horizon, |end| end.min(horizon)));
        // Those before are counted only: to look one up in the zone costs more than to find it.
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
