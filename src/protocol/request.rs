//! Requests: what a client may ask, and the data of each answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use super::error::{ErrorCode, WireError};
use super::strict::Object;

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident $kind:literal => $answer:ident;)*) => {
        /// A request, decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name($name),)*
        }

        impl Request {
            /// Whether a request of type `kind` may come from somebody who has not said who they are.
            pub fn may_precede_login(kind: &str) -> bool {
                const LOGINS: [&str; 5] =
                    ["auth.register", "auth.login", "auth.guest", "auth.token", "session.resume"];
                LOGINS.contains(&kind)
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
    /// Who was in a room, when and how long; for those who govern it.
    RoomAttendance "room.attendance" => AttendancePage;
    /// Who is kept out of a room: who is banned, and who was not let in at the door.
    RoomBans "room.bans" => Bans;
    /// Lets somebody in again, or to the door.
    RoomUnban "room.unban" => Empty;
    /// Makes an invite link.
    InviteCreate "invite.create" => InviteMade;
    /// Which invite links work.
    InviteList "invite.list" => Invites;
    /// Makes an invite link work no more.
    InviteRevoke "invite.revoke" => Empty;
    /// Asks for a room in which one tries the connection with oneself.
    CheckBegin "check.begin" => CheckRoom;
    /// Changes what others see of oneself.
    ParticipantUpdate "participant.update" => ParticipantAnswer;
    /// Mutes somebody or everyone; nobody can unmute another.
    ParticipantMute "participant.mute" => Empty;
    /// Asks somebody to unmute.
    ParticipantAskUnmute "participant.ask_unmute" => Empty;
    /// Lowers somebody's hand.
    ParticipantLowerHand "participant.lower_hand" => Empty;
    /// Renames somebody.
    ParticipantRename "participant.rename" => Empty;
    /// Gives somebody another role.
    ParticipantSetRole "participant.set_role" => Empty;
    /// Removes somebody.
    ParticipantRemove "participant.remove" => Empty;
    /// Lets in who waits.
    LobbyAdmit "lobby.admit" => Empty;
    /// Sends away who waits.
    LobbyDeny "lobby.deny" => Empty;
    /// Shows a feeling.
    ReactionSend "reaction.send" => Empty;
    /// Shows some people large to everyone.
    SpotlightSet "spotlight.set" => Empty;
    /// Starts or stops the meeting's timer.
    TimerSet "timer.set" => TimerAnswer;
    /// Writes to everyone, or to one.
    ChatSend "chat.send" => MessageAnswer;
    /// Reads what was written.
    ChatHistory "chat.history" => ChatPage;
    /// Takes a message back.
    ChatDelete "chat.delete" => Empty;
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
