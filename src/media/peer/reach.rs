//! Where clients reach a media thread.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Where clients reach one media thread, and which one it is.
#[derive(Debug, Clone)]
pub(in crate::media) struct Reach {
    /// The thread's number: the fragments of its connections begin with its letter.
    pub thread: usize,
    /// By datagrams, the first address best.
    pub udp: Arc<[SocketAddr]>,
    /// By streams (RFC 6544), which all threads share.
    pub tcp: Arc<[SocketAddr]>,
}

impl Reach {
    /// At these addresses: by datagrams at `port`, by streams wherever one of `listeners` can be reached.
    pub fn new(thread: usize, ips: &[IpAddr], port: u16, listeners: &[SocketAddr]) -> Self {
        let mut tcp: Vec<SocketAddr> = Vec::new();
        for ip in ips {
            let reached = listeners
                .iter()
                .filter(|listener| is_reached(listener.ip(), *ip));
            for listener in reached {
                let address = SocketAddr::new(*ip, listener.port());
                if !tcp.contains(&address) {
                    tcp.push(address);
                }
            }
        }
        Self {
            thread,
            udp: ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
            tcp: tcp.into(),
        }
    }
}

/// Whether who sends to `ip` may come to what listens there. Behind a NAT it does not listen at the address that clients
/// know, but in the same family; and what listens on this machine alone is reached from it alone.
pub fn is_reached(listener: IpAddr, ip: IpAddr) -> bool {
    let (listener, ip) = (listener.to_canonical(), ip.to_canonical());
    let is_same_family = listener.is_ipv4() == ip.is_ipv4();
    if listener.is_unspecified() {
        // One that is bound to `::` takes both families.
        return listener.is_ipv6() || is_same_family;
    }
    if listener.is_loopback() || ip.is_loopback() {
        return listener == ip;
    }
    is_same_family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_offered_where_what_listens_can_be_reached() {
        let ips = ["127.0.0.1", "192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        // Where it listens, and which of these addresses lead there.
        let table = [
            ("0.0.0.0:443", &["127.0.0.1:443", "192.0.2.1:443"][..]),
            (
                "[::]:443",
                &["127.0.0.1:443", "192.0.2.1:443", "[2001:db8::1]:443"],
            ),
            ("127.0.0.1:8080", &["127.0.0.1:8080"]),
            ("[::1]:8080", &[]),
            ("192.0.2.1:443", &["192.0.2.1:443"]),
            // Behind a NAT that leads from one to the other.
            ("10.0.0.7:443", &["192.0.2.1:443"]),
            ("[fd00::7]:443", &["[2001:db8::1]:443"]),
        ];
        for (listener, expected) in table {
            let listener = listener.parse().unwrap();
            let reach = Reach::new(3, &ips, 20_000, &[listener, listener]);
            let expected: Vec<SocketAddr> =
                expected.iter().map(|one| one.parse().unwrap()).collect();
            assert_eq!(reach.tcp[..], expected[..], "{listener}");
            assert_eq!((reach.thread, reach.udp.len()), (3, 3));
        }
        assert!(Reach::new(0, &ips, 20_000, &[]).tcp.is_empty());
    }
}
