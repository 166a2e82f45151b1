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

/// A command to one room. Everything random or durable in it was made before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Somebody comes in; the password was checked before.
    Join(Join),
    /// Somebody asks whether they would be taken in (`Done`), or might wait to be (`Waiting`).
    Knock(Box<Join>),
    /// Somebody in the room reads its state anew.
    Look {
        /// Who.
        participant: ParticipantId,
    },
    /// Somebody goes; those who wait as well.
    Leave {
        /// Who.
        participant: ParticipantId,
    },
    /// Somebody's socket is gone, and their session waits for another one: they are still in.
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
        /// The client knows nothing any more: its media begins anew.
        anew: bool,
        /// They are to be shown the room.
        look: bool,
    },
    /// Somebody's session is over without their having left, and they may be back in a moment.
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
    /// The meeting is ended from outside of it; the end is stored already.
    Close {
        /// What everyone is told.
        reason: EndReason,
    },
    /// The room was deleted by its owner, from inside or outside of it.
    Delete {
        /// The owner's membership, which keeps its socket, when they are inside.
        by: Option<ParticipantId>,
    },
    /// The room was edited; what was stored is final.
    Edited {
        /// The room as it is now.
        facts: Box<Room>,
        /// Whether those who wait gave the password that holds.
        password: PasswordEdit,
    },
    /// Who is in.
    Roster,
    /// Somebody changes what others see of them.
    Update {
        /// Who.
        participant: ParticipantId,
        /// What.
        changes: Changes,
    },
    /// Whether somebody may do something, and who they are to the others.
    Authorise {
        /// Who.
        participant: ParticipantId,
        /// What.
        action: Action,
    },
    /// A message that is stored already goes to everyone, or to one.
    Post(Box<Post>),
    /// A message that is stored is sent again: whoever may read it is told, unless everybody was.
    PostAgain(Box<Post>),
    /// A message was taken back; it is gone from what is stored already.
    Deleted {
        /// Which.
        message: MessageId,
        /// The two that may read it; none when everyone may.
        between: Option<(UserId, UserId)>,
    },
    /// From when on somebody may read the chat.
    Readable {
        /// Who.
        participant: ParticipantId,
    },
    /// Somebody's account was renamed; their name in the meeting follows if they may rename themselves.
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
    /// Whether somebody may ban another, and what is to be written down before they do.
    ConsiderBan {
        /// Who would.
        by: ParticipantId,
        /// Whom, inside or at the door.
        whom: ParticipantId,
        /// How long.
        until: BanLength,
    },
    /// Somebody removes another; a ban for good is stored already.
    Remove {
        /// Who does.
        by: ParticipantId,
        /// Whom, inside or at the door.
        whom: ParticipantId,
        /// How long they are kept out.
        ban: Option<BanLength>,
    },
    /// Somebody is let in again; what is stored was changed before.
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
        /// How long it runs; none stops it.
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
        /// What they may carry, and in which encoding.
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
    /// The client knows nothing any more.
    pub anew: bool,
    /// It is to be shown the room.
    pub look: bool,
}

/// What an edit did to the room's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordEdit {
    /// Whoever gave it before needs give no other: it is as it was, or was taken away.
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
    /// What they want to be called here.
    pub display_name: DisplayName,
    /// The role that an invite or what is stored gives them; what was given in the meeting goes before it.
    pub role: Option<Role>,
    /// An invite lets them past the waiting room.
    pub pass: bool,
    /// Where they come from.
    pub address: Network,
    /// When they came into this room for the first time; none when this is it, or when it does not matter.
    pub first_joined_at: Option<Timestamp>,
}

/// A message and whom it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// As it travels.
    pub message: ChatMessage,
    /// The person it is for, who may come back under another participant id; none when it is for everyone.
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

/// What somebody changes of themselves; absent is unchanged.
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

/// What one participant sends to another, to set up a connection between the two.
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
