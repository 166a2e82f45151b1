//! The shell of the room core: one actor per room with somebody in it, and the address book to find it.
//!
//! Owns when a room runs, the order in which its effects are carried out, and what happens when somebody does not keep
//! up, or when a room fails. Knows nothing of sockets: a session is an [`Outbox`] here. A room never awaits anything but its inbox.

mod actor;
mod outbox;
mod registry;
mod remembered;

pub use actor::{CallError, Decision, RoomHandle};
pub use outbox::{OUTBOX_CAPACITY, Outbox, OutboxItem, OutboxReader, Overflow, Pushed, outbox};
pub use registry::{Clock, Entered, HistorySink, Live, Origin, Registry, Start};

#[cfg(test)]
mod tests;
