//! Error codes: stable, translated by clients. The sentence beside a code is English, for people who read logs.

use schemars::JsonSchema;
use serde::Serialize;
use ts_rs::TS;

macro_rules! codes {
    ($($name:ident = $code:literal, $message:literal;)*) => {
        /// What went wrong, as clients are told it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, TS)]
        pub enum ErrorCode {
            $(#[doc = $message] #[serde(rename = $code)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as it travels.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The sentence that goes with it where the place of the error has none better.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

codes! {
    BadJson = "protocol.bad_json", "The frame is not a JSON object.";
    BadField = "protocol.bad_field", "A field is missing or has a wrong value.";
    UnknownType = "protocol.unknown_type", "There is no request of this type.";
    Binary = "protocol.binary", "Frames are text; this one was binary.";
    TooLarge = "protocol.too_large", "The frame is larger than limits.message_bytes.";
    RateLimited = "rate.limited", "Too many requests; wait before the next one.";
    AuthRequired = "auth.required", "Log in first.";
    BadCredentials = "auth.bad_credentials", "The user name or the password is wrong.";
    TokenExpired = "auth.token_expired", "The token has expired.";
    TokenInvalid = "auth.token_invalid", "The token is not valid here.";
    UsernameTaken = "auth.username_taken", "This user name is taken.";
    WeakPassword = "auth.weak_password", "The password must be 8 characters or more, at most 1024 bytes, and not the user name.";
    GuestDisabled = "auth.guest_disabled", "This server does not admit guests.";
    PermDenied = "perm.denied", "You may not do this.";
    RoomNotFound = "room.not_found", "There is no such room.";
    RoomExists = "room.exists", "There is such a room already.";
    RoomFull = "room.full", "This room is full.";
    RoomLocked = "room.locked", "This room is locked.";
    RoomAccountsOnly = "room.accounts_only", "This room takes people with an account only; log in first.";
    RoomEnded = "room.ended", "This meeting has ended.";
    RoomNotStarted = "room.not_started", "This meeting has not begun yet.";
    RoomPasswordRequired = "room.password_required", "This room asks for a password.";
    RoomPasswordWrong = "room.password_wrong", "The room's password is wrong.";
    RoomWaiting = "room.waiting", "A host will let you in.";
    RoomDenied = "room.denied", "A host did not let you in.";
    RoomBanned = "room.banned", "You were removed from this room.";
    RoomConflict = "room.conflict", "The room was changed meanwhile; read it again.";
    RoomNotJoined = "room.not_joined", "Join a room first.";
    ParticipantNotFound = "participant.not_found", "There is no such participant in the room.";
    SignalNotFound = "signal.not_found", "There is nobody of this id to signal to in the room.";
    MediaBadSdp = "media.bad_sdp", "The session description or candidate cannot be used.";
    MediaStale = "media.stale", "The revision is not the one that is awaited.";
    MediaUnsupported = "media.unsupported", "This cannot be negotiated here.";
    MediaLimit = "media.limit", "More than this server forwards.";
    SessionGone = "session.gone", "This session cannot be resumed.";
    ServerBusy = "server.busy", "The server is busy; try again shortly.";
    ServerDraining = "server.draining", "The server is going down.";
    ServerInternal = "server.internal", "Something went wrong on the server.";
}

/// The `error` object of an error frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, TS)]
pub struct WireError {
    /// What went wrong.
    pub code: ErrorCode,
    /// The same in English, for people who read logs.
    pub message: String,
    /// Which field was wrong, as a path from the frame's root; only with `protocol.bad_field`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// After how many milliseconds a new try makes sense. Null when trying again helps nothing.
    #[ts(type = "number | null")]
    pub retry_after_ms: Option<u64>,
}

impl WireError {
    /// The error with a sentence of its own.
    pub fn with_message(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after_ms: None,
        }
    }

    /// The refusal of one field.
    pub fn bad_field(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        let field = field.into();
        let message = format!("{field}: {message}");
        Self {
            code: ErrorCode::BadField,
            message,
            field: Some(field),
            retry_after_ms: None,
        }
    }

    /// The same error with a time after which to try again.
    pub fn retry_after(mut self, millis: u64) -> Self {
        self.retry_after_ms = Some(millis);
        self
    }
}

impl From<ErrorCode> for WireError {
    fn from(code: ErrorCode) -> Self {
        Self::with_message(code, code.message())
    }
}
