//! What can be asked of a room.

use super::chat::Post;
use super::media::MediaEvent;
use super::permissions::Action;
use crate::protocol::event::{EndReason, LeaveReason};
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Room, Source, User};
use crate::protocol::request::Candidate;
use crate::protocol::text::DisplayName;

/// A command to one room. Everything random or durable in it was made before.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Somebody comes in; the password was checked before.
    Join(Join),
    /// Somebody asks whether they would be taken in now.
    Knock(Box<User>),
    /// Somebody in the room reads its state anew.
    Look {
        /// Who.
        participant: ParticipantId,
    },
    /// Somebody goes, or is gone.
    Leave {
        /// Who.
        participant: ParticipantId,
        /// Why.
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
        /// The owner's stay, which keeps its socket, when they are inside.
        by: Option<ParticipantId>,
    },
    /// The room was edited; what was stored is final.
    Edited(Box<Room>),
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
}

/// Somebody comes in.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// The id of the stay that begins.
    pub participant: ParticipantId,
    /// Who it is.
    pub user: User,
    /// What they want to be called here.
    pub display_name: DisplayName,
}

/// What somebody changes of themselves; absent is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
