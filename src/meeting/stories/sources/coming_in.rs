//! What members come in with, and what becomes of a camera whose right goes.

use super::*;

fn quiet() -> object::Room {
    object::Room {
        start_muted: true,
        start_camera_off: true,
        ..facts()
    }
}

fn joins(room: &mut Room, name: &str, second: i64) {
    room.handle(join(name), at(second)).reply.unwrap();
    negotiate(room, name);
}

/// Whether what is started now is muted.
fn begins_muted(room: &mut Room, name: &str, source: Source, second: i64) -> bool {
    let started = room.handle(
        start(name, source, &format!("t-{name}-{source:?}")),
        at(second),
    );
    let Ok(Reply::Track(Some(track))) = started.reply else {
        panic!("it runs: {:?}", started.reply)
    };
    let told = media(&started.effects).into_iter().any(|command| {
        matches!(
            command,
            MediaCommand::StartTrack { muted: true, .. }
                | MediaCommand::SetMuted { muted: true, .. }
        )
    });
    assert_eq!(told, track.muted, "the media worker is told the same");
    track.muted
}

#[test]
fn members_begin_muted_and_unseen_until_they_say_otherwise() {
    let mut room = room_of(quiet(), &["ada"]);
    joins(&mut room, "bo", 1);
    for source in [Source::Microphone, Source::Camera] {
        assert!(begins_muted(&mut room, "bo", source, 2), "{source:?}");
    }
    let me = view(&mut room, "bo").me;
    assert_eq!((me.audio, me.video), (false, false));
    // Once is enough: what they press next is theirs.
    for source in [Source::Microphone, Source::Camera] {
        assert!(!begins_muted(&mut room, "bo", source, 3), "{source:?}");
    }
    let me = view(&mut room, "bo").me;
    assert_eq!((me.audio, me.video), (true, true));
}

#[test]
fn what_is_started_later_is_the_persons_own_choice() {
    let mut room = room_of(quiet(), &["ada"]);
    joins(&mut room, "bo", 1);
    joins(&mut room, "cy", 1);
    assert!(begins_muted(&mut room, "bo", Source::Camera, 10));
    assert!(!begins_muted(&mut room, "cy", Source::Camera, 12));
    // So is what they start after they said that they know, or want it otherwise.
    for (name, on) in [("dee", true), ("eve", false)] {
        joins(&mut room, name, 12);
        let both = Changes {
            audio: Some(on),
            video: Some(on),
            ..Changes::default()
        };
        room.handle(update(name, both), at(12)).reply.unwrap();
        for source in [Source::Microphone, Source::Camera] {
            assert!(
                !begins_muted(&mut room, name, source, 13),
                "{name} {source:?}"
            );
        }
    }
}

#[test]
fn those_who_govern_and_those_who_come_back_go_on_as_they_were() {
    let mut room = room_of(quiet(), &["ada"]);
    negotiate(&mut room, "ada");
    assert!(!begins_muted(&mut room, "ada", Source::Microphone, 1));
    let mut helper = newcomer("cora", "cora");
    helper.role = Some(Role::Cohost);
    room.handle(Command::Join(helper), at(1)).reply.unwrap();
    negotiate(&mut room, "cora");
    assert!(!begins_muted(&mut room, "cora", Source::Microphone, 2));
    joins(&mut room, "bo", 2);
    room.handle(lost("bo"), at(20)).reply.unwrap();
    joins(&mut room, "bo", 25);
    assert!(!begins_muted(&mut room, "bo", Source::Microphone, 26));
    // A second page of theirs takes the place of the first.
    room.handle(join_as("bo", "again"), at(30)).reply.unwrap();
    let sources = Command::Negotiated {
        participant: membership("again"),
        sources: vec![(Source::Microphone, None)],
    };
    room.handle(sources, at(30)).reply.unwrap();
    let started = Command::SetSource {
        participant: membership("again"),
        source: Source::Microphone,
        switch: Switch::On {
            track: track("t-again"),
            muted: false,
        },
    };
    let Ok(Reply::Track(Some(track))) = room.handle(started, at(31)).reply else {
        panic!("it runs")
    };
    assert!(!track.muted);
    // A person who left and joins again is a newcomer.
    room.handle(leave("again"), at(40)).reply.unwrap();
    joins(&mut room, "bo", 41);
    assert!(begins_muted(&mut room, "bo", Source::Microphone, 42));
}

#[test]
fn who_is_let_in_from_the_waiting_room_begins_muted_too() {
    let waiting = object::Room {
        waiting: object::WhoWaits::Everyone,
        ..quiet()
    };
    let mut room = room_of(waiting, &["ada"]);
    assert_eq!(room.handle(join("bo"), at(1)).reply, Ok(Reply::Waiting));
    let admit = Command::Admit {
        by: membership("ada"),
        who: crate::protocol::request::Targets::These(vec![membership("bo")]),
    };
    room.handle(admit, at(100)).reply.unwrap();
    negotiate(&mut room, "bo");
    assert!(begins_muted(&mut room, "bo", Source::Microphone, 101));
}

#[test]
fn a_camera_stops_with_the_right_to_it_and_stays_refused() {
    let mut room = room_with(&["ada", "bo"]);
    for name in ["ada", "bo"] {
        negotiate(&mut room, name);
        room.handle(start(name, Source::Camera, name), at(1))
            .reply
            .unwrap();
    }
    let unseen = |camera, version| {
        edited(object::Room {
            permissions: Permissions {
                camera,
                ..Permissions::default()
            },
            version,
            ..facts()
        })
    };
    let outcome = room.handle(unseen(false, 2), at(2));
    let stopped = MediaCommand::StopTrack { track: track("bo") };
    assert_eq!(media(&outcome.effects), [stopped], "the host's goes on");
    assert!(!view(&mut room, "bo").me.video);
    let again = room.handle(start("bo", Source::Camera, "t3"), at(3));
    assert_eq!(again.reply, Err(ErrorCode::PermDenied));
    let claims = Changes {
        video: Some(true),
        ..Changes::default()
    };
    let claimed = room.handle(update("bo", claims.clone()), at(3));
    assert_eq!(claimed.reply, Err(ErrorCode::PermDenied));
    room.handle(unseen(true, 3), at(4)).reply.unwrap();
    room.handle(start("bo", Source::Camera, "t4"), at(5))
        .reply
        .unwrap();
    room.handle(update("bo", claims), at(6)).reply.unwrap();
}
