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
//! `server` holds the rules and is pure: messages and the time in, what to send out. We wrote it rather than take the crate `turn-server-proto` (0.7.3): that one keeps its users
//! in a list that only grows, looks clients up one by one, keeps a nonce for each source that asks, and knows no quotas.
//! What remained of it was the messages, of which TURN has few.

mod message;
mod server;
#[cfg(test)]
mod tests;
mod throttle;

pub use message::{NotTurn, framed, is_turn};
pub use server::{Client, Credentials, Now, Outcome, Reach, Server, Wrapped};
