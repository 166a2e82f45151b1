//! Credentials: passwords, tokens and the limits on trying them.
//!
//! Pure of storage and sockets: hashes and addresses are handed in, verdicts handed out, and the time is the caller's.
//! Nothing here prints a secret. [`passwords`] is the only home of MD5, for accounts of a database that was taken over.

mod argon2id;
mod hs256;
pub mod invites;
pub mod limits;
pub mod passwords;
mod resume;
pub mod room_passwords;
pub mod secret;
pub mod tokens;

pub use invites::InviteToken;
pub use limits::{Limits, RetryAfter};
pub use passwords::{PasswordError, Passwords, StoredHash, Verified};
pub use resume::ResumeTokens;
pub use room_passwords::RoomPasswords;
pub use secret::{Secret, SecretError};
pub use tokens::{Issued, Subject, Token, TokenError, Tokens};
