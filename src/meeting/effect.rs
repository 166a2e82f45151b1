//! The answers and effects of a room.

use serde::{Deserialize, Serialize};

use super::media::MediaCommand;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, LeaveReason};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{
    Action, Ban, IceServer, Participant, Permissions, Role, Room, Timer, Track, User, Waiting,
};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;
use crate::protocol::{object::ChatMessage, request::ChatPage};

/// The result of a command: one answer, and the effects to carry out in order.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The answer to the sender of the command.
    pub reply: Result<Reply, ErrorCode>,
    /// The effects. Empty if the command was refused.
    pub effects: Vec<Effect>,
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing more to say.
    Done,
    /// The state of the room as one participant sees it.
    View(Box<View>),
    /// The newcomer waits to be let in.
    Waiting,
    /// They are not in any more.
    TurnedAway,
    /// The participants, in order of joining.
    Roster(Vec<Participant>),
    /// The current state of a participant.
    Participant(Box<Participant>),
    /// The track that runs now, if one does.
    Track(Option<Track>),
    /// A message that went out.
    Message(Box<ChatMessage>),
    /// The time from which the chat may be read. None if all of it may be read.
    Since(Option<Timestamp>),
    /// A ban as it would be.
    Ban(Box<Ban>),
    /// The banned and refused people, the newest first.
    Bans(Vec<Ban>),
    /// The timer that runs now.
    Timer(Option<Timer>),
}

/// The state of a room as one participant sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The room.
    pub room: Room,
    /// Oneself.
    pub me: Participant,
    /// Everyone in order of joining.
    pub participants: Vec<Participant>,
    /// The permissions of the participant, as far as the room decides them.
    pub permissions: Permissions,
    /// Everything that oneself may do.
    pub actions: Vec<Action>,
    /// The people who wait. Empty for participants who may not let people in.
    pub lobby: Vec<Waiting>,
    /// The participants in the spotlight.
    pub spotlight: Vec<ParticipantId>,
    /// The timer that runs.
    pub timer: Option<Timer>,
    /// The relays for this participant. The core does not know them; the code that carries out the effects adds them.
    pub ice_servers: Vec<IceServer>,
    /// The last messages that the participant may read, and whether there are older ones.
    pub chat: ChatPage,
}

/// Something to be done outside of the core. Shells match it without `_`.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Sends one event to some participants.
    Tell {
        /// The receivers.
        to: Vec<ParticipantId>,
        /// The event.
        event: Box<Event>,
    },
    /// Sends one event to some people who wait.
    TellWaiting {
        /// The receivers.
        to: Vec<ParticipantId>,
        /// The event.
        event: Box<Event>,
    },
    /// Sends an event to every participant who is in the room at this point of the effects.
    Broadcast {
        /// A participant who does not get it.
        except: Option<ParticipantId>,
        /// The event.
        event: Box<Event>,
    },
    /// The session of a participant does not belong to the room any more.
    Release {
        /// The participant.
        participant: ParticipantId,
        /// Why its socket is closed. None if it stays open.
        close: Option<CloseReason>,
    },
    /// A person who waited is a participant from here on.
    Admit {
        /// The participant.
        participant: ParticipantId,
        /// The first thing that they are told of the room.
        view: Box<View>,
    },
    /// Sends a participant the state of the room. It fits between the events before and after it.
    Show {
        /// The participant.
        participant: ParticipantId,
        /// The room.
        view: Box<View>,
    },
    /// A person does not wait any more, and was not let in.
    SendAway {
        /// The participant.
        participant: ParticipantId,
        /// The event for them.
        event: Option<Box<Event>>,
        /// Why their socket is closed. None if it stays open.
        close: Option<CloseReason>,
    },
    /// The media worker is told.
    Media(MediaCommand),
    /// Writes attendance down.
    History(History),
}

/// Why a room closes a session's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// A newer session of the same user took its place.
    Replaced,
    /// The meeting ended or the room was deleted.
    Ended,
    /// A host removed them.
    Removed,
    /// The room failed by a fault of the server. The client may come back at once.
    Failed,
}

/// A line of the attendance list.
#[derive(Debug, Clone, PartialEq)]
pub enum History {
    /// A person joined.
    Joined {
        /// Their membership.
        participant: ParticipantId,
        /// The user.
        user: Box<User>,
        /// The display name.
        display_name: DisplayName,
        /// The role.
        role: Role,
        /// When.
        at: Timestamp,
    },
    /// A participant left.
    Left {
        /// Their membership.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
        /// When.
        at: Timestamp,
    },
}
