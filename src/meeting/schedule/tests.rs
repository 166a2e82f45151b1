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
        assert_eq!(
            check(planned.begin_at, planned.end_at, TimeZone::UTC, rule),
            Ok(()),
            "{rule}"
        );
        let expected = expected.map(|day| format!("{day}T09:00:00.000Z"));
        assert_eq!(
            next_begin(&planned, &format!("{now}T12:00:00Z")),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn catching_up_changes_no_time() {
    for rule in [
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,SU",
        "FREQ=DAILY;BYMONTH=1,3",
    ] {
        let begin = at("2025-01-06T09:00:00Z").utc().naive_utc();
        let counted: Vec<_> = times(parse(rule).unwrap(), begin, TimeZone::UTC)
            .unwrap()
            .take(400)
            .collect();
        let planned = room(
            Some("2025-01-06T09:00:00Z"),
            Some("2025-01-06T10:00:00Z"),
            Some(rule),
        );
        for pair in counted.windows(2) {
            let now = (pair[0] + TimeDelta::hours(1)).into();
            let found = next(&planned, now).unwrap().begin_at;
            assert_eq!(found, pair[1].into(), "{rule} at {now}");
        }
    }
}

#[test]
fn what_is_no_bounded_rule_is_refused() {
    let (begin, end) = (
        Some(at("2026-03-02T09:00:00Z")),
        Some(at("2026-03-02T10:00:00Z")),
    );
    let nonsense = [
        "",
        "weekly",
        "FREQ=WEEKLY;",
        "FREQ=WEEKLY;FOO=1",
        "INTERVAL=2",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY\nFREQ=DAILY",
        "RRULE:FREQ=DAILY",
        "freq=daily",
        "FREQ=HOURLY",
        "FREQ=MINUTELY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=1,2",
        "FREQ=DAILY;BYMINUTE=0",
        "FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=DAILY;BYEASTER=0",
        "FREQ=DAILY;COUNT=3;UNTIL=20300101T000000Z",
    ];
    for rule in nonsense {
        assert_eq!(
            check(begin, end, TimeZone::UTC, rule),
            Err(BadRule::Syntax),
            "{rule}"
        );
    }
    assert_eq!(
        check(
            begin,
            end,
            TimeZone::UTC,
            &format!("FREQ=YEARLY;BYMONTH=3{}", ",3".repeat(130))
        ),
        Err(BadRule::Syntax)
    );
    for rule in [
        "FREQ=DAILY;INTERVAL=367",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=1001",
        "FREQ=DAILY;COUNT=0",
    ] {
        assert_eq!(
            check(begin, end, TimeZone::UTC, rule),
            Err(BadRule::TooMuch),
            "{rule}"
        );
    }
    for rule in [
        "FREQ=WEEKLY;BYDAY=TU",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20200101T000000Z",
        "FREQ=DAILY;UNTIL=20270101T000000",
        "FREQ=MONTHLY;BYMONTHDAY=3",
    ] {
        assert_eq!(
            check(begin, end, TimeZone::UTC, rule),
            Err(BadRule::NotFirst),
            "{rule}"
        );
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
fn the_rarest_meetings_are_found() {
    for (begin, rule, now) in [
        ("2000-01-01", "FREQ=DAILY;COUNT=1000", "2099-01-01"),
        (
            "2000-02-29",
            "FREQ=MONTHLY;INTERVAL=99;BYMONTHDAY=29;BYDAY=TU",
            "2000-03-01",
        ),
        (
            "2000-02-29",
            "FREQ=YEARLY;INTERVAL=365;BYMONTHDAY=29;BYMONTH=2",
            "2000-03-01",
        ),
        (
            "2000-02-29",
            "FREQ=DAILY;INTERVAL=361;BYMONTH=2;BYDAY=TU",
            "2000-03-01",
        ),
    ] {
        let planned = room(
            Some(&format!("{begin}T09:00:00Z")),
            Some(&format!("{begin}T10:00:00Z")),
            Some(rule),
        );
        assert_eq!(
            check(planned.begin_at, planned.end_at, TimeZone::UTC, rule),
            Ok(()),
            "{rule}"
        );
        let found = next_begin(&planned, &format!("{now}T00:00:00Z"));
        assert_eq!(found.is_none(), rule.contains("COUNT"));
    }
}
