//! A time zone as calendar files carry it: `VTIMEZONE` (RFC 5545 §3.6.5).
//!
//! The time zone database of this server contains offsets, and not the rules behind them. So the changes of the clocks
//! are read from it. Changes that follow a yearly rule until the end of the database, such as "the last Sunday in
//! March", are written as that rule. All others are listed one by one. Readers that know the zone by its name use their
//! own data.

use chrono::{
    DateTime, Datelike as _, Month, NaiveDateTime, NaiveTime, Offset as _, TimeDelta,
    TimeZone as _, Utc, Weekday,
};
use chrono_tz::{OffsetComponents as _, Tz};

use crate::protocol::time_zone::TimeZone;

/// Changes are looked for in these years.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2099;
/// No zone has two changes in less.
const STEP: TimeDelta = TimeDelta::days(7);
/// The format of local times.
pub(super) const LOCAL: &str = "%Y%m%dT%H%M%S";

/// The offset of the clocks from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Phase {
    /// East of UTC, in seconds.
    offset: i32,
    /// The name of the offset: `CEST`, or `-03` if it has none.
    name: String,
    /// Clocks are put forward.
    is_daylight: bool,
}

/// One change of clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// The local time of the change, by the old offset.
    wall: NaiveDateTime,
    /// The old offset from UTC in seconds.
    before: i32,
    /// The new offset.
    after: Phase,
}

/// The zone in lines, as far as meetings from `begin` on need it.
pub(super) fn component(zone: TimeZone, begin: DateTime<Utc>) -> String {
    let mut lines = format!("BEGIN:VTIMEZONE\r\nTZID:{zone}\r\n");
    let mut changes = changes(zone.clocks());
    let is_past = |change: &Change| change.wall - seconds(change.before) <= begin.naive_utc();
    // The last change before `begin` gives the offset at `begin`.
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

/// Writes the changes of one kind, the earliest first: first those without a rule, then the rule.
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

/// How many of the last changes follow one yearly rule until the last known year, and that rule. 0 if none do.
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
    // A rule can fall on seven days of the month. In fewer years not all of them have come up.
    if days.end() - days.start() < 6 {
        return (0, String::new());
    }
    (count, rule(&law(last), *days.start()))
}

/// The rule for changes on this weekday from the `first` of the month to six days later.
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

/// The number of days of a month. 0 for February, whose length varies.
fn days_of(month: u32) -> u32 {
    let month = u8::try_from(month)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let days = month.filter(|month| *month != Month::February);
    days.and_then(|month| month.num_days(*YEARS.start()))
        .map_or(0, u32::from)
}

/// All changes of the clocks of a zone. An entry at the beginning of the first year, which changes nothing, comes
/// first.
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

/// The first second with the offset of `late`. The offset of `early` is another.
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
            // Some zones call summer the standard time and have a negative saving in winter. Their summer still counts
            // as daylight time.
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

/// An offset as files write it: `+0530`, with seconds if it has any (RFC 5545 §3.3.14).
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
