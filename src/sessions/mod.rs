//! One client's session: its limits, its requests in order, its events, its end.
//!
//! Owns everything between a socket and the rooms: rate limits, idempotency, heartbeat, logins, and the only place
//! where errors become frames. It knows no socket: [`ws`](crate::ws) reads and writes for it. When its socket is lost,
//! it goes on without one for a while ([`handover`]). The rules of meetings are `meeting`'s; a session talks to a room
//! through its link alone. Read on in [`session`], the pure core, then in [`live`], which drives it, in [`dispatch`]
//! and in the handlers by subject.

mod answers;
mod checks;
mod dispatch;
mod door;
mod end;
mod handlers;
mod handover;
mod heartbeat;
mod kept;
mod limits;
mod live;
mod location;
mod reading;
pub mod reconcile;
mod refusals;
mod replay;
pub mod restart;
mod services;
mod session;
mod spending;
#[cfg(test)]
pub(crate) mod stand_in;
mod state;
mod table;
mod visit;

pub use end::End;
pub use handlers::room_view::find_room;
pub use handover::{Successor, keep};
pub use heartbeat::MOST_PINGS_UNANSWERED;
pub use kept::Kept;
pub use limits::{Limits, Pace, too_fast};
pub use live::{Instruction, Live};
pub use services::{
    GuestPolicy, Policy, RateLimiting, RegistrationPolicy, Services, ServicesParts,
};
pub use session::Frame;
pub use table::Table;
pub use visit::Visit;

/// The largest text frame, in bytes.
pub const MESSAGE_BYTES: usize = 256 * 1024;
