//! Credentials: passwords, tokens and the limits on trying them.
//!
//! It knows no storage and no sockets. Callers hand in hashes, addresses and the time, and get a result. Nothing here
//! prints a secret. Only [`passwords`] knows MD5, for accounts from an older database.

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
