//! Reads written recurrence rules (RFC 5545 §3.3.10).
//!
//! Calendars write rules in many ways, and people paste them: in lower case, with the name of the property, with the
//! line breaks of folded lines, with an end that is a date or a local time. All of these are accepted and written again
//! in one form. A refusal names its exact reason.

use std::fmt::{self, Write as _};

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc, Weekday,
};

use super::BadRule;
use crate::protocol::time_zone::TimeZone;

/// The longest rule that is taken, in bytes.
pub const MAX_RULE_BYTES: usize = 255;
/// The largest raw text, with the parts that are removed: spaces, line breaks, the name of the property.
const MAX_PASTED_BYTES: usize = 4 * MAX_RULE_BYTES;
/// The largest interval of a rule, in its own unit: days, weeks, months or years.
pub const MAX_INTERVAL: u32 = 366;
/// The most meetings that a rule may count.
pub const MAX_COUNT: u32 = 1_000;

const UTC_TIME: &str = "%Y%m%dT%H%M%SZ";
const LOCAL_TIME: &str = "%Y%m%dT%H%M%S";
const DATE: &str = "%Y%m%d";

/// The unit of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// By the day.
    Daily,
    /// By the week.
    Weekly,
    /// By the month.
    Monthly,
    /// By the year.
    Yearly,
}

/// The parts of a rule that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `FREQ`
    Freq,
    /// `INTERVAL`
    Interval,
    /// `COUNT`
    Count,
    /// `UNTIL`
    Until,
    /// `WKST`
    Wkst,
    /// `BYMONTH`
    ByMonth,
    /// `BYWEEKNO`
    ByWeekNo,
    /// `BYYEARDAY`
    ByYearDay,
    /// `BYMONTHDAY`
    ByMonthDay,
    /// `BYDAY`
    ByDay,
    /// `BYHOUR`
    ByHour,
    /// `BYMINUTE`
    ByMinute,
    /// `BYSECOND`
    BySecond,
    /// `BYSETPOS`
    BySetPos,
    /// `RSCALE` (RFC 7529)
    Rscale,
    /// `SKIP` (RFC 7529)
    Skip,
}

impl Part {
    const ALL: [Self; 16] = [
        Self::Freq,
        Self::Interval,
        Self::Count,
        Self::Until,
        Self::Wkst,
        Self::ByMonth,
        Self::ByWeekNo,
        Self::ByYearDay,
        Self::ByMonthDay,
        Self::ByDay,
        Self::ByHour,
        Self::ByMinute,
        Self::BySecond,
        Self::BySetPos,
        Self::Rscale,
        Self::Skip,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Freq => "FREQ",
            Self::Interval => "INTERVAL",
            Self::Count => "COUNT",
            Self::Until => "UNTIL",
            Self::Wkst => "WKST",
            Self::ByMonth => "BYMONTH",
            Self::ByWeekNo => "BYWEEKNO",
            Self::ByYearDay => "BYYEARDAY",
            Self::ByMonthDay => "BYMONTHDAY",
            Self::ByDay => "BYDAY",
            Self::ByHour => "BYHOUR",
            Self::ByMinute => "BYMINUTE",
            Self::BySecond => "BYSECOND",
            Self::BySetPos => "BYSETPOS",
            Self::Rscale => "RSCALE",
            Self::Skip => "SKIP",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Whether rules of this frequency may say it (the table of RFC 5545 §3.3.10).
    fn goes_with(self, frequency: Frequency) -> bool {
        match self {
            Self::ByWeekNo | Self::ByYearDay => frequency == Frequency::Yearly,
            Self::ByMonthDay => frequency != Frequency::Weekly,
            _ => true,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of numbers that count from the beginning or, if negative, from the end. There are at most 63 places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places {
    from_start: u64,
    from_end: u64,
}

impl Places {
    /// One place alone, counted from the start.
    pub fn only(place: u32) -> Self {
        Self {
            from_start: 1 << place,
            from_end: 0,
        }
    }

    fn add(&mut self, place: i32) {
        let bit = 1 << place.unsigned_abs();
        match place > 0 {
            true => self.from_start |= bit,
            false => self.from_end |= bit,
        }
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.from_start | self.from_end == 0
    }

    /// Whether the set contains the place that is `from_start` from the start and `from_end` from the end. Both begin
    /// with 1.
    pub fn name(self, from_start: u32, from_end: u32) -> bool {
        (self.from_start >> from_start | self.from_end >> from_end) & 1 == 1
    }
}

/// The same for a year, which has more places than bits in one word. A search asks for each day, so a look-up costs the
/// same however many places are in the set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct YearPlaces {
    from_start: [u64; YEAR_WORDS],
    from_end: [u64; YEAR_WORDS],
    any: bool,
}

/// The number of words that hold one bit for each of 366 places.
const YEAR_WORDS: usize = 6;

impl YearPlaces {
    fn of(places: &[i32]) -> Self {
        let mut named = Self::default();
        for place in places {
            let at = place.unsigned_abs() as usize;
            let words = match *place > 0 {
                true => &mut named.from_start,
                false => &mut named.from_end,
            };
            words[at / 64] |= 1 << (at % 64);
            named.any = true;
        }
        named
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        !self.any
    }

    /// As [`Places::name`].
    pub fn name(&self, from_start: u32, from_end: u32) -> bool {
        let holds = |words: &[u64; YEAR_WORDS], place: u32| {
            let word = words.get(place as usize / 64).copied().unwrap_or_default();
            word >> (place % 64) & 1 == 1
        };
        holds(&self.from_start, from_start) || holds(&self.from_end, from_end)
    }
}

/// A rule that was read. What it leaves open is not filled in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The unit.
    pub frequency: Frequency,
    /// The interval, in units.
    pub interval: u32,
    /// The total number of times.
    pub count: Option<u32>,
    /// The last moment at which a meeting may begin.
    pub until: Option<DateTime<Utc>>,
    /// The first day of weeks.
    pub week_start: Weekday,
    /// The months, one bit each from 1 on. 0 means all.
    pub months: u16,
    /// The weeks of the year.
    pub weeks: Places,
    /// The days of the year.
    pub year_days: YearPlaces,
    /// The days of the month.
    pub month_days: Places,
    /// The days of the week, one bit each from Monday on.
    pub weekdays: u8,
    /// The nth weekdays of the month or the year.
    pub nth_weekdays: Vec<(i32, Weekday)>,
    /// The positions among the days of one period.
    pub positions: YearPlaces,
}

impl Rule {
    /// Reads a rule whose first meeting begins at `first`, by the clocks of `zone`.
    ///
    /// # Errors
    /// [`BadRule`]
    pub fn read(raw: &str, zone: TimeZone, first: NaiveTime) -> Result<Self, BadRule> {
        let text = cleaned(raw)?;
        let parts = parts(&text)?;
        let find = |wanted: Part| {
            let mut parts = parts.iter();
            parts
                .find(|(part, _)| *part == wanted)
                .map(|(_, value)| *value)
        };
        let frequency = match find(Part::Freq) {
            Some("DAILY") => Frequency::Daily,
            Some("WEEKLY") => Frequency::Weekly,
            Some("MONTHLY") => Frequency::Monthly,
            Some("YEARLY") => Frequency::Yearly,
            Some("HOURLY" | "MINUTELY" | "SECONDLY") => return Err(BadRule::TooOften),
            Some(_) | None => return Err(BadRule::NoFrequency),
        };
        let mut rule = Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Mon,
            months: 0,
            weeks: Places::default(),
            year_days: YearPlaces::default(),
            month_days: Places::default(),
            weekdays: 0,
            nth_weekdays: Vec::new(),
            positions: YearPlaces::default(),
        };
        for (part, value) in &parts {
            if !part.goes_with(frequency) {
                return Err(BadRule::OutOfPlace(*part));
            }
            rule.take(*part, value, zone, first)?;
        }
        rule.check()?;
        Ok(rule)
    }

    fn take(
        &mut self,
        part: Part,
        value: &str,
        zone: TimeZone,
        first: NaiveTime,
    ) -> Result<(), BadRule> {
        let unreadable = || BadRule::Value(part);
        let numbers = |range| numbers(value, range).ok_or_else(unreadable);
        match part {
            Part::Freq => {}
            Part::Interval => self.interval = value.parse().map_err(|_| unreadable())?,
            Part::Count => self.count = Some(value.parse().map_err(|_| unreadable())?),
            Part::Until => self.until = Some(until(value, zone).ok_or_else(unreadable)?),
            Part::Wkst => self.week_start = weekday(value).ok_or_else(unreadable)?,
            Part::ByMonth => {
                for month in numbers(1..=12)? {
                    if month < 0 {
                        return Err(unreadable());
                    }
                    self.months |= 1 << month;
                }
            }
            Part::ByWeekNo => numbers(1..=53)?
                .into_iter()
                .for_each(|week| self.weeks.add(week)),
            Part::ByYearDay => self.year_days = YearPlaces::of(&numbers(1..=366)?),
            Part::ByMonthDay => numbers(1..=31)?
                .into_iter()
                .for_each(|day| self.month_days.add(day)),
            Part::ByDay => self.take_weekdays(value)?,
            Part::BySetPos => self.positions = YearPlaces::of(&numbers(1..=366)?),
            // All meetings begin at the time of day of the first one. Calendars may repeat it, and nothing else.
            Part::ByHour => is_first(part, value, first.hour())?,
            Part::ByMinute => is_first(part, value, first.minute())?,
            Part::BySecond => is_first(part, value, first.second())?,
            // RFC 7529: these are the defaults.
            Part::Rscale if value == "GREGORIAN" => {}
            Part::Skip if value == "OMIT" => {}
            Part::Rscale | Part::Skip => return Err(unreadable()),
        }
        Ok(())
    }

    fn take_weekdays(&mut self, value: &str) -> Result<(), BadRule> {
        let unreadable = BadRule::Value(Part::ByDay);
        for day in value.split(',') {
            let at = day
                .len()
                .checked_sub(2)
                .filter(|at| day.is_char_boundary(*at));
            let (place, name) = day.split_at(at.ok_or(unreadable)?);
            let weekday = weekday(name).ok_or(unreadable)?;
            if place.is_empty() {
                self.weekdays |= 1 << weekday.num_days_from_monday();
                continue;
            }
            let most = match self.frequency {
                Frequency::Daily | Frequency::Weekly => {
                    return Err(BadRule::OutOfPlace(Part::ByDay));
                }
                Frequency::Monthly => 5,
                Frequency::Yearly => 53,
            };
            let [place] = numbers(place, 1..=most).ok_or(unreadable)?[..] else {
                return Err(unreadable);
            };
            self.nth_weekdays.push((place, weekday));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), BadRule> {
        let is_bounded = |count: u32| (1..=MAX_COUNT).contains(&count);
        if !(1..=MAX_INTERVAL).contains(&self.interval) || !self.count.is_none_or(is_bounded) {
            return Err(BadRule::TooMuch);
        }
        // RFC 5545 §3.3.10: never both.
        if self.count.is_some() && self.until.is_some() {
            return Err(BadRule::CountAndUntil);
        }
        if !self.weeks.is_empty() && !self.nth_weekdays.is_empty() {
            return Err(BadRule::OutOfPlace(Part::ByDay));
        }
        let names_days = !self.year_days.is_empty()
            || !self.month_days.is_empty()
            || !self.weeks.is_empty()
            || self.names_weekdays()
            || self.months != 0;
        if !self.positions.is_empty() && !names_days {
            return Err(BadRule::Positions);
        }
        Ok(())
    }

    /// Whether the rule names days of the week.
    pub fn names_weekdays(&self) -> bool {
        self.weekdays != 0 || !self.nth_weekdays.is_empty()
    }
}

/// The rule as it is stored: its parts in their order and in capitals, with the end in UTC, as RFC 5545 §3.3.10 wants
/// beside a time in a zone.
///
/// # Errors
/// [`BadRule`]. The result is a valid rule only if [`Rule::read`] accepts `raw`.
pub fn written(raw: &str, zone: TimeZone) -> Result<String, BadRule> {
    let text = cleaned(raw)?;
    let mut written = String::with_capacity(text.len());
    for (part, value) in parts(&text)? {
        let separator = if written.is_empty() { "" } else { ";" };
        let value = match part {
            // What is meant without them.
            Part::ByHour | Part::ByMinute | Part::BySecond | Part::Rscale | Part::Skip => continue,
            Part::Until => {
                let until = until(value, zone).ok_or(BadRule::Value(part))?;
                until.format(UTC_TIME).to_string()
            }
            _ => value.to_owned(),
        };
        // Writing into a string does not fail.
        let _ = write!(written, "{separator}{part}={value}");
    }
    // An end may have become longer.
    match written.len() > MAX_RULE_BYTES {
        true => Err(BadRule::TooLongText),
        false => Ok(written),
    }
}

/// The bare rule: without the name of the property, folded lines and spaces, in capitals.
fn cleaned(raw: &str) -> Result<String, BadRule> {
    if raw.len() > MAX_PASTED_BYTES {
        return Err(BadRule::TooLongText);
    }
    let text = raw.chars().filter(|letter| !letter.is_whitespace());
    let text = text.collect::<String>().to_ascii_uppercase();
    let text = text.strip_prefix("RRULE:").unwrap_or(&text);
    if text.len() > MAX_RULE_BYTES {
        return Err(BadRule::TooLongText);
    }
    // Without colons and line breaks the rule stays one property of a calendar file.
    let is_of_rules = |byte: u8| byte.is_ascii_alphanumeric() || b"=;,-+".contains(&byte);
    match text.bytes().all(is_of_rules) {
        true => Ok(text.to_owned()),
        false => Err(BadRule::Characters),
    }
}

fn parts(text: &str) -> Result<Vec<(Part, &str)>, BadRule> {
    let mut parts: Vec<(Part, &str)> = Vec::new();
    for written in text.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = written.split_once('=').ok_or(BadRule::NoPart)?;
        let part = Part::named(name).ok_or(BadRule::UnknownPart)?;
        if parts.iter().any(|(known, _)| *known == part) {
            return Err(BadRule::Twice(part));
        }
        if value.is_empty() {
            return Err(BadRule::Value(part));
        }
        parts.push((part, value));
    }
    Ok(parts)
}

/// Reads an end (RFC 5545 §3.3.10): a time in UTC, a local time in `zone`, or a whole day in it. Its year must have
/// four digits in UTC as well, so that it can be written.
fn until(value: &str, zone: TimeZone) -> Option<DateTime<Utc>> {
    let end = if let Ok(time) = NaiveDateTime::parse_from_str(value, UTC_TIME) {
        time.and_utc()
    } else if let Ok(wall) = NaiveDateTime::parse_from_str(value, LOCAL_TIME) {
        zone.instant(wall)
    } else {
        let day = NaiveDate::parse_from_str(value, DATE).ok()?;
        zone.instant(day.and_hms_opt(23, 59, 59)?)
    };
    (0..=9_999).contains(&end.year()).then_some(end)
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

/// Reads numbers with absolute values in `range`.
fn numbers(value: &str, range: std::ops::RangeInclusive<u32>) -> Option<Vec<i32>> {
    let number = |written: &str| {
        let number: i32 = written.parse().ok()?;
        range.contains(&number.unsigned_abs()).then_some(number)
    };
    value.split(',').map(number).collect()
}

fn is_first(part: Part, value: &str, first: u32) -> Result<(), BadRule> {
    match value.parse::<u32>() {
        Ok(named) if first == named => Ok(()),
        _ => Err(BadRule::TimeOfDay(part)),
    }
}
