//! The shell of the room core: one actor per room with somebody in it, and the address book to find it.
//!
//! Owns when a room runs, the order in which its effects are carried out, and what happens when somebody does not keep
//! up, or when a room fails. A [`RoomLink`] is the only way in for sessions. Knows nothing of sockets: a session is an [`Outbox`] here. A room never awaits anything but its inbox.

mod actor;
mod handle;
mod link;
mod outbox;
mod registry;
mod remembered;
mod start;

pub use handle::{CallError, Decision, RoomHandle};
pub use link::{DescribeError, Described, Description, RoomLink};
pub use outbox::{OUTBOX_CAPACITY, Outbox, OutboxItem, OutboxReader, Overflow, Pushed, outbox};
pub use registry::{Live, Registry};
pub use start::{Clock, Entered, HistorySink, Origin, Start};

#[cfg(test)]
mod tests;
