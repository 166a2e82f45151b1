use std::collections::BTreeMap;

use rrule::{RRule, RRuleSet, Unvalidated};

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::try_from(name.to_owned()).unwrap()
}

fn time(raw: &str) -> DateTime<Utc> {
    raw.parse().unwrap()
}

fn local(raw: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(raw, LOCAL).unwrap()
}

/// `-0330` in seconds.
fn read_offset(raw: &str) -> i32 {
    let sign = if raw.starts_with('-') { -1 } else { 1 };
    let part = |at: usize| {
        raw.get(at..at + 2)
            .map_or(0, |part| part.parse::<i32>().unwrap())
    };
    sign * (part(1) * 3_600 + part(3) * 60 + part(5))
}

/// When which offset begins, as a reader finds it in the lines alone: each onset until `end`, in UTC.
fn onsets(lines: &str, end: DateTime<Utc>) -> BTreeMap<NaiveDateTime, i32> {
    let mut found = BTreeMap::new();
    for part in lines.split("BEGIN:").skip(2) {
        let values = |name: &str| -> Vec<&str> {
            let lines = part.lines().filter_map(|line| line.split_once(':'));
            lines
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value)
                .collect()
        };
        let start = local(values("DTSTART")[0]);
        let mut walls: Vec<NaiveDateTime> = values("RDATE").into_iter().map(local).collect();
        walls.push(start);
        for rule in values("RRULE") {
            let first = start.and_utc().with_timezone(&rrule::Tz::UTC);
            let rule: RRule<Unvalidated> = rule.parse().unwrap();
            let times = RRuleSet::new(first).rrule(rule.validate(first).unwrap());
            let times = times.into_iter().map(|time| time.naive_utc());
            let times: Vec<_> = times.take_while(|time| time.and_utc() < end).collect();
            assert_eq!(
                times.first(),
                Some(&start),
                "a rule names its first time: {part}"
            );
            walls.extend(times);
        }
        let [from, to] = ["TZOFFSETFROM", "TZOFFSETTO"].map(|name| read_offset(values(name)[0]));
        found.extend(walls.into_iter().map(|wall| (wall - seconds(from), to)));
    }
    found
}

#[test]
fn a_zone_of_rules_is_written_by_its_rules() {
    let berlin = component(zone("Europe/Berlin"), time("2026-03-02T09:00:00Z"));
    let expected = [
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:STANDARD",
        "DTSTART:20251026T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:20260329T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
        "",
    ];
    assert_eq!(berlin, expected.join("\r\n"));
}

#[test]
fn other_laws_are_written_as_they_are() {
    for (name, rules) in [
        (
            "America/New_York",
            ["BYMONTH=3;BYDAY=2SU", "BYMONTH=11;BYDAY=1SU"],
        ),
        (
            "Australia/Sydney",
            ["BYMONTH=10;BYDAY=1SU", "BYMONTH=4;BYDAY=1SU"],
        ),
        // On the Friday before the last Sunday in March.
        (
            "Asia/Jerusalem",
            [
                "BYMONTH=3;BYMONTHDAY=23,24,25,26,27,28,29;BYDAY=FR",
                "BYMONTH=10;BYDAY=-1SU",
            ],
        ),
    ] {
        let lines = component(zone(name), time("2026-01-01T00:00:00Z"));
        for rule in rules {
            assert!(
                lines.contains(&format!("RRULE:FREQ=YEARLY;{rule}\r\n")),
                "{lines}"
            );
        }
        assert!(!lines.contains("RDATE"), "{lines}");
    }
    // Ireland's law has standard time in summer.
    let dublin = component(zone("Europe/Dublin"), time("2026-01-01T00:00:00Z"));
    assert!(
        dublin.contains("BEGIN:DAYLIGHT\r\nDTSTART:20260329T010000\r\n"),
        "{dublin}"
    );
    // By the moon.
    let casablanca = component(zone("Africa/Casablanca"), time("2026-01-01T00:00:00Z"));
    assert!(
        casablanca.contains("RDATE:2027") && !casablanca.contains("RRULE"),
        "{casablanca}"
    );
    // Once one law, then another.
    let york = component(zone("America/New_York"), time("2005-06-01T00:00:00Z"));
    assert!(
        york.contains("DTSTART:20050403T020000") && york.contains("RDATE:20060402T020000"),
        "{york}"
    );
}

#[test]
fn a_zone_without_changes_has_one_offset() {
    for (name, start, offset) in [
        (
            "Asia/Shanghai",
            "19910915T020000",
            "TZOFFSETFROM:+0900\r\nTZOFFSETTO:+0800\r\nTZNAME:CST",
        ),
        (
            "Asia/Kolkata",
            "19700101T053000",
            "TZOFFSETFROM:+0530\r\nTZOFFSETTO:+0530\r\nTZNAME:IST",
        ),
        (
            "Etc/GMT+5",
            "19691231T190000",
            "TZOFFSETFROM:-0500\r\nTZOFFSETTO:-0500\r\nTZNAME:-05",
        ),
    ] {
        let lines = component(zone(name), time("2026-01-01T00:00:00Z"));
        let expected = format!(
            "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:{start}\r\n{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        );
        assert_eq!(lines, expected);
    }
}

#[test]
fn every_zone_reads_as_its_clocks_go() {
    let end = time("2099-12-01T00:00:00Z");
    for begin in ["2000-01-01T00:00:00Z", "2026-07-01T00:00:00Z"].map(time) {
        for tz in chrono_tz::TZ_VARIANTS {
            let lines = component(zone(tz.name()), begin);
            assert!(lines.lines().all(|line| line.len() <= 75), "{lines}");
            let onsets = onsets(&lines, end);
            let mut at = begin;
            while at < end {
                let (_, read) = onsets.range(..=at.naive_utc()).next_back().unwrap();
                assert_eq!(*read, offset(tz, at), "{tz} at {at}");
                at += TimeDelta::days(3);
            }
            for change in changes(tz) {
                let at = change.wall - seconds(change.before);
                if begin.naive_utc() < at && at < end.naive_utc() {
                    assert_eq!(onsets.get(&at), Some(&change.after.offset), "{tz} at {at}");
                }
            }
        }
    }
}
