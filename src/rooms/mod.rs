//! The shell of the room core: one actor for each occupied room, and the address book to find it.
//!
//! Owns when a room runs, in which order its effects are carried out, and what happens when a client is too slow or a
//! room fails. Sessions reach a room only through a [`RoomLink`]. Sockets are unknown here: a session is an [`Outbox`].
//!
//! The answer goes before the event. A room sends its answer before it carries out the effects. A session that takes an
//! event from its outbox first checks whether an answer is ready. So a client never gets an event of a meeting before
//! the answer to its join (static/docs/protocol.md §2.2), and no lock is needed for that.
//!
//! Messages from one participant to another go from session to session if they need no rule of the room. See
//! [`direct`].
//!
//! Descriptions bypass the rooms: SDP goes from the session to the media thread of the room. Only changes that concern
//! others, such as a started source or a mute, go through the core, which tells the thread what may be forwarded.

mod actor;
mod asked;
mod audience;
mod direct;
mod handle;
mod link;
mod media_line;
mod outbox;
mod registry;
mod remembered;
mod saving;
mod start;

pub use handle::{CallError, Decision, RoomHandle};
pub use link::{DescribeError, Described, Description, RoomLink};
pub use outbox::{OUTBOX_CAPACITY, Outbox, OutboxItem, OutboxReader, Overflow, Pushed, outbox};
pub use registry::{Live, Registry};
pub use saving::{Restored, SAVED_VERSION, Safe, Saved, SavedSession, Ticket};
pub use start::{Clock, Entered, HistorySink, Origin, Start, Survivors};

#[cfg(test)]
mod tests;
