//! Where a request comes from, as far as it can be believed.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::network::Network;

/// The address at the other end of the TCP connection; put into each request by [`serve`](super::serve()).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteAddress(pub SocketAddr);

/// Who is at the other end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerInfo {
    /// The client's address in canonical form; behind a trusted proxy, the one that the proxy tells.
    pub address: IpAddr,
}

impl PeerInfo {
    /// What limits per client count by.
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }

    /// Finds the client behind any trusted proxies.
    ///
    /// Each proxy appends to X-Forwarded-For whom it heard from, so the list is read from its end, and only as long as
    /// the one who wrote an entry is trusted. The first entry that is no address ends the reading.
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

/// An entry of X-Forwarded-For: an address, with some proxies followed by a port.
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
