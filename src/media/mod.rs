//! The selective forwarding unit (RFC 7667 §3.7): packets in, packets out, never decoded.
//!
//! Owns the media sockets and every WebRTC connection to the server, and is the only importer of the
//! WebRTC crates. Knows rooms only through [`MediaCommand`] and [`MediaEvent`]: what somebody may do was
//! decided before a command comes here. May not know sessions, the registry or the store.
//!
//! [`MediaCommand`]: crate::meeting::media::MediaCommand
//!
//! The way of a packet: `worker` reads the socket → `shard` finds its connection by address → `connection`
//! takes off ICE, DTLS (behind the guard in `dtls`) and SRTP → `room` looks up who gets it → `rewrite` fits it
//! into a subscriber's slot → the connection protects it → `worker` sends the batch by its `socket`. [`Media`]
//! and [`RoomMedia`], here, are the handles by which the rest of the server talks to the threads that do this.
//!
//! What measuring taught us:
//!
//! - A browser offers once, with an m-line for every source it may ever use. The server offers slots. So a hundred
//!   people who come and go cause no storm of offers. Every slot costs the browser time before the first picture: 25
//!   slots 580 ms, 4 slots 400 ms, medians of 12 with a debug build. The page begins with what the room needs, and
//!   doubles.
//! - Both SRTP profiles are allowed, AEAD_AES_128_GCM and AES128_CM_SHA1_80, and the crate seals packets. Its DTLS
//!   server follows the client's order, and browsers begin with AES-CM. Sealing with GCM alone costs half as much for
//!   each packet, but leaves out every client that cannot do GCM.
//! - Full ICE, not lite: the crate's lite mode still sends checks, and answers a nomination only after its own. The
//!   server sends only to addresses that proved the ICE password (static/docs/protocol.md §9.5), so that nobody can
//!   make it scan a network.
//! - Candidates stand in every m-line of our descriptions: some stacks heed the last m-line of a bundle, not the
//!   first.
//! - Slots are assigned when down is answered, so that `media.slots` never overtakes the answer that lists the
//!   slots. Keyframes are asked for once down is connected: one that comes earlier is lost, and delays the next by its
//!   limit.
//! - Foreign m-lines, a data channel for example, are cut out before the crate sees an offer, and answered with port
//!   0.
//! - The crate keeps something for every SSRC that it has ever seen, so that a connection's streams are bounded.
//! - Each slot has a stream id of its own: browsers pair sound and picture by it, and a slot's content changes.

mod bwe;
mod error;
#[cfg(test)]
mod faults;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handle;
mod io;
mod peer;
mod room;
mod rtp;
#[cfg(test)]
mod simulation;

pub use error::{MediaError, MediaStartError};
pub use handle::{Media, PublishAnswer, RoomMedia};
#[cfg(test)]
pub(crate) use io::shard::Fault;

use std::net::IpAddr;

use crate::meeting::media::MediaEvent;

/// Where and how wide media runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// The addresses that clients are told to send to, one host candidate each (RFC 8445 §5.1.1.1).
    /// Behind a port-forwarding NAT these are its public addresses.
    pub ips: Vec<IpAddr>,
    /// The first worker's UDP port; each further worker takes the next one. 0 takes any free ports.
    pub port: u16,
    /// How many workers, each a thread; 0 counts as 1.
    pub threads: usize,
}

/// Where a room's media events go.
///
/// It never blocks. An event that finds no place comes back as `Err`; the worker keeps it, in order, and tries
/// again on its next turn. Slot states of one participant are merged meanwhile, so what is kept is bounded by
/// the room's size.
pub type EventSink = Box<dyn FnMut(MediaEvent) -> Result<(), MediaEvent> + Send>;

/// What the workers hold, counted: for health pages, and for tests that nothing leaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Rooms that are open.
    pub rooms: usize,
    /// Participants that were admitted and not dismissed.
    pub participants: usize,
    /// WebRTC connections, up and down.
    pub connections: usize,
    /// Tracks that were started and not stopped.
    pub tracks: usize,
    /// Slots of all down connections.
    pub slots: usize,
    /// Remote addresses that lead to a connection.
    pub addresses: usize,
    /// ICE user name fragments that lead to a connection.
    pub ufrags: usize,
}

impl std::ops::AddAssign for Census {
    fn add_assign(&mut self, other: Self) {
        self.rooms += other.rooms;
        self.participants += other.participants;
        self.connections += other.connections;
        self.tracks += other.tracks;
        self.slots += other.slots;
        self.addresses += other.addresses;
        self.ufrags += other.ufrags;
    }
}
