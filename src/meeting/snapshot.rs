//! A room as bytes and back, so that its meeting outlives the process.
//!
//! A snapshot is JSON: its version, and the room with all of its state. The names of the fields are part of the format.
//! A field that is added later has a default (`#[serde(default)]`), so that older snapshots stay readable.
//! `tests/golden/snapshot` holds one of each version. A change that cannot be read that way needs a new version, and a
//! reader for the old one.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::room::Room;
use super::state::bans::Bans;
use super::state::chat::Chat;
use super::state::lobby::Lobby;
use super::state::meeting::Meeting;
use super::state::pause::Memory;
use super::state::roster::Roster;
use crate::protocol::object;
use crate::protocol::time::Timestamp;

/// The version that is written.
const VERSION: u32 = 1;

/// Why a snapshot cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A newer server wrote it, or it is no snapshot.
    #[error("the snapshot has version {0}, and this server reads version {VERSION}")]
    UnknownVersion(u32),
    /// It is no snapshot, or a damaged one.
    #[error("the snapshot cannot be read or written")]
    Unreadable(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Written<T> {
    version: u32,
    room: T,
}

#[derive(Deserialize)]
struct Read<T> {
    room: T,
}

/// A [`Room`] without the data that the database holds by itself. The fields have the names of those of the room.
#[derive(Serialize)]
struct WithoutChat<'a> {
    facts: &'a object::Room,
    ended: &'a Option<Timestamp>,
    roster: &'a Roster,
    lobby: &'a Lobby,
    chat: Chat,
    bans: &'a Bans,
    meeting: &'a Meeting,
}

/// The part that is read before the version is known.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Room {
    /// The room as bytes: the same room gives the same bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`]
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        written(self)
    }

    /// The same without the chat, which is stored separately. Snapshots are saved often and should be small.
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`]
    pub fn to_bytes_without_chat(&self) -> Result<Vec<u8>, SnapshotError> {
        written(WithoutChat {
            facts: &self.facts,
            ended: &self.ended,
            roster: &self.roster,
            lobby: &self.lobby,
            chat: Chat::default(),
            bans: &self.bans,
            meeting: &self.meeting,
        })
    }

    /// The saved room. It answers every further command as the original would.
    ///
    /// # Errors
    /// [`SnapshotError`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        read(bytes)
    }
}

impl Memory {
    /// The memory as bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`]
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        written(self)
    }

    /// The saved memory.
    ///
    /// # Errors
    /// [`SnapshotError`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        read(bytes)
    }
}

fn written(room: impl Serialize) -> Result<Vec<u8>, SnapshotError> {
    let version = VERSION;
    Ok(serde_json::to_vec(&Written { version, room })?)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SnapshotError> {
    let Header { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        return Err(SnapshotError::UnknownVersion(version));
    }
    let Read { room } = serde_json::from_slice(bytes)?;
    Ok(room)
}

#[cfg(test)]
pub(super) mod tests;
