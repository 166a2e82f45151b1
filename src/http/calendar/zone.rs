//! A time zone as calendar files carry it: `VTIMEZONE` (RFC 5545 §3.6.5).
//!
//! The time zone database that this server is built with tells offsets, not the laws behind them. So the changes of
//! clocks are read from it, and those of one kind that keep to one rule by the year until its end, such as "the last
//! Sunday in March", are written as that rule; all others are listed one by one. Readers that know the zone by its name
//! use their own knowledge of it.

use chrono::{
    DateTime, Datelike as _, Month, NaiveDateTime, NaiveTime, Offset as _, TimeDelta,
    TimeZone as _, Utc, Weekday,
};
use chrono_tz::{OffsetComponents as _, Tz};

use crate::protocol::time_zone::TimeZone;

/// The years of which changes are looked for.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2099;
/// No zone has two changes in less.
const STEP: TimeDelta = TimeDelta::days(7);
/// What local times are written like.
pub(super) const LOCAL: &str = "%Y%m%dT%H%M%S";

/// What clocks show from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Phase {
    /// East of UTC, in seconds.
    offset: i32,
    /// The offset's name: `CEST`, or `-03` where it has none.
    name: String,
    /// Clocks are put forward.
    is_daylight: bool,
}

/// One change of clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// When, by the clocks that are about to be changed.
    wall: NaiveDateTime,
    /// What they were ahead of UTC until then, in seconds.
    before: i32,
    /// What they show from then on.
    after: Phase,
}

/// The zone as far as meetings from `begin` on need it, in lines.
pub(super) fn component(zone: TimeZone, begin: DateTime<Utc>) -> String {
    let mut lines = format!("BEGIN:VTIMEZONE\r\nTZID:{zone}\r\n");
    let mut changes = changes(zone.clocks());
    let is_past = |change: &Change| change.wall - seconds(change.before) <= begin.naive_utc();
    // The one before the beginning says which offset it has.
    let past = changes.iter().filter(|change| is_past(change)).count();
    changes.drain(..past.saturating_sub(1));
    while let Some(first) = changes.first().cloned() {
        let is_alike =
            |change: &Change| change.before == first.before && change.after == first.after;
        let (alike, rest) = changes.into_iter().partition(is_alike);
        write_alike(&mut lines, alike);
        changes = rest;
    }
    lines + "END:VTIMEZONE\r\n"
}

/// Changes of one kind, earliest first: what keeps to no rule, then what does.
fn write_alike(lines: &mut String, mut alike: Vec<Change>) {
    let (steady, rule) = steady(&alike);
    let steady = alike.split_off(alike.len() - steady);
    if let [first, more @ ..] = &alike[..] {
        let listed = more.iter().map(|change| change.wall.format(LOCAL));
        let listed = listed.map(|wall| format!("RDATE:{wall}\r\n")).collect();
        write_observance(lines, first, listed);
    }
    if let Some(first) = steady.first() {
        write_observance(lines, first, format!("RRULE:{rule}\r\n"));
    }
}

fn write_observance(lines: &mut String, first: &Change, again: String) {
    let Phase {
        offset,
        name,
        is_daylight,
    } = &first.after;
    let kind = if *is_daylight { "DAYLIGHT" } else { "STANDARD" };
    let start = first.wall.format(LOCAL);
    let (from, to) = (written(first.before), written(*offset));
    let facts =
        format!("DTSTART:{start}\r\nTZOFFSETFROM:{from}\r\nTZOFFSETTO:{to}\r\nTZNAME:{name}\r\n");
    *lines += &format!("BEGIN:{kind}\r\n{facts}{again}END:{kind}\r\n");
}

/// How many of the last of these changes keep to one rule by the year until the last year that is known, and the rule;
/// 0 when none do.
fn steady(alike: &[Change]) -> (usize, String) {
    let Some(last) = alike.last().filter(|last| last.wall.year() == *YEARS.end()) else {
        return (0, String::new());
    };
    let law = |change: &Change| -> (u32, Weekday, NaiveTime) {
        (
            change.wall.month(),
            change.wall.weekday(),
            change.wall.time(),
        )
    };
    let mut days = last.wall.day()..=last.wall.day();
    let mut count = 0;
    for (change, year) in alike.iter().rev().zip(YEARS.rev()) {
        let day = change.wall.day();
        let wider = day.min(*days.start())..=day.max(*days.end());
        let is_lawful = law(change) == law(last) && change.wall.year() == year;
        if !is_lawful || wider.end() - wider.start() >= 7 {
            break;
        }
        days = wider;
        count += 1;
    }
    // In fewer years not every day of the month has come up on which the rule may fall.
    if days.end() - days.start() < 6 {
        return (0, String::new());
    }
    (count, rule(&law(last), *days.start()))
}

/// The rule of changes that come on this weekday from the `first` of the month on or in the six days after it.
fn rule((month, weekday, _): &(u32, Weekday, NaiveTime), first: u32) -> String {
    let day = &weekday.to_string().to_uppercase()[..2];
    let law = match first {
        1 | 8 | 15 | 22 => format!("BYDAY={}{day}", first / 7 + 1),
        _ if first + 6 == days_of(*month) => format!("BYDAY=-1{day}"),
        _ => {
            let days: Vec<String> = (first..first + 7).map(|day| day.to_string()).collect();
            format!("BYMONTHDAY={};BYDAY={day}", days.join(","))
        }
    };
    format!("FREQ=YEARLY;BYMONTH={month};{law}")
}

/// How many days a month has that always has as many; 0 for February.
fn days_of(month: u32) -> u32 {
    let month = u8::try_from(month)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let days = month.filter(|month| *month != Month::February);
    days.and_then(|month| month.num_days(*YEARS.start()))
        .map_or(0, u32::from)
}

/// Every change of a zone's clocks, after one at the beginning of the first year that changes nothing.
fn changes(zone: Tz) -> Vec<Change> {
    let (mut at, end) = (new_year(*YEARS.start()), new_year(YEARS.end() + 1));
    let mut changes = vec![change(zone, at)];
    while at < end {
        let next = (at + STEP).min(end);
        if offset(zone, next) != offset(zone, at) {
            changes.push(change(zone, moment(zone, at, next)));
        }
        at = next;
    }
    changes
}

fn new_year(year: i32) -> DateTime<Utc> {
    let midnight = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0);
    midnight.single().unwrap_or_default()
}

/// The first second with the offset of `late`; `early` has another.
fn moment(zone: Tz, mut early: DateTime<Utc>, mut late: DateTime<Utc>) -> DateTime<Utc> {
    let after = offset(zone, late);
    while late - early > TimeDelta::seconds(1) {
        let middle = early + TimeDelta::seconds((late - early).num_seconds() / 2);
        match offset(zone, middle) == after {
            true => late = middle,
            false => early = middle,
        }
    }
    late
}

fn change(zone: Tz, at: DateTime<Utc>) -> Change {
    let [before, after] =
        [at - TimeDelta::seconds(1), at].map(|at| zone.offset_from_utc_datetime(&at.naive_utc()));
    let [saved_before, saved] = [before, after].map(|offset| offset.dst_offset());
    let before = before.fix().local_minus_utc();
    Change {
        wall: at.naive_utc() + seconds(before),
        before,
        after: Phase {
            offset: after.fix().local_minus_utc(),
            name: after.to_string(),
            // Where the law calls summer the standard and saves less than nothing in winter, it is still daylight time.
            is_daylight: saved > saved_before || saved == saved_before && saved > TimeDelta::zero(),
        },
    }
}

/// East of UTC, in seconds.
fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    offset.fix().local_minus_utc()
}

fn seconds(count: i32) -> TimeDelta {
    TimeDelta::seconds(count.into())
}

/// An offset as files write it: `+0530`, with seconds where there are any (RFC 5545 §3.3.14).
fn written(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let (minutes, seconds) = (offset.abs() / 60, offset.abs() % 60);
    let clock = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
    match seconds {
        0 => clock,
        seconds => format!("{clock}{seconds:02}"),
    }
}

#[cfg(test)]
mod tests;
