//! The data that a room is started with, and the results of a join.

use std::sync::Arc;

use tokio::time::Instant;

use super::outbox::Outbox;
use super::saving::Safe;
use crate::meeting::effect::{History, View};
use crate::meeting::{Effect, Room};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Topology;
use crate::protocol::time::Timestamp;

/// Where the attendance of a room is recorded. Must not wait.
pub type HistorySink = Box<dyn FnMut(History) + Send>;

/// The wall clock, which may be set at any moment.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A room as it is loaded to be run.
pub struct Start {
    /// The empty room.
    pub room: Room,
    /// How its media travels.
    pub topology: Topology,
    /// Where its attendance is recorded.
    pub history: HistorySink,
    /// Where it was loaded from.
    pub origin: Origin,
    /// Where its meeting is saved. None if it is not saved.
    pub safe: Option<Arc<dyn Safe>>,
}

/// The people of a room from before a restart, as far as the room needs them.
pub struct Survivors {
    /// The effects to carry out first.
    pub effects: Vec<Effect>,
    /// Participants whose sessions wait for them.
    pub inside: Vec<(ParticipantId, Outbox)>,
    /// Waiting people whose sessions wait for them.
    pub waiting: Vec<(ParticipantId, Outbox)>,
    /// Those without a session.
    pub absent: Vec<ParticipantId>,
    /// The deadline for coming back.
    pub until: Instant,
}

/// Where a room was loaded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The database, where others may change it.
    Store,
    /// Nowhere. Only this process knows it.
    Memory,
}

/// The result of a join.
pub enum Entered {
    /// Into the room.
    In(Box<View>),
    /// The person waits to be let in.
    Waiting,
}
