//! The shell of the room core: one actor per room with somebody in it, and the address book to find it.
//!
//! Owns when a room runs, the order in which its effects are carried out, and what happens when somebody does not keep
//! up, or when a room fails. A [`RoomLink`] is the only way in for sessions. Knows nothing of sockets: a session is an
//! [`Outbox`] here. A room never awaits anything but its inbox.
//!
//! The answer goes before the event. A room sends its answer before it carries the effects out, and a session that
//! takes an event from its outbox looks first whether an answer is ready. So a client never hears of a meeting
//! before it is told that it is in it (static/docs/protocol.md §2.2), and no lock is needed for that.
//!
//! What one participant sends another goes from session to session where no rule has to be asked; see [`direct`].
//!
//! Descriptions pass the rooms by: SDP goes from the session to the room's media thread. Only what concerns others,
//! a source that starts or a mute, goes through the core, which tells the thread what may be forwarded.

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
