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

/// Whether a datagram from this address may be looked at, and answered: unicast, and not from a port below 1024,
/// behind which other services listen that a forged source could make us disturb.
pub(in crate::media) fn may_be_peer(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let metadata = ip == std::net::IpAddr::from([169, 254, 169, 254]);
    let broadcast = ip == std::net::IpAddr::from([255, 255, 255, 255]);
    address.port() >= 1024 && !ip.is_unspecified() && !ip.is_multicast() && !metadata && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_not_be_a_clients_are_ignored() {
        for address in [
            "0.0.0.0:5000",
            "224.0.0.1:5000",
            "255.255.255.255:5000",
            "169.254.169.254:5000",
            "[::ffff:169.254.169.254]:5000",
            "[::]:5000",
            "[ff02::1]:5000",
            "192.0.2.1:53",
            "192.0.2.1:0",
        ] {
            assert!(!may_be_peer(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1:5000",
            "192.0.2.1:1024",
            "[::1]:5000",
            "10.0.0.1:60000",
        ] {
            assert!(may_be_peer(address.parse().unwrap()), "{address}");
        }
    }
}
