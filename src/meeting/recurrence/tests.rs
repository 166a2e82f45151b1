//! Against another implementation, and against what hostile rules cost.

use chrono::NaiveTime;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use super::*;
use crate::protocol::time_zone::TimeZone;

fn day(raw: &str) -> NaiveDate {
    raw.parse().unwrap()
}

fn pattern(rule: &str, first: NaiveDate) -> Pattern {
    let rule = Rule::read(rule, TimeZone::UTC, NaiveTime::MIN);
    Pattern::new(rule.unwrap(), first)
}

/// What the crate `rrule` says of the same rule; none when it does not take it.
fn second_opinion(rule: &str, first: NaiveDate, to: NaiveDate) -> Option<Vec<NaiveDate>> {
    let first = first
        .and_time(NaiveTime::MIN)
        .and_utc()
        .with_timezone(&Tz::UTC);
    let rule: RRule<Unvalidated> = rule.parse().ok()?;
    let end = to
        .and_time(NaiveTime::MIN)
        .and_utc()
        .with_timezone(&Tz::UTC);
    let rule = rule.until(end).validate(first).ok()?;
    let times = RRuleSet::new(first).rrule(rule);
    Some((&times).into_iter().map(|at| at.date_naive()).collect())
}

/// One value or several of a part, from `most` down to `-most`.
fn some_of(random: &mut StdRng, least: i32, most: i32) -> String {
    let count = random.random_range(1..=3);
    let number = |_| loop {
        let number = random.random_range(least..=most);
        if number != 0 {
            break number.to_string();
        }
    };
    (0..count).map(number).collect::<Vec<_>>().join(",")
}

fn any_rule(random: &mut StdRng) -> String {
    let frequency = *["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
        .choose(random)
        .unwrap();
    let mut rule = format!("FREQ={frequency}");
    let mut add = |part: &str, value: String| rule.push_str(&format!(";{part}={value}"));
    if random.random_bool(0.5) {
        add("INTERVAL", random.random_range(1..=5).to_string());
    }
    if random.random_bool(0.3) {
        let start = *["MO", "TU", "WE", "SU", "SA"].choose(random).unwrap();
        add("WKST", start.to_owned());
    }
    let mut names_days = false;
    if random.random_bool(0.3) {
        add("BYMONTH", some_of(random, 1, 12));
        names_days = true;
    }
    if frequency == "YEARLY" && random.random_bool(0.2) {
        // Weeks that reach into the next year are counted from its end by that implementation in one case alone.
        add("BYWEEKNO", some_of(random, 1, 53));
        names_days = true;
    } else if frequency == "YEARLY" && random.random_bool(0.2) {
        add("BYYEARDAY", some_of(random, -366, 366));
        names_days = true;
    } else if matches!(frequency, "MONTHLY" | "YEARLY") && random.random_bool(0.4) {
        add("BYMONTHDAY", some_of(random, -31, 31));
        names_days = true;
    } else if random.random_bool(0.6) {
        let days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
        // That implementation wants both of a mixture like `FR,1MO`; the standard wants either.
        let counts = matches!(frequency, "MONTHLY" | "YEARLY") && random.random_bool(0.5);
        let day = |random: &mut StdRng| {
            let place = match counts {
                true => *["1", "2", "+3", "-1", "-2"].choose(random).unwrap(),
                false => "",
            };
            format!("{place}{}", days.choose(random).unwrap())
        };
        let count = random.random_range(1..=4);
        let list: Vec<_> = (0..count).map(|_| day(random)).collect();
        add("BYDAY", list.join(","));
        names_days = true;
    }
    if names_days && matches!(frequency, "MONTHLY" | "YEARLY") && random.random_bool(0.3) {
        add("BYSETPOS", some_of(random, -4, 4));
    }
    rule
}

#[test]
fn a_second_implementation_names_the_same_days() {
    let mut random = StdRng::seed_from_u64(5545);
    let mut compared = 0;
    let mut differing = Vec::new();
    while compared < 3_000 {
        let rule = any_rule(&mut random);
        let first = day("2000-01-01") + Days::new(random.random_range(0..10_000));
        let to = first + Days::new(2_000);
        let Some(expected) = second_opinion(&rule, first, to) else {
            continue;
        };
        compared += 1;
        let found: Vec<_> = pattern(&rule, first).days(first, to).collect();
        if found != expected {
            differing.push((rule.clone(), first));
        }
        // From somewhere within, the same days come.
        let from = first + Days::new(random.random_range(0..2_000));
        let later: Vec<_> = pattern(&rule, first).days(from, to).collect();
        let expected: Vec<_> = expected.into_iter().filter(|day| *day >= from).collect();
        if later != expected {
            differing.push((rule, first));
        }
    }
    assert_eq!(differing, []);
}

#[test]
fn no_rule_costs_more_than_a_bounded_search() {
    let first = day("2000-01-01");
    let now = day("2026-11-29");
    let to = day("2066-11-29");
    for (rule, most) in [
        // What comes soon is found in the period of now or the one after it, however long ago the rule began.
        ("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", 366),
        ("FREQ=DAILY", 1),
        ("FREQ=DAILY;INTERVAL=7", 2),
        ("FREQ=WEEKLY;BYDAY=SA;INTERVAL=3", 14),
        ("FREQ=MONTHLY;BYDAY=1SA", 62),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1", 31),
        // What never comes again is looked for as far as the horizon.
        ("FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2", 41 * 366),
        ("FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2", 41 * 366),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6", 41 * 366),
        ("FREQ=YEARLY;BYDAY=MO;BYSETPOS=300", 41 * 366),
        ("FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100", 41 * 366),
        ("FREQ=YEARLY;INTERVAL=366", 366),
    ] {
        let pattern = pattern(rule, first);
        let mut days = pattern.days(now, to);
        days.next();
        assert!(days.looked_at <= most, "{rule}: {} days", days.looked_at);
    }
    // Even over all of the calendar a search ends.
    let never = pattern("FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2", first);
    let mut days = never.days(first, NaiveDate::MAX);
    assert_eq!(days.next(), None);
    assert_eq!(days.looked_at, budgets::RULE_DAYS.size());
}

/// Not a test of time but of kinds: every rule that `room.create` could be sent ends in days or a reason.
#[test]
fn garbage_is_a_rule_or_a_reason() {
    let mut random = StdRng::seed_from_u64(1);
    let letters: Vec<char> = "FREQ=DAILYWKSTBYMO;:,-+0123456789 \r\näé".chars().collect();
    for _ in 0..20_000 {
        let mut raw = any_rule(&mut random);
        for _ in 0..random.random_range(0..4) {
            let letter = *letters.choose(&mut random).unwrap();
            let at = random.random_range(0..=raw.chars().count());
            raw = raw
                .chars()
                .take(at)
                .chain([letter])
                .chain(raw.chars().skip(at + 1))
                .collect();
        }
        if let Ok(rule) = Rule::read(&raw, TimeZone::UTC, NaiveTime::MIN) {
            let written = rule::written(&raw, TimeZone::UTC).unwrap();
            let again = Rule::read(&written, TimeZone::UTC, NaiveTime::MIN);
            assert_eq!(again, Ok(rule.clone()), "{raw}");
            let pattern = Pattern::new(rule, day("2026-01-31"));
            pattern
                .days(day("2026-01-31"), day("2030-01-01"))
                .for_each(drop);
        }
    }
}
