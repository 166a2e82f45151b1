//! What people do together: raise hands, write, send files, show feelings.

use super::*;
use crate::meeting::state::chat::RECENT_MESSAGES;
use crate::protocol::passed_on::JsonString;

#[test]
fn members_do_only_what_the_room_lets_them() {
    let strict = Permissions {
        rename: false,
        unmute: false,
        chat: false,
        screen: false,
        ..Permissions::default()
    };
    let mut room = room_of(
        object::Room {
            permissions: strict,
            ..facts()
        },
        &["ada", "bo"],
    );
    negotiate(&mut room, "bo");
    let rename = Changes {
        display_name: DisplayName::parse("Bob").ok(),
        ..Changes::default()
    };
    let unmute = Changes {
        audio: Some(true),
        ..Changes::default()
    };
    for refused in [
        update("bo", rename.clone()),
        update("bo", unmute),
        post("bo", None, "hi"),
        start("bo", Source::Screen, "t1"),
        start("bo", Source::Microphone, "t2"),
    ] {
        let outcome = room.handle(refused, at(1));
        assert_eq!(
            (outcome.reply, outcome.effects),
            (Err(ErrorCode::PermDenied), vec![])
        );
    }
    assert!(room.handle(update("ada", rename), at(2)).reply.is_ok());
}

#[test]
fn a_raised_hand_keeps_its_time() {
    let mut room = room_with(&["ada"]);
    let raise = Changes {
        hand: Some(true),
        ..Changes::default()
    };
    room.handle(update("ada", raise.clone()), at(4))
        .reply
        .unwrap();
    room.handle(update("ada", raise), at(8)).reply.unwrap();
    assert_eq!(view(&mut room, "ada").me.hand_raised_at, Some(at(4)));
}

#[test]
fn private_messages_reach_only_the_two() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    let outcome = room.handle(post("bo", Some("cy"), "psst"), at(1));
    assert_eq!(
        told(&outcome.effects),
        ["p-bo: chat.message", "p-cy: chat.message"]
    );
    room.handle(post("bo", None, "hello"), at(2)).reply.unwrap();
    let read = |room: &mut Room, name| view(room, name).chat.messages.len();
    assert_eq!((read(&mut room, "cy"), read(&mut room, "ada")), (2, 1));
    assert_eq!(
        room.handle(post("bo", Some("dee"), "psst-dee"), at(3))
            .reply,
        Err(ErrorCode::ParticipantNotFound)
    );
}

#[test]
fn signals_go_to_one_and_never_back_or_out_of_the_room() {
    let mut room = room_with(&["ada", "bo"]);
    let signal = |to| Command::Signal {
        from: membership("ada"),
        to: membership(to),
        signal: Signal::Offer {
            connection: None,
            sdp: JsonString::new("v=0"),
        },
    };
    assert_eq!(
        told(&room.handle(signal("bo"), at(1)).effects),
        ["p-bo: signal.offer"]
    );
    assert_eq!(
        room.handle(signal("ada"), at(1)).reply,
        Err(ErrorCode::SignalNotFound)
    );
    assert_eq!(
        room.handle(signal("cy"), at(1)).reply,
        Err(ErrorCode::SignalNotFound)
    );
}

#[test]
fn files_and_reactions_are_for_those_who_may() {
    let permissions = Permissions {
        files: false,
        react: false,
        ..Permissions::default()
    };
    for topology in [Topology::Sfu, Topology::P2p] {
        let facts = object::Room {
            permissions,
            topology,
            ..facts()
        };
        let mut room = room_of(facts, &["ada", "bo"]);
        let offer = |from: &str, to: &str, connection: &str| Command::Signal {
            from: membership(from),
            to: membership(to),
            signal: Signal::Offer {
                connection: Some(connection.to_owned()),
                sdp: JsonString::new(""),
            },
        };
        let denied = Err(ErrorCode::PermDenied);
        assert_eq!(
            room.handle(offer("bo", "ada", "file:1"), at(1)).reply,
            denied
        );
        assert!(
            room.handle(offer("ada", "bo", "file:1"), at(1))
                .reply
                .is_ok()
        );
        let media = room.handle(offer("bo", "ada", "main"), at(1)).reply;
        assert_eq!(media.is_ok(), topology == Topology::P2p);
        let react = Command::React {
            by: membership("bo"),
            emoji: object::Reaction::Joy,
        };
        assert_eq!(room.handle(react, at(2)).reply, denied);
    }
}

#[test]
fn where_history_is_for_those_who_were_there_newcomers_read_what_comes_after_them() {
    let joined = object::Room {
        history: object::HistoryAccess::Joined,
        ..facts()
    };
    let mut room = room_of(joined, &["ada"]);
    let write = |room: &mut Room, text: &str, seconds: i64| {
        let Command::Post(mut post) = post("ada", None, text) else {
            unreachable!()
        };
        post.message.sent_at = at(seconds);
        room.handle(Command::Post(post), at(seconds)).reply.unwrap();
    };
    write(&mut room, "early", 1);
    room.handle(join("bo"), at(2)).reply.unwrap();
    write(&mut room, "late", 3);
    let reads = |room: &mut Room, name: &str| {
        let chat = view(room, name).chat.messages.into_iter();
        chat.map(|message| message.text.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(reads(&mut room, "bo"), ["late"]);
    assert_eq!(reads(&mut room, "ada"), ["early", "late"]);
    room.handle(leave("bo"), at(4)).reply.unwrap();
    write(&mut room, "missed", 5);
    room.handle(join_as("bo", "bo2"), at(6)).reply.unwrap();
    assert_eq!(
        reads(&mut room, "bo2"),
        ["late", "missed"],
        "since the first time they came"
    );
    let mut known = newcomer("cy", "cy");
    known.first_joined_at = Some(at(0));
    room.handle(Command::Join(known), at(7)).reply.unwrap();
    assert_eq!(reads(&mut room, "cy").len(), 3);
}

#[test]
fn a_message_that_is_taken_back_is_gone_for_those_who_could_read_it() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    room.handle(post("bo", Some("cy"), "psst"), at(1))
        .reply
        .unwrap();
    let deleted = Command::Deleted {
        message: MessageId::try_from("m-psst".to_owned()).unwrap(),
        between: Some((user("bo").id, user("cy").id)),
    };
    assert_eq!(
        told(&room.handle(deleted, at(2)).effects),
        ["p-bo: chat.deleted", "p-cy: chat.deleted"]
    );
    assert_eq!(view(&mut room, "cy").chat.messages, []);
}

#[test]
fn a_message_that_is_sent_again_is_told_once_whether_it_was_told_before_or_not() {
    let mut room = room_with(&["ada", "bo"]);
    room.handle(post("ada", None, "told"), at(3)).reply.unwrap();
    let repeated = room.handle(again(post("ada", None, "told")), at(4));
    assert_eq!(told(&repeated.effects), [""; 0]);
    // Nobody was told of this one: its commit was reported as failed.
    let first = room.handle(again(post("ada", None, "untold")), at(5));
    assert!(matches!(first.reply, Ok(Reply::Message(_))));
    assert_eq!(
        told(&first.effects),
        ["p-ada: chat.message", "p-bo: chat.message"]
    );
    // The first request may arrive later, and the message may be sent once more.
    for command in [
        post("ada", None, "untold"),
        again(post("ada", None, "untold")),
    ] {
        let outcome = room.handle(command, at(6));
        assert!(matches!(outcome.reply, Ok(Reply::Message(_))));
        assert_eq!(told(&outcome.effects), [""; 0]);
    }
    assert_eq!(view(&mut room, "bo").chat.messages.len(), 2);
}

#[test]
fn a_private_message_that_is_sent_again_is_told_to_the_two_also_under_new_ids() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    room.handle(leave("bo"), at(3)).reply.unwrap();
    room.handle(join_as("bo", "bo2"), at(4)).reply.unwrap();
    let outcome = room.handle(again(post("ada", Some("bo"), "psst")), at(5));
    assert_eq!(
        told(&outcome.effects),
        ["p-ada: chat.message", "p-bo2: chat.message"]
    );
}

#[test]
fn an_untold_message_is_not_for_those_who_may_read_only_what_came_after_them() {
    let joined = object::Room {
        history: object::HistoryAccess::Joined,
        ..facts()
    };
    let mut room = room_of(joined, &["ada"]);
    room.handle(join("bo"), at(9)).reply.unwrap();
    // It was sent before bo came.
    let outcome = room.handle(again(post("ada", None, "untold")), at(10));
    assert_eq!(told(&outcome.effects), ["p-ada: chat.message"]);
}

#[test]
fn a_message_that_is_as_old_as_what_the_room_has_forgotten_counts_as_told() {
    let mut room = room_with(&["ada"]);
    for number in 0..=RECENT_MESSAGES {
        let text = number.to_string();
        room.handle(post("ada", None, &text), at(3)).reply.unwrap();
    }
    let outcome = room.handle(again(post("ada", None, "0")), at(4));
    assert_eq!(told(&outcome.effects), [""; 0]);
}
