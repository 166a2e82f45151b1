//! The addresses of this machine, as its interfaces have them now.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// At most so many are used. A machine with more has them for its own containers.
const MOST: usize = 8;

/// The addresses at which other machines may reach this one. Those that it sends from by default come first.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut own = routed();
    for address in all() {
        if !own.contains(&address) {
            own.push(address);
        }
    }
    own.truncate(MOST);
    own
}

/// The addresses that this machine sends from. Connecting a UDP socket only looks up the route, and sends nothing.
fn routed() -> Vec<IpAddr> {
    // Addresses of the documentation ranges (RFC 5737, RFC 3849): they are routed like others and belong to nobody.
    let probes: [(IpAddr, IpAddr); 2] = [
        (
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::new(192, 0, 2, 1).into(),
        ),
        (
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        ),
    ];
    let source = |(from, to): (IpAddr, IpAddr)| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    probes
        .into_iter()
        .filter_map(source)
        .filter(|address| !address.is_unspecified() && !address.is_loopback())
        .collect()
}

/// Those of interfaces that are up. None if the system does not say.
fn all() -> Vec<IpAddr> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => {
            let up = interfaces.iter().filter(|interface| interface.is_oper_up());
            up.map(if_addrs::Interface::ip)
                .filter(is_reachable)
                .collect()
        }
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the addresses of the interfaces are not known"
            );
            Vec::new()
        }
    }
}

/// Whether other machines, beyond one link, may reach this address.
fn is_reachable(ip: &IpAddr) -> bool {
    let is_of_link = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !is_of_link && !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_others_can_send_to_are_taken_and_no_others() {
        for (ip, is_taken) in [
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("169.254.7.7", false),
            ("224.0.0.1", false),
            ("::1", false),
            ("fe80::2", false),
            ("192.0.2.2", true),
            ("10.9.0.2", true),
            ("2001:db8::2", true),
            ("fd00::2", true),
        ] {
            assert_eq!(is_reachable(&ip.parse().unwrap()), is_taken, "{ip}");
        }
    }

    #[test]
    fn what_the_machine_sends_from_comes_first_and_nothing_twice() {
        let (own, routed) = (own_addresses(), routed());
        assert_eq!(own[..routed.len()], routed);
        assert!(own.len() <= MOST && own.iter().all(is_reachable));
        for (place, ip) in own.iter().enumerate() {
            assert!(!own[..place].contains(ip), "{own:?}");
        }
    }
}
