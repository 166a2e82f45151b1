//! Coming in: accounts, guests, tokens, and the session itself.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

use super::Joined;
use crate::protocol::ids::{RoomIdentity, SessionId};
use crate::protocol::object::User;
use crate::protocol::text::{DisplayName, Password, Username};
use crate::protocol::time::Timestamp;

shapes! {
    /// Data of `auth.register`.
    struct AuthRegister {
        /// The user name. Upper and lower case count as the same; it must not be taken.
        username: Username,
        /// The password: 8 characters or more, at most 1024 bytes, and not the user name.
        password: Password,
        /// The name that others see. The user name when left out.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
    }
    /// Data of `auth.login`.
    struct AuthLogin {
        /// The user name.
        username: String,
        /// The password.
        password: Password,
    }
    /// Data of `auth.guest`.
    struct AuthGuest {
        /// The name that others see.
        display_name: DisplayName,
    }
    /// Data of `auth.token`.
    struct AuthToken {
        /// A token from an earlier answer.
        token: String,
    }
    /// Data of `auth.refresh`. No token of a log-in is good for longer than 30 days after it; then `auth.token_expired`.
    struct AuthRefresh {}
    /// Data of `auth.logout`.
    struct AuthLogout {}
    /// Data of `account.update`.
    struct AccountUpdate {
        /// The name that others see from now on.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
        /// The present password. It is needed to set a new one.
        #[serde(default)] #[ts(optional = nullable)]
        current_password: Option<Password>,
        /// The new password. It ends the account's other sessions and revokes every token that was issued before,
        /// your own too: `auth.refresh` gives a new one.
        #[serde(default)] #[ts(optional = nullable)]
        new_password: Option<Password>,
    }
    /// Data of `session.resume`.
    struct SessionResume {
        /// The session that logged in, as the `hello` of that socket named it. It stays the same over all resumptions.
        session: SessionId,
        /// The token from the last log-in or resumption of that session.
        resume_token: String,
        /// The `seq` of the last event that was seen; 0 when there was none yet. Null, or left out, by a client that knows
        /// nothing any more, such as a page that was loaded anew. It gets a view, and makes its media connections anew.
        #[serde(default)] #[ts(optional = nullable, as = "Option<u32>")]
        last_seq: Option<u64>,
    }
    /// Data of `ping`.
    struct Ping {
        /// Anything. The server does not look at it.
        #[serde(default)] #[ts(optional, type = "unknown")]
        #[schemars(with = "Option<serde_json::Value>", extend("default" = serde_json::Value::Null))]
        client_time: Option<serde::de::IgnoredAny>,
    }
}

answers! {
    /// Answer to every authentication.
    struct Authenticated {
        /// Who you are now.
        user: User,
        /// Logs the same person in again, with `auth.token`.
        token: String,
        /// When the token expires.
        expires_at: Timestamp,
        /// Takes this session up after a lost socket. It is good once.
        resume_token: String,
    }
    /// Answer to `account.update`.
    struct UserAnswer {
        /// The account as it is now.
        user: User,
    }
    /// Answer to `session.resume`.
    struct Resumed {
        /// Always true.
        resumed: bool,
        /// How many missed events follow.
        #[ts(type = "number")]
        replayed: u64,
        /// The token for the next resumption. The one that was used stays good until this one was used.
        resume_token: String,
        /// Who you are.
        user: User,
        /// The `seq` of the last event before those that follow.
        #[ts(type = "number")]
        seq: u64,
        /// Where you are, when the missed events cannot be replayed: it takes their place. Null when you are in no room.
        /// Left out when they are replayed.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        #[schemars(with = "Option<ResumedView>")] #[ts(optional = nullable, as = "Option<ResumedView>")]
        view: Option<Option<ResumedView>>,
    }
    /// The view of one who waits at a room's door.
    struct WaitingView {
        /// The room. `lobby.updated` follows.
        waiting: RoomIdentity,
    }
    /// Answer to `ping`.
    struct Pong {
        /// The server's time.
        time: Timestamp,
    }
}

/// Where the client that resumes is: in a room or at a door. It stands in for the events that are lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum ResumedView {
    /// In a room, as the answer to `room.join` tells it.
    Room(Box<Joined>),
    /// At the door of one.
    Door(WaitingView),
}

/// A field that is there, null or not.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<ResumedView>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
