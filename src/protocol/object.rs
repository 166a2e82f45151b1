//! The objects that answers and events carry: static/docs/reference.md.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ids::{MessageId, ParticipantId, RoomIdentity, TrackId, UserId};
use super::strict::objects_only;
use super::text::{ChatText, DisplayName, RoomName, Username};
use super::time::Timestamp;
use super::time_zone::TimeZone;

pub use super::governance::{
    Action, Attendance, Ban, BanLength, HistoryAccess, Invite, Occurrence, Reaction, Timer,
    Waiting, WhoWaits,
};

/// Whether somebody has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// Logs in with a password.
    Account,
    /// Came in by name only.
    Guest,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct User {
    /// The person. An account keeps it; a guest keeps it as long as the token.
    pub id: UserId,
    /// The user name. Null for guests.
    pub username: Option<Username>,
    /// The name that others see.
    pub display_name: DisplayName,
    /// The address of a picture that this server draws, relative to its origin.
    pub avatar_url: String,
    /// Account or guest.
    pub kind: UserKind,
}

/// What a room is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// Begins later.
    Scheduled,
    /// Can be joined; nobody is in it.
    Open,
    /// Somebody is in it.
    Live,
    /// Over.
    Ended,
}

/// How media travels in a room.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// Through the server's selective forwarding unit (RFC 7667 §3.7).
    #[default]
    Sfu,
    /// From browser to browser; the server relays `signal.*` alone.
    P2p,
}

/// What ordinary members of a room may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct Permissions {
    /// Switch their microphone on themselves.
    pub unmute: bool,
    /// Send their camera.
    pub camera: bool,
    /// Share their screen.
    pub screen: bool,
    /// Write to everyone.
    pub chat: bool,
    /// Write to one person.
    pub private_chat: bool,
    /// Send files.
    pub files: bool,
    /// Change their own display name.
    pub rename: bool,
    /// Send reactions.
    pub react: bool,
}

/// A change of [`Permissions`]; absent is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema, TS)]
#[serde(default, remote = "Self")]
pub struct PermissionsChange {
    /// Switch their microphone on themselves.
    #[ts(optional = nullable)]
    pub unmute: Option<bool>,
    /// Send their camera.
    #[ts(optional = nullable)]
    pub camera: Option<bool>,
    /// Share their screen.
    #[ts(optional = nullable)]
    pub screen: Option<bool>,
    /// Write to everyone.
    #[ts(optional = nullable)]
    pub chat: Option<bool>,
    /// Write to one person.
    #[ts(optional = nullable)]
    pub private_chat: Option<bool>,
    /// Send files.
    #[ts(optional = nullable)]
    pub files: Option<bool>,
    /// Change their own display name.
    #[ts(optional = nullable)]
    pub rename: Option<bool>,
    /// Send reactions.
    #[ts(optional = nullable)]
    pub react: Option<bool>,
}

impl PermissionsChange {
    /// The permissions after the change.
    pub fn applied_to(self, before: Permissions) -> Permissions {
        Permissions {
            unmute: self.unmute.unwrap_or(before.unmute),
            camera: self.camera.unwrap_or(before.camera),
            screen: self.screen.unwrap_or(before.screen),
            chat: self.chat.unwrap_or(before.chat),
            private_chat: self.private_chat.unwrap_or(before.private_chat),
            files: self.files.unwrap_or(before.files),
            rename: self.rename.unwrap_or(before.rename),
            react: self.react.unwrap_or(before.react),
        }
    }
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            unmute: true,
            camera: true,
            screen: true,
            chat: true,
            private_chat: true,
            files: true,
            rename: true,
            react: true,
        }
    }
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Room {
    /// What links carry.
    pub identity: RoomIdentity,
    /// Nine digits for people to read out. Null when the room hides it.
    pub number: Option<String>,
    /// The room's name.
    pub name: RoomName,
    /// When it is planned to begin.
    pub begin_at: Option<Timestamp>,
    /// When it is planned to end.
    pub end_at: Option<Timestamp>,
    /// Whose room it is. The owner is always a host.
    pub owner: User,
    /// What the room is doing.
    pub state: RoomState,
    /// Nobody new comes in.
    pub locked: bool,
    /// Whether newcomers must know a password.
    pub has_password: bool,
    /// Whether somebody waits until a host lets them in; `waiting` says who.
    pub lobby: bool,
    /// Who waits until a host lets them in.
    pub waiting: WhoWaits,
    /// Whether guests come in. False: accounts only, and those who govern the meeting.
    pub guests: bool,
    /// Members come in muted: a microphone that they start within ten seconds of coming in begins muted, unless they
    /// said before, with `participant.update`, whether they are heard. They unmute it as they may.
    pub start_muted: bool,
    /// Members come in with their camera off, in the same way.
    pub start_camera_off: bool,
    /// How media travels.
    pub topology: Topology,
    /// How many may be in it at once.
    pub max_participants: u32,
    /// How many are in it now.
    pub participants: u32,
    /// What members may do.
    pub permissions: Permissions,
    /// What newcomers may read of the chat.
    pub history: HistoryAccess,
    /// The number is shown to nobody, and finds nothing.
    pub hide_number: bool,
    /// How long before its beginning people may come in.
    #[ts(type = "number")]
    pub early_ms: u64,
    /// The meeting ends at its planned end, even while people are in it.
    pub ends_on_time: bool,
    /// How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10). `begin_at` and `end_at` are the first time.
    pub recurrence: Option<String>,
    /// On whose clocks `recurrence` is counted: an IANA name such as `Europe/Berlin`; null is UTC.
    pub time_zone: Option<TimeZone>,
    /// The planned meeting that runs now, or else comes next. Null when none is planned any more.
    pub next: Option<Occurrence>,
    /// False: once its meeting is over, the room never opens again.
    pub permanent: bool,
    /// Rises with every edit. An edit may name the version that it was made from.
    #[ts(type = "number")]
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What somebody is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Governs the room; its owner always is one.
    Host,
    /// Helps to.
    Cohost,
    /// Everyone else.
    Member,
}

/// Whether a participant's socket is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// It is.
    Online,
    /// It was lost and may come back.
    Reconnecting,
}

/// One person's membership in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Participant {
    /// The id of this membership. The same person who comes again gets another.
    pub id: ParticipantId,
    /// The person.
    pub user: User,
    /// The name in this meeting.
    pub display_name: DisplayName,
    /// The role in this meeting.
    pub role: Role,
    /// When they came in.
    pub joined_at: Timestamp,
    /// When they raised their hand. Null while it is down.
    pub hand_raised_at: Option<Timestamp>,
    /// Whether their socket is there. This version always says `online`.
    pub connection: Connection,
    /// Whether they can be heard. It follows their microphone, and what they say with `participant.update`.
    pub audio: bool,
    /// Whether they can be seen. It follows their camera, and what they say with `participant.update`.
    pub video: bool,
    /// The tracks that they send.
    pub tracks: Vec<Track>,
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// Where a track comes from; one person publishes at most one of each.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Their voice.
    Microphone,
    /// Their picture.
    Camera,
    /// What they show.
    Screen,
    /// The sound of what they show.
    ScreenAudio,
}

impl Source {
    /// Every source, in the order in which our own page negotiates them.
    pub const ALL: [Self; 4] = [
        Self::Microphone,
        Self::Camera,
        Self::Screen,
        Self::ScreenAudio,
    ];

    /// Whether it is heard or seen.
    pub fn kind(self) -> MediaKind {
        match self {
            Self::Microphone | Self::ScreenAudio => MediaKind::Audio,
            Self::Camera | Self::Screen => MediaKind::Video,
        }
    }
}

/// One encoding of a simulcast track (RFC 8853 §1), or one layer of a stream that carries several, with all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Layer {
    /// Its RTP stream id (RFC 8852 §3.1), or the layer's name: `S0T0` to `S0T2`, `S1`, `S2`. Empty when it has none.
    pub rid: String,
    /// The width in pixels. 0 while it is unknown.
    pub width: u32,
    /// The height in pixels. 0 while it is unknown.
    pub height: u32,
    /// Bits per second. 0 while it is unknown.
    #[ts(type = "number")]
    pub bitrate: u64,
}

/// One published source of one participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Track {
    /// The track. It is new each time the source is started.
    pub id: TrackId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// Whether nothing of it is forwarded.
    pub muted: bool,
    /// The name of the encoding, such as `opus` or `VP8` (RFC 4855). Null while it is unknown.
    pub codec: Option<String>,
    /// The encodings of a picture that have come, the smallest first. One alone without layers has an empty `rid`.
    pub layers: Vec<Layer>,
}

/// One message of a room's chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ChatMessage {
    /// The message. `chat.history {before}` takes it.
    pub id: MessageId,
    /// The participant who wrote it.
    pub participant: ParticipantId,
    /// The person who wrote it.
    pub user: User,
    /// The writer's name at that time.
    pub display_name: DisplayName,
    /// The only participant who reads it. Null when it is for everybody.
    pub to: Option<ParticipantId>,
    /// What was written.
    pub text: ChatText,
    /// The sender's own name for it.
    pub client_id: Option<String>,
    /// When the server took it.
    pub sent_at: Timestamp,
}

/// A STUN or TURN server, shaped as W3C WebRTC's `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct IceServer {
    /// Its addresses (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub username: Option<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<String>,
}

/// Which m-line of the *up* connection carries which source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(remote = "Self")]
pub struct SourceMid {
    /// The m-line's identification tag (RFC 5888 §4).
    pub mid: String,
    /// What it may carry.
    pub source: Source,
}

/// One m-line of the *down* connection and what the server forwards on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Slot {
    /// The m-line's identification tag (RFC 5888 §4).
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// The track that it carries now. Null when it carries none.
    pub track: Option<TrackId>,
    /// Which of the track's encodings or layers it carries. Null when it carries none, or one without a name.
    pub layer: Option<String>,
    /// Why it carries nothing, or less than was asked for: `codec` where the client has no decoder for it, `bandwidth`
    /// where the client's line is too narrow, so that a smaller encoding comes, or only a still now and then, or
    /// nothing, `sender` where the participant sends no larger encoding now, `server` where the server has too much to
    /// do.
    pub reason: Option<String>,
}

/// One of the two connections of a client to the SFU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// The client offers and sends.
    Up,
    /// The server offers, the client receives.
    Down,
}

/// An ICE candidate, shaped as W3C WebRTC's `RTCIceCandidateInit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct IceCandidate {
    /// The candidate-attribute (RFC 8839 §5.1); empty means the end of candidates.
    pub candidate: String,
    /// The m-line it belongs to.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub sdp_mid: Option<String>,
    /// The same by number.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub sdp_m_line_index: Option<u16>,
    /// The ICE user name fragment it belongs to.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub username_fragment: Option<String>,
}

objects_only!(deserialize PermissionsChange);
objects_only!(both SourceMid IceCandidate);
