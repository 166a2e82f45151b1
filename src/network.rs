//! The key of limits and records per address; and which addresses are this machine's.

pub mod interfaces;

use std::net::{IpAddr, Ipv6Addr, UdpSocket};

use serde::{Deserialize, Serialize};

/// An IPv4 address, or the /64 of an IPv6 address: a client with one address of it has them all (RFC 6177 §2). It is
/// only compared. Its `Debug` shows nothing, because addresses do not belong into logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "IpAddr")]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address. An IPv4 address written as IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => first_bits(address, 64),
        })
    }

    /// The larger network of one household or company: the /48 of an IPv6 address (RFC 6177 §2: a home gets a /56, or
    /// all of it), or a single IPv4 address. It is for limits that many free networks must not evade.
    pub fn site(self) -> Self {
        Self(match self.0 {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => first_bits(address, 48),
        })
    }
}

/// Whether an address is one of this machine's: only those can be bound.
pub fn is_here(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

fn first_bits(address: Ipv6Addr, count: u32) -> IpAddr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - count))).into()
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self::of(address)
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn a_household_counts_as_one_however_its_address_is_written() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }

    #[test]
    fn the_networks_of_a_household_are_of_one_site() {
        assert_eq!(
            of("2001:db8:1:2::1").site(),
            of("2001:db8:1:ffff::9").site()
        );
        assert_ne!(of("2001:db8:1:2::1").site(), of("2001:db8:2:2::1").site());
        assert_eq!(of("192.0.2.7").site(), of("192.0.2.7"));
    }

    #[test]
    fn an_address_is_not_printed() {
        assert_eq!(format!("{:?}", of("192.0.2.7")), "Network(…)");
    }
}
