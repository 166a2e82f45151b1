//! What can be asked of a room.

use serde::{Deserialize, Serialize};

use super::media::MediaEvent;
use crate::network::Network;
use crate::protocol::event::{EndReason, LeaveReason};
use crate::protocol::ids::{MessageId, ParticipantId, TrackId, UserId};
use crate::protocol::object::{Action, BanLength, ChatMessage, Reaction, Role, Room, Source, User};
use crate::protocol::request::{Candidate, Target, Targets};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// A command to one room. Ids and all other random values in it were made before, and what it needs in the database is
/// stored already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Somebody comes in; the password was checked before.
    Join(Join),
    /// Asks whether the room would take a person in (`Done`) or let them wait (`Waiting`).
    Knock(Box<Join>),
    /// Somebody in the room reads its state anew.
    Look {
        /// Who.
        participant: ParticipantId,
    },
    /// A participant leaves, or a person stops waiting.
    Leave {
        /// Who.
        participant: ParticipantId,
    },
    /// The socket of a participant is lost, and their session waits for another one. They are still in.
    Detach {
        /// Whose.
        participant: ParticipantId,
    },
    /// Their session has a socket again.
    Attach {
        /// Whose.
        participant: ParticipantId,
        /// Where they come from now.
        address: Network,
        /// The client has lost its state, so its media begins anew.
        anew: bool,
        /// They are to be shown the room.
        look: bool,
    },
    /// The session of a participant ended although they did not leave. They may be back in a moment.
    Away {
        /// Whose.
        participant: ParticipantId,
        /// What the others are told.
        reason: LeaveReason,
    },
    /// A host ends the meeting for everyone.
    End {
        /// Who.
        by: ParticipantId,
    },
    /// The meeting is ended from outside. The end is stored already.
    Close {
        /// What everyone is told.
        reason: EndReason,
    },
    /// The room was deleted by its owner, from inside or outside of it.
    Delete {
        /// The participant of the owner, if the owner is in. Their socket stays open.
        by: Option<ParticipantId>,
    },
    /// The room was edited. The edit is stored already and cannot be refused.
    Edited {
        /// The room as it is now.
        facts: Box<Room>,
        /// Whether the password that waiting people gave still holds.
        password: PasswordEdit,
    },
    /// Who is in.
    Roster,
    /// A participant changes what the others see of them.
    Update {
        /// Who.
        participant: ParticipantId,
        /// What.
        changes: Changes,
    },
    /// Asks whether a participant may do something, and how the others see them.
    Authorise {
        /// Who.
        participant: ParticipantId,
        /// What.
        action: Action,
    },
    /// A message that is stored already goes to everyone, or to one.
    Post(Box<Post>),
    /// A client sends a stored message again. If the message was not delivered before, it goes to everybody who may
    /// read it.
    PostAgain(Box<Post>),
    /// A message was deleted. It is deleted in the database already.
    Deleted {
        /// Which.
        message: MessageId,
        /// The two people who may read it. None means that everybody may.
        between: Option<(UserId, UserId)>,
    },
    /// From when on somebody may read the chat.
    Readable {
        /// Who.
        participant: ParticipantId,
    },
    /// An account was renamed. The name in the meeting follows if the participant may rename themselves.
    Renamed {
        /// Their membership.
        participant: ParticipantId,
        /// The account as it is now.
        user: Box<User>,
    },
    /// Somebody mutes others.
    Mute {
        /// Who does.
        by: ParticipantId,
        /// Whom; everyone below them.
        whom: Target,
        /// What.
        source: Source,
    },
    /// Somebody asks another to unmute.
    AskUnmute {
        /// Who asks.
        by: ParticipantId,
        /// Whom.
        whom: ParticipantId,
        /// What.
        source: Source,
    },
    /// Somebody lowers the hands of others.
    LowerHand {
        /// Who does.
        by: ParticipantId,
        /// Whose.
        whom: Target,
    },
    /// Somebody renames another.
    Rename {
        /// Who does.
        by: ParticipantId,
        /// Whom.
        whom: ParticipantId,
        /// What they are called from now on.
        display_name: DisplayName,
    },
    /// Somebody gives another role.
    SetRole {
        /// Who does.
        by: ParticipantId,
        /// Whose role.
        whom: ParticipantId,
        /// What they are from now on.
        role: Role,
    },
    /// Asks whether a participant may ban another, and what is to be stored before they do.
    ConsiderBan {
        /// Who would.
        by: ParticipantId,
        /// Whom, inside or at the door.
        whom: ParticipantId,
        /// How long.
        until: BanLength,
    },
    /// A participant removes another. A permanent ban is stored already.
    Remove {
        /// Who does.
        by: ParticipantId,
        /// Whom, inside or at the door.
        whom: ParticipantId,
        /// How long they are kept out.
        ban: Option<BanLength>,
    },
    /// A ban or a refusal is lifted. The database was changed before.
    Unban {
        /// Who.
        user: UserId,
    },
    /// Who is kept out.
    Bans,
    /// Somebody lets in who waits.
    Admit {
        /// Who does.
        by: ParticipantId,
        /// Whom.
        who: Targets,
    },
    /// Somebody sends away who waits.
    Deny {
        /// Who does.
        by: ParticipantId,
        /// Whom.
        who: Targets,
    },
    /// Somebody shows a feeling.
    React {
        /// Who.
        by: ParticipantId,
        /// Which.
        emoji: Reaction,
    },
    /// Somebody chooses whom everyone is shown large.
    Spotlight {
        /// Who does.
        by: ParticipantId,
        /// Whom; at most [`MAX_SPOTLIGHT`](super::together::MAX_SPOTLIGHT).
        whom: Vec<ParticipantId>,
    },
    /// Somebody starts or stops the timer.
    SetTimer {
        /// Who does.
        by: ParticipantId,
        /// How long the timer runs. None stops it.
        duration_ms: Option<u64>,
    },
    /// Something for one participant alone.
    Signal {
        /// Who sends.
        from: ParticipantId,
        /// Who gets it.
        to: ParticipantId,
        /// What.
        signal: Signal,
    },
    /// The m-lines of somebody's up connection were negotiated.
    Negotiated {
        /// Whose.
        participant: ParticipantId,
        /// The sources that the connection can carry, with their encodings.
        sources: Vec<(Source, Option<String>)>,
    },
    /// Somebody starts or stops a source.
    SetSource {
        /// Who.
        participant: ParticipantId,
        /// Which.
        source: Source,
        /// How.
        switch: Switch,
    },
    /// The media worker reports.
    Media(MediaEvent),
    /// The time that [`Room::next_deadline`](super::Room::next_deadline) named has come.
    Tick,
}

/// How a session comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attach {
    /// The client has lost its state.
    pub anew: bool,
    /// It is to be shown the room.
    pub look: bool,
}

/// What an edit did to the room's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordEdit {
    /// It did not change, or it was removed. People who gave it before need not give another.
    Kept,
    /// It was set or changed.
    Changed,
}

/// Somebody comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The id of the membership that begins.
    pub participant: ParticipantId,
    /// Who it is.
    pub user: User,
    /// The name that they want to have in this room.
    pub display_name: DisplayName,
    /// The role from an invite or from the store. A role that was given in the meeting has priority.
    pub role: Option<Role>,
    /// An invite lets them past the waiting room.
    pub pass: bool,
    /// Where they come from.
    pub address: Network,
    /// When they joined this room for the first time. None if this is the first time, or if it does not matter.
    pub first_joined_at: Option<Timestamp>,
}

/// A message and whom it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// As it travels.
    pub message: ChatMessage,
    /// The receiver, as a user: they may come back under another participant id. None if it is for everybody.
    pub to_user: Option<UserId>,
}

impl Post {
    /// Whether `user` may read it.
    pub fn is_for(&self, user: &UserId) -> bool {
        match &self.to_user {
            None => self.message.to.is_none() || self.message.user.id == *user,
            Some(to) => to == user || self.message.user.id == *user,
        }
    }
}

/// What a participant changes of themselves. An absent field stays unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// What they are called.
    pub display_name: Option<DisplayName>,
    /// Whether their microphone is heard.
    pub audio: Option<bool>,
    /// Whether their camera is seen.
    pub video: Option<bool>,
    /// Whether their hand is up.
    pub hand: Option<bool>,
}

/// What a source is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Switch {
    /// Run, as a new track.
    On {
        /// The track's id, should one begin.
        track: TrackId,
        /// Begin muted.
        muted: bool,
    },
    /// Stop.
    Off,
}

/// A message by which one participant sets up a connection to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// An SDP offer.
    Offer {
        /// Which of several connections.
        connection: Option<String>,
        /// The description.
        sdp: String,
    },
    /// An SDP answer.
    Answer {
        /// Which of several connections.
        connection: Option<String>,
        /// The description.
        sdp: String,
    },
    /// An ICE candidate, or the end of them.
    Candidate {
        /// Which of several connections.
        connection: Option<String>,
        /// The candidate.
        candidate: Option<Candidate>,
    },
}

impl Signal {
    /// How much it weighs, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Offer { sdp, .. } | Self::Answer { sdp, .. } => sdp.len(),
            Self::Candidate { candidate, .. } => candidate.as_ref().map_or(0, Candidate::bytes),
        }
    }
}
