//! When a room's meetings are planned: once, or again and again by a recurrence rule (RFC 5545 §3.3.10).
//!
//! A rule is counted by the clocks of the room's time zone, or in UTC when it names none: a meeting at nine stays at nine
//! when clocks are changed. What such a change leaves out comes after the gap (2:30 at 3:30), and what it shows twice is
//! the first of both ([`TimeZone::instant`]). Every meeting lasts as long as the first one by a stop watch.
//!
//! The room's first time must be one that the rule names (RFC 5545 §3.8.5.3); so the rule comes true at least once, and
//! because the calendar repeats itself every 400 years the search for the next time always ends soon.

use chrono::{DateTime, Datelike as _, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use rrule::{Frequency, RRule, RRuleSet, Tz, Unvalidated};

use crate::protocol::object::{Occurrence, Room};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

/// The longest rule that is taken, in bytes.
pub const MAX_RULE_BYTES: usize = 255;
/// The longest time between two meetings of a rule, in its own unit: days, weeks, months or years.
const MAX_INTERVAL: u16 = 366;
/// The most meetings that a rule may count.
const MAX_COUNT: u32 = 1_000;
/// Meetings that come again last at most this long: as there is at most one a day, no two overlap.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// The years in which a rule may begin.
const FIRST_YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// Parts of a rule that every frequency takes; those that name a time of day are refused, as it is that of the first.
const PARTS: [&str; 7] = [
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH",
];
/// What rules by the month or by the year take beside.
const MONTHLY_PARTS: [&str; 2] = ["BYMONTHDAY", "BYSETPOS"];
/// What rules by the year take beside.
const YEARLY_PARTS: [&str; 2] = ["BYWEEKNO", "BYYEARDAY"];

/// Why a recurrence is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// There is no first time, or it is open how long it lasts.
    #[error("needs begin_at and end_at")]
    NoTimes,
    /// No rule, or one that says more than it may here.
    #[error(
        "must be a recurrence rule by the day, week, month or year (RFC 5545, section 3.3.10) without times of day"
    )]
    Syntax,
    /// Too much of something.
    #[error("may have INTERVAL up to 366 and COUNT up to 1000")]
    TooMuch,
    /// The meeting lasts too long to come again.
    #[error("needs a meeting of at most 24 hours")]
    TooLong,
    /// The first time lies too far away.
    #[error("needs a begin_at from 2000 to 2199")]
    TooFar,
    /// The first time is none of the rule's.
    #[error("must name begin_at, by the clocks of time_zone, as one of its times")]
    NotFirst,
}

/// Checks that a room may come again by `rule`, counted by the clocks of `zone`.
///
/// # Errors
/// [`BadRule`]
pub fn check(
    begin_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    zone: TimeZone,
    rule: &str,
) -> Result<(), BadRule> {
    let (Some(begin), Some(end)) = (begin_at, end_at) else {
        return Err(BadRule::NoTimes);
    };
    let rule = parse(rule)?;
    if end.utc() - begin.utc() > LONGEST {
        return Err(BadRule::TooLong);
    }
    if !FIRST_YEARS.contains(&begin.utc().year()) {
        return Err(BadRule::TooFar);
    }
    let first = whole_second(begin.utc());
    match times(rule, zone.wall(first), zone).and_then(|mut times| times.next()) {
        Some(time) if time == first => Ok(()),
        _ => Err(BadRule::NotFirst),
    }
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
    let lasts = end.utc() - begin_at.utc();
    let zone = room.time_zone.unwrap_or_default();
    let rule = parse(rule).ok()?;
    let first = whole_second(begin_at.utc());
    let fraction = begin_at.utc() - first;
    let from = caught_up(&rule, zone.wall(first), zone.wall(now.utc() - lasts));
    let is_to_come = |begin: &DateTime<Utc>| *begin + fraction + lasts > now.utc();
    let begin = times(rule, from, zone)?.find(is_to_come)? + fraction;
    Some(Occurrence {
        begin_at: begin.into(),
        end_at: Some((begin + lasts).into()),
    })
}

/// Whether the last planned meeting is past.
pub fn is_past(room: &Room, now: Timestamp) -> bool {
    match room.recurrence {
        None => room.end_at.is_some_and(|end| end <= now),
        Some(_) => next(room, now).is_none(),
    }
}

/// When people may come in whom the room does not let in early: none when they may at `now`.
pub fn opens_at(room: &Room, now: Timestamp) -> Option<Timestamp> {
    let early = i64::try_from(room.early_ms).unwrap_or(i64::MAX);
    let opens = next(room, now)?.begin_at.plus_millis(-early);
    (opens > now).then_some(opens)
}

/// Whether a meeting that was ended at `ended_at` still is: a room that comes again is open for its next meeting.
pub fn is_still_ended(room: &Room, ended_at: Timestamp, now: Timestamp) -> bool {
    room.recurrence.is_none() || next(room, ended_at) == next(room, now)
}

/// The rule's times from `first` on, which the clock on the wall shows at the first of them.
///
/// The rule is counted on a clock that nobody changes, and each time is then looked up in the zone, so that every gap and
/// overlap is met by one rule.
fn times(
    rule: RRule<Unvalidated>,
    first: NaiveDateTime,
    zone: TimeZone,
) -> Option<impl Iterator<Item = DateTime<Utc>>> {
    let until = match rule.get_until() {
        // Beside a time in a zone it is written in UTC (RFC 5545 §3.3.10).
        Some(until) if until.timezone() != Tz::UTC => return None,
        until => until.map(|until| until.with_timezone(&Utc)),
    };
    let rule = match until {
        // The wall's clock is less than a day ahead; the times themselves are compared below.
        Some(until) => rule.until((until + TimeDelta::days(1)).with_timezone(&Tz::UTC)),
        None => rule,
    };
    let first = first.and_utc().with_timezone(&Tz::UTC);
    let rule = rule.validate(first).ok()?;
    let times = RRuleSet::new(first).rrule(rule).limit();
    let times = (&times).into_iter();
    Some(
        times
            .map(move |time| zone.instant(time.naive_utc()))
            .take_while(move |time| until.is_none_or(|until| *time <= until)),
    )
}

/// A time from which the rule can be counted as well as from `first`, about one period before `now`: a daily meeting of
/// many years is found as fast as a new one. All are times on the wall.
fn caught_up(rule: &RRule<Unvalidated>, first: NaiveDateTime, now: NaiveDateTime) -> NaiveDateTime {
    let days = match rule.get_freq() {
        Frequency::Daily => 1,
        Frequency::Weekly => 7,
        _ => return first,
    };
    if rule.get_count().is_some() {
        return first;
    }
    let period = i64::from(rule.get_interval()) * days;
    let periods = ((now - first).num_days() / period - 1).max(0);
    first + TimeDelta::days(periods * period)
}

fn parse(rule: &str) -> Result<RRule<Unvalidated>, BadRule> {
    if rule.len() > MAX_RULE_BYTES || !rule.bytes().all(is_of_rules) {
        return Err(BadRule::Syntax);
    }
    let parsed: RRule<Unvalidated> = rule.parse().map_err(|_| BadRule::Syntax)?;
    let more: &[&[&str]] = match parsed.get_freq() {
        Frequency::Daily | Frequency::Weekly => &[&PARTS],
        Frequency::Monthly => &[&PARTS, &MONTHLY_PARTS],
        Frequency::Yearly => &[&PARTS, &MONTHLY_PARTS, &YEARLY_PARTS],
        Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
            return Err(BadRule::Syntax);
        }
    };
    let counts_weekdays = more.len() > 1;
    for part in rule.split(';') {
        let (name, value) = part.split_once('=').ok_or(BadRule::Syntax)?;
        let is_known = more.concat().contains(&name);
        let counts = name == "BYDAY" && value.bytes().any(|byte| byte.is_ascii_digit());
        if !is_known || counts && !counts_weekdays {
            return Err(BadRule::Syntax);
        }
    }
    let (interval, count) = (parsed.get_interval(), parsed.get_count());
    // RFC 5545 §3.3.10: never both.
    if count.is_some() && parsed.get_until().is_some() {
        return Err(BadRule::Syntax);
    }
    if !(1..=MAX_INTERVAL).contains(&interval)
        || count.is_some_and(|count| !(1..=MAX_COUNT).contains(&count))
    {
        return Err(BadRule::TooMuch);
    }
    Ok(parsed)
}

/// What rules are written with; no colon and no line break, so that one stays one property of a calendar file.
fn is_of_rules(byte: u8) -> bool {
    byte.is_ascii_uppercase()
        || byte.is_ascii_digit()
        || matches!(byte, b'=' | b';' | b',' | b'-' | b'+')
}

/// Rules know no fractions of a second.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.with_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod zone_tests;
