//! What a meeting's rules are, told as tests.

mod governing;
mod lobby;
mod pause;
mod roles;
mod time;

use super::bans::AddressKey;
use super::chat::{Chat, Post};
use super::command::{Changes, Command, Join, PasswordEdit, Signal, Switch};
use super::effect::{CloseReason, Effect, History, Reply, View};
use super::media::{MediaCommand, MediaEvent};
use super::room::Room;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{EndReason, Event, LeaveReason, RoomEnded, SlotsData};
use crate::protocol::ids::{MessageId, ParticipantId, RoomIdentity, TrackId, UserId};
use crate::protocol::object::{
    self, ChatMessage, Permissions, Role, RoomState, Source, Topology, User, UserKind,
};
use crate::protocol::text::{ChatText, DisplayName, RoomName};
use crate::protocol::time::Timestamp;

/// `seconds` after the meeting began.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_800_000_000_000 + seconds * 1_000).unwrap()
}

pub(crate) fn user(name: &str) -> User {
    User {
        id: UserId::try_from(format!("u-{name}")).unwrap(),
        username: None,
        display_name: DisplayName::parse(name).unwrap(),
        avatar_url: format!("/avatars/u-{name}.svg"),
        kind: UserKind::Account,
    }
}

pub(crate) fn stay(name: &str) -> ParticipantId {
    ParticipantId::try_from(format!("p-{name}")).unwrap()
}

pub(super) fn track(name: &str) -> TrackId {
    TrackId::try_from(name.to_owned()).unwrap()
}

/// Facts of a room that belongs to `ada`.
pub(crate) fn facts() -> object::Room {
    object::Room {
        identity: RoomIdentity::try_from("room".to_owned()).unwrap(),
        number: Some("123456789".into()),
        name: RoomName::parse("Stand-up").unwrap(),
        begin_at: None,
        end_at: None,
        owner: user("ada"),
        state: RoomState::Open,
        locked: false,
        has_password: false,
        lobby: false,
        topology: Topology::Sfu,
        max_participants: 10,
        participants: 0,
        permissions: Permissions::default(),
        history: object::HistoryAccess::All,
        hide_number: false,
        early_ms: 600_000,
        ends_on_time: false,
        recurrence: None,
        time_zone: None,
        next: None,
        permanent: true,
        version: 1,
        created_at: at(-60),
    }
}

pub(super) fn join(name: &str) -> Command {
    join_as(name, name)
}

pub(super) fn join_as(name: &str, stay_name: &str) -> Command {
    Command::Join(newcomer(name, stay_name))
}

pub(crate) fn newcomer(name: &str, stay_name: &str) -> Join {
    Join {
        participant: stay(stay_name),
        user: user(name),
        display_name: DisplayName::parse(name).unwrap(),
        role: None,
        pass: false,
        address: address(1),
        first_joined_at: None,
    }
}

/// One of many households.
pub(super) fn address(number: u8) -> AddressKey {
    AddressKey::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
}

pub(super) fn edited(facts: object::Room) -> Command {
    Command::Edited {
        facts: Box::new(facts),
        password: PasswordEdit::Kept,
    }
}

pub(super) fn leave(name: &str) -> Command {
    Command::Leave {
        participant: stay(name),
        reason: LeaveReason::Left,
    }
}

pub(super) fn room_of(facts: object::Room, names: &[&str]) -> Room {
    let mut room = Room::new(facts, None, Chat::default(), Vec::new());
    for name in names {
        room.handle(join(name), at(0)).reply.unwrap();
    }
    room
}

pub(super) fn room_with(names: &[&str]) -> Room {
    room_of(facts(), names)
}

/// The effects as one line each, for what a story is about.
pub(super) fn told(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Tell { to, event } => Some(format!("{to}: {}", event.kind())),
            Effect::Broadcast {
                except: None,
                event,
            } => Some(format!("all: {}", event.kind())),
            Effect::Broadcast {
                except: Some(but),
                event,
            } => Some(format!("all but {but}: {}", event.kind())),
            Effect::Release { participant, close } => {
                Some(format!("release {participant} {close:?}"))
            }
            Effect::Admit { participant, .. } => Some(format!("admit {participant}")),
            Effect::SendAway {
                participant,
                event,
                close,
            } => {
                let told = event.as_ref().map(|event| event.kind());
                Some(format!("send away {participant} {told:?} {close:?}"))
            }
            Effect::Media(_) | Effect::History(_) => None,
        })
        .collect()
}

pub(super) fn media(effects: &[Effect]) -> Vec<MediaCommand> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Media(command) => Some(command.clone()),
            Effect::Tell { .. }
            | Effect::Broadcast { .. }
            | Effect::Release { .. }
            | Effect::Admit { .. }
            | Effect::SendAway { .. }
            | Effect::History(_) => None,
        })
        .collect()
}

pub(super) fn view(room: &mut Room, name: &str) -> View {
    match room
        .handle(
            Command::Look {
                participant: stay(name),
            },
            at(9),
        )
        .reply
    {
        Ok(Reply::View(view)) => *view,
        other => panic!("a look shows the room, not {other:?}"),
    }
}

pub(super) fn negotiate(room: &mut Room, name: &str) {
    let sources = Source::ALL
        .map(|source| (source, Some("VP8".to_owned())))
        .to_vec();
    room.handle(
        Command::Negotiated {
            participant: stay(name),
            sources,
        },
        at(1),
    )
    .reply
    .unwrap();
}

pub(super) fn start(name: &str, source: Source, id: &str) -> Command {
    Command::SetSource {
        participant: stay(name),
        source,
        switch: Switch::On {
            track: track(id),
            muted: false,
        },
    }
}

pub(super) fn update(name: &str, changes: Changes) -> Command {
    Command::Update {
        participant: stay(name),
        changes,
    }
}

pub(super) fn post(from: &str, to: Option<&str>, text: &str) -> Command {
    let message = ChatMessage {
        id: MessageId::try_from(format!("m-{text}")).unwrap(),
        participant: stay(from),
        user: user(from),
        display_name: DisplayName::parse(from).unwrap(),
        to: to.map(stay),
        text: ChatText::parse(text).unwrap(),
        client_id: None,
        sent_at: at(2),
    };
    Command::Post(Box::new(Post {
        message,
        to_user: to.map(|name| user(name).id),
    }))
}

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
            participant: stay("bo")
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
        participant: stay("bo"),
        reason: LeaveReason::Left,
        at: at(5),
    };
    assert!(outcome.effects.contains(&Effect::History(left)));
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::Dismiss {
            participant: stay("bo")
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
fn a_full_or_locked_room_refuses_newcomers_but_not_whoever_is_in() {
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
fn only_a_host_ends_the_meeting_and_everyone_else_is_sent_out() {
    let mut room = room_with(&["ada", "bo"]);
    assert_eq!(
        room.handle(Command::End { by: stay("bo") }, at(1)).reply,
        Err(ErrorCode::PermDenied)
    );
    let outcome = room.handle(Command::End { by: stay("ada") }, at(2));
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
fn a_source_is_negotiated_before_it_runs() {
    let mut room = room_with(&["ada"]);
    assert_eq!(
        room.handle(start("ada", Source::Camera, "t1"), at(1)).reply,
        Err(ErrorCode::MediaUnsupported)
    );
    negotiate(&mut room, "ada");
    let outcome = room.handle(start("ada", Source::Camera, "t1"), at(2));
    let Ok(Reply::Track(Some(published))) = outcome.reply else {
        panic!("the track runs")
    };
    assert_eq!(
        (published.codec.as_deref(), published.muted),
        (Some("VP8"), false)
    );
    assert_eq!(
        told(&outcome.effects),
        ["all: media.track.published", "all: participant.updated"]
    );
    assert!(view(&mut room, "ada").me.video);
}

#[test]
fn starting_twice_keeps_the_track_and_stopping_twice_is_quiet() {
    let mut room = room_with(&["ada"]);
    negotiate(&mut room, "ada");
    room.handle(start("ada", Source::Screen, "t1"), at(1))
        .reply
        .unwrap();
    let again = room.handle(start("ada", Source::Screen, "t2"), at(2));
    let Ok(Reply::Track(Some(kept))) = again.reply else {
        panic!("the track runs on")
    };
    assert_eq!((kept.id, again.effects), (track("t1"), vec![]));
    let off = Command::SetSource {
        participant: stay("ada"),
        source: Source::Screen,
        switch: Switch::Off,
    };
    assert_eq!(
        told(&room.handle(off.clone(), at(3)).effects),
        ["all: media.track.unpublished"]
    );
    assert_eq!(room.handle(off, at(4)).effects, []);
}

#[test]
fn muting_reaches_the_worker_and_everyone() {
    let mut room = room_with(&["ada", "bo"]);
    negotiate(&mut room, "bo");
    room.handle(start("bo", Source::Microphone, "t1"), at(1))
        .reply
        .unwrap();
    let muted = Changes {
        audio: Some(false),
        ..Changes::default()
    };
    let outcome = room.handle(update("bo", muted.clone()), at(2));
    assert_eq!(
        media(&outcome.effects),
        [MediaCommand::SetMuted {
            track: track("t1"),
            muted: true
        }]
    );
    assert_eq!(
        told(&outcome.effects),
        ["all: media.track.muted", "all: participant.updated"]
    );
    assert_eq!(
        room.handle(update("bo", muted), at(3)).effects,
        [],
        "muting what is muted says nothing"
    );
}

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
fn whoever_may_not_rename_themselves_comes_in_under_their_own_name() {
    let strict = Permissions {
        rename: false,
        ..Permissions::default()
    };
    let mut room = room_of(
        object::Room {
            permissions: strict,
            ..facts()
        },
        &["ada"],
    );
    let posing = Command::Join(Join {
        display_name: DisplayName::parse("Ada").unwrap(),
        ..newcomer("bo", "bo")
    });
    room.handle(posing, at(1)).reply.unwrap();
    assert_eq!(view(&mut room, "bo").me.display_name.as_str(), "bo");
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
        room.handle(post("bo", Some("dee"), "psst"), at(3)).reply,
        Err(ErrorCode::ParticipantNotFound)
    );
}

#[test]
fn signals_go_to_one_and_never_back_or_out_of_the_room() {
    let mut room = room_with(&["ada", "bo"]);
    let signal = |to| Command::Signal {
        from: stay("ada"),
        to: stay(to),
        signal: Signal::Offer {
            connection: None,
            sdp: "v=0".into(),
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
fn whoever_is_not_in_can_do_nothing() {
    let mut room = room_with(&["ada"]);
    for command in [
        Command::Look {
            participant: stay("bo"),
        },
        leave("bo"),
        Command::End { by: stay("bo") },
        update("bo", Changes::default()),
        post("bo", None, "hi"),
        start("bo", Source::Camera, "t"),
        Command::Signal {
            from: stay("bo"),
            to: stay("ada"),
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
fn what_a_worker_reports_goes_to_whom_it_concerns() {
    let mut room = room_with(&["ada", "bo"]);
    negotiate(&mut room, "ada");
    room.handle(start("ada", Source::Camera, "t1"), at(1))
        .reply
        .unwrap();
    let slots = |to| MediaEvent::Slots {
        to: stay(to),
        slots: SlotsData { slots: vec![] },
    };
    assert_eq!(
        told(&room.handle(Command::Media(slots("bo")), at(2)).effects),
        ["p-bo: media.slots"]
    );
    assert_eq!(room.handle(Command::Media(slots("cy")), at(2)).effects, []);
    let format = MediaEvent::Format {
        track: track("t1"),
        codec: "AV1".into(),
        layers: vec![],
    };
    assert_eq!(
        told(&room.handle(Command::Media(format.clone()), at(3)).effects),
        ["all: participant.updated"]
    );
    assert_eq!(room.handle(Command::Media(format), at(4)).effects, []);
    let speakers = MediaEvent::Speakers {
        participants: vec![stay("cy"), stay("bo")],
    };
    let effects = room.handle(Command::Media(speakers), at(5)).effects;
    let [Effect::Broadcast { event, .. }] = &effects[..] else {
        panic!("one event")
    };
    let Event::SpeakerActive(active) = &**event else {
        panic!("about speakers")
    };
    assert_eq!(active.participants, [stay("bo")]);
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
