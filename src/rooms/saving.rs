//! Saves the meeting of a room, so that it goes on after a restart of the server.
//!
//! Governing changes are saved before they are answered (see [`durability`](crate::meeting::durability)). All others
//! are saved at most [`LATEST`] after the first change. A [`Safe`] stores them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::meeting::Room;
use crate::meeting::snapshot::SnapshotError;
use crate::meeting::state::pause::Memory;
use crate::protocol::error::ErrorCode;
use crate::protocol::ids::ParticipantId;
use crate::protocol::time::Timestamp;

/// The format version of saved meetings.
pub const SAVED_VERSION: u32 = 1;

/// How long a change may stay unsaved if nobody waits for it. With the commit it takes less than a second.
const LATEST: Duration = Duration::from_millis(800);

/// How long a room waits for a commit before it undoes the change. This is less than its callers wait for the room.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where the meeting of one room is saved.
pub trait Safe: Send + Sync {
    /// Saves a new state in the background. Tries until it works.
    fn keep(&self, meeting: Option<Saved>);

    /// Saves a new state and returns when it is committed, or has failed. A failure is not tried again.
    fn keep_surely(&self, meeting: Saved) -> BoxFuture<'static, Result<(), ErrorCode>>;
}

/// A meeting as it is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The whole meeting, in the format [`SAVED_VERSION`].
    pub bytes: Vec<u8>,
    /// When it was so.
    pub saved_at: Timestamp,
    /// When it is over unless somebody comes back. None while somebody is in.
    pub kept_until: Option<Timestamp>,
}

/// What is needed to restore a session after a restart.
pub trait Ticket: std::fmt::Debug + Send + Sync {
    /// The ticket as JSON. None if the session cannot be restored.
    fn written(&self) -> Option<Box<RawValue>>;
}

/// A session that was saved with its room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SavedSession {
    /// The participant id.
    pub participant: ParticipantId,
    /// What its [`Ticket`] wrote.
    pub ticket: Box<RawValue>,
}

/// A meeting that was saved.
#[derive(Debug)]
pub enum Restored {
    /// Somebody was in, or waited.
    Room {
        /// The room.
        room: Box<Room>,
        /// The sessions of its people.
        sessions: Vec<SavedSession>,
    },
    /// It was empty, and remembered.
    Memory(Box<Memory>),
}

/// Either of the two.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    room: Option<&'a RawValue>,
    #[serde(borrow, default)]
    memory: Option<&'a RawValue>,
    #[serde(default)]
    sessions: Vec<SavedSession>,
}

impl Saved {
    /// A room and the sessions of its people.
    pub fn of_room(
        room: &Room,
        sessions: &[SavedSession],
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        let mut bytes = b"{\"room\":".to_vec();
        bytes.extend(room.to_bytes_without_chat()?);
        bytes.extend(b",\"sessions\":");
        serde_json::to_writer(&mut bytes, sessions)?;
        bytes.push(b'}');
        Ok(Self {
            bytes,
            saved_at: now,
            kept_until: None,
        })
    }

    /// The memory of an empty meeting.
    pub fn of_memory(memory: &Memory, now: Timestamp) -> Result<Self, SnapshotError> {
        let mut bytes = b"{\"memory\":".to_vec();
        bytes.extend(memory.to_bytes()?);
        bytes.push(b'}');
        Ok(Self {
            bytes,
            saved_at: now,
            kept_until: Some(memory.until()),
        })
    }
}

impl Restored {
    /// Reads what was saved.
    ///
    /// # Errors
    /// [`SnapshotError`]
    pub fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let Envelope {
            room,
            memory,
            sessions,
        } = serde_json::from_slice(bytes)?;
        if let Some(memory) = memory {
            let memory = Memory::from_bytes(memory.get().as_bytes())?;
            return Ok(Self::Memory(Box::new(memory)));
        }
        let room = Room::from_bytes(room.map_or("", RawValue::get).as_bytes())?;
        Ok(Self::Room {
            room: Box::new(room),
            sessions,
        })
    }
}

/// What of a room must be saved, and when.
pub(super) struct Saving {
    safe: Option<Arc<dyn Safe>>,
    /// Since when there are unsaved changes.
    unsaved_since: Option<Instant>,
    /// The server goes down. The last saved state is the one that is restored.
    is_sealed: bool,
}

impl Saving {
    /// A room without a safe is never saved.
    pub fn new(safe: Option<Arc<dyn Safe>>) -> Self {
        Self {
            safe,
            unsaved_since: None,
            is_sealed: false,
        }
    }

    /// Whether anything is saved.
    pub fn is_on(&self) -> bool {
        self.safe.is_some()
    }

    /// Notes a change that must be saved soon.
    pub fn has_changed(&mut self) {
        if self.is_on() && !self.is_sealed {
            self.unsaved_since.get_or_insert_with(Instant::now);
        }
    }

    /// The time until the changes must be saved. None if there are none.
    pub fn due_in(&self) -> Option<Duration> {
        let since = self.unsaved_since?;
        Some(LATEST.saturating_sub(since.elapsed()))
    }

    /// Saves a meeting in the background.
    pub fn keep(&mut self, meeting: Result<Saved, SnapshotError>) {
        self.unsaved_since = None;
        match (&self.safe, meeting) {
            (Some(safe), Ok(meeting)) => safe.keep(Some(meeting)),
            (None, _) => {}
            (Some(_), Err(error)) => log(&error),
        }
    }

    /// Saves a meeting, and waits until it is committed.
    ///
    /// # Errors
    /// `server.busy`
    pub async fn keep_surely(
        &mut self,
        meeting: Result<Saved, SnapshotError>,
    ) -> Result<(), ErrorCode> {
        let Some(safe) = self.safe.as_ref().filter(|_| !self.is_sealed) else {
            return Err(ErrorCode::ServerBusy);
        };
        let meeting = meeting.map_err(|error| {
            log(&error);
            ErrorCode::ServerInternal
        })?;
        let kept = tokio::time::timeout(PATIENCE, safe.keep_surely(meeting)).await;
        let kept = kept.unwrap_or(Err(ErrorCode::ServerBusy));
        self.unsaved_since = None;
        if kept.is_err() {
            // It may still be committed.
            self.has_changed();
        }
        kept
    }

    /// Saves a meeting for the last time, because the server goes down.
    pub async fn seal(&mut self, meeting: Result<Saved, SnapshotError>) {
        if self.is_on() && !self.is_sealed {
            let kept = self.keep_surely(meeting).await;
            if kept.is_err() {
                tracing::warn!("a meeting could not be saved before the server goes down");
            }
            self.is_sealed = true;
            self.unsaved_since = None;
        }
    }

    /// Whether the meeting was saved for the last time.
    pub fn is_sealed(&self) -> bool {
        self.is_sealed
    }
}

fn log(error: &SnapshotError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "a meeting could not be written down: this is a fault in the server"
    );
}
