//! Coming in: accounts, guests, tokens, and the session itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::protocol::ids::SessionId;
use crate::protocol::object::User;
use crate::protocol::text::{DisplayName, Password, Username};
use crate::protocol::time::Timestamp;

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
    /// Data of `auth.refresh`. No token of a log-in is good for longer than 30 days after it; then `auth.token_expired`.
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
        /// Replaces the password, ends the account's other sessions and revokes every token issued before, one's own too:
        /// `auth.refresh` gives a new one.
        #[serde(default)] #[ts(optional = nullable)]
        new_password: Option<Password>,
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
        #[serde(default)] #[ts(optional, type = "unknown")]
        #[schemars(with = "Option<serde_json::Value>", extend("default" = serde_json::Value::Null))]
        client_time: Option<serde::de::IgnoredAny>,
    }
}

answers! {
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
