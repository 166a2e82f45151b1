//! Muting, asking, renaming, removing, keeping out.

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
            by: stay("ada"),
            whom: stay(name),
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
        by: stay(by),
        whom,
        source,
    }
}

fn remove(by: &str, whom: &str, ban: Option<BanLength>) -> Command {
    Command::Remove {
        by: stay(by),
        whom: stay(whom),
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
                mute(by, Target::One(stay(whom)), Source::Microphone),
                mute(by, Target::One(stay(whom)), Source::Screen),
                Command::LowerHand {
                    by: stay(by),
                    whom: Target::One(stay(whom)),
                },
                Command::Rename {
                    by: stay(by),
                    whom: stay(whom),
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
    let one = Target::One(stay("bo"));
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
    assert_eq!(told.by, Some(stay("cora")));
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
        by: stay("ada"),
        whom: stay("bo"),
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
        by: stay("ada"),
        whom: stay("bo"),
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
fn a_removed_person_is_told_and_may_come_again_unless_banned() {
    let mut room = governed();
    let outcome = room.handle(remove("cora", "bo", None), at(3));
    assert_eq!(
        told(&outcome.effects),
        ["release p-bo Some(Removed)", "all: participant.left"]
    );
    assert!(room.handle(join_as("bo", "bo2"), at(4)).reply.is_ok());
    let ban = room.handle(remove("cora", "bo2", Some(BanLength::Meeting)), at(5));
    assert_eq!(
        ban.reply,
        Err(ErrorCode::PermDenied),
        "co-hosts keep nobody out"
    );
    room.handle(remove("hal", "bo2", Some(BanLength::Meeting)), at(6))
        .reply
        .unwrap();
    let again = room.handle(join_as("bo", "bo3"), at(7));
    assert_eq!(again.reply, Err(ErrorCode::RoomBanned));
    let user = user("bo").id;
    room.handle(Command::Unban { user }, at(8)).reply.unwrap();
    assert!(room.handle(join_as("bo", "bo4"), at(9)).reply.is_ok());
}

#[test]
fn a_ban_lasts_as_long_as_it_says() {
    for (until, comes_again) in [(BanLength::Meeting, true), (BanLength::Forever, false)] {
        let mut room = room_with(&["ada", "bo"]);
        room.handle(remove("ada", "bo", Some(until)), at(1))
            .reply
            .unwrap();
        let Ok(Reply::Bans(bans)) = room.handle(Command::Bans, at(2)).reply else {
            panic!("the bans")
        };
        assert_eq!(bans.len(), 1);
        assert_eq!((bans[0].until, &bans[0].by), (until, &user("ada").id));
        room.handle(Command::End { by: stay("ada") }, at(3))
            .reply
            .unwrap();
        room.handle(join_as("ada", "ada2"), at(4)).reply.unwrap();
        let again = room.handle(join_as("bo", "bo2"), at(5));
        assert_eq!(again.reply.is_ok(), comes_again, "{until:?}");
    }
}

#[test]
fn what_would_be_banned_is_told_before_it_is() {
    let mut room = governed();
    let consider = |by: &str, whom: &str| Command::ConsiderBan {
        by: stay(by),
        whom: stay(whom),
        until: BanLength::Forever,
    };
    let Ok(Reply::Ban(ban)) = room.handle(consider("hal", "bo"), at(3)).reply else {
        panic!("a ban")
    };
    assert_eq!((&ban.user, ban.since), (&user("bo"), at(3)));
    for (by, whom) in [("hal", "ada"), ("cora", "bo"), ("bo", "mia")] {
        let refused = room.handle(consider(by, whom), at(4)).reply;
        assert_eq!(refused, Err(ErrorCode::PermDenied), "{by} {whom}");
    }
    assert!(room.handle(join_as("bo", "bo2"), at(5)).reply.is_ok());
}

#[test]
fn a_stored_ban_keeps_out_everyone_but_the_owner() {
    let ban = |name: &str| object::Ban {
        user: user(name),
        display_name: DisplayName::parse(name).unwrap(),
        until: BanLength::Forever,
        since: at(0),
        by: user("ada").id,
    };
    let bans = vec![ban("ada"), ban("bo")];
    let mut room = Room::new(facts(), None, Chat::default(), bans);
    assert_eq!(
        room.handle(join("bo"), at(1)).reply,
        Err(ErrorCode::RoomBanned)
    );
    let knock = Command::Knock(Box::new(newcomer("bo", "bo")));
    assert_eq!(room.handle(knock, at(1)).reply, Err(ErrorCode::RoomBanned));
    assert!(room.handle(join("ada"), at(2)).reply.is_ok());
}

#[test]
fn guests_from_where_a_banned_guest_was_wait_to_be_let_in() {
    let guest = |name: &str, number: u8| {
        let mut guest = newcomer(name, name);
        guest.user.kind = UserKind::Guest;
        guest.address = address(number);
        guest
    };
    let mut room = room_with(&["ada"]);
    let bad = room.handle(Command::Join(guest("bad", 7)), at(1));
    bad.reply.unwrap();
    room.handle(remove("ada", "bad", Some(BanLength::Meeting)), at(2))
        .reply
        .unwrap();
    let invited = object::Room::clone(&view(&mut room, "ada").room);
    assert!(!invited.lobby);
    let mut renamed = guest("good", 7);
    renamed.pass = true;
    let waits = room.handle(Command::Join(renamed), at(3));
    assert_eq!(waits.reply, Ok(Reply::Waiting), "an invite does not help");
    let other = room.handle(Command::Join(guest("other", 8)), at(4));
    assert!(matches!(other.reply, Ok(Reply::View(_))));
    let mut account = newcomer("acc", "acc");
    account.address = address(7);
    let account = room.handle(Command::Join(account), at(5));
    assert!(matches!(account.reply, Ok(Reply::View(_))));
}

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
        by: stay("ada"),
        whom: stay("bo"),
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
        by: stay("ada"),
        whom: stay("cora"),
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

#[test]
fn a_spotlight_shows_at_most_four_and_nobody_who_has_left() {
    let mut room = governed();
    let spotlight = |by: &str, names: &[&str]| Command::Spotlight {
        by: stay(by),
        whom: names.iter().map(|name| stay(name)).collect(),
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
    assert_eq!(view(&mut room, "ada").spotlight, [stay("bo"), stay("mia")]);
    let left = room.handle(leave("bo"), at(3));
    assert!(told(&left.effects).contains(&"all: spotlight.updated".to_owned()));
    assert_eq!(view(&mut room, "ada").spotlight, [stay("mia")]);
}

#[test]
fn a_timer_is_shown_until_it_rings() {
    let mut room = governed();
    let timer = |by: &str, duration_ms| Command::SetTimer {
        by: stay(by),
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
            from: stay(from),
            to: stay(to),
            signal: Signal::Offer {
                connection: Some(connection.to_owned()),
                sdp: String::new(),
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
            by: stay("bo"),
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
fn a_new_name_of_an_account_is_seen_where_people_may_rename_themselves() {
    for may_rename in [true, false] {
        let permissions = Permissions {
            rename: may_rename,
            ..Permissions::default()
        };
        let facts = object::Room {
            permissions,
            ..facts()
        };
        let mut room = room_of(facts, &["ada", "bo"]);
        let renamed = Command::Renamed {
            participant: stay("bo"),
            user: Box::new(User {
                display_name: DisplayName::parse("Bob").unwrap(),
                ..user("bo")
            }),
        };
        let effects = room.handle(renamed, at(1)).effects;
        let expected: &[&str] = match may_rename {
            true => &["all: participant.updated"],
            false => &[],
        };
        assert_eq!(told(&effects), expected);
        let name = view(&mut room, "bo").me.display_name;
        assert_eq!(name.as_str() == "Bob", may_rename);
    }
}

#[test]
fn where_nobody_may_rename_themselves_leaving_gives_no_new_name() {
    let name = |raw| DisplayName::parse(raw).unwrap();
    for may_rename in [true, false] {
        let facts = object::Room {
            permissions: Permissions {
                rename: may_rename,
                ..Permissions::default()
            },
            ..facts()
        };
        let mut room = room_of(facts, &["ada", "bo", "cy"]);
        let given = Command::Rename {
            by: stay("ada"),
            whom: stay("bo"),
            display_name: name("Given"),
        };
        room.handle(given, at(1)).reply.unwrap();
        for (who, before) in [("bo", "Given"), ("cy", "cy")] {
            room.handle(leave(who), at(2)).reply.unwrap();
            let mut again = newcomer(who, who);
            again.user.display_name = name("Host");
            again.display_name = name("Host");
            room.handle(Command::Join(again), at(3)).reply.unwrap();
            let expected = if may_rename { "Host" } else { before };
            assert_eq!(view(&mut room, who).me.display_name, name(expected));
        }
    }
}

#[test]
fn names_are_kept_of_so_many_people_and_who_left_the_longest_ago_is_forgotten() {
    let facts = object::Room {
        permissions: Permissions {
            rename: false,
            ..Permissions::default()
        },
        ..facts()
    };
    let mut room = room_of(facts, &["ada", "bo", "cy"]);
    for whom in ["bo", "cy"] {
        let given = Command::Rename {
            by: stay("ada"),
            whom: stay(whom),
            display_name: DisplayName::parse("Given").unwrap(),
        };
        room.handle(given, at(1)).reply.unwrap();
        room.handle(leave(whom), at(2)).reply.unwrap();
    }
    let mut come_and_go = |name: &str| {
        room.handle(join(name), at(3)).reply.unwrap();
        let called = view(&mut room, name).me.display_name;
        room.handle(leave(name), at(4)).reply.unwrap();
        called.as_str().to_owned()
    };
    for number in 1..crate::meeting::recent::MAX_RECENT {
        come_and_go(&format!("n{number}"));
    }
    assert_eq!(come_and_go("cy"), "Given");
    assert_eq!(come_and_go("bo"), "bo");
}

#[test]
fn only_hosts_end_the_meeting() {
    for (name, _) in REACH {
        let mut room = governed();
        let is_host = role(&mut room, name) == Role::Host;
        let end = room.handle(Command::End { by: stay(name) }, at(3));
        assert_eq!(end.reply.is_ok(), is_host, "{name}");
    }
}
