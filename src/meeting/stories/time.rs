//! When meetings begin, when they are reminded, and when they are over.

use super::*;
use crate::protocol::event::LobbyDenial;

const MINUTE: i64 = 60;

fn planned(begin: i64, end: i64) -> object::Room {
    object::Room {
        begin_at: Some(at(begin)),
        end_at: Some(at(end)),
        early_ms: 600_000,
        ..facts()
    }
}

/// Ticks when the room wants to be told, until `until`, and collects what it does.
fn wait(room: &mut Room, until: i64) -> Vec<(i64, String)> {
    let mut done = Vec::new();
    while let Some(deadline) = room.next_deadline().filter(|due| *due <= at(until)) {
        let seconds = (deadline.unix_millis() - at(0).unix_millis()) / 1_000;
        let outcome = room.handle(Command::Tick, deadline);
        assert!(done.len() < 10, "a deadline is over when it was told");
        done.extend(
            told(&outcome.effects)
                .into_iter()
                .map(|line| (seconds, line)),
        );
    }
    done
}

#[test]
fn nobody_but_those_who_govern_comes_long_before_the_beginning() {
    let mut room = Room::new(
        planned(60 * MINUTE, 90 * MINUTE),
        None,
        Chat::default(),
        Vec::new(),
    );
    assert_eq!(
        room.handle(join("bo"), at(0)).reply,
        Err(ErrorCode::RoomNotStarted)
    );
    assert!(room.handle(join("ada"), at(0)).reply.is_ok());
    assert_eq!(
        room.handle(join("bo"), at(50 * MINUTE - 1)).reply,
        Err(ErrorCode::RoomNotStarted),
        "the owner's being in changes nothing"
    );
    let mut helper = newcomer("cora", "cora");
    helper.role = Some(Role::Cohost);
    assert!(room.handle(Command::Join(helper), at(1)).reply.is_ok());
    assert!(room.handle(join("bo"), at(50 * MINUTE)).reply.is_ok());
}

#[test]
fn a_meeting_is_reminded_of_its_end_twice_and_runs_over() {
    let mut room = room_of(planned(0, 30 * MINUTE), &["ada", "bo"]);
    let reminder = |minute| (minute * MINUTE, "all: room.reminder".to_owned());
    assert_eq!(
        wait(&mut room, 60 * MINUTE),
        [reminder(25), reminder(29)],
        "and nothing more"
    );
    assert_eq!(room.head_count(), 2);
    assert_eq!(room.next_deadline(), None);
}

#[test]
fn a_meeting_that_ends_on_time_does() {
    let facts = object::Room {
        ends_on_time: true,
        ..planned(0, 30 * MINUTE)
    };
    let mut room = room_of(facts, &["ada", "bo"]);
    let done = wait(&mut room, 60 * MINUTE);
    let ends: Vec<&str> = done
        .iter()
        .filter(|(seconds, _)| *seconds == 30 * MINUTE)
        .map(|(_, line)| line.as_str())
        .collect();
    assert_eq!(
        ends,
        [
            "all: room.ended",
            "release p-ada Some(Ended)",
            "release p-bo Some(Ended)"
        ]
    );
    assert_eq!(
        room.handle(join("bo"), at(31 * MINUTE)).reply,
        Err(ErrorCode::RoomEnded)
    );
    assert!(
        room.handle(join("ada"), at(31 * MINUTE)).reply.is_ok(),
        "the owner takes it up again"
    );
    assert_eq!(
        room.next_deadline(),
        None,
        "and is not thrown out a second time"
    );
}

#[test]
fn a_meeting_that_goes_on_into_the_next_one_is_reminded_of_its_end_too() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let thrice = |begin, end| object::Room {
        recurrence: Some("FREQ=DAILY;COUNT=3".to_owned()),
        ..planned(begin, end)
    };
    let mut room = room_of(thrice(0, 30 * MINUTE), &["ada", "bo"]);
    let reminder = |minute| (minute * MINUTE, "all: room.reminder".to_owned());
    assert_eq!(wait(&mut room, DAY - 1), [reminder(25), reminder(29)]);
    assert_eq!(room.next_deadline(), Some(at(DAY)), "the next one begins");
    assert!(
        room.handle(join("cora"), at(DAY - 60 * MINUTE))
            .reply
            .is_ok(),
        "it runs over until then"
    );
    let day = |days, minute| {
        (
            days * DAY + minute * MINUTE,
            "all: room.reminder".to_owned(),
        )
    };
    let rest = [day(1, 25), day(1, 29), day(2, 25), day(2, 29)];
    assert_eq!(wait(&mut room, 9 * DAY), rest);
    assert_eq!(room.head_count(), 3);
    assert_eq!(room.next_deadline(), None, "there is no fourth");
    // One that lasts a day turns into the next at its end.
    let mut room = room_of(thrice(0, DAY), &["ada"]);
    let whole = [
        day(0, 1435),
        day(0, 1439),
        day(1, 1435),
        day(1, 1439),
        day(2, 1435),
        day(2, 1439),
    ];
    assert_eq!(wait(&mut room, 9 * DAY), whole);
}

#[test]
fn a_meeting_that_ends_on_time_does_not_become_the_next_one() {
    let facts = object::Room {
        recurrence: Some("FREQ=DAILY".to_owned()),
        ends_on_time: true,
        ..planned(0, 24 * 60 * MINUTE)
    };
    let mut room = room_of(facts, &["ada"]);
    let done = wait(&mut room, 48 * 60 * MINUTE);
    let ended = (24 * 60 * MINUTE, "all: room.ended".to_owned());
    assert!(done.contains(&ended), "{done:?}");
    assert!(room.is_empty());
}

#[test]
fn who_comes_late_is_reminded_only_of_what_is_to_come() {
    let mut room = Room::new(planned(0, 30 * MINUTE), None, Chat::default(), Vec::new());
    assert_eq!(room.next_deadline(), None, "nobody is in");
    room.handle(join("ada"), at(27 * MINUTE)).reply.unwrap();
    assert_eq!(room.next_deadline(), Some(at(29 * MINUTE)));
}

#[test]
fn an_edit_moves_the_end() {
    let mut room = room_of(planned(0, 30 * MINUTE), &["ada"]);
    let later = object::Room {
        version: 2,
        ..planned(0, 60 * MINUTE)
    };
    room.handle(edited(later), at(10 * MINUTE)).reply.unwrap();
    assert_eq!(room.next_deadline(), Some(at(55 * MINUTE)));
}

#[test]
fn a_tick_too_many_does_nothing() {
    let mut room = room_of(planned(0, 30 * MINUTE), &["ada"]);
    for minute in [0, 10, 24] {
        assert_eq!(room.handle(Command::Tick, at(minute * MINUTE)).effects, []);
    }
    let both = room.handle(Command::Tick, at(29 * MINUTE + 1));
    assert_eq!(told(&both.effects), ["all: room.reminder"], "once for two");
}

#[test]
fn what_is_held_once_is_over_for_good() {
    let once = object::Room {
        permanent: false,
        ..planned(0, 30 * MINUTE)
    };
    let ended = Err(ErrorCode::RoomEnded);
    let mut room = room_of(once.clone(), &["ada"]);
    room.handle(leave("ada"), at(31 * MINUTE)).reply.unwrap();
    assert_eq!(room.handle(join("ada"), at(32 * MINUTE)).reply, ended);

    let mut room = room_of(once.clone(), &["ada", "bo"]);
    room.handle(
        Command::End {
            by: membership("ada"),
        },
        at(5),
    )
    .reply
    .unwrap();
    assert_eq!(room.handle(join("ada"), at(6)).reply, ended);
    let lasting = object::Room {
        permanent: true,
        version: 2,
        ..once
    };
    room.handle(edited(lasting), at(7)).reply.unwrap();
    assert!(room.handle(join("ada"), at(8)).reply.is_ok());
}

#[test]
fn who_waits_with_nobody_in_is_sent_away_at_the_end() {
    let once = object::Room {
        waiting: object::WhoWaits::Everyone,
        ..planned(0, 30 * MINUTE)
    };
    let daily = object::Room {
        recurrence: Some("FREQ=DAILY".to_owned()),
        ..once.clone()
    };
    for facts in [once, daily] {
        let mut room = Room::new(facts, None, Chat::default(), Vec::new());
        assert_eq!(room.handle(join("bo"), at(1)).reply, Ok(Reply::Waiting));
        assert_eq!(room.next_deadline(), Some(at(30 * MINUTE)));
        let early = room.handle(Command::Tick, at(29 * MINUTE));
        assert_eq!(early.effects, []);
        let outcome = room.handle(Command::Tick, at(30 * MINUTE));
        let sent_away = outcome.effects.iter().any(|effect| {
            matches!(effect, Effect::SendAway { participant, event: Some(event), close: None }
                if *participant == membership("bo")
                    && matches!(**event, Event::LobbyDenied(ref denied) if denied.reason == LobbyDenial::Ended))
        });
        assert!(sent_away, "{:?}", outcome.effects);
        assert_eq!(room.next_deadline(), None);
    }
}

#[test]
fn who_still_waits_when_the_last_leaves_a_meeting_that_ran_over_is_sent_away() {
    let facts = object::Room {
        waiting: object::WhoWaits::Everyone,
        ..planned(0, 30 * MINUTE)
    };
    let mut room = room_of(facts, &["ada"]);
    assert_eq!(room.handle(join("bo"), at(1)).reply, Ok(Reply::Waiting));
    assert_eq!(wait(&mut room, 40 * MINUTE).len(), 2, "two reminders");
    room.handle(leave("ada"), at(40 * MINUTE)).reply.unwrap();
    assert!(
        room.next_deadline()
            .is_some_and(|due| due <= at(40 * MINUTE))
    );
    room.handle(Command::Tick, at(40 * MINUTE)).reply.unwrap();
    assert!(room.is_empty());
}
