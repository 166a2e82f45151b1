mod zones;

use super::*;
use crate::meeting::stories::facts;

fn at(raw: &str) -> Timestamp {
    serde_json::from_value(raw.into()).unwrap()
}

fn room(begin: Option<&str>, end: Option<&str>, rule: Option<&str>) -> Room {
    Room {
        begin_at: begin.map(at),
        end_at: end.map(at),
        recurrence: rule.map(str::to_owned),
        created_at: at("2026-01-01T00:00:00Z"),
        ..facts()
    }
}

fn next_begin(room: &Room, now: &str) -> Option<String> {
    next(room, at(now)).map(|next| next.begin_at.to_string())
}

#[test]
fn a_meeting_without_times_is_not_planned_and_one_time_comes_once() {
    assert_eq!(
        next(&room(None, None, None), at("2026-01-01T00:00:00Z")),
        None
    );
    let once = room(
        Some("2026-03-02T09:00:00Z"),
        Some("2026-03-02T10:00:00Z"),
        None,
    );
    for now in ["2026-01-01T00:00:00Z", "2026-03-02T09:59:59.999Z"] {
        let next = next(&once, at(now)).unwrap();
        assert_eq!(
            (next.begin_at, next.end_at),
            (once.begin_at.unwrap(), once.end_at)
        );
    }
    assert_eq!(next(&once, at("2026-03-02T10:00:00Z")), None);
    let open = room(Some("2026-03-02T09:00:00Z"), None, None);
    assert!(next(&open, at("2099-01-01T00:00:00Z")).is_some());
    let until = room(None, Some("2026-03-02T10:00:00Z"), None);
    assert_eq!(next(&until, at("2026-02-01T00:00:00Z")), None);
}

#[test]
fn a_meeting_that_comes_again_runs_until_its_end_and_then_the_next_one_is_next() {
    let weekly = room(
        Some("2026-03-02T09:00:00.250Z"),
        Some("2026-03-02T10:30:00Z"),
        Some("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260311T235959Z"),
    );
    for (now, expected) in [
        ("2026-01-01T00:00:00Z", Some("2026-03-02T09:00:00.250Z")),
        ("2026-03-02T10:29:59Z", Some("2026-03-02T09:00:00.250Z")),
        ("2026-03-02T10:30:00Z", Some("2026-03-04T09:00:00.250Z")),
        ("2026-03-09T09:15:00Z", Some("2026-03-09T09:00:00.250Z")),
        ("2026-03-11T10:00:00Z", Some("2026-03-11T09:00:00.250Z")),
        ("2026-03-11T10:30:00Z", None),
    ] {
        assert_eq!(next_begin(&weekly, now).as_deref(), expected, "{now}");
    }
    let next = next(&weekly, at("2026-03-04T10:00:00Z")).unwrap();
    assert_eq!(next.end_at, Some(at("2026-03-04T10:30:00Z")));
}

#[test]
fn rules_by_the_month_and_year_keep_to_the_calendar() {
    for (begin, rule, now, expected) in [
        (
            "2026-01-31",
            "FREQ=MONTHLY",
            "2026-02-10",
            Some("2026-03-31"),
        ),
        (
            "2024-02-29",
            "FREQ=YEARLY",
            "2026-01-01",
            Some("2028-02-29"),
        ),
        (
            "2026-02-13",
            "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
            "2026-02-14",
            Some("2026-03-13"),
        ),
        (
            "2026-01-30",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "2026-02-01",
            Some("2026-02-27"),
        ),
        (
            "2026-01-05",
            "FREQ=MONTHLY;BYDAY=1MO",
            "2026-01-06",
            Some("2026-02-02"),
        ),
        (
            "2026-01-05",
            "FREQ=MONTHLY;BYDAY=1MO;COUNT=2",
            "2026-02-03",
            None,
        ),
        (
            "2026-01-01",
            "FREQ=YEARLY;BYYEARDAY=1,100",
            "2026-01-02",
            Some("2026-04-10"),
        ),
    ] {
        let planned = room(
            Some(&format!("{begin}T09:00:00Z")),
            Some(&format!("{begin}T10:00:00Z")),
            Some(rule),
        );
        let checked = check(planned.begin_at, planned.end_at, TimeZone::UTC, rule);
        assert_eq!(checked.as_deref(), Ok(rule));
        let expected = expected.map(|day| format!("{day}T09:00:00.000Z"));
        assert_eq!(
            next_begin(&planned, &format!("{now}T12:00:00Z")),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn a_search_finds_each_time_from_wherever_it_begins() {
    for rule in [
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,SU",
        "FREQ=DAILY;BYMONTH=1,3",
        "FREQ=MONTHLY;INTERVAL=5",
        "FREQ=YEARLY;BYMONTH=1,7;BYDAY=1MO,-1FR",
        "FREQ=DAILY;INTERVAL=2;COUNT=300",
    ] {
        let planned = room(
            Some("2025-01-06T09:00:00Z"),
            Some("2025-01-06T10:00:00Z"),
            Some(rule),
        );
        let first = planned.begin_at.unwrap().utc();
        let times = Times::read(rule, TimeZone::UTC, first).unwrap();
        let counted: Vec<_> = times.from(first).unwrap().take(400).collect();
        assert!(counted.len() > 2, "{rule}");
        for pair in counted.windows(2) {
            let now = (pair[0] + TimeDelta::hours(1)).into();
            let found = next(&planned, now).unwrap().begin_at;
            assert_eq!(found, pair[1].into(), "{rule} at {now}");
        }
    }
}

#[test]
fn rules_are_taken_as_calendars_write_them_and_kept_in_one_form() {
    let berlin = TimeZone::try_from("Europe/Berlin".to_owned()).unwrap();
    // Thursday, 10:00 in Berlin.
    let begin = Some(at("2026-10-01T08:00:00Z"));
    let end = Some(at("2026-10-01T09:00:00Z"));
    for (raw, kept) in [
        (
            "FREQ=WEEKLY;UNTIL=20271023;BYDAY=TH",
            "FREQ=WEEKLY;UNTIL=20271023T215959Z;BYDAY=TH",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20271023T100000",
            "FREQ=WEEKLY;UNTIL=20271023T080000Z",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20271023T080000Z",
            "FREQ=WEEKLY;UNTIL=20271023T080000Z",
        ),
        ("freq=weekly;byday=th", "FREQ=WEEKLY;BYDAY=TH"),
        ("FREQ=WEEKLY;BYDAY=TH;", "FREQ=WEEKLY;BYDAY=TH"),
        ("RRULE:FREQ=WEEKLY;BYDAY=TH\r\n", "FREQ=WEEKLY;BYDAY=TH"),
        ("rrule:FREQ=WEEKLY;BY\r\n DAY=TH", "FREQ=WEEKLY;BYDAY=TH"),
        (
            " FREQ = WEEKLY ; BYDAY = TH , MO ",
            "FREQ=WEEKLY;BYDAY=TH,MO",
        ),
        (
            "FREQ=MONTHLY;BYDAY=+1TH;WKST=SU",
            "FREQ=MONTHLY;BYDAY=+1TH;WKST=SU",
        ),
        ("FREQ=DAILY;BYHOUR=10;BYMINUTE=0;BYSECOND=0", "FREQ=DAILY"),
        ("RSCALE=GREGORIAN;FREQ=DAILY;SKIP=OMIT", "FREQ=DAILY"),
        ("FREQ=DAILY;BYMONTHDAY=1,15", "FREQ=DAILY;BYMONTHDAY=1,15"),
    ] {
        let checked = check(begin, end, berlin, raw);
        assert_eq!(checked.as_deref(), Ok(kept), "{raw}");
        assert_eq!(check(begin, end, berlin, kept).as_deref(), Ok(kept));
    }
}

#[test]
fn an_end_by_the_day_takes_in_that_day() {
    let mut planned = room(
        Some("2026-10-01T20:00:00Z"),
        Some("2026-10-01T21:00:00Z"),
        None,
    );
    // 16:00 in New York, where the 8th ends at four in the morning of UTC.
    planned.time_zone = Some(TimeZone::try_from("America/New_York".to_owned()).unwrap());
    let rule = check(
        planned.begin_at,
        planned.end_at,
        planned.time_zone.unwrap(),
        "FREQ=WEEKLY;UNTIL=20261008",
    );
    planned.recurrence = Some(rule.unwrap());
    let last = next_begin(&planned, "2026-10-02T00:00:00Z");
    assert_eq!(last.as_deref(), Some("2026-10-08T20:00:00.000Z"));
    assert_eq!(next_begin(&planned, "2026-10-09T00:00:00Z"), None);
}

/// A rule that was taken could not be read again: the room never came again.
#[test]
fn an_end_that_cannot_be_kept_is_refused() {
    use crate::meeting::recurrence::rule::{MAX_RULE_BYTES, Part};
    let new_york = TimeZone::try_from("America/New_York".to_owned()).unwrap();
    let (begin, end) = (
        Some(at("2026-03-02T15:00:00Z")),
        Some(at("2026-03-02T16:00:00Z")),
    );
    let check = |rule: &str| check(begin, end, new_york, rule);
    let last = check("FREQ=DAILY;UNTIL=99991230");
    assert_eq!(last.as_deref(), Ok("FREQ=DAILY;UNTIL=99991231T045959Z"));
    // It is the year 10,000 in UTC.
    let beyond = check("FREQ=DAILY;UNTIL=99991231");
    assert_eq!(beyond, Err(BadRule::Value(Part::Until)));
    // With the time of day in UTC it is longer.
    for more in 0..=103 {
        let days = ",2".repeat(more);
        let rule = format!("FREQ=YEARLY;BYMONTH=3;UNTIL=20400101;BYMONTHDAY=2{days}");
        assert!(rule.len() <= MAX_RULE_BYTES);
        if rule.len() + "T045959Z".len() > MAX_RULE_BYTES {
            assert_eq!(check(&rule), Err(BadRule::TooLongText));
            continue;
        }
        let kept = check(&rule).unwrap();
        assert_eq!(check(&kept).as_ref(), Ok(&kept));
    }
}

#[test]
fn what_is_no_bounded_rule_is_refused_with_its_reason() {
    use crate::meeting::recurrence::rule::Part;
    let (begin, end) = (
        Some(at("2026-03-02T09:00:00Z")),
        Some(at("2026-03-02T10:00:00Z")),
    );
    let long = format!("FREQ=YEARLY;BYMONTH=3{}", ",3".repeat(130));
    for (rule, reason) in [
        ("", BadRule::NoFrequency),
        ("weekly", BadRule::NoPart),
        ("FREQ=WEEKLY;FOO=1", BadRule::UnknownPart),
        ("INTERVAL=2", BadRule::NoFrequency),
        ("FREQ=OFTEN", BadRule::NoFrequency),
        ("FREQ=WEEKLY;BYDAY=XX", BadRule::Value(Part::ByDay)),
        ("FREQ=WEEKLY;BYDAY=", BadRule::Value(Part::ByDay)),
        ("FREQ=WEEKLY;BYDAY=M", BadRule::Value(Part::ByDay)),
        ("FREQ=WEEKLY\nFREQ=DAILY", BadRule::NoFrequency),
        ("FREQ=WEEKLY;FREQ=DAILY", BadRule::Twice(Part::Freq)),
        ("EXRULE:FREQ=DAILY", BadRule::Characters),
        ("FREQ=DÄILY", BadRule::Characters),
        ("FREQ=HOURLY", BadRule::TooOften),
        ("FREQ=MINUTELY", BadRule::TooOften),
        ("FREQ=SECONDLY", BadRule::TooOften),
        ("FREQ=DAILY;BYHOUR=1,2", BadRule::TimeOfDay(Part::ByHour)),
        ("FREQ=DAILY;BYMINUTE=7", BadRule::TimeOfDay(Part::ByMinute)),
        ("FREQ=WEEKLY;BYDAY=1MO", BadRule::OutOfPlace(Part::ByDay)),
        (
            "FREQ=WEEKLY;BYMONTHDAY=2",
            BadRule::OutOfPlace(Part::ByMonthDay),
        ),
        (
            "FREQ=MONTHLY;BYYEARDAY=61",
            BadRule::OutOfPlace(Part::ByYearDay),
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=10;BYDAY=1MO",
            BadRule::OutOfPlace(Part::ByDay),
        ),
        ("FREQ=DAILY;BYEASTER=0", BadRule::UnknownPart),
        (
            "FREQ=DAILY;COUNT=3;UNTIL=20300101T000000Z",
            BadRule::CountAndUntil,
        ),
        ("FREQ=DAILY;UNTIL=2030", BadRule::Value(Part::Until)),
        ("FREQ=DAILY;UNTIL=20300231", BadRule::Value(Part::Until)),
        (
            "FREQ=MONTHLY;BYMONTHDAY=0",
            BadRule::Value(Part::ByMonthDay),
        ),
        ("FREQ=YEARLY;BYMONTH=-3", BadRule::Value(Part::ByMonth)),
        ("FREQ=MONTHLY;BYSETPOS=1", BadRule::Positions),
        ("FREQ=DAILY;INTERVAL=367", BadRule::TooMuch),
        ("FREQ=DAILY;INTERVAL=32767", BadRule::TooMuch),
        (
            "FREQ=DAILY;INTERVAL=99999999999",
            BadRule::Value(Part::Interval),
        ),
        ("FREQ=DAILY;INTERVAL=0", BadRule::TooMuch),
        ("FREQ=DAILY;COUNT=1001", BadRule::TooMuch),
        ("FREQ=DAILY;COUNT=0", BadRule::TooMuch),
        ("FREQ=WEEKLY;BYDAY=TU", BadRule::NotFirst),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", BadRule::NotFirst),
        ("FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2", BadRule::NotFirst),
        ("FREQ=MONTHLY;BYMONTHDAY=3", BadRule::NotFirst),
        ("FREQ=MONTHLY;BYMONTHDAY=2;BYSETPOS=2", BadRule::NotFirst),
        ("FREQ=DAILY;UNTIL=20200101T000000Z", BadRule::Over),
        ("FREQ=YEARLY;INTERVAL=100", BadRule::TooRare),
        (long.as_str(), BadRule::TooLongText),
    ] {
        let refused = check(begin, end, TimeZone::UTC, rule);
        assert_eq!(refused, Err(reason), "{rule}");
    }
    assert_eq!(
        check(begin, None, TimeZone::UTC, "FREQ=DAILY"),
        Err(BadRule::NoTimes)
    );
    assert_eq!(
        check(None, end, TimeZone::UTC, "FREQ=DAILY"),
        Err(BadRule::NoTimes)
    );
    assert_eq!(
        check(
            begin,
            Some(at("2026-03-03T09:00:00.001Z")),
            TimeZone::UTC,
            "FREQ=DAILY"
        ),
        Err(BadRule::TooLong)
    );
    let (begin, end) = (
        Some(at("1999-03-02T09:00:00Z")),
        Some(at("1999-03-02T10:00:00Z")),
    );
    assert_eq!(
        check(begin, end, TimeZone::UTC, "FREQ=DAILY"),
        Err(BadRule::TooFar)
    );
}

#[test]
fn what_comes_too_rarely_to_be_planned_is_refused_and_counts_as_over() {
    for (begin, rule, is_planned) in [
        ("2000-01-01", "FREQ=DAILY;COUNT=1000", true),
        ("2000-02-29", "FREQ=YEARLY", true),
        ("2096-02-29", "FREQ=YEARLY", true),
        (
            "2000-02-29",
            "FREQ=YEARLY;BYMONTHDAY=29;BYMONTH=2;BYDAY=TU",
            true,
        ),
        (
            "2000-02-29",
            "FREQ=MONTHLY;INTERVAL=99;BYMONTHDAY=29;BYDAY=TU",
            false,
        ),
        ("2000-02-29", "FREQ=YEARLY;INTERVAL=12", true),
        ("2000-02-29", "FREQ=YEARLY;INTERVAL=365;COUNT=1", true),
        (
            "2000-02-29",
            "FREQ=YEARLY;INTERVAL=365;UNTIL=20010101T000000Z",
            true,
        ),
    ] {
        let planned = room(
            Some(&format!("{begin}T09:00:00Z")),
            Some(&format!("{begin}T10:00:00Z")),
            Some(rule),
        );
        let checked = check(planned.begin_at, planned.end_at, TimeZone::UTC, rule);
        let refused = Err(BadRule::TooRare);
        assert_eq!(checked == refused, !is_planned, "{rule}: {checked:?}");
        if !is_planned {
            // One that was stored before it was refused.
            assert_eq!(next_begin(&planned, "2000-03-01T00:00:00Z"), None);
        }
    }
}
