//! The days that a recurrence rule names (RFC 5545 §3.3.10), counted on a calendar and not on clocks.
//!
//! A rule here repeats whole days, so each day can be asked by itself whether the rule names it. A search goes through
//! the days of the periods (every second week, say). It begins at the wanted period, so earlier periods cost nothing.
//! Only a rule with a count must be followed from its first day, and it is never longer than [`rule::MAX_COUNT`].
//! [`budgets::RULE_DAYS`](crate::budgets::rooms::RULE_DAYS) bounds how many days a search looks at.

pub mod rule;

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

use self::rule::{Frequency, Part, Rule};
use crate::budgets::rooms as budgets;

/// The longest time between two meetings, in years. A 29th of February falls on the same weekday after 40 years at
/// most, even across a century that is no leap year.
pub const HORIZON_YEARS: i32 = 40;

/// Why a recurrence is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// The first meeting has no begin or no end.
    #[error("needs begin_at and end_at")]
    NoTimes,
    /// The text is too long.
    #[error("must be at most {} bytes long", rule::MAX_RULE_BYTES)]
    TooLongText,
    /// A character that does not occur in rules.
    #[error("holds a character that no recurrence rule is written with")]
    Characters,
    /// No `NAME=value`.
    #[error("must be parts like FREQ=WEEKLY;BYDAY=MO (RFC 5545, section 3.3.10)")]
    NoPart,
    /// A name that the standard does not know.
    #[error("has a part that is none of a recurrence rule's (RFC 5545, section 3.3.10)")]
    UnknownPart,
    /// It does not say how often.
    #[error("must say FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")]
    NoFrequency,
    /// By the hour or less.
    #[error("must not come more often than FREQ=DAILY")]
    TooOften,
    /// A part stands there twice.
    #[error("says {0} twice")]
    Twice(Part),
    /// The value of a part is invalid.
    #[error("has a value of {0} that cannot be read")]
    Value(Part),
    /// A part that this frequency does not take.
    #[error("must not say {0} like this beside its other parts")]
    OutOfPlace(Part),
    /// Another time of day than the first meeting's.
    #[error("must not say {0} other than begin_at does by the clocks of time_zone")]
    TimeOfDay(Part),
    /// Two ends.
    #[error("may say COUNT or UNTIL, not both")]
    CountAndUntil,
    /// `BYSETPOS` alone.
    #[error("may say BYSETPOS only beside another part that begins with BY")]
    Positions,
    /// Too much of something.
    #[error(
        "may have INTERVAL from 1 to {} and COUNT from 1 to {}",
        rule::MAX_INTERVAL,
        rule::MAX_COUNT
    )]
    TooMuch,
    /// The meeting lasts too long to come again.
    #[error("needs a meeting of at most 24 hours")]
    TooLong,
    /// The first time lies too far away.
    #[error("needs a begin_at from 2000 to 2199")]
    TooFar,
    /// It ends before it begins.
    #[error("has an UNTIL before begin_at")]
    Over,
    /// The rule does not name the first time.
    #[error("must name begin_at, by the clocks of time_zone, as one of its times")]
    NotFirst,
    /// The second time lies too far away, or the rule promises more times but has only one.
    #[error("names no second time within {HORIZON_YEARS} years of begin_at")]
    TooRare,
}

/// A rule, completed from its first day.
#[derive(Debug, Clone)]
pub struct Pattern {
    rule: Rule,
    first: NaiveDate,
    /// Whether "the nth Monday" counts within the month. Otherwise it counts within the year.
    counts_in_month: bool,
}

impl Pattern {
    /// Completes the rule: what it leaves open is taken from the `first` day.
    pub fn new(mut rule: Rule, first: NaiveDate) -> Self {
        let counts_in_month = rule.frequency == Frequency::Monthly || rule.months != 0;
        let names_days = rule.names_weekdays()
            || !rule.month_days.is_empty()
            || !rule.year_days.is_empty()
            || !rule.weeks.is_empty();
        if !names_days {
            match rule.frequency {
                Frequency::Daily => {}
                Frequency::Weekly => rule.weekdays = bit(first.weekday()),
                Frequency::Monthly => rule.name_month_day(first.day()),
                Frequency::Yearly => {
                    if rule.months == 0 {
                        rule.months = 1 << first.month();
                    }
                    rule.name_month_day(first.day());
                }
            }
        }
        Self {
            rule,
            first,
            counts_in_month,
        }
    }

    /// The days of the rule from `from` to `to`, in order. Ends early when [`budgets::RULE_DAYS`] are spent.
    pub fn days(&self, from: NaiveDate, to: NaiveDate) -> DaysOf<'_> {
        let from = from.max(self.first);
        let interval = i64::from(self.rule.interval);
        let periods = self.period_of(from) - self.period_of(self.first);
        DaysOf {
            pattern: self,
            from,
            to,
            period: self.period_of(self.first) + periods.div_euclid(interval) * interval,
            found: Vec::new(),
            looked_at: 0,
        }
    }

    /// The number of the period that a day lies in.
    fn period_of(&self, day: NaiveDate) -> i64 {
        let number = i64::from(day.num_days_from_ce());
        match self.rule.frequency {
            Frequency::Daily => number,
            Frequency::Weekly => {
                // Day 1 of the calendar was a Monday.
                let start = i64::from(self.rule.week_start.num_days_from_monday());
                (number - 1 - start).div_euclid(7)
            }
            Frequency::Monthly => i64::from(day.year()) * 12 + i64::from(day.month0()),
            Frequency::Yearly => i64::from(day.year()),
        }
    }

    /// The first day of a period and its number of days. None beyond the calendar.
    fn period(&self, number: i64) -> Option<(NaiveDate, u32)> {
        let day = |number: i64| NaiveDate::from_num_days_from_ce_opt(i32::try_from(number).ok()?);
        match self.rule.frequency {
            Frequency::Daily => Some((day(number)?, 1)),
            Frequency::Weekly => {
                let start = i64::from(self.rule.week_start.num_days_from_monday());
                Some((day(number * 7 + 1 + start)?, 7))
            }
            Frequency::Monthly => {
                let year = i32::try_from(number.div_euclid(12)).ok()?;
                let month = u32::try_from(number.rem_euclid(12)).ok()? + 1;
                let first = NaiveDate::from_ymd_opt(year, month, 1)?;
                Some((first, days_in_month(first)))
            }
            Frequency::Yearly => {
                let first = NaiveDate::from_ymd_opt(i32::try_from(number).ok()?, 1, 1)?;
                Some((first, days_in_year(first)))
            }
        }
    }

    /// Whether a period (a month or a day) lies outside the months that the rule names.
    fn is_out_of_months(&self, start: NaiveDate) -> bool {
        let months = self.rule.months;
        let is_within_one = matches!(self.rule.frequency, Frequency::Daily | Frequency::Monthly);
        is_within_one && months != 0 && months >> start.month() & 1 == 0
    }

    /// How many periods to go forward. A month that the rule does not name is skipped at once.
    fn step(&self, start: NaiveDate, is_out: bool) -> i64 {
        let interval = i64::from(self.rule.interval);
        if !is_out || self.rule.frequency != Frequency::Daily {
            return interval;
        }
        let rest = i64::from(days_in_month(start) + 1 - start.day());
        (rest + interval - 1) / interval * interval
    }

    /// Whether the rule names this day. Only conditions on the day itself are checked.
    fn names(&self, day: NaiveDate) -> bool {
        let rule = &self.rule;
        if rule.months != 0 && rule.months >> day.month() & 1 == 0 {
            return false;
        }
        if !rule.month_days.is_empty() {
            let from_end = days_in_month(day) + 1 - day.day();
            if !rule.month_days.name(day.day(), from_end) {
                return false;
            }
        }
        self.names_weekday(day) && self.names_week(day) && self.names_year_day(day)
    }

    fn names_weekday(&self, day: NaiveDate) -> bool {
        let rule = &self.rule;
        if !rule.names_weekdays() || rule.weekdays & bit(day.weekday()) != 0 {
            return true;
        }
        if rule.nth_weekdays.is_empty() {
            return false;
        }
        let (before, after) = match self.counts_in_month {
            true => (day.day0(), days_in_month(day) - day.day()),
            false => (day.ordinal0(), days_in_year(day) - day.ordinal()),
        };
        let places = [before as i32 / 7 + 1, -(after as i32 / 7 + 1)];
        let mut nth = rule.nth_weekdays.iter();
        nth.any(|(place, weekday)| *weekday == day.weekday() && places.contains(place))
    }

    fn names_year_day(&self, day: NaiveDate) -> bool {
        let days = &self.rule.year_days;
        days.is_empty() || days.name(day.ordinal(), days_in_year(day) + 1 - day.ordinal())
    }

    /// The first week of a year is the first with at least four days in it (RFC 5545 §3.3.10).
    fn names_week(&self, day: NaiveDate) -> bool {
        if self.rule.weeks.is_empty() {
            return true;
        }
        let into_week = day.weekday().days_since(self.rule.week_start);
        // A week belongs to the year of its fourth day.
        let Some(fourth) = (day + Days::new(3)).checked_sub_days(Days::new(into_week.into()))
        else {
            return false;
        };
        let after = days_in_year(fourth) - fourth.ordinal();
        self.rule
            .weeks
            .name(fourth.ordinal0() / 7 + 1, after / 7 + 1)
    }
}

impl Rule {
    /// Names this day of the month, and no other.
    fn name_month_day(&mut self, day: u32) {
        self.month_days = rule::Places::only(day);
    }
}

/// The days of a rule within some time.
#[derive(Debug)]
pub struct DaysOf<'a> {
    pattern: &'a Pattern,
    from: NaiveDate,
    to: NaiveDate,
    /// The next period to be looked at.
    period: i64,
    /// The days that were found in the last period, in reverse order.
    found: Vec<NaiveDate>,
    looked_at: usize,
}

impl DaysOf<'_> {
    /// Looks at one period. None if there are no more periods.
    fn look(&mut self) -> Option<()> {
        let (start, length) = self.pattern.period(self.period)?;
        if start > self.to || self.looked_at >= budgets::RULE_DAYS.size() {
            return None;
        }
        let is_out = self.pattern.is_out_of_months(start);
        self.period += self.pattern.step(start, is_out);
        self.looked_at += length as usize;
        let mut found = std::mem::take(&mut self.found);
        if !is_out {
            let days = start.iter_days().take(length as usize);
            found.extend(days.filter(|day| self.pattern.names(*day)));
        }
        let positions = &self.pattern.rule.positions;
        if !positions.is_empty() {
            let count = found.len() as u32;
            let mut at = 0;
            found.retain(|_| {
                at += 1;
                positions.name(at, count + 1 - at)
            });
        }
        found.retain(|day| (self.from..=self.to).contains(day));
        found.reverse();
        self.found = found;
        Some(())
    }
}

impl Iterator for DaysOf<'_> {
    type Item = NaiveDate;

    fn next(&mut self) -> Option<NaiveDate> {
        while self.found.is_empty() {
            self.look()?;
        }
        self.found.pop()
    }
}

fn bit(weekday: Weekday) -> u8 {
    1 << weekday.num_days_from_monday()
}

fn days_in_month(day: NaiveDate) -> u32 {
    u32::from(day.num_days_in_month())
}

fn days_in_year(day: NaiveDate) -> u32 {
    if day.leap_year() { 366 } else { 365 }
}

#[cfg(test)]
mod tests;
