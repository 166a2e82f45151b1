//! The shell of the room core: one actor per room with somebody in it, and the address book to find it.
//!
//! Owns when a room runs, the order in which its effects are carried out, and what happens when somebody does not keep
//! up. Knows nothing of sockets: a session is an [`Outbox`] here. A room never awaits anything but its inbox.

mod actor;
mod outbox;
mod registry;
mod remembered;

pub use actor::{CallError, Decision, RoomHandle};
pub use outbox::{OUTBOX_CAPACITY, Outbox, OutboxItem, OutboxReader, Overflow, outbox};
pub use registry::{Entered, HistorySink, Live, Origin, Registry, Start};
