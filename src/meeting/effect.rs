//! What a room answers and wants done.

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

/// What comes of a command: one answer, and effects to be carried out in order.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// What the one who asked is told.
    pub reply: Result<Reply, ErrorCode>,
    /// What is to be done; empty when the command was refused.
    pub effects: Vec<Effect>,
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing more to say.
    Done,
    /// The state of the room, for someone in it.
    View(Box<View>),
    /// The newcomer waits to be let in.
    Waiting,
    /// They are in no more.
    TurnedAway,
    /// Who is in, in order of joining.
    Roster(Vec<Participant>),
    /// Somebody, as they are now.
    Participant(Box<Participant>),
    /// The track that runs now, if one does.
    Track(Option<Track>),
    /// A message that went out.
    Message(Box<ChatMessage>),
    /// From when on the chat may be read; none when all of it may.
    Since(Option<Timestamp>),
    /// A ban as it would be.
    Ban(Box<Ban>),
    /// Who is kept out, the newest first.
    Bans(Vec<Ban>),
    /// The timer that runs now.
    Timer(Option<Timer>),
}

/// The state of a room, for someone in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The room.
    pub room: Room,
    /// Oneself.
    pub me: Participant,
    /// Everyone in order of joining.
    pub participants: Vec<Participant>,
    /// What oneself may do, as far as the room's permissions decide it.
    pub permissions: Permissions,
    /// Everything that oneself may do.
    pub actions: Vec<Action>,
    /// Who waits; empty for those who may not let in.
    pub lobby: Vec<Waiting>,
    /// Whom everyone is shown large.
    pub spotlight: Vec<ParticipantId>,
    /// The timer that runs.
    pub timer: Option<Timer>,
    /// The relays that oneself may use, which the core does not know: whoever carries the answer out adds them.
    pub ice_servers: Vec<IceServer>,
    /// The last messages that oneself may read, and whether there are older ones.
    pub chat: ChatPage,
}

/// Something to be done outside of the core. Shells match it without `_`.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Some who are in are told the same.
    Tell {
        /// Who.
        to: Vec<ParticipantId>,
        /// What.
        event: Box<Event>,
    },
    /// Some who wait are told the same.
    TellWaiting {
        /// Who.
        to: Vec<ParticipantId>,
        /// What.
        event: Box<Event>,
    },
    /// Everyone is told who is in the room at this point of the effects.
    Broadcast {
        /// Who is not.
        except: Option<ParticipantId>,
        /// What.
        event: Box<Event>,
    },
    /// A participant's session belongs to the room no more.
    Release {
        /// Whose.
        participant: ParticipantId,
        /// Why its socket is closed; none when it stays.
        close: Option<CloseReason>,
    },
    /// Somebody who waited is in from here on.
    Admit {
        /// Who.
        participant: ParticipantId,
        /// What they are told, before anything else of the room.
        view: Box<View>,
    },
    /// Somebody is shown the room as it is at this point of what they are told.
    Show {
        /// Who.
        participant: ParticipantId,
        /// The room.
        view: Box<View>,
    },
    /// Somebody waits no more and is not in.
    SendAway {
        /// Who.
        participant: ParticipantId,
        /// What they are told.
        event: Option<Box<Event>>,
        /// Why their socket is closed; none when it stays.
        close: Option<CloseReason>,
    },
    /// The media worker is told.
    Media(MediaCommand),
    /// Who was here is written down.
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
    /// The room failed, which is a fault of the server: they may come back at once.
    Failed,
}

/// A line of the attendance list.
#[derive(Debug, Clone, PartialEq)]
pub enum History {
    /// Somebody came in.
    Joined {
        /// Their membership.
        participant: ParticipantId,
        /// Who.
        user: Box<User>,
        /// What they were called.
        display_name: DisplayName,
        /// In which role.
        role: Role,
        /// When.
        at: Timestamp,
    },
    /// Somebody is gone.
    Left {
        /// Their membership.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
        /// When.
        at: Timestamp,
    },
}
