//! The relay (TURN, RFC 8656) for clients whose network blocks everything else: over UDP, TCP and TLS to the ports of
//! the server itself.
//!
//! Owns allocations, permissions and channels, who may have them, and how much. It knows media only as addresses of
//! datagrams, and rooms only as numbers. It may not know sessions or HTTP.
//!
//! **Relayed addresses are virtual.** No socket is bound for an allocation. Its address is one of the server, with a
//! port that distinguishes it from others. Datagrams from a client to the media of the server go to the media thread
//! within the process. Datagrams to another relayed address of the same room go to that client. Nothing else is a legal
//! peer, in any spelling. So the relay leads nowhere else: not to the machine, and not to the network of the operator.
//! The check is a list of allowed addresses, compared as whole addresses, and not a list of forbidden ones.
//!
//! **Credentials are computed, not stored.** A user name is its time of expiry and the participant, and the password is
//! its MAC. They are valid while the participant is in the room. A participant who leaves, is removed, or whose room
//! ends loses all allocations at the same moment. A client without valid credentials leaves no state behind: a nonce is
//! a MAC too, and requests are counted in a table of fixed size.
//!
//! `server` holds the rules and is pure: it takes messages and the time, and returns what to send. [`Relay`] is shared
//! by the media threads, which take datagrams, and by `stream`, which cuts streams into messages. [`IceServers`] is
//! what clients are told. We wrote it instead of using the crate `turn-server-proto` (0.7.3): that crate keeps its
//! users in a list that only grows, finds clients by a linear search, stores a nonce for each source, and has no
//! quotas. The rest of it would be the messages, of which TURN has few.

mod ice_servers;
mod message;
mod relay;
mod server;
mod stream;
#[cfg(test)]
mod tests;
mod throttle;

pub use ice_servers::{Datagrams, External, IceServers, RoomAccess, Tcp, Tls, Ways};
pub use message::is_turn;
#[cfg(test)]
use message::{NotTurn, framed};
pub use relay::{Parcel, Port, Relay};
pub use server::{Client, Now, Outcome, Reach, ToMedia, Wrapped};
#[cfg(test)]
use server::{Credentials, Server};
pub use stream::carry;
