//! Requests: what a client may ask, and the data of each answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use super::error::{ErrorCode, WireError};
use super::ids::{MessageId, ParticipantId, SessionId, TrackId};
use super::object::{
    ChatMessage, IceCandidate, IceServer, Leg, Participant, Permissions, PermissionsChange, Room,
    Slot, Source, SourceMid, Topology, Track, User,
};
use super::patch::Patch;
use super::text::{ChatText, DisplayName, Password, RoomName, Username};
use super::time::Timestamp;

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident $kind:literal => $answer:ident;)*) => {
        /// A request, decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name($name),)*
        }

        impl Request {
            /// The request type's name on the wire.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind,)* }
            }

            /// Decodes the `data` of a request of type `kind`.
            ///
            /// # Errors
            /// `protocol.unknown_type`, or `protocol.bad_field` naming the field from the frame's root.
            pub fn decode(kind: &str, data: Option<&RawValue>) -> Result<Self, WireError> {
                let data = data.map_or("{}", RawValue::get);
                match kind {
                    $($kind => decode_data::<$name>(data).map(Self::$name),)*
                    _ => Err(ErrorCode::UnknownType.into()),
                }
            }
        }

        /// Calls `visit!` with every request's wire name, data type and answer type.
        macro_rules! for_each_request {
            ($visit:ident) => { $($visit!($kind, $name, $answer);)* };
        }
        pub(super) use for_each_request;
    };
}

requests! {
    /// Makes an account and logs in.
    AuthRegister "auth.register" => Authenticated;
    /// Logs in with a password.
    AuthLogin "auth.login" => Authenticated;
    /// Comes in by name only.
    AuthGuest "auth.guest" => Authenticated;
    /// Logs in with a token of ours.
    AuthToken "auth.token" => Authenticated;
    /// Asks for a new token.
    AuthRefresh "auth.refresh" => Authenticated;
    /// Revokes the token and forgets who one is.
    AuthLogout "auth.logout" => Empty;
    /// Changes one's own account.
    AccountUpdate "account.update" => UserAnswer;
    /// Makes a room.
    RoomCreate "room.create" => RoomAnswer;
    /// Changes one's room.
    RoomEdit "room.edit" => RoomAnswer;
    /// Deletes one's room.
    RoomDelete "room.delete" => Empty;
    /// Lists rooms.
    RoomList "room.list" => RoomPage;
    /// Whether a room exists, and how many are in it.
    RoomGet "room.get" => RoomAnswer;
    /// Who is in a room, with role.
    RoomRoster "room.roster" => Roster;
    /// Goes into a room.
    RoomJoin "room.join" => Joined;
    /// Leaves the room.
    RoomLeave "room.leave" => Empty;
    /// Ends the meeting for everyone; a host's.
    RoomEnd "room.end" => Empty;
    /// Changes what others see of oneself.
    ParticipantUpdate "participant.update" => ParticipantAnswer;
    /// Writes to everyone, or to one.
    ChatSend "chat.send" => MessageAnswer;
    /// Reads what was written.
    ChatHistory "chat.history" => ChatPage;
    /// Relays an SDP offer to a participant.
    SignalOffer "signal.offer" => Empty;
    /// Relays an SDP answer to a participant.
    SignalAnswer "signal.answer" => Empty;
    /// Relays an ICE candidate to a participant.
    SignalCandidate "signal.candidate" => Empty;
    /// Offers the up connection.
    MediaPublish "media.publish" => Published;
    /// Starts or stops a source.
    MediaSource "media.source" => TrackAnswer;
    /// Asks for the down connection's offer.
    MediaReceive "media.receive" => DownOffer;
    /// Answers the down connection's offer.
    MediaAnswer "media.answer" => Empty;
    /// Says what one looks at.
    MediaView "media.view" => Empty;
    /// Brings an ICE candidate of the client's.
    MediaCandidate "media.candidate" => Empty;
    /// Asks for an ICE restart (RFC 8445 §9).
    MediaRestart "media.restart" => Empty;
    /// Takes a lost session up again.
    SessionResume "session.resume" => Resumed;
    /// Asks for the time.
    Ping "ping" => Pong;
}

/// Decodes one request's data.
///
/// # Errors
/// `protocol.bad_field`; the path of what is wrong is named from the frame's root.
pub fn decode_data<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, WireError> {
    let mut deserializer = serde_json::Deserializer::from_str(data);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner().to_string();
        // serde_json appends where in the text it was, which says nothing to a client that built the object.
        let sentence = inner.split(" at line ").next().unwrap_or_default();
        let mut field = String::from("data");
        if path != "." {
            field.push('.');
            field.push_str(&path);
        }
        if let Some(missing) = sentence
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next())
        {
            field.push('.');
            field.push_str(missing);
            return WireError::bad_field(field, "is missing");
        }
        WireError::bad_field(field, sentence)
    })
}

macro_rules! shapes {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema, TS)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )*};
}

shapes! {
    /// Data of `auth.register`.
    struct AuthRegister {
        /// Taken by nobody, upper and lower case alike.
        username: Username,
        /// 8 characters or more.
        password: Password,
        /// What others see; the user name when left out.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
    }
    /// Data of `auth.login`.
    struct AuthLogin {
        /// As registered.
        username: String,
        /// The password.
        password: Password,
    }
    /// Data of `auth.guest`.
    struct AuthGuest {
        /// What others see.
        display_name: DisplayName,
    }
    /// Data of `auth.token`.
    struct AuthToken {
        /// A token from an earlier answer.
        token: String,
    }
    /// Data of `auth.refresh`.
    struct AuthRefresh {}
    /// Data of `auth.logout`.
    struct AuthLogout {}
    /// Data of `account.update`.
    struct AccountUpdate {
        /// What others see from now on.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
        /// Needed to set a new one.
        #[serde(default)] #[ts(optional = nullable)]
        current_password: Option<Password>,
        /// Replaces the password and revokes every other token.
        #[serde(default)] #[ts(optional = nullable)]
        new_password: Option<Password>,
    }
    /// Data of `room.create`.
    struct RoomCreate {
        /// What it is called.
        name: RoomName,
        /// When it begins.
        #[serde(default)] #[ts(optional = nullable)]
        begin_at: Option<Timestamp>,
        /// When it ends; after `begin_at`.
        #[serde(default)] #[ts(optional = nullable)]
        end_at: Option<Timestamp>,
        /// What newcomers must know.
        #[serde(default)] #[ts(optional = nullable)]
        password: Option<Password>,
        /// Newcomers wait.
        #[serde(default)] #[ts(optional = nullable)]
        lobby: Option<bool>,
        /// Nobody comes in.
        #[serde(default)] #[ts(optional = nullable)]
        locked: Option<bool>,
        /// 1 to 1000.
        #[serde(default)] #[ts(optional = nullable)]
        max_participants: Option<u32>,
        /// How media travels.
        #[serde(default)] #[ts(optional = nullable)]
        topology: Option<Topology>,
        /// What members may do.
        #[serde(default)] #[ts(optional = nullable)]
        permissions: Option<PermissionsChange>,
    }
    /// Data of `room.edit`: absent is unchanged, null is cleared: what has a default goes back to it.
    struct RoomEdit {
        /// Which room.
        identity: String,
        /// The version that the edit was made from.
        #[serde(default)] #[ts(optional = nullable, type = "number")]
        version: Option<u64>,
        /// A new name.
        #[serde(default, deserialize_with = "never_null")] #[ts(optional)]
        name: Option<RoomName>,
        /// A new beginning.
        #[serde(default)] #[ts(as = "Option<Timestamp>", optional = nullable)]
        begin_at: Patch<Timestamp>,
        /// A new end.
        #[serde(default)] #[ts(as = "Option<Timestamp>", optional = nullable)]
        end_at: Patch<Timestamp>,
        /// A new password.
        #[serde(default)] #[ts(as = "Option<Password>", optional = nullable)]
        password: Patch<Password>,
        /// Newcomers wait.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        lobby: Patch<bool>,
        /// Nobody comes in.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        locked: Patch<bool>,
        /// 1 to 1000.
        #[serde(default)] #[ts(as = "Option<u32>", optional = nullable)]
        max_participants: Patch<u32>,
        /// How media travels, from the next meeting on.
        #[serde(default)] #[ts(as = "Option<Topology>", optional = nullable)]
        topology: Patch<Topology>,
        /// What members may do.
        #[serde(default)] #[ts(as = "Option<PermissionsChange>", optional = nullable)]
        permissions: Patch<PermissionsChange>,
    }
    /// Data of `room.delete`.
    struct RoomDelete {
        /// Which room.
        identity: String,
    }
    /// Data of `room.list`.
    struct RoomList {
        /// From 1.
        #[serde(default = "first_page")] #[ts(optional, as = "Option<u32>")]
        page: u32,
        /// 1 to 100.
        #[serde(default = "default_size")] #[ts(optional, as = "Option<u32>")]
        size: u32,
        /// Part of the name; `%` and `_` mean themselves.
        #[serde(default)] #[ts(optional = nullable)]
        keyword: Option<String>,
        /// Which rooms.
        #[serde(default)] #[ts(optional, as = "Option<Scope>")]
        scope: Scope,
    }
    /// Data of `room.get`.
    struct RoomGet {
        /// The room's identity or number.
        identity: String,
    }
    /// Data of `room.roster`.
    struct RoomRoster {
        /// The room's identity.
        identity: String,
    }
    /// Data of `room.join`.
    struct RoomJoin {
        /// The room's identity or number.
        identity: String,
        /// The room's password.
        #[serde(default)] #[ts(optional = nullable)]
        password: Option<Password>,
        /// What to be called in this meeting.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
    }
    /// Data of `room.leave`.
    struct RoomLeave {}
    /// Data of `room.end`.
    struct RoomEnd {}
    /// Data of `participant.update`; absent is unchanged.
    struct ParticipantUpdate {
        /// A new name in this meeting.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
        /// False mutes one's microphone, true unmutes it.
        #[serde(default)] #[ts(optional = nullable)]
        audio: Option<bool>,
        /// The same for the camera.
        #[serde(default)] #[ts(optional = nullable)]
        video: Option<bool>,
        /// Raises or lowers one's hand.
        #[serde(default)] #[ts(optional = nullable)]
        hand: Option<bool>,
    }
    /// Data of `chat.send`.
    struct ChatSend {
        /// At most 4000 characters.
        text: ChatText,
        /// Only this participant reads it.
        #[serde(default)] #[ts(optional = nullable)]
        to: Option<ParticipantId>,
        /// The client's own name for the message, at most 64 bytes; comes back with it.
        #[serde(default)] #[ts(optional = nullable)]
        client_id: Option<String>,
    }
    /// Data of `chat.history`.
    struct ChatHistory {
        /// Older than this message.
        #[serde(default)] #[ts(optional = nullable)]
        before: Option<MessageId>,
        /// 1 to 200.
        #[serde(default = "default_history")] #[ts(optional, as = "Option<u32>")]
        limit: u32,
    }
    /// Data of `signal.offer`.
    struct SignalOffer {
        /// Whom it is for.
        to: ParticipantId,
        /// Which of several connections between the two.
        #[serde(default)] #[ts(optional = nullable)]
        connection: Option<String>,
        /// The session description (RFC 8866).
        sdp: String,
    }
    /// Data of `signal.answer`.
    struct SignalAnswer {
        /// Whom it is for.
        to: ParticipantId,
        /// Which of several connections between the two.
        #[serde(default)] #[ts(optional = nullable)]
        connection: Option<String>,
        /// The session description (RFC 8866).
        sdp: String,
    }
    /// Data of `signal.candidate`.
    struct SignalCandidate {
        /// Whom it is for.
        to: ParticipantId,
        /// Which of several connections between the two.
        #[serde(default)] #[ts(optional = nullable)]
        connection: Option<String>,
        /// Null for the end of candidates (RFC 8838 §8.2); not to be left out.
        #[serde(deserialize_with = "nullable")]
        candidate: Option<Candidate>,
    }
    /// Data of `media.publish`.
    struct MediaPublish {
        /// Rises with every offer on this connection, from 1.
        #[ts(type = "number")]
        revision: u64,
        /// The client's offer.
        sdp: String,
        /// Which m-line carries what.
        sources: Vec<SourceMid>,
    }
    /// Data of `media.source`.
    struct MediaSource {
        /// Which source.
        source: Source,
        /// True starts it, false stops it.
        active: bool,
        /// Starts it muted.
        #[serde(default)] #[ts(optional = nullable)]
        muted: Option<bool>,
    }
    /// Data of `media.receive`.
    struct MediaReceive {
        /// How many voices at once.
        #[serde(default = "default_audio_slots")] #[ts(optional, as = "Option<u32>")]
        audio_slots: u32,
        /// How many pictures at once.
        #[serde(default = "default_video_slots")] #[ts(optional, as = "Option<u32>")]
        video_slots: u32,
    }
    /// Data of `media.answer`.
    struct MediaAnswer {
        /// The revision of the offer that it answers.
        #[ts(type = "number")]
        revision: u64,
        /// The client's answer.
        sdp: String,
    }
    /// Data of `media.view`.
    struct MediaView {
        /// Everything one wishes to see.
        tiles: Vec<Tile>,
    }
    /// Data of `media.candidate`.
    struct MediaCandidate {
        /// Which of the two connections.
        connection: Leg,
        /// Null for the end of candidates (RFC 8838 §8.2); not to be left out.
        #[serde(deserialize_with = "nullable")]
        candidate: Option<Candidate>,
    }
    /// Data of `media.restart`.
    struct MediaRestart {
        /// Which of the two connections.
        connection: Leg,
    }
    /// Data of `session.resume`.
    struct SessionResume {
        /// The session that was lost.
        session: SessionId,
        /// From its last authentication or resumption.
        resume_token: String,
        /// The last event that was seen.
        #[ts(type = "number")]
        last_seq: u64,
    }
    /// Data of `ping`.
    struct Ping {
        /// Anything; for the client's own use.
        #[serde(default)] #[schemars(with = "Option<serde_json::Value>")] #[ts(optional, type = "unknown")]
        client_time: Option<serde_json::Value>,
    }
    /// One picture that a client shows.
    struct Tile {
        /// Which track.
        track: TrackId,
        /// How wide it is shown, in device pixels.
        width: u32,
        /// How high it is shown, in device pixels.
        height: u32,
        /// The higher, the sooner it gets a slot.
        #[serde(default)] #[ts(optional, as = "Option<i32>")]
        priority: i32,
    }
}

/// A field that may be null but not absent.
fn nullable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// A field that may be absent but not null.
fn never_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

fn first_page() -> u32 {
    1
}
fn default_size() -> u32 {
    20
}
fn default_history() -> u32 {
    50
}
fn default_audio_slots() -> u32 {
    4
}
fn default_video_slots() -> u32 {
    9
}

/// Which rooms a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One's own.
    #[default]
    Mine,
    /// Those one has been in.
    Joined,
    /// Those that everyone may find.
    Public,
}

/// An ICE candidate as clients send it: the browser's object, or its candidate line alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum Candidate {
    /// As `RTCIceCandidate.toJSON()` gives it.
    Object(IceCandidate),
    /// The candidate-attribute alone.
    Line(String),
}

impl From<Candidate> for IceCandidate {
    fn from(candidate: Candidate) -> Self {
        match candidate {
            Candidate::Object(object) => object,
            Candidate::Line(candidate) => Self {
                candidate,
                sdp_mid: None,
                sdp_m_line_index: None,
                username_fragment: None,
            },
        }
    }
}

macro_rules! answers {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, TS)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )*};
}

answers! {
    /// The answer that says no more than that it worked.
    struct Empty {}
    /// Answer to every authentication.
    struct Authenticated {
        /// Who one is now.
        user: User,
        /// Logs the same person in again.
        token: String,
        /// Until when.
        expires_at: Timestamp,
        /// Takes this session up again after a lost socket; single use.
        resume_token: String,
    }
    /// Answer to `account.update`.
    struct UserAnswer {
        /// As it is now.
        user: User,
    }
    /// Answer with one room.
    struct RoomAnswer {
        /// As it is now.
        room: Room,
    }
    /// Answer to `room.list`.
    struct RoomPage {
        /// This page, the newest first.
        rooms: Vec<Room>,
        /// How many there are on all pages.
        #[ts(type = "number")]
        total: u64,
    }
    /// Answer to `room.roster`.
    struct Roster {
        /// In order of joining.
        participants: Vec<Participant>,
    }
    /// Answer to `room.join`.
    struct Joined {
        /// The room.
        room: Room,
        /// Oneself in it.
        #[serde(rename = "self")]
        me: Participant,
        /// Everyone in order of joining, oneself included.
        participants: Vec<Participant>,
        /// What oneself may do.
        permissions: Permissions,
        /// For peer-to-peer connections.
        ice_servers: Vec<IceServer>,
        /// The last messages, oldest first.
        chat: Vec<ChatMessage>,
    }
    /// Answer to `participant.update`.
    struct ParticipantAnswer {
        /// As it is now.
        participant: Participant,
    }
    /// Answer to `chat.send`.
    struct MessageAnswer {
        /// As everyone gets it.
        message: ChatMessage,
    }
    /// Answer to `chat.history`.
    struct ChatPage {
        /// Oldest first.
        messages: Vec<ChatMessage>,
        /// Whether there are older ones.
        more: bool,
    }
    /// Answer to `media.publish`.
    struct Published {
        /// That of the offer.
        #[ts(type = "number")]
        revision: u64,
        /// The server's answer.
        sdp: String,
    }
    /// Answer to `media.source`.
    struct TrackAnswer {
        /// The track that runs now, or null when the source was stopped.
        track: Option<Track>,
    }
    /// Answer to `media.receive`, and data of `media.offer`.
    struct DownOffer {
        /// What the answer must name.
        #[ts(type = "number")]
        revision: u64,
        /// The server's offer.
        sdp: String,
        /// One per m-line.
        slots: Vec<Slot>,
    }
    /// Answer to `session.resume`.
    struct Resumed {
        /// True.
        resumed: bool,
        /// How many events follow that were missed.
        #[ts(type = "number")]
        replayed: u64,
        /// For the next time.
        resume_token: String,
    }
    /// Answer to `ping`.
    struct Pong {
        /// The server's.
        time: Timestamp,
    }
}
