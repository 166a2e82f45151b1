//! Meetings that are taken up after the server was down.

use super::*;
use crate::meeting::durability::Durability;
use crate::meeting::pause::KEPT_MS;
use crate::meeting::taking_up::TakenUp;
use crate::protocol::object::{BanLength, Connection};
use crate::protocol::request::Target;

/// Half a minute after the server was last at work.
const ALIVE: i64 = 100;
const NOW: i64 = 130;

fn stored(facts: object::Room, ended: Option<Timestamp>) -> Room {
    Room::new(facts, ended, Chat::default(), Vec::new())
}

fn saved(room: &Room) -> Room {
    Room::from_bytes(&room.to_bytes_without_chat().unwrap()).unwrap()
}

fn taken_up(room: &Room) -> TakenUp {
    let fresh = stored(room.facts.clone(), None);
    fresh.take_up(saved(room), at(ALIVE), at(NOW)).unwrap()
}

fn govern(room: &mut Room) {
    for command in [
        Command::SetRole {
            by: membership("ada"),
            whom: membership("bo"),
            role: Role::Cohost,
        },
        Command::Spotlight {
            by: membership("ada"),
            whom: vec![membership("bo")],
        },
        Command::SetTimer {
            by: membership("ada"),
            duration_ms: Some(600_000),
        },
        Command::Remove {
            by: membership("ada"),
            whom: membership("eve"),
            ban: Some(BanLength::Meeting),
        },
    ] {
        room.handle(command, at(50)).reply.unwrap();
    }
}

#[test]
fn everybody_is_in_and_reconnecting_and_what_was_governed_holds() {
    let mut room = room_with(&["ada", "bo", "eve"]);
    govern(&mut room);
    negotiate(&mut room, "bo");
    let on = start("bo", Source::Screen, "t-1");
    room.handle(on, at(51)).reply.unwrap();
    let before = view(&mut room, "ada");
    let TakenUp {
        mut room,
        effects,
        people,
    } = taken_up(&room);
    let told_again = media(&effects);
    assert_eq!(
        told_again.len(),
        3,
        "two people and a track: {told_again:?}"
    );
    let is_admitted = |command: &MediaCommand| matches!(command, MediaCommand::Admit { .. });
    assert!(told_again[..2].iter().all(is_admitted));
    assert!(matches!(told_again[2], MediaCommand::StartTrack { .. }));
    assert_eq!(people.len(), 2);
    let after = view(&mut room, "ada");
    assert_eq!(after.spotlight, before.spotlight);
    assert_eq!(after.timer, before.timer);
    assert_eq!(after.participants.len(), 2);
    for person in &after.participants {
        assert_eq!(person.connection, Connection::Reconnecting);
    }
    assert_eq!(after.participants[1].role, Role::Cohost);
    assert_eq!(after.participants[1].tracks[0].id, track("t-1"));
    let refused = room.handle(join("eve"), at(NOW)).reply;
    assert_eq!(refused, Err(ErrorCode::RoomBanned));
}

#[test]
fn who_comes_back_makes_their_media_anew_once() {
    let mut room = taken_up(&room_with(&["ada", "bo"])).room;
    let effects = room.handle(attach("bo", false, true), at(NOW)).effects;
    assert_eq!(
        told(&effects),
        [
            "all but p-bo: participant.updated",
            "show p-bo",
            "p-bo: media.failed"
        ]
    );
    room.handle(detach("bo"), at(NOW + 1)).reply.unwrap();
    let effects = room.handle(attach("bo", false, false), at(NOW + 2)).effects;
    assert_eq!(told(&effects), ["all but p-bo: participant.updated"]);
    // A client that begins anew need not be told.
    let effects = room.handle(attach("ada", true, true), at(NOW)).effects;
    assert_eq!(told(&effects).last().unwrap(), "show p-ada");
}

#[test]
fn whose_answer_is_lost_as_well_is_told_once_more_to_make_their_media_anew() {
    let mut room = taken_up(&room_with(&["ada", "bo"])).room;
    let last_word = |room: &mut Room, anew: bool, look: bool| {
        room.handle(detach("bo"), at(NOW)).reply.unwrap();
        let effects = room.handle(attach("bo", anew, look), at(NOW)).effects;
        told(&effects).pop().unwrap()
    };
    for _ in 0..2 {
        assert_eq!(last_word(&mut room, false, true), "p-bo: media.failed");
    }
    // What is replayed is what followed the view, and they have heard it by the next time.
    last_word(&mut room, false, false);
    assert_eq!(last_word(&mut room, false, true), "show p-bo");

    let mut room = taken_up(&room_with(&["ada", "bo"])).room;
    assert_eq!(last_word(&mut room, false, true), "p-bo: media.failed");
    assert_eq!(last_word(&mut room, true, true), "show p-bo");
    assert_eq!(last_word(&mut room, false, true), "show p-bo");
}

#[test]
fn who_does_not_come_back_was_there_until_the_server_was_down() {
    let mut room = taken_up(&room_with(&["ada", "bo"])).room;
    room.handle(attach("ada", false, true), at(NOW))
        .reply
        .unwrap();
    let left = |room: &mut Room, name: &str| {
        let effects = room.handle(lost(name), at(NOW + 30)).effects;
        effects.into_iter().find_map(|effect| match effect {
            Effect::History(History::Left { at, .. }) => Some(at),
            _ => None,
        })
    };
    assert_eq!(left(&mut room, "bo"), Some(at(ALIVE)));
    assert_eq!(left(&mut room, "ada"), Some(at(NOW + 30)));
}

#[test]
fn a_meeting_that_is_over_is_not_taken_up() {
    let room = room_with(&["ada", "bo"]);
    let take_up = |fresh: Room, now: Timestamp| fresh.take_up(saved(&room), at(ALIVE), now);
    let ended = stored(facts(), Some(at(ALIVE)));
    assert!(take_up(ended, at(NOW)).is_none(), "ended by somebody");
    let earlier = stored(facts(), Some(at(-1)));
    assert!(take_up(earlier, at(NOW)).is_some(), "that was another one");
    let late = at(ALIVE).plus_millis(KEPT_MS);
    assert!(
        take_up(stored(facts(), None), late).is_none(),
        "too long ago"
    );
    let older = object::Room {
        version: 0,
        ..facts()
    };
    assert!(take_up(stored(older, None), at(NOW)).is_none(), "put back");
}

#[test]
fn what_the_database_says_goes_before_what_was_saved() {
    let room = room_with(&["ada", "bo"]);
    let locked = object::Room {
        locked: true,
        version: 2,
        ..facts()
    };
    let ban = object::Ban {
        user: user("bo"),
        display_name: user("bo").display_name,
        until: BanLength::Forever,
        since: at(90),
        by: user("ada").id,
    };
    let fresh = Room::new(locked, None, Chat::default(), vec![ban]);
    let taken = fresh.take_up(saved(&room), at(ALIVE), at(NOW)).unwrap();
    let mut room = taken.room;
    let seen = view(&mut room, "ada");
    assert!(seen.room.locked);
    assert_eq!(
        seen.participants.len(),
        1,
        "Bo was banned, and not yet told"
    );
}

#[test]
fn a_meeting_that_had_emptied_is_remembered_as_long_as_it_would_have_been() {
    let mut room = room_with(&["ada", "bo", "eve"]);
    govern(&mut room);
    for name in ["bo", "ada"] {
        let participant = membership(name);
        room.handle(Command::Leave { participant }, at(60))
            .reply
            .unwrap();
    }
    let memory = room.memory().unwrap();
    let memory =
        crate::meeting::state::pause::Memory::from_bytes(&memory.to_bytes().unwrap()).unwrap();
    let until = memory.until();
    let remembers =
        |ended: Option<i64>, now| stored(facts(), ended.map(at)).remembers(memory.clone(), now);
    assert!(remembers(None, at(NOW)).is_some());
    assert!(remembers(Some(59), at(NOW)).is_some());
    assert!(remembers(Some(70), at(NOW)).is_none());
    assert!(remembers(None, until).is_none());
    let mut next = stored(facts(), None);
    next.recall(memory.clone(), at(NOW));
    let refused = next.handle(join("eve"), at(NOW)).reply;
    assert_eq!(refused, Err(ErrorCode::RoomBanned));
}

#[test]
fn what_somebody_was_told_that_they_did_is_saved_first() {
    let room = room_with(&["ada", "bo"]);
    let waiting = room_of(
        object::Room {
            waiting: object::WhoWaits::Everyone,
            ..facts()
        },
        &["ada"],
    );
    let with_role = Join {
        role: Some(Role::Cohost),
        ..newcomer("cy", "cy")
    };
    let hand = |hand| Command::Update {
        participant: membership("bo"),
        changes: Changes {
            hand,
            audio: Some(true),
            ..Changes::default()
        },
    };
    let remove = |ban| Command::Remove {
        by: membership("ada"),
        whom: membership("bo"),
        ban,
    };
    for (command, expected) in [
        (join("cy"), Durability::Soon),
        (Command::Join(with_role), Durability::BeforeAnswer),
        (hand(Some(true)), Durability::WhenPossible),
        (hand(None), Durability::Soon),
        (remove(None), Durability::BeforeAnswer),
        (remove(Some(BanLength::Meeting)), Durability::BeforeAnswer),
        (remove(Some(BanLength::Forever)), Durability::Soon),
        (
            Command::LowerHand {
                by: membership("ada"),
                whom: Target::One(membership("bo")),
            },
            Durability::BeforeAnswer,
        ),
        (lost("bo"), Durability::Soon),
        (Command::Roster, Durability::Nothing),
    ] {
        assert_eq!(room.durability(&command), expected, "{command:?}");
    }
    assert_eq!(waiting.durability(&join("bo")), Durability::BeforeAnswer);
}
