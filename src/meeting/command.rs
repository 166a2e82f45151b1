//! The commands to a room.

use serde::{Deserialize, Serialize};

use super::media::MediaEvent;
use crate::network::Network;
use crate::protocol::event::{EndReason, LeaveReason};
use crate::protocol::ids::{MessageId, ParticipantId, TrackId, UserId};
use crate::protocol::object::{Action, BanLength, ChatMessage, Reaction, Role, Room, Source, User};
use crate::protocol::passed_on::JsonString;
use crate::protocol::request::{Candidate, Target, Targets};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// A command to one room. Ids and all other random values in it were made before, and what it needs in the database is
/// stored already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// A person joins. The password was checked before.
    Join(Join),
    /// Asks whether the room would take a person in (`Done`) or let them wait (`Waiting`).
    Knock(Box<Join>),
    /// A participant reads the state of the room again.
    Look {
        /// The participant.
        participant: ParticipantId,
    },
    /// A participant leaves, or a person stops waiting.
    Leave {
        /// The participant.
        participant: ParticipantId,
    },
    /// The socket of a participant is lost, and their session waits for another one. They are still in.
    Detach {
        /// The participant.
        participant: ParticipantId,
    },
    /// Their session has a socket again.
    Attach {
        /// The participant.
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
        /// The participant.
        participant: ParticipantId,
        /// The reason for the others.
        reason: LeaveReason,
    },
    /// A host ends the meeting for everyone.
    End {
        /// The participant who does it.
        by: ParticipantId,
    },
    /// The meeting is ended from outside. The end is stored already.
    Close {
        /// The reason for everybody.
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
    /// Asks for the participants.
    Roster,
    /// A participant changes what the others see of them.
    Update {
        /// The participant.
        participant: ParticipantId,
        /// The changes.
        changes: Changes,
    },
    /// Asks whether a participant may do something, and how the others see them.
    Authorise {
        /// The participant.
        participant: ParticipantId,
        /// The action.
        action: Action,
    },
    /// A message that is stored already goes to everyone, or to one.
    Post(Box<Post>),
    /// A client sends a stored message again. If the message was not delivered before, it goes to everybody who may
    /// read it.
    PostAgain(Box<Post>),
    /// A message was deleted. It is deleted in the database already.
    Deleted {
        /// The message.
        message: MessageId,
        /// The two people who may read it. None means that everybody may.
        between: Option<(UserId, UserId)>,
    },
    /// Asks from when on a participant may read the chat.
    Readable {
        /// The participant.
        participant: ParticipantId,
    },
    /// An account was renamed. The name in the meeting follows if the participant may rename themselves.
    Renamed {
        /// Their membership.
        participant: ParticipantId,
        /// The account as it is now.
        user: Box<User>,
    },
    /// A participant mutes others.
    Mute {
        /// The participant who does it.
        by: ParticipantId,
        /// One participant, or all of a lower rank.
        whom: Target,
        /// The source.
        source: Source,
    },
    /// A participant asks another to unmute.
    AskUnmute {
        /// The participant who asks.
        by: ParticipantId,
        /// The participant who is asked.
        whom: ParticipantId,
        /// The source.
        source: Source,
    },
    /// A participant lowers the hands of others.
    LowerHand {
        /// The participant who does it.
        by: ParticipantId,
        /// One participant, or all of a lower rank.
        whom: Target,
    },
    /// A participant renames another.
    Rename {
        /// The participant who does it.
        by: ParticipantId,
        /// The participant it is done to.
        whom: ParticipantId,
        /// The new display name.
        display_name: DisplayName,
    },
    /// A participant changes the role of another.
    SetRole {
        /// The participant who does it.
        by: ParticipantId,
        /// The participant who gets it.
        whom: ParticipantId,
        /// The new role.
        role: Role,
    },
    /// Asks whether a participant may ban another, and what is to be stored before they do.
    ConsiderBan {
        /// The participant who would do it.
        by: ParticipantId,
        /// The participant or waiting person.
        whom: ParticipantId,
        /// How long.
        until: BanLength,
    },
    /// A participant removes another. A permanent ban is stored already.
    Remove {
        /// The participant who does it.
        by: ParticipantId,
        /// The participant or waiting person.
        whom: ParticipantId,
        /// How long they are kept out.
        ban: Option<BanLength>,
    },
    /// A ban or a refusal is lifted. The database was changed before.
    Unban {
        /// The user.
        user: UserId,
    },
    /// Asks for the bans and refusals.
    Bans,
    /// A participant lets waiting people in.
    Admit {
        /// The participant who does it.
        by: ParticipantId,
        /// The people who wait.
        who: Targets,
    },
    /// A participant turns waiting people away.
    Deny {
        /// The participant who does it.
        by: ParticipantId,
        /// The people who wait.
        who: Targets,
    },
    /// A participant sends a reaction.
    React {
        /// The participant who does it.
        by: ParticipantId,
        /// The reaction.
        emoji: Reaction,
    },
    /// A participant sets the spotlight.
    Spotlight {
        /// The participant who does it.
        by: ParticipantId,
        /// The participants, at most [`MAX_SPOTLIGHT`](super::together::MAX_SPOTLIGHT).
        whom: Vec<ParticipantId>,
    },
    /// A participant starts or stops the timer.
    SetTimer {
        /// The participant who does it.
        by: ParticipantId,
        /// How long the timer runs. None stops it.
        duration_ms: Option<u64>,
    },
    /// Something for one participant alone.
    Signal {
        /// The sender.
        from: ParticipantId,
        /// The receiver.
        to: ParticipantId,
        /// The message.
        signal: Signal,
    },
    /// The up connection of a participant was negotiated.
    Negotiated {
        /// The participant.
        participant: ParticipantId,
        /// The sources that the connection can carry, with their encodings.
        sources: Vec<(Source, Option<String>)>,
    },
    /// A participant starts or stops a source.
    SetSource {
        /// The participant.
        participant: ParticipantId,
        /// The source.
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

/// The change of the password of a room by an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordEdit {
    /// It did not change, or it was removed. People who gave it before need not give another.
    Kept,
    /// It was set or changed.
    Changed,
}

/// A person joins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The id of the membership that begins.
    pub participant: ParticipantId,
    /// The user.
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

/// A message and its receiver.
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
    /// The display name.
    pub display_name: Option<DisplayName>,
    /// Whether their microphone is heard.
    pub audio: Option<bool>,
    /// Whether their camera is seen.
    pub video: Option<bool>,
    /// Whether their hand is up.
    pub hand: Option<bool>,
}

/// The new state of a source.
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
        /// The name of the connection, if there are several.
        connection: Option<String>,
        /// The description.
        sdp: JsonString,
    },
    /// An SDP answer.
    Answer {
        /// The name of the connection, if there are several.
        connection: Option<String>,
        /// The description.
        sdp: JsonString,
    },
    /// An ICE candidate, or the end of them.
    Candidate {
        /// The name of the connection, if there are several.
        connection: Option<String>,
        /// The candidate.
        candidate: Option<Candidate>,
    },
}

impl Signal {
    /// How much it weighs, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Offer { sdp, .. } | Self::Answer { sdp, .. } => sdp.bytes(),
            Self::Candidate { candidate, .. } => candidate.as_ref().map_or(0, Candidate::bytes),
        }
    }
}
