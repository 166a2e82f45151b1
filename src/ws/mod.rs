//! The socket of a session: reads, writes and closes. It dies with its connection.
//!
//! Owns WebSocket messages, flushes, the deadline of a write and the closing handshake. What a frame means and what is
//! told to the client is the session's, which knows no socket; see [`sessions`](crate::sessions).

mod close;
mod gathered;
mod socket;

pub use close::{close_frame, goodbye};
pub use socket::{WRITE_DEADLINE, run};

#[cfg(test)]
mod tests;
