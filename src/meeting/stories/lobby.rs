//! The waiting room.

mod levels;
mod sending_away;

use super::*;
use crate::protocol::event::{LobbyDenial, LobbyLeaveReason};
use crate::protocol::passed_on::JsonString;
use crate::protocol::request::{Everyone, Targets};

fn waiting_room() -> object::Room {
    object::Room {
        waiting: object::WhoWaits::Everyone,
        ..facts()
    }
}

/// Ada is in, and these are at the door.
fn at_the_door(names: &[&str]) -> Room {
    let mut room = room_of(waiting_room(), &["ada"]);
    for name in names {
        assert_eq!(room.handle(join(name), at(1)).reply, Ok(Reply::Waiting));
    }
    room
}

fn these(names: &[&str]) -> Targets {
    Targets::These(names.iter().map(|name| membership(name)).collect())
}

fn admit(by: &str, who: Targets) -> Command {
    Command::Admit {
        by: membership(by),
        who,
    }
}

fn deny(by: &str, who: Targets) -> Command {
    Command::Deny {
        by: membership(by),
        who,
    }
}

fn waiting(room: &mut Room) -> Vec<String> {
    let lobby = view(room, "ada").lobby.into_iter();
    lobby
        .map(|waiting| waiting.display_name.as_str().to_owned())
        .collect()
}

/// The reasons for sending waiting people away.
fn denials(effects: &[Effect]) -> Vec<(ParticipantId, LobbyDenial)> {
    let denial = |effect: &Effect| match effect {
        Effect::SendAway {
            participant,
            event: Some(event),
            ..
        } => match &**event {
            Event::LobbyDenied(denied) => Some((participant.clone(), denied.reason)),
            _ => None,
        },
        _ => None,
    };
    effects.iter().filter_map(denial).collect()
}

#[test]
fn who_knocks_waits_and_only_those_who_let_in_hear_of_it() {
    let mut room = room_of(facts(), &["bo", "cora", "ada"]);
    let cohost = Command::SetRole {
        by: membership("ada"),
        whom: membership("cora"),
        role: Role::Cohost,
    };
    room.handle(cohost, at(1)).reply.unwrap();
    let lobby = object::Room {
        version: 2,
        ..waiting_room()
    };
    room.handle(edited(lobby), at(1)).reply.unwrap();
    let outcome = room.handle(join("cy"), at(2));
    assert_eq!(outcome.reply, Ok(Reply::Waiting));
    assert_eq!(
        told(&outcome.effects),
        ["p-cora: lobby.waiting", "p-ada: lobby.waiting"]
    );
    assert_eq!(
        media(&outcome.effects),
        [],
        "the media worker knows nothing"
    );
    assert_eq!(view(&mut room, "bo").lobby, []);
    assert_eq!(waiting(&mut room), ["cy"]);
    assert_eq!(room.head_count(), 3);
}

#[test]
fn who_waits_can_do_nothing_in_the_room() {
    let mut room = at_the_door(&["cy"]);
    let me = || membership("cy");
    for command in [
        Command::End { by: me() },
        update("cy", Changes::default()),
        post("cy", None, "hi"),
        post("cy", Some("ada"), "hi"),
        start("cy", Source::Camera, "t"),
        Command::Negotiated {
            participant: me(),
            sources: vec![],
        },
        Command::Signal {
            from: me(),
            to: membership("ada"),
            signal: Signal::Candidate {
                connection: None,
                candidate: None,
            },
        },
        Command::Authorise {
            participant: me(),
            action: crate::meeting::permissions::Action::Chat,
        },
        Command::Readable { participant: me() },
        admit("cy", Targets::Everyone(Everyone::All)),
        deny("cy", these(&["cy"])),
        Command::React {
            by: me(),
            emoji: object::Reaction::Joy,
        },
        Command::Renamed {
            participant: me(),
            user: Box::new(user("cy")),
        },
    ] {
        let context = format!("{command:?}");
        let outcome = room.handle(command, at(2));
        assert_eq!(
            (outcome.reply, outcome.effects),
            (Err(ErrorCode::RoomNotJoined), vec![]),
            "{context}"
        );
    }
    let look = Command::Look { participant: me() };
    assert_eq!(room.handle(look, at(2)).reply, Err(ErrorCode::RoomWaiting));
    let signal = Command::Signal {
        from: membership("ada"),
        to: me(),
        signal: Signal::Offer {
            connection: None,
            sdp: JsonString::new(""),
        },
    };
    let signalled = room.handle(signal, at(2)).reply;
    assert_eq!(signalled, Err(ErrorCode::SignalNotFound));
}

#[test]
fn who_is_let_in_gets_the_room_before_anything_that_happens_in_it() {
    let mut room = at_the_door(&["cy"]);
    let outcome = room.handle(admit("ada", these(&["cy"])), at(2));
    assert_eq!(
        told(&outcome.effects),
        [
            "p-ada: lobby.left",
            "all but p-cy: participant.joined",
            "admit p-cy"
        ]
    );
    let Some(Effect::Admit { view: seen, .. }) = outcome.effects.last() else {
        panic!("the view comes last")
    };
    assert_eq!(
        (seen.me.id.clone(), seen.participants.len()),
        (membership("cy"), 2)
    );
    assert_eq!(view(&mut room, "cy").participants, seen.participants);
    assert_eq!(waiting(&mut room), [""; 0]);
}

#[test]
fn ids_that_were_guessed_let_nobody_in() {
    let mut room = at_the_door(&["cy", "dee"]);
    let outcome = room.handle(admit("ada", these(&["cy", "ghost"])), at(2));
    assert_eq!(
        (outcome.reply, outcome.effects),
        (Err(ErrorCode::ParticipantNotFound), vec![])
    );
    let outcome = room.handle(admit("ada", these(&["ada"])), at(2));
    assert_eq!(outcome.reply, Err(ErrorCode::ParticipantNotFound));
    assert_eq!(waiting(&mut room), ["cy", "dee"]);
}

#[test]
fn who_waits_when_a_host_comes_goes_on_waiting() {
    let mut room = Room::new(waiting_room(), None, Chat::default(), Vec::new());
    for name in ["bo", "cy"] {
        assert_eq!(room.handle(join(name), at(1)).reply, Ok(Reply::Waiting));
    }
    assert!(!room.is_empty(), "a room lives while somebody waits");
    assert_eq!(room.head_count(), 0);
    let Ok(Reply::View(seen)) = room.handle(join("ada"), at(2)).reply else {
        panic!("the owner never waits")
    };
    assert_eq!(seen.participants.len(), 1);
    assert_eq!(seen.lobby.len(), 2);
    assert_eq!(waiting(&mut room), ["bo", "cy"]);
}

#[test]
fn nobody_is_queued_at_a_locked_room_nor_let_in() {
    let mut room = at_the_door(&["bo"]);
    let locked = object::Room {
        locked: true,
        version: 2,
        ..waiting_room()
    };
    room.handle(edited(locked), at(2)).reply.unwrap();
    let locked = Err(ErrorCode::RoomLocked);
    assert_eq!(room.handle(join("cy"), at(3)).reply, locked);
    assert_eq!(
        room.handle(admit("ada", these(&["bo"])), at(3)).reply,
        locked
    );
    let everyone = Targets::Everyone(Everyone::All);
    assert_eq!(room.handle(admit("ada", everyone), at(3)).reply, locked);
    assert_eq!(waiting(&mut room), ["bo"]);
}

#[test]
fn capacity_counts_when_people_are_let_in() {
    let small = object::Room {
        max_participants: 2,
        ..waiting_room()
    };
    let mut room = room_of(small, &["ada"]);
    for name in ["bo", "cy", "dee"] {
        assert_eq!(room.handle(join(name), at(1)).reply, Ok(Reply::Waiting));
    }
    let full = Err(ErrorCode::RoomFull);
    assert_eq!(
        room.handle(admit("ada", these(&["bo", "cy"])), at(2)).reply,
        full
    );
    let everyone = || Targets::Everyone(Everyone::All);
    room.handle(admit("ada", everyone()), at(3)).reply.unwrap();
    assert_eq!(waiting(&mut room), ["cy", "dee"], "the first who came");
    assert_eq!(room.handle(admit("ada", everyone()), at(4)).reply, full);
}

#[test]
fn the_queue_is_bounded() {
    let mut room = room_of(waiting_room(), &["ada"]);
    for number in 0..crate::meeting::state::lobby::MAX_WAITING {
        let name = format!("n{number}");
        assert_eq!(room.handle(join(&name), at(1)).reply, Ok(Reply::Waiting));
    }
    assert_eq!(
        room.handle(join("late"), at(2)).reply,
        Err(ErrorCode::RoomFull)
    );
    let again = room.handle(join_as("n1", "again"), at(3));
    assert_eq!(again.reply, Ok(Reply::Waiting), "a newer session of theirs");
}

#[test]
fn switching_the_waiting_room_off_lets_in_as_far_as_there_is_room() {
    let small = object::Room {
        max_participants: 2,
        ..waiting_room()
    };
    let mut room = room_of(small.clone(), &["ada"]);
    for name in ["bo", "cy"] {
        room.handle(join(name), at(1)).reply.unwrap();
    }
    let open = |version, max_participants| {
        edited(object::Room {
            waiting: object::WhoWaits::Nobody,
            version,
            max_participants,
            ..small.clone()
        })
    };
    let outcome = room.handle(open(2, 2), at(2));
    assert!(told(&outcome.effects).contains(&"admit p-bo".to_owned()));
    assert_eq!(waiting(&mut room), ["cy"]);
    let left = room.handle(leave("bo"), at(3));
    assert!(
        told(&left.effects).contains(&"admit p-cy".to_owned()),
        "a place that gets free is theirs"
    );
}

#[test]
fn who_waits_may_go_and_newer_sessions_take_their_place() {
    let mut room = at_the_door(&["bo"]);
    let newer = room.handle(join_as("bo", "bo2"), at(2));
    assert_eq!(newer.reply, Ok(Reply::Waiting));
    assert_eq!(
        told(&newer.effects),
        [
            "send away p-bo Some(\"session.replaced\") Some(Replaced)",
            "p-ada: lobby.left",
            "p-ada: lobby.waiting"
        ]
    );
    let gone = room.handle(leave("bo2"), at(3));
    assert_eq!(
        told(&gone.effects),
        ["send away p-bo2 None None", "p-ada: lobby.left"]
    );
    assert_eq!(
        room.handle(leave("bo2"), at(4)).reply,
        Err(ErrorCode::RoomNotJoined)
    );
}

#[test]
fn the_end_of_the_meeting_is_the_end_of_waiting() {
    for command in [
        Command::End {
            by: membership("ada"),
        },
        Command::Delete { by: None },
    ] {
        let mut room = at_the_door(&["bo"]);
        let outcome = room.handle(command, at(2));
        assert_eq!(
            denials(&outcome.effects),
            [(membership("bo"), LobbyDenial::Ended)]
        );
        assert!(room.is_empty());
    }
}

#[test]
fn an_invite_and_a_role_lead_past_the_waiting_room() {
    let mut room = at_the_door(&[]);
    let mut invited = newcomer("bo", "bo");
    invited.pass = true;
    let mut helper = newcomer("cora", "cora");
    helper.role = Some(Role::Cohost);
    for join in [invited, helper] {
        let outcome = room.handle(Command::Join(join), at(2));
        assert!(matches!(outcome.reply, Ok(Reply::View(_))));
    }
}

#[test]
fn a_new_cohost_is_told_who_waits() {
    let mut room = room_of(facts(), &["ada", "bo"]);
    let lobby = object::Room {
        version: 2,
        ..waiting_room()
    };
    room.handle(edited(lobby), at(1)).reply.unwrap();
    room.handle(join("cy"), at(2)).reply.unwrap();
    let promote = Command::SetRole {
        by: membership("ada"),
        whom: membership("bo"),
        role: Role::Cohost,
    };
    let outcome = room.handle(promote, at(3));
    let seen = outcome.effects.iter().find_map(|effect| match effect {
        Effect::Tell { event, .. } => match &**event {
            Event::PermissionsChanged(changed) => Some(changed.lobby.len()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(seen, Some(1));
}

#[test]
fn of_those_who_are_let_in_at_once_each_has_a_place_in_the_order_in_which_they_came() {
    let names = ["bo", "cy", "dee", "eve"];
    let mut room = at_the_door(&names);
    let all = Targets::Everyone(Everyone::All);
    room.handle(admit("ada", all), at(5)).reply.unwrap();
    let people = view(&mut room, "ada").participants;
    let came = |name: &str| {
        let mut people = people.iter();
        let one = people.find(|one| one.user.id == user(name).id);
        one.unwrap().joined_at
    };
    let places: Vec<Timestamp> = names.into_iter().map(came).collect();
    assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
    assert_eq!(places[0], at(5));
}
