//! Who acts on whom: muting, asking, showing large.

mod keeping_out;
mod sharing;

use super::*;
use crate::meeting::permissions::Action;
use crate::protocol::object::BanLength;
use crate::protocol::request::{Everyone, Target};

/// A room of Ada's with a host, two co-hosts and two members in it.
fn governed() -> Room {
    let mut room = room_with(&["ada", "hal", "cora", "cid", "bo", "mia"]);
    for (name, role) in [
        ("cora", Role::Cohost),
        ("cid", Role::Cohost),
        ("hal", Role::Host),
    ] {
        let set = Command::SetRole {
            by: membership("ada"),
            whom: membership(name),
            role,
        };
        room.handle(set, at(1)).reply.unwrap();
    }
    room
}

fn all() -> Target {
    Target::Everyone(Everyone::All)
}

fn mute(by: &str, whom: Target, source: Source) -> Command {
    Command::Mute {
        by: membership(by),
        whom,
        source,
    }
}

fn remove(by: &str, whom: &str, ban: Option<BanLength>) -> Command {
    Command::Remove {
        by: membership(by),
        whom: membership(whom),
        ban,
    }
}

fn publish(room: &mut Room, name: &str, source: Source) {
    negotiate(room, name);
    let id = format!("t-{name}-{source:?}");
    room.handle(start(name, source, &id), at(2)).reply.unwrap();
}

fn role(room: &mut Room, name: &str) -> Role {
    view(room, name).me.role
}

/// By hand, apart from the ranks of the table: who acts on whom.
const REACH: [(&str, &[&str]); 6] = [
    ("ada", &["hal", "cora", "cid", "bo", "mia"]),
    ("hal", &["cora", "cid", "bo", "mia"]),
    ("cora", &["bo", "mia"]),
    ("cid", &["bo", "mia"]),
    ("bo", &[]),
    ("mia", &[]),
];

#[test]
fn everyone_acts_on_those_below_them_alone() {
    let named = |name: &str| DisplayName::parse(name).unwrap();
    for (by, reached) in REACH {
        for (whom, _) in REACH {
            if by == whom {
                continue;
            }
            for command in [
                mute(by, Target::One(membership(whom)), Source::Microphone),
                mute(by, Target::One(membership(whom)), Source::Screen),
                Command::LowerHand {
                    by: membership(by),
                    whom: Target::One(membership(whom)),
                },
                Command::Rename {
                    by: membership(by),
                    whom: membership(whom),
                    display_name: named("Nobody"),
                },
                remove(by, whom, None),
            ] {
                let outcome = governed().handle(command.clone(), at(3));
                let expected = match reached.contains(&whom) {
                    true => Ok(Reply::Done),
                    false => Err(ErrorCode::PermDenied),
                };
                assert_eq!(outcome.reply, expected, "{command:?}");
                if expected.is_err() {
                    assert_eq!(outcome.effects, [], "{command:?}");
                }
            }
        }
    }
}

#[test]
fn nobody_removes_or_bans_themselves() {
    for (name, _) in REACH {
        for ban in [None, Some(BanLength::Meeting)] {
            let outcome = governed().handle(remove(name, name, ban), at(3));
            assert_eq!(outcome.reply, Err(ErrorCode::PermDenied), "{name}");
        }
    }
}

#[test]
fn who_may_not_learns_nothing_of_who_is_in() {
    let mut room = governed();
    let outcome = room.handle(remove("bo", "ghost", None), at(3));
    assert_eq!(outcome.reply, Err(ErrorCode::PermDenied));
    let outcome = room.handle(remove("ada", "ghost", None), at(3));
    assert_eq!(outcome.reply, Err(ErrorCode::ParticipantNotFound));
}

#[test]
fn a_muted_microphone_is_silent_at_the_worker_and_may_be_switched_on_again() {
    let mut room = governed();
    publish(&mut room, "bo", Source::Microphone);
    let one = Target::One(membership("bo"));
    let outcome = room.handle(mute("cora", one.clone(), Source::Microphone), at(3));
    let set = MediaCommand::SetMuted {
        track: track("t-bo-Microphone"),
        muted: true,
    };
    assert_eq!(media(&outcome.effects), [set]);
    let [Effect::Broadcast { event, .. }] = &outcome.effects[1..2] else {
        panic!("everyone is told: {:?}", outcome.effects)
    };
    let Event::TrackMuted(told) = &**event else {
        panic!("of a mute")
    };
    assert_eq!(told.by, Some(membership("cora")));
    assert!(!view(&mut room, "bo").me.audio);
    let again = room.handle(mute("cora", one, Source::Microphone), at(4));
    assert_eq!(again.effects, [], "what is muted is not muted again");
    let unmute = Changes {
        audio: Some(true),
        ..Changes::default()
    };
    assert!(room.handle(update("bo", unmute), at(5)).reply.is_ok());
}

#[test]
fn everyone_is_everyone_below_and_never_oneself() {
    let mut room = governed();
    for (name, _) in REACH {
        publish(&mut room, name, Source::Microphone);
    }
    room.handle(mute("hal", all(), Source::Microphone), at(3))
        .reply
        .unwrap();
    let heard: Vec<&str> = REACH
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| view(&mut room, name).me.audio)
        .collect();
    assert_eq!(heard, ["ada", "hal"]);
}

#[test]
fn a_share_that_is_muted_is_stopped_with_its_sound() {
    let mut room = governed();
    publish(&mut room, "bo", Source::Screen);
    publish(&mut room, "bo", Source::ScreenAudio);
    let outcome = room.handle(mute("cid", all(), Source::Screen), at(3));
    let stopped =
        ["t-bo-Screen", "t-bo-ScreenAudio"].map(|id| MediaCommand::StopTrack { track: track(id) });
    assert_eq!(media(&outcome.effects), stopped);
    assert_eq!(view(&mut room, "bo").me.tracks, []);
}

#[test]
fn who_is_asked_may_unmute_once_whatever_the_room_says() {
    let strict = Permissions {
        unmute: false,
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
    let unmute = || start("bo", Source::Microphone, "t");
    assert_eq!(
        room.handle(unmute(), at(1)).reply,
        Err(ErrorCode::PermDenied)
    );
    let ask = Command::AskUnmute {
        by: membership("ada"),
        whom: membership("bo"),
        source: Source::Microphone,
    };
    let asked = room.handle(ask, at(2));
    assert_eq!(told(&asked.effects), ["p-bo: participant.ask_unmute"]);
    assert!(room.handle(unmute(), at(3)).reply.is_ok());
    let say_so = Changes {
        audio: Some(true),
        ..Changes::default()
    };
    let repeated = room.handle(update("bo", say_so.clone()), at(4));
    assert!(repeated.reply.is_ok(), "they are heard already");
    let mute_oneself = Changes {
        audio: Some(false),
        ..Changes::default()
    };
    room.handle(update("bo", mute_oneself), at(5))
        .reply
        .unwrap();
    let second = room.handle(update("bo", say_so), at(6));
    assert_eq!(second.reply, Err(ErrorCode::PermDenied), "once is once");
}

#[test]
fn who_was_asked_and_then_muted_is_muted() {
    let strict = Permissions {
        unmute: false,
        ..Permissions::default()
    };
    let strict = object::Room {
        permissions: strict,
        ..facts()
    };
    let mut room = room_of(strict, &["ada", "bo"]);
    negotiate(&mut room, "bo");
    let ask = Command::AskUnmute {
        by: membership("ada"),
        whom: membership("bo"),
        source: Source::Microphone,
    };
    room.handle(ask, at(1)).reply.unwrap();
    room.handle(mute("ada", all(), Source::Microphone), at(2))
        .reply
        .unwrap();
    let unmute = room.handle(start("bo", Source::Microphone, "t"), at(3));
    assert_eq!(unmute.reply, Err(ErrorCode::PermDenied));
}

#[test]
fn a_spotlight_shows_at_most_four_and_nobody_who_has_left() {
    let mut room = governed();
    let spotlight = |by: &str, names: &[&str]| Command::Spotlight {
        by: membership(by),
        whom: names.iter().map(|name| membership(name)).collect(),
    };
    assert_eq!(
        room.handle(spotlight("bo", &["bo"]), at(1)).reply,
        Err(ErrorCode::PermDenied)
    );
    assert_eq!(
        room.handle(spotlight("cora", &["ghost"]), at(1)).reply,
        Err(ErrorCode::ParticipantNotFound)
    );
    let many = spotlight("cora", &["ada", "hal", "cora", "cid", "bo"]);
    assert_eq!(room.handle(many, at(1)).reply, Err(ErrorCode::BadField));
    room.handle(spotlight("cora", &["bo", "mia", "bo"]), at(2))
        .reply
        .unwrap();
    assert_eq!(
        view(&mut room, "ada").spotlight,
        [membership("bo"), membership("mia")]
    );
    let left = room.handle(leave("bo"), at(3));
    assert!(told(&left.effects).contains(&"all: spotlight.updated".to_owned()));
    assert_eq!(view(&mut room, "ada").spotlight, [membership("mia")]);
}

#[test]
fn a_timer_is_shown_until_it_rings() {
    let mut room = governed();
    let timer = |by: &str, duration_ms| Command::SetTimer {
        by: membership(by),
        duration_ms,
    };
    assert_eq!(
        room.handle(timer("bo", Some(1_000)), at(1)).reply,
        Err(ErrorCode::PermDenied)
    );
    room.handle(timer("cid", Some(4_000)), at(6)).reply.unwrap();
    assert_eq!(
        view(&mut room, "bo").timer.map(|timer| timer.ends_at),
        Some(at(10)),
        "views are taken at 9"
    );
    room.handle(timer("cora", None), at(7)).reply.unwrap();
    assert_eq!(view(&mut room, "bo").timer, None);
    assert_eq!(room.handle(timer("cora", None), at(8)).effects, []);
    room.handle(timer("cid", Some(1_000)), at(8)).reply.unwrap();
    assert_eq!(view(&mut room, "bo").timer, None, "it has rung");
}

#[test]
fn only_hosts_end_the_meeting() {
    for (name, _) in REACH {
        let mut room = governed();
        let is_host = role(&mut room, name) == Role::Host;
        let end = room.handle(
            Command::End {
                by: membership(name),
            },
            at(3),
        );
        assert_eq!(end.reply.is_ok(), is_host, "{name}");
    }
}
