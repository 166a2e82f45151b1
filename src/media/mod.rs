//! The selective forwarding unit (RFC 7667 §3.7): packets in, packets out, never decoded.
//!
//! Owns the media sockets and every WebRTC connection to the server. It and the load of `bench` are the only importers
//! of the DTLS crate. Knows rooms only through [`MediaCommand`] and [`MediaEvent`]: permissions were decided before a
//! command comes here. May not know sessions, the registry or the store.
//!
//! [`MediaCommand`]: crate::meeting::media::MediaCommand
//!
//! The course of a packet: `worker` reads the socket → `shard` finds its connection by the path that it came by → the
//! connection's `peer` opens it where it lies → `room` looks up its subscribers → `rewrite` fits it into a subscriber's
//! slot → the subscriber's peer seals it in the turn's `arena` → `worker` sends all that goes by one path at once, by
//! its `socket`. ICE, SRTP and the guard before DTLS are ours; of the WebRTC crates only DTLS itself is used. [`Media`]
//! and [`RoomMedia`], here, are the handles by which the rest of the server talks to the threads that do this.
//!
//! What measuring taught us:
//!
//! - A browser offers once, with an m-line for every source it may ever use. The server offers slots. So a hundred
//!   people who come and go cause no storm of offers. Every slot costs the browser time before the first picture: 25
//!   slots 580 ms, 4 slots 400 ms, medians of 12 with a debug build. The page begins with what the room needs, and
//!   doubles.
//! - We are the DTLS server wherever the client leaves it to us. Browsers name AES-CM before AES-GCM, and the crate
//!   follows their order. So the hello is read before the crate sees it, and is answered by a configuration that has
//!   GCM alone where it is offered. GCM costs a third of AES-CM.
//! - The server is an ICE-lite agent (RFC 8445 §2.5): it answers signed checks and sends none, so that nobody can make it
//!   scan a network. Media follows a nomination at once: a telephone that leaves the Wi-Fi nominates another path.
//! - Candidates stand in every m-line of our descriptions: some stacks heed the last m-line of a bundle, not the
//!   first.
//! - Slots are assigned when down is answered, so that `media.slots` never overtakes the answer that lists the
//!   slots. Keyframes are asked for once down is connected: one that comes earlier is lost, and delays the next by its
//!   limit.
//! - Browsers bring sound and picture of one stream together by their sender reports. A slot's content changes, and a
//!   report that jumps makes a sound wait for seconds. So each slot has one line from its timestamps to our clock
//!   (`rtp::timeline`), and a person's sound goes beside their picture (`room::pairs`).

#[cfg(test)]
mod announcing;
mod bwe;
#[cfg(test)]
pub(crate) mod by_hand;
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
mod seats;
#[cfg(test)]
mod simulation;

pub use error::{MediaError, MediaStartError};
pub use handle::{Media, PublishAnswer, RoomMedia};
#[cfg(test)]
pub(crate) use io::shard::Fault;
#[doc(hidden)]
pub use peer::benching;
pub use peer::reach::MediaIp;
pub use seats::Seats;

use std::net::{IpAddr, SocketAddr};

use crate::meeting::media::MediaEvent;

/// Where and how wide media runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// The addresses that clients are told to send to, one host candidate each (RFC 8445 §5.1.1.1).
    /// Behind a port-forwarding NAT these are its public addresses.
    pub ips: Vec<MediaIp>,
    /// Unspecified addresses, which are bound as well: what comes to any address of their family is taken, also where the
    /// machine gets one later.
    pub wildcards: Vec<IpAddr>,
    /// The UDP port, which all workers share. 0 takes any free one.
    pub port: u16,
    /// How many workers, each a thread; 0 counts as 1.
    pub threads: usize,
    /// What listens to TCP and gives streams of media to [`Media::carry`]: where it can be reached clients are told to
    /// come by TCP too.
    pub listeners: Vec<SocketAddr>,
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
    /// Paths (of an address of ours and one of theirs) that lead to a connection.
    pub addresses: usize,
    /// ICE user name fragments that lead to a connection.
    pub ufrags: usize,
    /// Streams that media comes by.
    pub streams: usize,
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
        self.streams += other.streams;
    }
}
