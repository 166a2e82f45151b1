//! What a meeting's rules are, told as tests; here is what the stories share.

mod coming_back;
mod governing;
mod lobby;
mod names;
mod pause;
mod presence;
mod roles;
mod sources;
mod taking_up;
mod time;
mod together;

use super::command::{Changes, Command, Join, PasswordEdit, Post, Signal, Switch};
use super::effect::{CloseReason, Effect, History, Reply, View};
use super::media::{MediaCommand, MediaEvent};
use super::room::Room;
use super::state::chat::Chat;
use crate::network::Network;
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

pub(crate) fn membership(name: &str) -> ParticipantId {
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
        waiting: object::WhoWaits::Nobody,
        guests: true,
        start_muted: false,
        start_camera_off: false,
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

pub(super) fn join_as(name: &str, membership_name: &str) -> Command {
    Command::Join(newcomer(name, membership_name))
}

pub(crate) fn newcomer(name: &str, membership_name: &str) -> Join {
    Join {
        participant: membership(membership_name),
        user: user(name),
        display_name: DisplayName::parse(name).unwrap(),
        role: None,
        pass: false,
        address: address(1),
        first_joined_at: None,
    }
}

/// One of many households.
pub(super) fn address(number: u8) -> Network {
    Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
}

pub(super) fn edited(facts: object::Room) -> Command {
    Command::Edited {
        facts: Box::new(facts),
        password: PasswordEdit::Kept,
    }
}

pub(super) fn lost(name: &str) -> Command {
    Command::Away {
        participant: membership(name),
        reason: LeaveReason::Lost,
    }
}

/// Somebody's socket is lost, and their session waits for another.
pub(super) fn detach(name: &str) -> Command {
    Command::Detach {
        participant: membership(name),
    }
}

/// It has got one, at the same address.
pub(super) fn attach(name: &str, anew: bool, look: bool) -> Command {
    Command::Attach {
        participant: membership(name),
        address: newcomer(name, name).address,
        anew,
        look,
    }
}

pub(super) fn leave(name: &str) -> Command {
    Command::Leave {
        participant: membership(name),
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

/// The effects as one line for each who is told, for what a story is about.
pub(super) fn told(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .flat_map(|effect| match effect {
            Effect::Tell { to, event } => {
                let line = |to| format!("{to}: {}", event.kind());
                to.iter().map(line).collect()
            }
            Effect::Broadcast {
                except: None,
                event,
            } => vec![format!("all: {}", event.kind())],
            Effect::Broadcast {
                except: Some(but),
                event,
            } => vec![format!("all but {but}: {}", event.kind())],
            Effect::Release { participant, close } => {
                vec![format!("release {participant} {close:?}")]
            }
            Effect::Admit { participant, .. } => vec![format!("admit {participant}")],
            Effect::Show { participant, .. } => vec![format!("show {participant}")],
            Effect::SendAway {
                participant,
                event,
                close,
            } => {
                let told = event.as_ref().map(|event| event.kind());
                vec![format!("send away {participant} {told:?} {close:?}")]
            }
            Effect::TellWaiting { .. } | Effect::Media(_) | Effect::History(_) => Vec::new(),
        })
        .collect()
}

pub(super) fn media(effects: &[Effect]) -> Vec<MediaCommand> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Media(command) => Some(command.clone()),
            Effect::Tell { .. }
            | Effect::TellWaiting { .. }
            | Effect::Broadcast { .. }
            | Effect::Release { .. }
            | Effect::Admit { .. }
            | Effect::Show { .. }
            | Effect::SendAway { .. }
            | Effect::History(_) => None,
        })
        .collect()
}

pub(super) fn view(room: &mut Room, name: &str) -> View {
    match room
        .handle(
            Command::Look {
                participant: membership(name),
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
            participant: membership(name),
            sources,
        },
        at(1),
    )
    .reply
    .unwrap();
}

pub(super) fn start(name: &str, source: Source, id: &str) -> Command {
    Command::SetSource {
        participant: membership(name),
        source,
        switch: Switch::On {
            track: track(id),
            muted: false,
        },
    }
}

pub(super) fn update(name: &str, changes: Changes) -> Command {
    Command::Update {
        participant: membership(name),
        changes,
    }
}

pub(super) fn post(from: &str, to: Option<&str>, text: &str) -> Command {
    let message = ChatMessage {
        id: MessageId::try_from(format!("m-{text}")).unwrap(),
        participant: membership(from),
        user: user(from),
        display_name: DisplayName::parse(from).unwrap(),
        to: to.map(membership),
        text: ChatText::parse(text).unwrap(),
        client_id: None,
        sent_at: at(2),
    };
    Command::Post(Box::new(Post {
        message,
        to_user: to.map(|name| user(name).id),
    }))
}

/// The same message, which was stored and is sent again.
pub(super) fn again(command: Command) -> Command {
    match command {
        Command::Post(post) => Command::PostAgain(post),
        other => other,
    }
}
