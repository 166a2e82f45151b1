//! Coming in and going, and how meetings end.

use super::*;

#[test]
fn the_owner_is_the_host_and_the_others_are_members() {
    let mut room = room_with(&["bo", "ada"]);
    let roles: Vec<Role> = view(&mut room, "ada")
        .participants
        .iter()
        .map(|person| person.role)
        .collect();
    assert_eq!(roles, [Role::Member, Role::Host]);
}

#[test]
fn a_newcomer_is_announced_to_the_rest_and_sees_everyone() {
    let mut room = room_with(&["ada"]);
    let outcome = room.handle(join("bo"), at(3));
    let Ok(Reply::View(view)) = outcome.reply else {
        panic!("a join shows the room")
    };
    assert_eq!(view.participants.len(), 2);
    assert_eq!(
        (view.room.state, view.room.participants),
        (RoomState::Live, 2)
    );
    assert_eq!(told(&outcome.effects), ["all but p-bo: participant.joined"]);
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::Admit {
            participant: membership("bo")
        }]
    );
}

#[test]
fn leaving_is_announced_to_the_rest_and_written_down() {
    let outcome = room_with(&["ada", "bo"]).handle(leave("bo"), at(5));
    assert_eq!(
        told(&outcome.effects),
        ["release p-bo None", "all: participant.left"]
    );
    let left = History::Left {
        participant: membership("bo"),
        reason: LeaveReason::Left,
        at: at(5),
    };
    assert!(outcome.effects.contains(&Effect::History(left)));
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::Dismiss {
            participant: membership("bo")
        }]
    );
}

#[test]
fn a_newer_session_takes_the_place_of_the_ghost() {
    let mut room = room_with(&["ada", "bo"]);
    let outcome = room.handle(join_as("bo", "bo2"), at(5));
    assert!(outcome.reply.is_ok());
    assert_eq!(
        told(&outcome.effects),
        [
            "p-bo: session.replaced",
            "release p-bo Some(Replaced)",
            "all but p-bo2: participant.left",
            "all but p-bo2: participant.joined"
        ]
    );
    assert_eq!(room.head_count(), 2);
}

#[test]
fn a_full_or_locked_room_refuses_newcomers_but_not_people_who_are_in() {
    let full = object::Room {
        max_participants: 2,
        ..facts()
    };
    let mut room = room_of(full, &["ada", "bo"]);
    assert_eq!(
        room.handle(join("cy"), at(1)).reply,
        Err(ErrorCode::RoomFull)
    );
    assert!(room.handle(join_as("bo", "bo2"), at(1)).reply.is_ok());

    let mut room = room_with(&["bo"]);
    room.handle(
        edited(object::Room {
            locked: true,
            version: 2,
            ..facts()
        }),
        at(1),
    )
    .reply
    .unwrap();
    assert_eq!(
        room.handle(join("cy"), at(2)).reply,
        Err(ErrorCode::RoomLocked)
    );
    assert!(
        room.handle(join("ada"), at(2)).reply.is_ok(),
        "the owner has the key"
    );
}

#[test]
fn a_full_room_takes_its_owner_in_and_nobody_else_until_there_is_a_place() {
    let full = object::Room {
        max_participants: 2,
        ..facts()
    };
    let mut room = room_of(full.clone(), &["bo", "cy"]);
    let refused = Err(ErrorCode::RoomFull);
    let knock = |name: &str| Command::Knock(Box::new(newcomer(name, name)));
    assert_eq!(room.handle(knock("ada"), at(1)).reply, Ok(Reply::Done));
    room.handle(join("ada"), at(1)).reply.unwrap();
    assert_eq!(room.head_count(), 3);
    let mut invited = newcomer("dee", "dee");
    invited.pass = true;
    invited.role = Some(Role::Host);
    let dee = || Command::Join(invited.clone());
    assert_eq!(room.handle(dee(), at(3)).reply, refused, "nor another host");
    room.handle(leave("bo"), at(4)).reply.unwrap();
    assert_eq!(room.handle(dee(), at(5)).reply, refused, "two are in");
    room.handle(join_as("ada", "ada2"), at(6)).reply.unwrap();
    assert_eq!(room.head_count(), 2, "once");
    room.handle(leave("cy"), at(7)).reply.unwrap();
    assert!(room.handle(dee(), at(8)).reply.is_ok());
    room.handle(leave("ada2"), at(9)).reply.unwrap();
    assert!(room.handle(join("eve"), at(10)).reply.is_ok());
    let fewer = object::Room {
        max_participants: 1,
        version: 2,
        ..full
    };
    room.handle(edited(fewer), at(11)).reply.unwrap();
    assert!(room.handle(join("ada"), at(12)).reply.is_ok());
}

#[test]
fn a_refused_join_has_no_effect() {
    let mut room = room_of(
        object::Room {
            max_participants: 1,
            ..facts()
        },
        &["ada"],
    );
    let outcome = room.handle(join("bo"), at(1));
    assert_eq!(
        (outcome.reply, outcome.effects),
        (Err(ErrorCode::RoomFull), vec![])
    );
}

#[test]
fn an_edit_that_comes_late_undoes_nothing() {
    let edited = |name, version| {
        edited(object::Room {
            name: RoomName::parse(name).unwrap(),
            version,
            ..facts()
        })
    };
    let mut room = room_with(&["ada"]);
    assert_eq!(
        told(&room.handle(edited("third", 3), at(1)).effects),
        ["all: room.updated"]
    );
    for version in [2, 3] {
        assert_eq!(room.handle(edited("late", version), at(2)).effects, []);
    }
    assert_eq!(view(&mut room, "ada").room.name.as_str(), "third");
}

#[test]
fn an_edit_cannot_change_how_media_travels_under_the_feet_of_those_connected() {
    let mut room = room_with(&["ada"]);
    let edit = object::Room {
        topology: Topology::P2p,
        version: 2,
        ..facts()
    };
    assert_eq!(
        told(&room.handle(edited(edit), at(1)).effects),
        ["all: room.updated"]
    );
    let room = view(&mut room, "ada").room;
    assert_eq!((room.topology, room.version), (Topology::Sfu, 2));
}

#[test]
fn only_a_host_ends_the_meeting_and_everyone_else_is_sent_out() {
    let mut room = room_with(&["ada", "bo"]);
    assert_eq!(
        room.handle(
            Command::End {
                by: membership("bo")
            },
            at(1)
        )
        .reply,
        Err(ErrorCode::PermDenied)
    );
    let outcome = room.handle(
        Command::End {
            by: membership("ada"),
        },
        at(2),
    );
    assert_eq!(
        told(&outcome.effects),
        [
            "all: room.ended",
            "release p-ada None",
            "release p-bo Some(Ended)"
        ]
    );
    assert_eq!(media(&outcome.effects), [MediaCommand::Close]);
    assert!(room.is_empty());
    assert_eq!(
        room.handle(join("bo"), at(3)).reply,
        Err(ErrorCode::RoomEnded)
    );
    assert!(
        room.handle(join("ada"), at(4)).reply.is_ok(),
        "the owner takes it up again"
    );
    assert!(room.handle(join("bo"), at(5)).reply.is_ok());
}

#[test]
fn a_meeting_ended_from_outside_is_over_for_its_host_too() {
    let mut room = room_with(&["ada", "bo"]);
    let reason = EndReason::Operator;
    let outcome = room.handle(Command::Close { reason }, at(2));
    assert_eq!(
        told(&outcome.effects),
        [
            "all: room.ended",
            "release p-ada Some(Ended)",
            "release p-bo Some(Ended)"
        ]
    );
    let ended = Event::RoomEnded(RoomEnded {
        identity: facts().identity,
        reason,
    });
    let everyone = Effect::Broadcast {
        except: None,
        event: Box::new(ended),
    };
    assert_eq!(outcome.effects[0], everyone);
    assert_eq!(
        room.handle(join("bo"), at(3)).reply,
        Err(ErrorCode::RoomEnded)
    );
}

#[test]
fn a_meeting_runs_over_its_planned_end_while_a_host_is_in() {
    let planned = object::Room {
        end_at: Some(at(10)),
        ..facts()
    };
    let mut room = room_of(planned, &["bo"]);
    assert_eq!(
        room.handle(join("cy"), at(10)).reply,
        Err(ErrorCode::RoomEnded)
    );
    room.handle(join("ada"), at(11)).reply.unwrap();
    assert!(room.handle(join("cy"), at(12)).reply.is_ok());
}

#[test]
fn deletion_tells_everyone_and_closes_their_sockets() {
    let outcome = room_with(&["ada", "bo"]).handle(Command::Delete { by: None }, at(1));
    assert_eq!(
        told(&outcome.effects),
        [
            "all: room.deleted",
            "release p-ada Some(Ended)",
            "release p-bo Some(Ended)"
        ]
    );
    assert_eq!(CloseReason::Ended, CloseReason::Ended);
}

#[test]
fn a_person_who_is_not_in_can_do_nothing() {
    let mut room = room_with(&["ada"]);
    for command in [
        Command::Look {
            participant: membership("bo"),
        },
        leave("bo"),
        Command::End {
            by: membership("bo"),
        },
        update("bo", Changes::default()),
        post("bo", None, "hi"),
        start("bo", Source::Camera, "t"),
        Command::Signal {
            from: membership("bo"),
            to: membership("ada"),
            signal: Signal::Candidate {
                connection: None,
                candidate: None,
            },
        },
    ] {
        let outcome = room.handle(command, at(1));
        assert_eq!(
            (outcome.reply, outcome.effects),
            (Err(ErrorCode::RoomNotJoined), vec![])
        );
    }
}

#[test]
fn a_person_who_loses_the_connection_comes_back_past_the_door_for_a_moment() {
    let mut room = room_with(&["ada", "bo", "cy", "dee", "eve"]);
    let closed = object::Room {
        locked: true,
        waiting: object::WhoWaits::Everyone,
        version: 2,
        ..facts()
    };
    room.handle(edited(closed), at(1)).reply.unwrap();
    for name in ["bo", "dee"] {
        room.handle(lost(name), at(10)).reply.unwrap();
    }
    room.handle(leave("cy"), at(10)).reply.unwrap();
    let remove = |whom: &str| Command::Remove {
        by: membership("ada"),
        whom: membership(whom),
        ban: None,
    };
    room.handle(remove("eve"), at(10)).reply.unwrap();
    let knock = |room: &mut Room, name: &str, seconds| {
        let knock = Command::Knock(Box::new(newcomer(name, name)));
        room.handle(knock, at(seconds)).reply
    };
    assert_eq!(knock(&mut room, "bo", 69), Ok(Reply::Done));
    for (name, seconds) in [("cy", 11), ("eve", 11), ("bo", 70)] {
        let refused = Err(ErrorCode::RoomLocked);
        assert_eq!(knock(&mut room, name, seconds), refused, "{name}");
    }
    room.handle(join("bo"), at(20)).reply.unwrap();
    room.handle(leave("bo"), at(21)).reply.unwrap();
    let refused = Err(ErrorCode::RoomLocked);
    assert_eq!(knock(&mut room, "bo", 22), refused, "this time they left");
}

#[test]
fn an_end_that_is_moved_into_the_past_ends_the_meeting() {
    let planned = |end_at, version, ends_on_time| object::Room {
        begin_at: Some(at(0)),
        end_at: Some(at(end_at)),
        ends_on_time,
        version,
        ..facts()
    };
    let mut room = room_of(planned(600, 1, true), &["ada", "bo"]);
    let events = told(&room.handle(edited(planned(50, 2, true)), at(100)).effects);
    assert!(events.contains(&"all: room.ended".to_owned()), "{events:?}");
    assert!(room.is_empty());

    let mut room = room_of(planned(600, 1, false), &["ada", "bo"]);
    room.handle(edited(planned(50, 2, false)), at(100))
        .reply
        .unwrap();
    assert_eq!(room.head_count(), 2, "it runs on, as planned");
}
