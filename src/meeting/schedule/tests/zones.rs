//! Meetings that come again by the clocks of a time zone.

use crate::meeting::schedule::*;
use crate::meeting::stories::facts;

const HOUR: TimeDelta = TimeDelta::hours(1);

fn zone(name: &str) -> TimeZone {
    TimeZone::try_from(name.to_owned()).unwrap()
}

fn at(raw: &str) -> Timestamp {
    serde_json::from_value(raw.into()).unwrap()
}

/// A room whose meeting of one hour begins at `begin` and comes again.
fn room(name: &str, begin: &str, rule: &str) -> Room {
    Room {
        begin_at: Some(at(begin)),
        end_at: Some((at(begin).utc() + HOUR).into()),
        recurrence: Some(rule.to_owned()),
        time_zone: Some(zone(name)),
        ..facts()
    }
}

fn checked(room: &Room) -> Result<(), BadRule> {
    let rule = room.recurrence.as_deref().unwrap();
    check(room.begin_at, room.end_at, room.time_zone.unwrap(), rule).map(|_| ())
}

/// The meetings from `from` on, one after the other.
fn meetings(room: &Room, from: &str) -> impl Iterator<Item = DateTime<Utc>> {
    let mut now = at(from);
    std::iter::from_fn(move || {
        let next = next(room, now)?;
        now = next.end_at?;
        assert_eq!(
            now.utc() - next.begin_at.utc(),
            HOUR,
            "each lasts as long as the first"
        );
        Some(next.begin_at.utc())
    })
}

#[test]
fn a_meeting_stays_at_its_hour_when_clocks_are_changed() {
    for (name, first, hour, offsets) in [
        ("Europe/Berlin", "2026-01-05T08:00:00Z", 9, vec![1, 2, 1]),
        (
            "America/New_York",
            "2026-01-05T14:00:00Z",
            9,
            vec![-5, -4, -5],
        ),
        // In the south summer is at both ends of the year.
        (
            "Australia/Sydney",
            "2026-01-04T22:00:00Z",
            9,
            vec![11, 10, 11],
        ),
        ("Asia/Shanghai", "2026-01-05T01:00:00Z", 9, vec![8]),
        ("UTC", "2026-01-05T09:00:00Z", 9, vec![0]),
    ] {
        let weekly = room(name, first, "FREQ=WEEKLY;BYDAY=MO");
        assert_eq!(checked(&weekly), Ok(()), "{name}");
        let year: Vec<_> = meetings(&weekly, first).take(52).collect();
        let walls = year.iter().map(|begin| zone(name).wall(*begin));
        let walls: Vec<_> = walls.collect();
        for pair in walls.windows(2) {
            assert_eq!(pair[1] - pair[0], TimeDelta::days(7), "{name}");
        }
        assert_eq!((walls[51].year(), walls[51].hour()), (2026, hour), "{name}");
        let hours = year
            .iter()
            .zip(&walls)
            .map(|(begin, wall)| (*wall - begin.naive_utc()).num_hours());
        let mut hours: Vec<_> = hours.collect();
        hours.dedup();
        assert_eq!(hours, offsets, "{name}");
    }
}

#[test]
fn what_a_change_of_clocks_leaves_out_comes_after_the_gap() {
    let daily = room("Europe/Berlin", "2026-03-27T01:30:00Z", "FREQ=DAILY");
    let begins: Vec<_> = meetings(&daily, "2026-03-27T00:00:00Z").take(4).collect();
    let expected = [
        "2026-03-27T01:30:00Z",
        "2026-03-28T01:30:00Z",
        // 3:30 on the wall, as 2:30 is left out.
        "2026-03-29T01:30:00Z",
        "2026-03-30T00:30:00Z",
    ];
    assert_eq!(begins, expected.map(|raw| at(raw).utc()));
    // Egypt puts its clocks forward at midnight.
    let weekly = room("Africa/Cairo", "2026-04-16T22:30:00Z", "FREQ=WEEKLY");
    let begins: Vec<_> = meetings(&weekly, "2026-04-16T00:00:00Z").take(3).collect();
    let expected = [
        "2026-04-16T22:30:00Z",
        "2026-04-23T22:30:00Z",
        "2026-04-30T21:30:00Z",
    ];
    assert_eq!(begins, expected.map(|raw| at(raw).utc()));
}

#[test]
fn what_clocks_show_twice_is_the_first_of_both() {
    let daily = room("Europe/Berlin", "2026-10-24T00:30:00Z", "FREQ=DAILY");
    let begins: Vec<_> = meetings(&daily, "2026-10-24T00:00:00Z").take(3).collect();
    let expected = [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
    ];
    assert_eq!(begins, expected.map(|raw| at(raw).utc()));
    // So the second of both is none of a rule's times.
    let second = room("Europe/Berlin", "2026-10-25T01:30:00Z", "FREQ=DAILY");
    assert_eq!(checked(&second), Err(BadRule::NotFirst));
    let first = room("Europe/Berlin", "2026-10-25T00:30:00Z", "FREQ=DAILY");
    assert_eq!(checked(&first), Ok(()));
}

#[test]
fn days_are_those_of_the_zone() {
    // Monday evening in Los Angeles is Tuesday in UTC; Monday morning in Auckland is Sunday.
    for (name, begin, there, elsewhere) in [
        ("America/Los_Angeles", "2026-03-03T03:00:00Z", "MO", "TU"),
        ("Pacific/Auckland", "2026-03-01T20:00:00Z", "MO", "SU"),
    ] {
        let of = |zone, day| checked(&room(zone, begin, &format!("FREQ=WEEKLY;BYDAY={day}")));
        assert_eq!(
            (of(name, there), of("UTC", elsewhere)),
            (Ok(()), Ok(())),
            "{name}"
        );
        let refused = Err(BadRule::NotFirst);
        assert_eq!(
            (of(name, elsewhere), of("UTC", there)),
            (refused, refused),
            "{name}"
        );
    }
    // The last evening of the month, which is the first of the next one in UTC.
    let monthly = room(
        "America/New_York",
        "2026-02-01T00:30:00Z",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
    );
    assert_eq!(checked(&monthly), Ok(()));
    let begins: Vec<_> = meetings(&monthly, "2026-01-01T00:00:00Z").take(3).collect();
    let expected = [
        "2026-02-01T00:30:00Z",
        "2026-03-01T00:30:00Z",
        "2026-03-31T23:30:00Z",
    ];
    assert_eq!(begins, expected.map(|raw| at(raw).utc()));
}

#[test]
fn the_end_of_a_rule_is_a_moment() {
    for (until, count) in [
        ("20261025T002959Z", 1),
        ("20261025T003000Z", 2),
        // The clocks show 2:15 here, though for the second time.
        ("20261025T011500Z", 2),
        ("20261026T012959Z", 2),
        ("20261026T013000Z", 3),
    ] {
        let rule = format!("FREQ=DAILY;UNTIL={until}");
        let daily = room("Europe/Berlin", "2026-10-24T00:30:00Z", &rule);
        assert_eq!(
            meetings(&daily, "2026-10-01T00:00:00Z").count(),
            count,
            "{until}"
        );
    }
    // Ahead of UTC the last meeting is on the next day there.
    let daily = room(
        "Pacific/Auckland",
        "2026-03-01T20:00:00Z",
        "FREQ=DAILY;UNTIL=20260303T200000Z",
    );
    assert_eq!(meetings(&daily, "2026-03-01T00:00:00Z").count(), 3);
}

#[test]
fn a_rule_of_many_years_is_caught_up_with() {
    for name in [
        "Europe/Berlin",
        "America/Havana",
        "Pacific/Apia",
        "Asia/Shanghai",
    ] {
        for rule in [
            "FREQ=DAILY",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
            "FREQ=DAILY;INTERVAL=3",
        ] {
            let begin = zone(name).instant("2009-01-05T00:30:00".parse().unwrap());
            let planned = room(name, &Timestamp::from(begin).to_string(), rule);
            // A rule that counts is followed from its first time, this one is jumped into.
            let all = format!("{rule};COUNT=1000");
            let all = Times::read(&all, zone(name), begin).unwrap();
            let all: Vec<_> = all.from(begin).unwrap().collect();
            assert_eq!((all.len(), all[0]), (1_000, begin));
            for pair in all.windows(2).step_by(7).filter(|pair| pair[0] < pair[1]) {
                let found = next(&planned, (pair[0] + HOUR).into()).unwrap();
                assert_eq!(
                    found.begin_at.utc(),
                    pair[1],
                    "{rule} in {name} after {}",
                    pair[0]
                );
            }
        }
    }
}
