//! The objects by which a meeting is governed. They travel like those of [`super::object`], which re-exports them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::event::LeaveReason;
use super::ids::{InviteId, ParticipantId, UserId};
use super::object::{Role, User, UserKind};
use super::text::{DisplayName, RoomName};
use super::time::Timestamp;

/// Something that not everyone may do at all times. Clients show what they are told that they may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Switch one's own microphone on.
    Unmute,
    /// Send one's own camera.
    Camera,
    /// Share one's screen; its sound takes the right to unmute too.
    Screen,
    /// Write to everyone.
    Chat,
    /// Write to one person.
    PrivateChat,
    /// Send files from browser to browser.
    Files,
    /// Change one's own name.
    Rename,
    /// Send reactions.
    React,
    /// Come into a locked room.
    EnterLocked,
    /// Come in past the waiting room, and as a guest where others need an account.
    SkipLobby,
    /// Come in long before the beginning.
    EnterEarly,
    /// Let in or send away those who wait.
    Admit,
    /// Mute others and stop their cameras and shares.
    Mute,
    /// Ask others to unmute.
    AskUnmute,
    /// Lower the hands of others.
    LowerHand,
    /// Rename others.
    RenameOthers,
    /// Show people large to everyone.
    Spotlight,
    /// Start and stop the timer.
    Timer,
    /// Take back what others wrote.
    DeleteMessages,
    /// Remove others.
    Remove,
    /// Keep others out, and let them in again.
    Ban,
    /// Make members co-hosts, and co-hosts members.
    MakeCohost,
    /// Make others hosts.
    MakeHost,
    /// Make, list and revoke invite links.
    Invite,
    /// Lock the room, switch the waiting room, change what members may do.
    Secure,
    /// Change everything else of the room.
    Edit,
    /// Read who was in, when and how long.
    Attendance,
    /// End the meeting for everyone.
    End,
}

impl Action {
    /// Every action, in the order in which clients are told them.
    pub const ALL: [Self; 28] = [
        Self::Unmute,
        Self::Camera,
        Self::Screen,
        Self::Chat,
        Self::PrivateChat,
        Self::Files,
        Self::Rename,
        Self::React,
        Self::EnterLocked,
        Self::SkipLobby,
        Self::EnterEarly,
        Self::Admit,
        Self::Mute,
        Self::AskUnmute,
        Self::LowerHand,
        Self::RenameOthers,
        Self::Spotlight,
        Self::Timer,
        Self::DeleteMessages,
        Self::Remove,
        Self::Ban,
        Self::MakeCohost,
        Self::MakeHost,
        Self::Invite,
        Self::Secure,
        Self::Edit,
        Self::Attendance,
        Self::End,
    ];
}

/// What newcomers may read of the chat.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum HistoryAccess {
    /// Everything that was written to everyone.
    #[default]
    All,
    /// What was written since they came in first.
    Joined,
}

/// Of those who come in, who waits until a host lets them in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum WhoWaits {
    /// Nobody waits: everybody with the link comes straight in.
    #[default]
    Nobody,
    /// Accounts come straight in.
    Guests,
    /// Those who govern the room come straight in.
    Everyone,
}

impl WhoWaits {
    /// Whether somebody of this kind waits.
    pub fn holds(self, kind: UserKind) -> bool {
        match self {
            Self::Nobody => false,
            Self::Guests => kind == UserKind::Guest,
            Self::Everyone => true,
        }
    }

    /// Whether anybody does: what `lobby` tells and asks.
    pub fn is_on(self) -> bool {
        self != Self::Nobody
    }
}

impl From<bool> for WhoWaits {
    /// What `lobby` means to those who know no more than that.
    fn from(lobby: bool) -> Self {
        match lobby {
            true => Self::Everyone,
            false => Self::Nobody,
        }
    }
}

/// One time that a meeting is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Occurrence {
    /// When it begins.
    pub begin_at: Timestamp,
    /// When it ends; null when that is open.
    pub end_at: Option<Timestamp>,
}

/// Somebody who waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Waiting {
    /// The participant's id. It stays the same when they are let in.
    pub id: ParticipantId,
    /// The person.
    pub user: User,
    /// The name that they want to have in the meeting.
    pub display_name: DisplayName,
    /// When they began to wait.
    pub since: Timestamp,
}

/// How long somebody is kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum BanLength {
    /// Until the meeting ends.
    Meeting,
    /// Until the ban is lifted.
    Forever,
}

/// Somebody who is kept out: banned, or not let in at the door, which lasts until the meeting ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Ban {
    /// The person.
    pub user: User,
    /// The name in the meeting.
    pub display_name: DisplayName,
    /// How long they are kept out.
    pub until: BanLength,
    /// When it was decided.
    pub since: Timestamp,
    /// Who decided it.
    pub by: UserId,
}

/// A link that lets people in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Invite {
    /// The invite, for `invite.revoke`. It is not the token.
    pub id: InviteId,
    /// A name for the link.
    pub name: Option<RoomName>,
    /// The role of those who follow the link.
    pub role: Role,
    /// When the link stops working. Null when it does not.
    pub expires_at: Option<Timestamp>,
    /// How many people the link lets in. Null when only the server's limit holds.
    pub max_uses: Option<u32>,
    /// How many people it has let in.
    pub uses: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: UserId,
}

/// One person's membership in a room, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Attendance {
    /// The person.
    pub user: User,
    /// The name in the meeting.
    pub display_name: DisplayName,
    /// The role when they came in.
    pub role: Role,
    /// When they came in.
    pub joined_at: Timestamp,
    /// When they left. Null while they are in.
    pub left_at: Option<Timestamp>,
    /// How long they were in. For those who are in: until now.
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// Why they left.
    pub reason: Option<LeaveReason>,
}

/// The meeting's timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Timer {
    /// When it was started.
    pub started_at: Timestamp,
    /// When it rings.
    pub ends_at: Timestamp,
    /// How long it runs altogether.
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// Who started it.
    pub by: ParticipantId,
}

/// The feelings that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
pub enum Reaction {
    /// Agreement.
    #[serde(rename = "👍")]
    ThumbsUp,
    /// Applause.
    #[serde(rename = "👏")]
    Applause,
    /// Warmth.
    #[serde(rename = "❤️", alias = "❤")]
    Heart,
    /// Laughter.
    #[serde(rename = "😂")]
    Joy,
    /// Surprise.
    #[serde(rename = "😮")]
    Surprise,
    /// Celebration.
    #[serde(rename = "🎉")]
    Celebration,
}
