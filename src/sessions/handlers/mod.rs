//! What each request does, by subject: authorise, load or store what lasts, then ask the room.

pub mod account;
mod asking;
pub mod attendance;
pub mod auth;
pub mod bans;
pub mod chat;
pub mod check;
pub mod governing;
pub mod invites;
pub mod joining;
pub mod lobby;
pub mod media;
pub mod participant;
mod people;
pub mod resume;
pub mod room;
mod room_settings;
pub(super) mod room_view;
pub mod signal;
pub mod together;

use crate::auth::StoredHash;
use crate::protocol::error::{ErrorCode, WireError};
use crate::store::{PasswordHash, StoreError};

/// A stored hash as the passwords' module takes it.
fn kept(hash: &PasswordHash) -> StoredHash<'_> {
    if hash.is_legacy() {
        StoredHash::LegacyMd5(hash.reveal())
    } else {
        StoredHash::Argon2(hash.reveal())
    }
}

/// The error that a client is told for a failure of the store. Faults of the server are logged here. The store itself
/// logs once that the database is away or full.
fn stored(error: StoreError) -> WireError {
    if error.code() == ErrorCode::ServerInternal {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
    }
    error.wire()
}
