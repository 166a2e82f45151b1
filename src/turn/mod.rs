//! The relay (TURN, RFC 8656) for clients whose network lets nothing else through: over UDP, TCP and TLS to the server's
//! own ports.
//!
//! Owns allocations, permissions and channels, who may have them, and how much. Knows media only as addresses that
//! datagrams are for, and rooms only as numbers; it may know neither sessions nor HTTP.
//!
//! **Relayed addresses are virtual.** No socket is bound for an allocation: its address is one of the server's own with
//! a port that tells it from others. What a client sends to the server's own media goes to the media thread within the
//! process; what it sends to another relayed address of the same room goes to that client. Nothing else is a legal peer,
//! in whatever spelling, so that the relay leads to nobody: not to the machine, nor to the operator's network. The check
//! is a list of what is allowed, compared as whole addresses, and not one of what is forbidden.
//!
//! **Credentials are computed, not kept.** A user name is the time at which it expires and the participant; the password
//! is its MAC. They hold while the participant is in the room: whoever leaves, is removed or is in a room that ends
//! loses all allocations in the same moment. Whoever has proven nothing leaves nothing behind: a nonce is a MAC too, and
//! who asks how often is counted in a table of fixed size.
//!
//! `server` holds the rules and is pure: messages and the time in, what to send out. [`Relay`] is what its carriers share: the
//! media threads, which take datagrams, and `stream`, which cuts streams into messages. [`IceServers`] is what people are told
//! of it. We wrote it rather than take the crate `turn-server-proto` (0.7.3): that one keeps its users in a list that only
//! grows, looks clients up one by one, keeps a nonce for each source that asks, and knows no quotas. What remained of it was
//! the messages, of which TURN has few.

mod ice_servers;
mod message;
mod relay;
mod server;
mod stream;
#[cfg(test)]
mod tests;
mod throttle;

pub use ice_servers::{External, IceServers, RoomAccess, Tcp, Tls, Ways};
pub use message::is_turn;
#[cfg(test)]
use message::{NotTurn, framed};
pub use relay::{Parcel, Port, Relay};
pub use server::{Client, Now, Outcome, Reach, ToMedia, Wrapped};
#[cfg(test)]
use server::{Credentials, Server};
pub use stream::carry;
