//! The path by which the datagrams of one peer come and go.

use std::net::SocketAddr;

/// The path between a peer and us. It is the key wherever addresses are keys.
///
/// One remote address can stand for several paths when the server has more than one address. An answer must leave from
/// the address that the question came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::media) enum Path {
    /// Plain datagrams.
    Udp {
        /// Our address, as the datagrams name it.
        local: SocketAddr,
        /// The peer's, as we see it.
        remote: SocketAddr,
    },
    /// Frames of a stream (RFC 4571).
    Tcp {
        /// Which stream: an address that is used again is another path.
        connection: u64,
        /// Our end of it.
        local: SocketAddr,
        /// The peer's.
        remote: SocketAddr,
    },
    /// Through our own relay.
    Relayed {
        /// Through which allocation.
        allocation: u64,
        /// Our address, as the peer names it.
        local: SocketAddr,
        /// The peer's relayed address. It is virtual: nothing but the relay leads there.
        remote: SocketAddr,
    },
}

impl Path {
    /// Plain datagrams between these two addresses.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self::Udp { local, remote }
    }

    /// Our end.
    pub const fn local(&self) -> SocketAddr {
        match self {
            Self::Udp { local, .. } | Self::Tcp { local, .. } | Self::Relayed { local, .. } => {
                *local
            }
        }
    }

    /// The peer's end.
    pub const fn remote(&self) -> SocketAddr {
        match self {
            Self::Udp { remote, .. } | Self::Tcp { remote, .. } | Self::Relayed { remote, .. } => {
                *remote
            }
        }
    }
}
