//! Requests: what a client may ask, and the data of each answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use super::error::{ErrorCode, WireError};
use super::strict::Object;

macro_rules! requests {
    ($($(#[doc = $doc:literal])* $name:ident $kind:literal => $answer:ident [$($refusal:ident)*];)*) => {
        /// A request, decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request {
            $($(#[doc = $doc])* $name($name),)*
        }

        impl Request {
            /// Whether a request of type `kind` may come from somebody who has not said who they are.
            pub fn may_precede_login(kind: &str) -> bool {
                const LOGINS: [&str; 5] =
                    ["auth.register", "auth.login", "auth.guest", "auth.token", "session.resume"];
                LOGINS.contains(&kind)
            }

            /// Whether a request of type `kind` that is sent again is carried out again.
            pub fn is_asked_anew(kind: &str) -> bool {
                ASKED_ANEW.contains(&kind)
            }

            /// What a request of type `kind` is for, in a few sentences.
            pub fn meaning(kind: &str) -> Option<&'static str> {
                match kind {
                    $($kind => Some(concat!($($doc),*).trim_ascii_start()),)*
                    _ => None,
                }
            }

            /// The codes that a request of type `kind` alone may be refused with, beside those of every request.
            pub(super) fn own_refusals(kind: &str) -> Option<&'static [ErrorCode]> {
                match kind {
                    $($kind => Some(&[$(ErrorCode::$refusal),*]),)*
                    _ => None,
                }
            }

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
    /// Makes an account and logs in. `perm.denied` says that only the operator makes accounts here.
    AuthRegister "auth.register" => Authenticated [PermDenied UsernameTaken WeakPassword];
    /// Logs in with a password.
    AuthLogin "auth.login" => Authenticated [BadCredentials];
    /// Comes in without an account, by a name only.
    AuthGuest "auth.guest" => Authenticated [GuestDisabled];
    /// Logs in with a token from an earlier answer.
    AuthToken "auth.token" => Authenticated [TokenExpired TokenInvalid GuestDisabled];
    /// Asks for a new token before the present one expires.
    AuthRefresh "auth.refresh" => Authenticated [TokenExpired TokenInvalid];
    /// Leaves the room, revokes every token of this log-in, and ends its other sessions. The socket stays open: log in
    /// again, or close it.
    AuthLogout "auth.logout" => Empty [];
    /// Changes one's own account. A guest changes the display name only.
    AccountUpdate "account.update" => UserAnswer [PermDenied BadCredentials WeakPassword];
    /// Makes a room. Only accounts can. `perm.denied` also says that the account has as many rooms as it may have, and
    /// `rate.limited` that it made as many as it may make in a day.
    RoomCreate "room.create" => RoomAnswer [PermDenied];
    /// Changes a room: its owner from anywhere, others while they are in it, as far as the permissions let them.
    RoomEdit "room.edit" => RoomAnswer [RoomNotFound PermDenied RoomConflict RoomNotJoined];
    /// Deletes a room. Only its owner can.
    RoomDelete "room.delete" => Empty [RoomNotFound PermDenied];
    /// Lists rooms.
    RoomList "room.list" => RoomPage [];
    /// Tells whether a room exists, and how many people are in it.
    RoomGet "room.get" => RoomAnswer [RoomNotFound];
    /// Tells who is in a room, with their roles: to its owner, to those who are in it, and to those who could walk in.
    RoomRoster "room.roster" => Roster [RoomNotFound PermDenied];
    /// Goes into a room. `room.waiting` is no failure: the session waits at the door, and `lobby.admitted` or
    /// `lobby.denied` follows.
    RoomJoin "room.join" => Joined [RoomNotFound RoomEnded RoomNotStarted RoomPasswordRequired RoomPasswordWrong
        RoomWaiting RoomDenied RoomBanned RoomAccountsOnly RoomLocked RoomFull];
    /// Leaves the room, or its waiting room.
    RoomLeave "room.leave" => Empty [RoomNotJoined];
    /// Ends the meeting for everyone.
    RoomEnd "room.end" => Empty [RoomNotJoined PermDenied RoomNotFound];
    /// Tells who was in a room, when and how long.
    RoomAttendance "room.attendance" => AttendancePage [RoomNotFound PermDenied RoomNotJoined];
    /// Lists who is kept out of a room: those who are banned, and those whom a host did not let in.
    RoomBans "room.bans" => Bans [RoomNotFound PermDenied RoomNotJoined];
    /// Lifts a ban, or lets somebody knock again whom a host did not let in.
    RoomUnban "room.unban" => Empty [RoomNotFound PermDenied RoomNotJoined];
    /// Makes an invite link. `perm.denied` also says that the room has as many links as it may have.
    InviteCreate "invite.create" => InviteMade [RoomNotFound PermDenied RoomNotJoined];
    /// Lists the invite links that work.
    InviteList "invite.list" => Invites [RoomNotFound PermDenied RoomNotJoined];
    /// Revokes an invite link. Those whom it has let in stay.
    InviteRevoke "invite.revoke" => Empty [RoomNotFound PermDenied RoomNotJoined];
    /// Asks for a room for one's own two sessions, to try sending and receiving.
    CheckBegin "check.begin" => CheckRoom [];
    /// Changes how others see oneself in the meeting.
    ParticipantUpdate "participant.update" => ParticipantAnswer [RoomNotJoined PermDenied];
    /// Mutes one participant or everyone. Nobody can unmute another.
    ParticipantMute "participant.mute" => Empty [RoomNotJoined PermDenied ParticipantNotFound RoomNotFound];
    /// Asks somebody to unmute.
    ParticipantAskUnmute "participant.ask_unmute" => Empty [RoomNotJoined PermDenied ParticipantNotFound];
    /// Lowers one hand, or all.
    ParticipantLowerHand "participant.lower_hand" => Empty [RoomNotJoined PermDenied ParticipantNotFound];
    /// Renames another participant.
    ParticipantRename "participant.rename" => Empty [RoomNotJoined PermDenied ParticipantNotFound];
    /// Gives another participant a role, or takes a lower one oneself.
    ParticipantSetRole "participant.set_role" => Empty [RoomNotJoined PermDenied ParticipantNotFound];
    /// Removes a participant, or somebody who waits, and can keep them out.
    ParticipantRemove "participant.remove" => Empty [RoomNotJoined PermDenied ParticipantNotFound RoomNotFound];
    /// Lets in people who wait.
    LobbyAdmit "lobby.admit" => Empty [RoomNotJoined PermDenied ParticipantNotFound RoomLocked RoomFull];
    /// Sends away people who wait.
    LobbyDeny "lobby.deny" => Empty [RoomNotJoined PermDenied ParticipantNotFound];
    /// Shows a reaction to everyone.
    ReactionSend "reaction.send" => Empty [RoomNotJoined PermDenied];
    /// Shows some people large to everyone.
    SpotlightSet "spotlight.set" => Empty [RoomNotJoined PermDenied ParticipantNotFound];
    /// Starts or stops the meeting's timer.
    TimerSet "timer.set" => TimerAnswer [RoomNotJoined PermDenied];
    /// Writes to everyone, or to one participant.
    ChatSend "chat.send" => MessageAnswer [RoomNotJoined PermDenied ParticipantNotFound RoomNotFound];
    /// Reads earlier messages.
    ChatHistory "chat.history" => ChatPage [RoomNotJoined];
    /// Takes a message back.
    ChatDelete "chat.delete" => Empty [RoomNotJoined PermDenied];
    /// Passes an SDP offer on to a participant. `perm.denied` refuses an offer for files.
    SignalOffer "signal.offer" => Empty [RoomNotJoined SignalNotFound PermDenied];
    /// Passes an SDP answer on to a participant.
    SignalAnswer "signal.answer" => Empty [RoomNotJoined SignalNotFound];
    /// Passes an ICE candidate on to a participant.
    SignalCandidate "signal.candidate" => Empty [RoomNotJoined SignalNotFound];
    /// Offers the up connection, on which the client sends.
    MediaPublish "media.publish" => Published [RoomNotJoined MediaBadSdp MediaStale MediaUnsupported MediaLimit];
    /// Starts or stops a source on the up connection.
    MediaSource "media.source" => TrackAnswer [RoomNotJoined PermDenied MediaUnsupported];
    /// Asks for the server's offer of the down connection, on which the client receives.
    MediaReceive "media.receive" => DownOffer [RoomNotJoined MediaUnsupported MediaLimit];
    /// Answers the server's offer of the down connection.
    MediaAnswer "media.answer" => Empty [RoomNotJoined MediaBadSdp MediaStale MediaUnsupported];
    /// Says which pictures the client shows, and how large. It replaces what was said before.
    MediaView "media.view" => Empty [RoomNotJoined MediaUnsupported MediaLimit];
    /// Brings an ICE candidate of the client.
    MediaCandidate "media.candidate" => Empty [RoomNotJoined MediaUnsupported MediaBadSdp];
    /// Asks for an ICE restart (RFC 8445 §9).
    MediaRestart "media.restart" => Empty [RoomNotJoined MediaUnsupported];
    /// Takes up a session whose socket was lost, as the first request of a new socket. Its `id` is any that no unanswered
    /// request has, and does not count among those of the session that is taken up. Send requests that were not answered
    /// again after it, under their old ids.
    SessionResume "session.resume" => Resumed [SessionGone];
    /// Asks for the server's time.
    Ping "ping" => Pong [];
}

/// What changes nothing, and asks how things are: its first answer is old when it is asked again. So is the resume token
/// in the answer to `auth.refresh`, which a resumption makes void.
const ASKED_ANEW: [&str; 8] = [
    "auth.refresh",
    "room.list",
    "room.get",
    "room.roster",
    "room.attendance",
    "room.bans",
    "invite.list",
    "chat.history",
];

/// How serde_json's refusal of what nests more than 128 levels deep begins: so far, and no further, reading recurses.
const TOO_DEEP: &str = "recursion limit exceeded";

/// Decodes one request's data. Fields that are not ours are skipped, however deep they nest.
///
/// # Errors
/// `protocol.bad_field`; the path of what is wrong is named from the frame's root.
pub fn decode_data<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, WireError> {
    if !data.trim_start().starts_with('{') {
        return Err(WireError::bad_field("data", "must be an object"));
    }
    // Most requests are sound, and need no record of field names for an error.
    let mut deserializer = serde_json::Deserializer::from_str(data);
    if let Ok(sound) = T::deserialize(Object(&mut deserializer)) {
        return Ok(sound);
    }
    let mut deserializer = serde_json::Deserializer::from_str(data);
    serde_path_to_error::deserialize(Object(&mut deserializer)).map_err(|error| {
        let inner = error.inner().to_string();
        if inner.starts_with(TOO_DEEP) {
            let outermost = error.path().iter().next().map(ToString::to_string);
            let field = outermost.map_or("data".to_owned(), |name| format!("data.{name}"));
            return WireError::bad_field(field, "nests too deep");
        }
        let path = error.path().to_string();
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
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema, TS)]
        $(#[$meta])*
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )*};
}

macro_rules! answers {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )*};
}

mod account;
mod chat;
mod media;
mod people;
mod room;

pub use account::*;
pub use chat::*;
pub use media::*;
pub use people::*;
pub use room::*;

answers! {
    /// The answer that says no more than that it worked.
    struct Empty {}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: &str, data: &str) -> Option<String> {
        let raw = RawValue::from_string(data.to_owned()).unwrap();
        let error = Request::decode(kind, Some(&raw)).unwrap_err();
        assert_eq!(error.code, ErrorCode::BadField, "{kind} {data}");
        error.field
    }

    #[test]
    fn what_is_asked_anew_is_named_as_it_is_on_the_wire() {
        let unknown = |kind: &&&str| Request::meaning(kind).is_none();
        assert_eq!(ASKED_ANEW.iter().find(unknown), None);
        assert!(Request::is_asked_anew("room.get") && !Request::is_asked_anew("room.edit"));
    }

    #[test]
    fn what_nests_deep_is_skipped_where_it_is_not_ours_and_refused_by_name_where_it_is() {
        for levels in [33, 200, 20_000] {
            let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            for (kind, field) in [
                ("room.join", "identity"),
                ("room.create", "permissions"),
                ("lobby.admit", "participants"),
                ("participant.remove", "ban"),
                ("media.view", "tiles"),
            ] {
                let data = format!(r#"{{"{field}":{deep}}}"#);
                let named = refused(kind, &data).unwrap();
                let expected = format!("data.{field}");
                let is_named = named == expected || named == format!("{expected}[0]");
                assert!(is_named, "{kind}: {named}");
            }
            for data in [
                format!(r#"{{"x":{deep},"participants":"all"}}"#),
                format!(r#"{{"participants":"all","x":{{"y":{deep}}}}}"#),
            ] {
                let raw = RawValue::from_string(data).unwrap();
                assert!(Request::decode("lobby.admit", Some(&raw)).is_ok());
            }
            let raw = RawValue::from_string(format!(r#"{{"client_time":{deep}}}"#)).unwrap();
            let ping = Request::decode("ping", Some(&raw));
            assert!(ping.is_ok(), "anything may stand there");
        }
    }

    #[test]
    fn an_array_is_no_object_wherever_one_belongs() {
        for (kind, data, field) in [
            (
                "room.create",
                r#"{"name":"a","permissions":[false]}"#,
                "data.permissions",
            ),
            (
                "room.edit",
                r#"{"identity":"a","permissions":[]}"#,
                "data.permissions",
            ),
            (
                "media.publish",
                r#"{"revision":1,"sdp":"","sources":[["0","camera"]]}"#,
                "data.sources[0]",
            ),
            ("media.view", r#"{"tiles":[["t",1,1,0]]}"#, "data.tiles[0]"),
            (
                "media.candidate",
                r#"{"connection":"up","candidate":["candidate:1"]}"#,
                "data.candidate",
            ),
            (
                "signal.candidate",
                r#"{"to":"p","candidate":["a","0",0,"u"]}"#,
                "data.candidate",
            ),
            ("auth.guest", r#"["Bo"]"#, "data"),
            ("auth.refresh", "[]", "data"),
            ("ping", "5", "data"),
        ] {
            assert_eq!(refused(kind, data).as_deref(), Some(field), "{kind} {data}");
        }
    }

    #[test]
    fn words_and_lists_where_one_of_both_may_stand_are_told_apart() {
        let decode = |kind: &str, data: &str| {
            Request::decode(kind, Some(&RawValue::from_string(data.to_owned()).unwrap()))
        };
        let remove = |ban: &str| match decode(
            "participant.remove",
            &format!(r#"{{"participant":"p","ban":{ban}}}"#),
        ) {
            Ok(Request::ParticipantRemove(data)) => data.ban.and_then(BanRequest::length),
            other => panic!("{other:?}"),
        };
        use crate::protocol::object::BanLength;
        assert_eq!(remove("true"), Some(BanLength::Meeting));
        assert_eq!(remove("\"forever\""), Some(BanLength::Forever));
        assert_eq!(remove("false"), None);
        assert_eq!(remove("null"), None);
        for (kind, data, field) in [
            (
                "participant.remove",
                r#"{"participant":"p","ban":"always"}"#,
                "data.ban",
            ),
            (
                "lobby.admit",
                r#"{"participants":"everyone"}"#,
                "data.participants",
            ),
            (
                "lobby.admit",
                r#"{"participants":[1]}"#,
                "data.participants",
            ),
            ("reaction.send", r#"{"emoji":"x"}"#, "data.emoji"),
            ("timer.set", r#"{}"#, "data.duration_ms"),
        ] {
            assert_eq!(refused(kind, data).as_deref(), Some(field), "{kind} {data}");
        }
    }
}
