//! The address of the client of a request, as far as it can be trusted.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::network::Network;

/// The address at the other end of the TCP connection. [`serve`](super::serve()) adds it to each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteAddress(pub SocketAddr);

/// The client of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerInfo {
    /// The address of the client in canonical form. Behind a trusted proxy it is the one that the proxy sent.
    pub address: IpAddr,
}

impl PeerInfo {
    /// The key of limits per client.
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }

    /// Finds the client behind any trusted proxies.
    ///
    /// Each proxy appends the address of its client to X-Forwarded-For. So the list is read from its end, for as long
    /// as the writer of an entry is trusted. The first entry that is no address ends the reading.
    pub fn find(remote: RemoteAddress, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let mut address = remote.0.ip().to_canonical();
        let lines = headers.get_all("x-forwarded-for");
        let entries: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .collect();
        for entry in entries.into_iter().rev() {
            if !is_trusted(trusted, address) {
                break;
            }
            let Some(before) = parse_forwarded(entry) else {
                break;
            };
            address = before;
        }
        Self { address }
    }
}

/// Whether an address, in canonical form, is a trusted proxy's.
pub fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|proxies| proxies.contains(&address))
}

/// An entry of X-Forwarded-For: an address. Some proxies add a port.
fn parse_forwarded(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.parse::<IpAddr>().ok();
    let address = bare.or_else(|| {
        entry
            .parse::<SocketAddr>()
            .ok()
            .map(|with_port| with_port.ip())
    })?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(remote: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|raw| raw.parse().unwrap()).collect();
        let remote = RemoteAddress(SocketAddr::new(remote.parse().unwrap(), 1));
        PeerInfo::find(remote, &headers, &trusted)
            .address
            .to_string()
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let proxies = ["10.0.0.1/32", "10.0.0.2/31", "2001:db8:f::/48"];
        let table: &[(&str, &[&str], &str)] = &[
            ("198.51.100.7", &["203.0.113.9"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (
                "10.0.0.1",
                &["6.6.6.6, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::9]:80"], "2001:db8::9"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.3", &["203.0.113.9, 2001:db8:f:7::1"], "203.0.113.9"),
            ("10.0.0.4", &["203.0.113.9"], "10.0.0.4"),
            ("2001:db8:f::1", &["203.0.113.9"], "203.0.113.9"),
        ];
        for (remote, forwarded, expected) in table {
            assert_eq!(
                found(remote, forwarded, &proxies),
                *expected,
                "{remote} {forwarded:?}"
            );
        }
    }
}
