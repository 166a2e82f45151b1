//! One WebSocket session: its limits, its requests in order, its events, its end.
//!
//! Owns everything between a socket and the rooms: reading and writing frames, rate limits, idempotency, heartbeat,
//! who one is, and the only place where errors become frames. The rules of meetings are `meeting`'s; a session talks to
//! a room through its handle alone. Read on in [`session`], then [`dispatch`] and the handlers by subject.

mod answers;
mod checks;
mod directory;
mod dispatch;
mod end;
mod handlers;
mod limits;
pub mod reconcile;
mod services;
mod session;
mod spending;
mod state;
mod visit;

pub use directory::Directory;
pub use end::{End, goodbye};
pub use handlers::room_view::find_room;
pub use limits::{Limits, Pace, too_fast};
pub use services::{GuestPolicy, RateLimiting, RegistrationPolicy, Services, ServicesParts};
pub use session::{MOST_PINGS_UNANSWERED, WRITE_DEADLINE, run};
pub use visit::Visit;

/// The largest text frame, in bytes.
pub const MESSAGE_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests;
