//! What a room is started with, and where a join leads.

use std::sync::Arc;

use tokio::time::Instant;

use super::outbox::Outbox;
use super::saving::Safe;
use crate::meeting::effect::{History, View};
use crate::meeting::{Effect, Room};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Topology;
use crate::protocol::time::Timestamp;

/// Where a room's attendance is written down; must not wait.
pub type HistorySink = Box<dyn FnMut(History) + Send>;

/// What tells the time of the clock on the wall, which may be set at any moment.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A room as it is loaded to be run.
pub struct Start {
    /// The empty room.
    pub room: Room,
    /// How its media travels.
    pub topology: Topology,
    /// Where its attendance is written down.
    pub history: HistorySink,
    /// Where it was loaded from.
    pub origin: Origin,
    /// Where its meeting is saved; none when it is not.
    pub safe: Option<Arc<dyn Safe>>,
}

/// Who was in a room, or waited, when the server went down, as far as the room is concerned.
pub struct Survivors {
    /// What is to be done about it first.
    pub effects: Vec<Effect>,
    /// Those who are in, and whose sessions wait for them.
    pub inside: Vec<(ParticipantId, Outbox)>,
    /// Those at the door, likewise.
    pub waiting: Vec<(ParticipantId, Outbox)>,
    /// Those without a session.
    pub absent: Vec<ParticipantId>,
    /// By when they must have come back.
    pub until: Instant,
}

/// Where a room was loaded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The database, in which others may change it.
    Store,
    /// Nowhere: it is known to this process alone.
    Memory,
}

/// Where a join has led.
pub enum Entered {
    /// Into the room.
    In(Box<View>),
    /// To its door: to be let in, or not.
    Waiting,
}
