//! Where clients reach a media thread.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// An address at which clients reach media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaIp {
    /// What clients are told.
    pub public: IpAddr,
    /// The address of this machine that a NAT leads it to; none where it is not known, or is the same.
    pub private: Option<IpAddr>,
}

impl MediaIp {
    /// Where what clients send to it arrives, as far as that is known.
    pub fn here(self) -> IpAddr {
        self.private.unwrap_or(self.public)
    }

    /// Whether packets that clients send to it can reach `listener`.
    pub fn leads_to(self, listener: IpAddr) -> bool {
        match self.private {
            // A NAT that is known passes on to this address and to no other.
            Some(private) if !listener.is_unspecified() => listener.to_canonical() == private,
            Some(_) | None => is_reached(listener, self.public),
        }
    }
}

impl From<IpAddr> for MediaIp {
    fn from(public: IpAddr) -> Self {
        Self {
            public,
            private: None,
        }
    }
}

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
    pub fn new(thread: usize, ips: &[MediaIp], port: u16, listeners: &[SocketAddr]) -> Self {
        let mut tcp: Vec<SocketAddr> = Vec::new();
        for ip in ips {
            let reached = listeners
                .iter()
                .filter(|listener| ip.leads_to(listener.ip()));
            for listener in reached {
                let address = SocketAddr::new(ip.public, listener.port());
                if !tcp.contains(&address) {
                    tcp.push(address);
                }
            }
        }
        Self {
            thread,
            udp: ips
                .iter()
                .map(|ip| SocketAddr::new(ip.public, port))
                .collect(),
            tcp: tcp.into(),
        }
    }
}

/// Whether packets that clients send to `ip` can reach `listener`. Behind a NAT it does not listen at the address that
/// clients know, but in the same family. What listens on this machine alone is reached from it alone.
fn is_reached(listener: IpAddr, ip: IpAddr) -> bool {
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

    fn at(public: &str) -> MediaIp {
        public.parse::<IpAddr>().unwrap().into()
    }

    fn behind(public: &str, private: &str) -> MediaIp {
        MediaIp {
            private: Some(private.parse().unwrap()),
            ..at(public)
        }
    }

    #[test]
    fn streams_are_offered_where_what_listens_can_be_reached() {
        let ips = ["127.0.0.1", "192.0.2.1", "2001:db8::1"].map(at);
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

    #[test]
    fn behind_a_nat_that_is_known_the_public_address_is_told_and_the_private_one_is_not() {
        let ips = [
            behind("203.0.113.7", "10.0.0.5"),
            behind("203.0.113.8", "10.0.0.6"),
            behind("2001:db8::7", "fd00::5"),
            at("10.0.0.6"),
        ];
        // Where it listens, and which of these addresses lead there.
        let table = [
            (
                "0.0.0.0:443",
                &["203.0.113.7:443", "203.0.113.8:443", "10.0.0.6:443"][..],
            ),
            (
                "[::]:443",
                &[
                    "203.0.113.7:443",
                    "203.0.113.8:443",
                    "[2001:db8::7]:443",
                    "10.0.0.6:443",
                ],
            ),
            ("10.0.0.5:443", &["203.0.113.7:443", "10.0.0.6:443"]),
            (
                "[::ffff:10.0.0.6]:443",
                &["203.0.113.8:443", "10.0.0.6:443"],
            ),
            ("[fd00::5]:443", &["[2001:db8::7]:443"]),
            ("127.0.0.1:8080", &[]),
        ];
        for (listener, expected) in table {
            let reach = Reach::new(0, &ips, 20_000, &[listener.parse().unwrap()]);
            let told = |all: &[SocketAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(told(&reach.tcp), expected, "{listener}");
            assert_eq!(
                told(&reach.udp),
                [
                    "203.0.113.7:20000",
                    "203.0.113.8:20000",
                    "[2001:db8::7]:20000",
                    "10.0.0.6:20000"
                ]
            );
        }
    }
}
