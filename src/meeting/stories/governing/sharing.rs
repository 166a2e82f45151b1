//! Shared screens and their sound.

use super::*;

#[test]
fn withdrawing_the_screen_stops_the_shares_of_members_and_says_so() {
    let mut room = governed();
    publish(&mut room, "cora", Source::Screen);
    publish(&mut room, "bo", Source::Screen);
    let permissions = Permissions {
        screen: false,
        unmute: false,
        ..Permissions::default()
    };
    let edit = object::Room {
        permissions,
        version: 2,
        ..facts()
    };
    publish(&mut room, "mia", Source::Microphone);
    let outcome = room.handle(edited(edit), at(3));
    let stop = MediaCommand::StopTrack {
        track: track("t-bo-Screen"),
    };
    assert_eq!(media(&outcome.effects), [stop]);
    let mut concerned = told(&outcome.effects);
    concerned.retain(|line| line.ends_with("permissions.changed"));
    concerned.sort();
    assert_eq!(
        concerned,
        ["p-bo: permissions.changed", "p-mia: permissions.changed"]
    );
    assert!(
        view(&mut room, "mia").me.audio,
        "who is heard is not silenced by it"
    );
    let actions = view(&mut room, "bo").actions;
    assert!(!actions.contains(&Action::Screen) && actions.contains(&Action::Chat));
}

/// Facts of Ada's room in which members may do this alone.
fn lets(version: u64, unmute: bool, screen: bool) -> object::Room {
    object::Room {
        permissions: Permissions {
            unmute,
            screen,
            ..Permissions::default()
        },
        version,
        ..facts()
    }
}

#[test]
fn a_screens_sound_takes_the_right_to_unmute_beside_the_right_to_share() {
    for (unmute, screen) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut room = room_of(lets(1, unmute, screen), &["ada", "bo"]);
        for (name, may) in [("ada", true), ("bo", unmute && screen)] {
            negotiate(&mut room, name);
            let sound = start(name, Source::ScreenAudio, name);
            let outcome = room.handle(sound, at(1));
            assert_eq!(outcome.reply.is_ok(), may, "{name} {unmute} {screen}");
            if !may {
                assert_eq!(outcome.reply, Err(ErrorCode::PermDenied));
                assert_eq!(outcome.effects, []);
            }
        }
        let picture = room.handle(start("bo", Source::Screen, "t"), at(2));
        assert_eq!(picture.reply.is_ok(), screen, "the picture goes alone");
    }
}

#[test]
fn who_was_asked_to_unmute_may_do_so_with_their_microphone_alone() {
    let mut room = room_of(lets(1, false, true), &["ada", "bo"]);
    negotiate(&mut room, "bo");
    let ask = Command::AskUnmute {
        by: membership("ada"),
        whom: membership("bo"),
        source: Source::Microphone,
    };
    room.handle(ask, at(1)).reply.unwrap();
    let sound = || start("bo", Source::ScreenAudio, "s");
    assert_eq!(
        room.handle(sound(), at(2)).reply,
        Err(ErrorCode::PermDenied)
    );
    let unmute = room.handle(start("bo", Source::Microphone, "m"), at(3));
    assert!(unmute.reply.is_ok());
    assert_eq!(
        room.handle(sound(), at(4)).reply,
        Err(ErrorCode::PermDenied),
        "being heard is no right to it either"
    );
}

#[test]
fn a_screens_sound_stops_with_the_right_to_unmute_and_its_picture_goes_on() {
    let mut room = governed();
    for name in ["cora", "bo"] {
        publish(&mut room, name, Source::Screen);
        publish(&mut room, name, Source::ScreenAudio);
    }
    let stopped = |name: &str, source: &str| MediaCommand::StopTrack {
        track: track(&format!("t-{name}-{source}")),
    };
    let edit = room.handle(edited(lets(2, false, true)), at(3));
    assert_eq!(media(&edit.effects), [stopped("bo", "ScreenAudio")]);
    assert!(told(&edit.effects).contains(&"all: media.track.unpublished".to_owned()));
    let demote = Command::SetRole {
        by: membership("ada"),
        whom: membership("cora"),
        role: Role::Member,
    };
    let demoted = room.handle(demote, at(4));
    assert_eq!(media(&demoted.effects), [stopped("cora", "ScreenAudio")]);
    let runs: Vec<Source> = ["cora", "bo"]
        .iter()
        .flat_map(|name| view(&mut room, name).me.tracks)
        .map(|track| track.source)
        .collect();
    assert_eq!(runs, [Source::Screen, Source::Screen]);
}
