//! `--media-ip`: the addresses at which browsers reach media, and which of this machine's each of them leads to.

use std::fmt;
use std::net::IpAddr;

use super::value::HostName;

/// Where media is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaAddress {
    /// An address, in canonical form.
    Ip(IpAddr),
    /// A name whose addresses are looked up.
    Name(HostName),
    /// An address that a NAT leads to another one, both of one family and in canonical form.
    Pair {
        /// What browsers are told.
        public: IpAddr,
        /// This machine's own, which is told to nobody.
        private: IpAddr,
    },
}

impl MediaAddress {
    pub(super) fn parse(raw: &str) -> Result<Self, String> {
        if let Some((public, private)) = raw.split_once('/') {
            return Self::pair(raw, public, private);
        }
        if let Ok(address) = raw.parse::<IpAddr>() {
            let address = address.to_canonical();
            if !can_be_sent_to(address) {
                return Err(format!(
                    "'{raw}' is not an address that browsers can send to"
                ));
            }
            return Ok(Self::Ip(address));
        }
        HostName::parse(raw)
            .map(Self::Name)
            .ok_or_else(|| format!("'{raw}' is neither an IP address nor a host's name"))
    }

    fn pair(raw: &str, public: &str, private: &str) -> Result<Self, String> {
        let (Ok(public), Ok(private)) = (public.parse::<IpAddr>(), private.parse::<IpAddr>())
        else {
            return Err(format!(
                "'{raw}' is not a pair of IP addresses, such as 203.0.113.7/10.0.0.5"
            ));
        };
        let (public, private) = (public.to_canonical(), private.to_canonical());
        let why = if public.is_ipv4() != private.is_ipv4() {
            "pairs an IPv4 address with an IPv6 address"
        } else if !can_be_sent_to(public) {
            "begins with an address that browsers cannot send to"
        } else if !can_be_sent_to(private) {
            "ends with an address that no machine can have"
        } else if public == private {
            "pairs an address with itself"
        } else {
            return Ok(Self::Pair { public, private });
        };
        Err(format!("'{raw}' {why}"))
    }

    /// What browsers are told, unless it has to be looked up.
    pub fn public(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(public) | Self::Pair { public, .. } => Some(*public),
            Self::Name(_) => None,
        }
    }

    /// The address of this machine to which it leads, where that is said.
    pub fn private(&self) -> Option<IpAddr> {
        match self {
            Self::Pair { private, .. } => Some(*private),
            Self::Ip(_) | Self::Name(_) => None,
        }
    }
}

impl fmt::Display for MediaAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Pair { public, private } => write!(f, "{public}/{private}"),
        }
    }
}

/// Refuses pairs that contradict each other or what stands beside them: a public address leads to one place.
pub(super) fn check_pairs(addresses: &[MediaAddress]) -> Result<(), String> {
    for (at, address) in addresses.iter().enumerate() {
        for earlier in &addresses[..at] {
            let is_paired = address.private().is_some() || earlier.private().is_some();
            if !is_paired || address.public() != earlier.public() {
                continue;
            }
            return Err(match (earlier.private(), address.private()) {
                (Some(one), Some(other)) if one == other => format!("'{address}' is given twice"),
                (Some(_), Some(_)) => format!(
                    "'{earlier}' and '{address}' lead one public address to two private ones"
                ),
                _ => format!(
                    "'{earlier}' and '{address}' name one public address with a private one and without"
                ),
            });
        }
    }
    Ok(())
}

/// Whether media can be sent to an address at all.
pub fn can_be_sent_to(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(public: &str, private: &str) -> MediaAddress {
        let [public, private] = [public, private].map(|raw| raw.parse().unwrap());
        MediaAddress::Pair { public, private }
    }

    #[test]
    fn a_pair_is_two_addresses_of_one_family_however_they_are_written() {
        let table = [
            ("203.0.113.7/10.0.0.5", pair("203.0.113.7", "10.0.0.5")),
            (
                "::ffff:203.0.113.7/10.0.0.5",
                pair("203.0.113.7", "10.0.0.5"),
            ),
            ("2001:DB8::7/fd00::5", pair("2001:db8::7", "fd00::5")),
            // Tests and forwarders on one machine.
            ("127.0.0.1/127.0.0.2", pair("127.0.0.1", "127.0.0.2")),
        ];
        for (raw, expected) in table {
            let found = MediaAddress::parse(raw).unwrap();
            assert_eq!(found, expected, "{raw}");
            assert_eq!(MediaAddress::parse(&found.to_string()), Ok(found));
        }
    }

    #[test]
    fn what_is_no_pair_is_refused_by_its_reason() {
        let no_pair = "is not a pair of IP addresses, such as 203.0.113.7/10.0.0.5";
        let table = [
            ("203.0.113.7/10.0.0.5/10.0.0.6", no_pair),
            ("203.0.113.7/", no_pair),
            ("/10.0.0.5", no_pair),
            ("203.0.113.0/24", no_pair),
            ("meet.example.org/10.0.0.5", no_pair),
            ("203.0.113.7 / 10.0.0.5", no_pair),
            (
                "203.0.113.7/fd00::5",
                "pairs an IPv4 address with an IPv6 address",
            ),
            (
                "0.0.0.0/10.0.0.5",
                "begins with an address that browsers cannot send to",
            ),
            (
                "224.0.0.1/10.0.0.5",
                "begins with an address that browsers cannot send to",
            ),
            (
                "203.0.113.7/0.0.0.0",
                "ends with an address that no machine can have",
            ),
            (
                "2001:db8::7/ff02::1",
                "ends with an address that no machine can have",
            ),
            ("10.0.0.5/10.0.0.5", "pairs an address with itself"),
        ];
        for (raw, why) in table {
            assert_eq!(MediaAddress::parse(raw), Err(format!("'{raw}' {why}")));
        }
    }

    #[test]
    fn a_public_address_leads_to_one_place() {
        let check = |raw: &str| {
            let all: Result<Vec<_>, _> = raw.split(' ').map(MediaAddress::parse).collect();
            check_pairs(&all.unwrap())
        };
        for sound in [
            "203.0.113.7/10.0.0.5 10.0.0.5",
            "10.0.0.5 203.0.113.7/10.0.0.5",
            // Two lines to one machine, and two machines' addresses on one.
            "203.0.113.7/10.0.0.5 203.0.113.8/10.0.0.5",
            "203.0.113.7/10.0.0.5 203.0.113.8/10.0.0.6 2001:db8::7/fd00::5",
            "meet.example.org meet.example.org 203.0.113.7/10.0.0.5",
            "203.0.113.7 203.0.113.7",
        ] {
            assert_eq!(check(sound), Ok(()), "{sound}");
        }
        let table = [
            (
                "203.0.113.7/10.0.0.5 10.0.0.5 203.0.113.7/10.0.0.5",
                "'203.0.113.7/10.0.0.5' is given twice",
            ),
            (
                "203.0.113.7/10.0.0.5 203.0.113.7/10.0.0.6",
                "'203.0.113.7/10.0.0.5' and '203.0.113.7/10.0.0.6' lead one public address to two private ones",
            ),
            (
                "203.0.113.7 203.0.113.7/10.0.0.5",
                "'203.0.113.7' and '203.0.113.7/10.0.0.5' name one public address with a private one and without",
            ),
        ];
        for (raw, expected) in table {
            assert_eq!(check(raw), Err(expected.to_owned()));
        }
    }
}
