//! Whose socket is lost, and who comes back.

use super::*;
use crate::protocol::object::{BanLength, Connection};

fn connection(room: &mut Room, name: &str) -> Connection {
    view(room, name).me.connection
}

#[test]
fn the_others_see_that_somebody_reconnects_and_that_they_are_back() {
    let mut room = room_with(&["ada", "bo"]);
    room.handle(raise_hand("bo"), at(4)).reply.unwrap();
    let outcome = room.handle(detach("bo"), at(5));
    assert_eq!(
        told(&outcome.effects),
        ["all but p-bo: participant.updated"]
    );
    assert_eq!(media(&outcome.effects), [], "what they send goes on");
    assert_eq!(connection(&mut room, "bo"), Connection::Reconnecting);
    assert_eq!(room.handle(detach("bo"), at(6)).effects, [], "once");
    let outcome = room.handle(attach("bo", false, false), at(7));
    assert_eq!(outcome.reply, Ok(Reply::Done));
    assert_eq!(
        told(&outcome.effects),
        ["all but p-bo: participant.updated"]
    );
    let me = view(&mut room, "bo").me;
    assert_eq!(me.connection, Connection::Online);
    assert_eq!(me.hand_raised_at, Some(at(4)));
    let outcome = room.handle(attach("bo", false, false), at(8));
    assert_eq!(outcome.effects, [], "nobody saw that it was lost");
}

fn raise_hand(name: &str) -> Command {
    Command::Update {
        participant: membership(name),
        changes: Changes {
            hand: Some(true),
            ..Changes::default()
        },
    }
}

#[test]
fn a_client_that_missed_events_is_shown_the_room_and_its_slots() {
    let mut room = room_with(&["ada", "bo"]);
    room.handle(detach("bo"), at(5)).reply.unwrap();
    let outcome = room.handle(attach("bo", false, true), at(6));
    assert_eq!(
        told(&outcome.effects),
        ["all but p-bo: participant.updated", "show p-bo"]
    );
    let participant = membership("bo");
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::TellSlots { participant }]
    );
    let shown = outcome.effects.iter().find_map(|effect| match effect {
        Effect::Show { view, .. } => Some(view),
        _ => None,
    });
    assert_eq!(shown.unwrap().me.connection, Connection::Online);
}

#[test]
fn a_page_that_was_loaded_anew_sends_nothing_until_it_negotiates_again() {
    let mut room = room_with(&["ada", "bo"]);
    let negotiated = Command::Negotiated {
        participant: membership("bo"),
        sources: vec![(Source::Camera, None)],
    };
    room.handle(negotiated, at(3)).reply.unwrap();
    let begin = || start("bo", Source::Camera, "t");
    room.handle(begin(), at(4)).reply.unwrap();
    room.handle(detach("bo"), at(5)).reply.unwrap();
    let outcome = room.handle(attach("bo", true, true), at(6));
    let participant = || membership("bo");
    assert_eq!(
        media(&outcome.effects),
        [
            MediaCommand::StopTrack { track: track("t") },
            MediaCommand::Dismiss {
                participant: participant()
            },
            MediaCommand::Admit {
                participant: participant()
            },
        ]
    );
    let me = view(&mut room, "bo").me;
    assert!(me.tracks.is_empty() && !me.video);
    let refused = room.handle(begin(), at(7)).reply;
    assert_eq!(refused, Err(ErrorCode::MediaUnsupported));
}

#[test]
fn a_person_who_is_gone_or_waits_is_told_that_and_nobody_else_hears_of_it() {
    let mut room = room_with(&["ada"]);
    for command in [detach("bo"), attach("bo", false, true)] {
        let outcome = room.handle(command, at(5));
        assert_eq!(outcome.reply, Err(ErrorCode::RoomNotJoined));
        assert_eq!(outcome.effects, []);
    }
    let waiting = object::Room {
        waiting: object::WhoWaits::Everyone,
        version: 2,
        ..facts()
    };
    room.handle(edited(waiting), at(6)).reply.unwrap();
    assert_eq!(room.handle(join("bo"), at(7)).reply, Ok(Reply::Waiting));
    assert_eq!(room.handle(detach("bo"), at(8)).effects, []);
    let outcome = room.handle(attach("bo", false, true), at(9));
    assert_eq!(outcome.reply, Ok(Reply::Waiting));
    let [Effect::TellWaiting { event, .. }] = &outcome.effects[..] else {
        panic!("a client that missed events hears whether there is a host")
    };
    assert_eq!(event.kind(), "lobby.updated");
}

#[test]
fn a_person_who_reconnects_keeps_their_place_and_their_ghost_gives_way() {
    let full = object::Room {
        max_participants: 2,
        ..facts()
    };
    let mut room = room_of(full, &["ada", "bo"]);
    room.handle(detach("bo"), at(5)).reply.unwrap();
    assert_eq!(
        room.handle(join("cy"), at(6)).reply,
        Err(ErrorCode::RoomFull)
    );
    assert!(room.handle(join_as("bo", "bo2"), at(7)).reply.is_ok());
    assert_eq!(room.head_count(), 2);
    assert_eq!(connection(&mut room, "bo2"), Connection::Online);
}

#[test]
fn whose_session_is_over_is_known_for_a_minute_as_before() {
    let mut room = room_with(&["ada", "bo"]);
    room.handle(detach("bo"), at(5)).reply.unwrap();
    room.handle(lost("bo"), at(35)).reply.unwrap();
    let locked = object::Room {
        locked: true,
        version: 2,
        ..facts()
    };
    room.handle(edited(locked), at(36)).reply.unwrap();
    assert!(room.handle(join("bo"), at(94)).reply.is_ok());
}

#[test]
fn a_guest_who_moves_to_where_one_was_banned_is_taken_out_and_others_are_not() {
    let guest = |name: &str, from: u8| {
        let mut join = newcomer(name, name);
        join.user.kind = UserKind::Guest;
        join.address = address(from);
        Command::Join(join)
    };
    let mut room = room_with(&["ada"]);
    for command in [guest("bad", 5), guest("near", 5), guest("far", 9)] {
        room.handle(command, at(1)).reply.unwrap();
    }
    let ban = Command::Remove {
        by: membership("ada"),
        whom: membership("bad"),
        ban: Some(BanLength::Meeting),
    };
    room.handle(ban, at(2)).reply.unwrap();
    let from = |name: &str, from: u8| Command::Attach {
        participant: membership(name),
        address: address(from),
        anew: false,
        look: false,
    };
    // A guest who was in before the ban is not affected.
    assert_eq!(room.handle(from("near", 5), at(3)).reply, Ok(Reply::Done));
    let outcome = room.handle(from("far", 5), at(4));
    assert_eq!(outcome.reply, Ok(Reply::TurnedAway));
    assert_eq!(
        told(&outcome.effects),
        ["release p-far None", "all: participant.left"]
    );
    assert_eq!(
        room.handle(guest("far", 5), at(5)).reply,
        Ok(Reply::Waiting)
    );
}
