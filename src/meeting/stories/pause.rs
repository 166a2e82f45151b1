//! A meeting that empties is kept for a while.

use super::*;
use crate::meeting::pause::KEPT_MS;
use crate::protocol::event::LobbyDenial;
use crate::protocol::object::BanLength;
use crate::protocol::request::Targets;

const KEPT: i64 = KEPT_MS / 1_000;

/// What happens to a room that stops running at `now` and is loaded anew.
fn reloaded(room: &Room, facts: object::Room, ended: Option<Timestamp>, now: Timestamp) -> Room {
    let mut next = Room::new(facts, ended, Chat::default(), Vec::new());
    if let Some(memory) = room.memory() {
        next.recall(memory, now);
    }
    next
}

fn lobby() -> object::Room {
    object::Room {
        waiting: object::WhoWaits::Everyone,
        ..facts()
    }
}

/// Ada's meeting, in which Bo is banned, Cy was sent away from the door and Dee is a co-host; nobody is in since 10.
fn left(facts: object::Room) -> Room {
    let mut room = room_of(facts, &["ada"]);
    for name in ["bo", "dee"] {
        let mut invited = newcomer(name, name);
        invited.pass = true;
        room.handle(Command::Join(invited), at(1)).reply.unwrap();
    }
    room.handle(join("cy"), at(1)).reply.unwrap();
    for command in [
        Command::Remove {
            by: membership("ada"),
            whom: membership("bo"),
            ban: Some(BanLength::Meeting),
        },
        Command::Deny {
            by: membership("ada"),
            who: Targets::These(vec![membership("cy")]),
        },
        Command::SetRole {
            by: membership("ada"),
            whom: membership("dee"),
            role: Role::Cohost,
        },
        leave("dee"),
    ] {
        room.handle(command, at(2)).reply.unwrap();
    }
    room.handle(lost("ada"), at(10)).reply.unwrap();
    assert!(room.is_empty());
    room
}

/// Whether the room is still as it was left, by trying the door at `seconds`.
fn remembers(room: &mut Room, seconds: i64) -> bool {
    let mut knock = |name: &str| {
        let knock = Command::Knock(Box::new(newcomer(name, name)));
        room.handle(knock, at(seconds)).reply
    };
    let (bo, cy, dee) = (knock("bo"), knock("cy"), knock("dee"));
    let kept = (
        Err(ErrorCode::RoomBanned),
        Err(ErrorCode::RoomDenied),
        Ok(Reply::Done),
    );
    let forgotten = (Ok(Reply::Waiting), Ok(Reply::Waiting), Ok(Reply::Waiting));
    let seen = (bo, cy, dee);
    assert!(seen == kept || seen == forgotten, "{seen:?}");
    seen == kept
}

#[test]
fn who_was_kept_out_stays_out_while_nobody_is_in() {
    for runs_on in [true, false] {
        for (seconds, expected) in [(11, true), (10 + KEPT - 1, true), (10 + KEPT, false)] {
            let mut room = left(lobby());
            if !runs_on {
                room = reloaded(&room, lobby(), None, at(seconds));
            }
            assert_eq!(remembers(&mut room, seconds), expected, "{seconds}");
        }
    }
}

#[test]
fn the_owner_comes_back_to_the_same_meeting_and_it_is_kept_anew() {
    let mut room = left(lobby());
    room = reloaded(&room, lobby(), None, at(KEPT));
    room.handle(join_as("ada", "ada2"), at(KEPT)).reply.unwrap();
    assert!(
        remembers(&mut room, 100 * KEPT),
        "as long as somebody is in"
    );
    room.handle(leave("ada2"), at(100 * KEPT)).reply.unwrap();
    room = reloaded(&room, lobby(), None, at(100 * KEPT));
    assert!(remembers(&mut room, 101 * KEPT - 1));
    assert!(!remembers(&mut room, 101 * KEPT));
}

#[test]
fn a_refused_try_does_not_prolong_it() {
    let mut room = left(lobby());
    for seconds in [20, KEPT] {
        room = reloaded(&room, lobby(), None, at(seconds));
        let refused = room.handle(join_as("bo", "bo2"), at(seconds)).reply;
        assert_eq!(refused, Err(ErrorCode::RoomBanned));
    }
    assert!(!remembers(&mut room, 10 + KEPT));
}

#[test]
fn a_meeting_that_is_ended_is_forgotten_at_once() {
    for command in [
        Command::End {
            by: membership("ada2"),
        },
        Command::Close {
            reason: EndReason::Operator,
        },
        Command::Delete { by: None },
    ] {
        let mut room = left(lobby());
        room.handle(join_as("ada", "ada2"), at(20)).reply.unwrap();
        room.handle(command, at(21)).reply.unwrap();
        assert!(room.memory().is_none());
    }
}

#[test]
fn what_the_operator_ends_while_nobody_is_in_is_forgotten() {
    let ends_daily = object::Room {
        begin_at: Some(at(-60)),
        recurrence: Some("FREQ=DAILY".into()),
        ..lobby()
    };
    let room = left(ends_daily.clone());
    // Ended yesterday, says the store; what came after that was not ended.
    let mut earlier = reloaded(&room, ends_daily.clone(), Some(at(-86_000)), at(20));
    assert!(earlier.memory().is_some());
    earlier.handle(Command::Roster, at(20)).reply.unwrap();
    let ended = reloaded(&room, ends_daily, Some(at(11)), at(20));
    assert!(ended.memory().is_none());
}

#[test]
fn a_meeting_that_ends_on_time_is_over_then_also_while_nobody_is_in() {
    for (ends_on_time, kept_at_its_end) in [(true, false), (false, true)] {
        let planned = object::Room {
            end_at: Some(at(600)),
            ends_on_time,
            ..lobby()
        };
        let room = left(planned.clone());
        let until = room.memory().unwrap().until();
        let expected = if kept_at_its_end {
            at(10 + KEPT)
        } else {
            at(600)
        };
        assert_eq!(until, expected);
    }
}

#[test]
fn there_is_nothing_to_remember_of_an_ordinary_meeting() {
    let mut room = room_of(facts(), &["ada", "bo", "cy"]);
    for name in ["bo", "cy", "ada"] {
        assert!(room.memory().is_none(), "somebody is in");
        room.handle(leave(name), at(1)).reply.unwrap();
    }
    assert!(room.memory().is_none());
    let mut room = room_of(facts(), &["ada"]);
    let timer = Command::SetTimer {
        by: membership("ada"),
        duration_ms: Some(5_000),
    };
    room.handle(timer, at(1)).reply.unwrap();
    room.handle(leave("ada"), at(6)).reply.unwrap();
    assert!(room.memory().is_none(), "a timer that has rung");
}

#[test]
fn a_timer_runs_on_while_its_host_is_away_for_a_moment() {
    let mut room = room_of(facts(), &["ada"]);
    let timer = Command::SetTimer {
        by: membership("ada"),
        duration_ms: Some(60_000),
    };
    room.handle(timer, at(1)).reply.unwrap();
    room.handle(leave("ada"), at(2)).reply.unwrap();
    let mut room = reloaded(&room, facts(), None, at(3));
    room.handle(join_as("ada", "ada2"), at(3)).reply.unwrap();
    let timer = view(&mut room, "ada2").timer;
    assert_eq!(timer.map(|timer| timer.ends_at), Some(at(61)));
}

#[test]
fn of_those_who_stood_in_the_last_one_alone_does_so_again() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    for name in ["ada", "bo", "cy"] {
        room.handle(leave(name), at(1)).reply.unwrap();
    }
    let mut room = reloaded(&room, facts(), None, at(2));
    for name in ["bo", "cy"] {
        room.handle(join(name), at(2)).reply.unwrap();
    }
    assert_eq!(view(&mut room, "bo").me.role, Role::Member);
    assert_eq!(view(&mut room, "cy").me.role, Role::Host);
    room.handle(join("ada"), at(3)).reply.unwrap();
    assert_eq!(view(&mut room, "cy").me.role, Role::Member);
}

#[test]
fn who_is_unbanned_while_nobody_is_in_may_come() {
    let room = left(lobby());
    let mut memory = room.memory().unwrap();
    assert_eq!(memory.weight(), 4, "one of them lost the connection");
    memory.unban(&user("bo").id);
    let mut room = Room::new(lobby(), None, Chat::default(), Vec::new());
    room.recall(memory, at(20));
    let knock = |name: &str| Command::Knock(Box::new(newcomer(name, name)));
    assert_eq!(room.handle(knock("bo"), at(20)).reply, Ok(Reply::Waiting));
    let denied = Err(ErrorCode::RoomDenied);
    assert_eq!(room.handle(knock("cy"), at(20)).reply, denied);
    let lifted = Command::Unban {
        user: user("cy").id,
    };
    room.handle(lifted, at(21)).reply.unwrap();
    assert_eq!(room.handle(knock("cy"), at(21)).reply, Ok(Reply::Waiting));
}

#[test]
fn what_is_stored_says_who_is_kept_out_for_good() {
    let guest = |name: &str| {
        let mut guest = newcomer(name, name);
        guest.user.kind = UserKind::Guest;
        guest
    };
    let mut room = room_with(&["ada"]);
    for name in ["gus", "gwen"] {
        room.handle(Command::Join(guest(name)), at(1))
            .reply
            .unwrap();
        let ban = Command::Remove {
            by: membership("ada"),
            whom: membership(name),
            ban: Some(BanLength::Forever),
        };
        room.handle(ban, at(2)).reply.unwrap();
    }
    let Ok(Reply::Bans(mut stored)) = room.handle(Command::Bans, at(3)).reply else {
        panic!("the bans")
    };
    room.handle(leave("ada"), at(3)).reply.unwrap();
    // Gwen's was lifted meanwhile.
    stored.retain(|ban| ban.user.id == user("gus").id);
    let mut next = Room::new(facts(), None, Chat::default(), stored);
    next.recall(room.memory().unwrap(), at(4));
    let Ok(Reply::Bans(bans)) = next.handle(Command::Bans, at(4)).reply else {
        panic!("the bans")
    };
    let banned: Vec<&UserId> = bans.iter().map(|ban| &ban.user.id).collect();
    assert_eq!(banned, [&user("gus").id]);
    let knock = Command::Knock(Box::new(guest("new")));
    let waits = next.handle(knock, at(4)).reply;
    assert_eq!(waits, Ok(Reply::Waiting), "from where Gus was");
}

#[test]
fn who_waits_because_of_somebody_elses_ban_goes_in_when_the_meeting_is_over() {
    let mut room = room_with(&["ada"]);
    let guest = |name: &str| {
        let mut guest = newcomer(name, name);
        guest.user.kind = UserKind::Guest;
        Command::Join(guest)
    };
    room.handle(guest("gus"), at(1)).reply.unwrap();
    let ban = Command::Remove {
        by: membership("ada"),
        whom: membership("gus"),
        ban: Some(BanLength::Meeting),
    };
    room.handle(ban, at(2)).reply.unwrap();
    assert_eq!(room.handle(guest("gwen"), at(3)).reply, Ok(Reply::Waiting));
    let left = room.handle(leave("ada"), at(4));
    assert!(!told(&left.effects).contains(&"admit p-gwen".to_owned()));
    assert_eq!(room.next_deadline(), Some(at(4 + KEPT)));
    let over = room.handle(Command::Tick, at(4 + KEPT));
    assert!(told(&over.effects).contains(&"admit p-gwen".to_owned()));
    let sent_away = over.effects.iter().any(|effect| {
        match effect {
        Effect::SendAway { event, .. } => event.as_deref().is_some_and(|event| {
            matches!(event, Event::LobbyDenied(denied) if denied.reason == LobbyDenial::Ended)
        }),
        _ => false,
    }
    });
    assert!(!sent_away);
}

#[test]
fn a_person_who_lost_the_connection_comes_back_to_a_locked_room_that_has_emptied() {
    let locked = || object::Room {
        locked: true,
        waiting: object::WhoWaits::Everyone,
        ..facts()
    };
    let mut room = room_with(&["ada", "bo"]);
    let edit = object::Room {
        version: 2,
        ..locked()
    };
    room.handle(edited(edit), at(1)).reply.unwrap();
    room.handle(lost("bo"), at(2)).reply.unwrap();
    room.handle(leave("ada"), at(3)).reply.unwrap();
    let knock = Command::Knock(Box::new(newcomer("bo", "bo")));
    let mut early = reloaded(&room, locked(), None, at(61));
    assert_eq!(early.handle(knock.clone(), at(61)).reply, Ok(Reply::Done));
    let mut late = reloaded(&room, locked(), None, at(62));
    assert_eq!(late.handle(knock, at(62)).reply, Err(ErrorCode::RoomLocked));
}
