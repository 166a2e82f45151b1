//! The addresses of this machine, as its interfaces have them now. The kernel is asked by rtnetlink (rtnetlink(7)).

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

#[cfg(not(target_os = "linux"))]
fn all() -> Vec<IpAddr> {
    Vec::new()
}

/// None if the kernel does not say.
#[cfg(target_os = "linux")]
fn all() -> Vec<IpAddr> {
    let dumps = rtnetlink::dump(rtnetlink::GET_LINKS)
        .and_then(|links| Ok((links, rtnetlink::dump(rtnetlink::GET_ADDRESSES)?)));
    match dumps {
        Ok((links, addresses)) => rtnetlink::usable(&links, &addresses),
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the addresses of the interfaces are not known"
            );
            Vec::new()
        }
    }
}

#[cfg(target_os = "linux")]
mod rtnetlink {
    use std::collections::BTreeSet;
    use std::io;
    use std::net::IpAddr;
    use std::time::Duration;

    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{
        AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send,
        socket_with,
    };

    // linux/rtnetlink.h
    const NEW_LINK: u16 = 16;
    pub const GET_LINKS: u16 = 18;
    const NEW_ADDRESS: u16 = 20;
    pub const GET_ADDRESSES: u16 = 22;
    // linux/netlink.h
    /// The protocol 0, which is the default one.
    const NETLINK_ROUTE: Option<Protocol> = None;
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    const REQUEST_A_DUMP: u16 = 0x0001 | 0x0300;
    const HEADER: usize = 16;
    /// As long as the longer one of both requests.
    const REQUEST: usize = HEADER + 16;
    // linux/if.h
    const UP_AND_RUNNING: u32 = 0x01 | 0x40;
    // linux/if_addr.h
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    const FLAGS: u16 = 8;
    const TEMPORARY: u32 = 0x01;
    /// Found to be somebody else's too, about to end, or not yet known to be free.
    const NOT_TO_USE: u32 = 0x08 | 0x20 | 0x40;
    /// Addresses that are good beyond their own link (RT_SCOPE_LINK of linux/rtnetlink.h).
    const SCOPE_OF_LINK: u8 = 253;

    /// The kernel answers at once. This keeps a fault of it from holding a thread.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// Everything there is of one kind, as messages one after another.
    pub fn dump(kind: u16) -> io::Result<Vec<u8>> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            NETLINK_ROUTE,
        )?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        let mut request = [0; REQUEST];
        request[..4].copy_from_slice(&(REQUEST as u32).to_ne_bytes());
        request[4..6].copy_from_slice(&kind.to_ne_bytes());
        request[6..8].copy_from_slice(&REQUEST_A_DUMP.to_ne_bytes());
        send(&socket, &request, SendFlags::empty())?;
        let mut all = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
            for (kind, _) in messages(&buffer[..length]) {
                match kind {
                    DONE => return Ok(all),
                    ERROR => return Err(io::Error::other("the kernel refused to tell")),
                    _ => {}
                }
            }
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            all.extend_from_slice(&buffer[..length]);
        }
    }

    /// The addresses that can be used, of interfaces that are up and have a carrier.
    pub fn usable(links: &[u8], addresses: &[u8]) -> Vec<IpAddr> {
        let up: BTreeSet<u32> = messages(links)
            .filter(|(kind, _)| *kind == NEW_LINK)
            .filter_map(|(_, body)| Some((u32_at(body, 4)?, u32_at(body, 8)?)))
            .filter(|(_, flags)| flags & UP_AND_RUNNING == UP_AND_RUNNING)
            .map(|(index, _)| index)
            .collect();
        messages(addresses)
            .filter(|(kind, _)| *kind == NEW_ADDRESS)
            .filter_map(|(_, body)| address(body, &up))
            .collect()
    }

    fn address(body: &[u8], up: &BTreeSet<u32>) -> Option<IpAddr> {
        let (head, attributes) = body.split_at_checked(8)?;
        let (short_flags, scope) = (u32::from(head[2]), head[3]);
        if scope >= SCOPE_OF_LINK || !up.contains(&u32_at(head, 4)?) {
            return None;
        }
        let (mut local, mut other, mut flags) = (None, None, short_flags);
        for (kind, value) in pieces(attributes, 4, |head| {
            (u16_at(head, 0).map(usize::from), u16_at(head, 2))
        }) {
            match kind {
                LOCAL => local = ip(value),
                ADDRESS => other = ip(value),
                FLAGS => flags = u32_at(value, 0)?,
                _ => {}
            }
        }
        // Of a line between two points the other one is that of the far end.
        let ip = local.or(other)?;
        // The flag means something else with IPv4.
        let is_temporary = ip.is_ipv6() && flags & TEMPORARY != 0;
        let is_reachable = !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast();
        (flags & NOT_TO_USE == 0 && !is_temporary && is_reachable).then_some(ip)
    }

    /// The messages of a dump: the kind of each, and what follows its header.
    fn messages(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
        pieces(bytes, HEADER, |head| {
            let length = u32_at(head, 0).and_then(|length| usize::try_from(length).ok());
            (length, u16_at(head, 4))
        })
    }

    /// What stands one after another, each with a header that tells its length and its kind, and begins at a multiple of
    /// four.
    fn pieces<'a>(
        mut bytes: &'a [u8],
        header: usize,
        read: impl Fn(&[u8]) -> (Option<usize>, Option<u16>),
    ) -> impl Iterator<Item = (u16, &'a [u8])> {
        std::iter::from_fn(move || {
            let (Some(length), Some(kind)) = read(bytes) else {
                return None;
            };
            let value = bytes.get(header..length)?;
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, value))
        })
    }

    fn ip(value: &[u8]) -> Option<IpAddr> {
        match value.len() {
            4 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
            16 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
            _ => None,
        }
    }

    fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..at + 2)?;
        Some(u16::from_ne_bytes(bytes.try_into().ok()?))
    }

    fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn piece(header: &[u8], value: &[u8]) -> Vec<u8> {
            let mut bytes = [header, value].concat();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        }

        fn message(kind: u16, body: &[u8]) -> Vec<u8> {
            let mut header = vec![0; HEADER];
            header[..4].copy_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
            header[4..6].copy_from_slice(&kind.to_ne_bytes());
            piece(&header, body)
        }

        fn link(index: u32, flags: u32) -> Vec<u8> {
            let mut body = [0; 16];
            body[4..8].copy_from_slice(&index.to_ne_bytes());
            body[8..12].copy_from_slice(&flags.to_ne_bytes());
            message(NEW_LINK, &body)
        }

        fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
            let length = (4 + value.len()) as u16;
            piece(&[length.to_ne_bytes(), kind.to_ne_bytes()].concat(), value)
        }

        fn entry(index: u32, scope: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
            let mut body = vec![0, 0, 0, scope, 0, 0, 0, 0];
            body[4..8].copy_from_slice(&index.to_ne_bytes());
            body.extend(attributes.concat());
            message(NEW_ADDRESS, &body)
        }

        fn bytes(ip: &str) -> Vec<u8> {
            match ip.parse().unwrap() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            }
        }

        #[test]
        fn addresses_that_others_can_send_to_are_taken_and_no_others() {
            let (loopback, up, down) = (0x49, 0x1_1043, 0x1003);
            let links = [link(1, loopback), link(2, up), link(3, down)].concat();
            let v4 = |index, scope, ip: &str| entry(index, scope, &[attribute(LOCAL, &bytes(ip))]);
            let v6 = |ip: &str, flags: u32| {
                let flags = attribute(FLAGS, &flags.to_ne_bytes());
                entry(2, 0, &[attribute(ADDRESS, &bytes(ip)), flags])
            };
            let to_a_point = [
                attribute(ADDRESS, &bytes("10.9.0.1")),
                attribute(LOCAL, &bytes("10.9.0.2")),
            ];
            let addresses = [
                v4(1, 254, "127.0.0.1"),
                v4(1, 0, "203.0.113.5"),
                v4(2, 0, "192.0.2.2"),
                entry(2, 0, &to_a_point),
                v4(2, SCOPE_OF_LINK, "169.254.7.7"),
                v4(3, 0, "10.0.3.1"),
                v6("2001:db8::2", 0x80),
                v6("2001:db8::3", TEMPORARY),
                v6("2001:db8::4", 0x20),
                v6("2001:db8::5", 0x40),
                entry(2, SCOPE_OF_LINK, &[attribute(ADDRESS, &bytes("fe80::2"))]),
            ]
            .concat();
            let found: Vec<String> = usable(&links, &addresses)
                .iter()
                .map(IpAddr::to_string)
                .collect();
            // The addresses of services stand on the loopback interface of some machines.
            assert_eq!(
                found,
                ["203.0.113.5", "192.0.2.2", "10.9.0.2", "2001:db8::2"]
            );
            for end in 0..addresses.len() {
                assert!(usable(&links, &addresses[..end]).len() <= found.len());
                usable(&addresses[..end], &addresses);
            }
        }

        #[test]
        fn the_kernel_tells_of_the_loopback_interface() {
            let addresses = dump(GET_ADDRESSES).unwrap();
            let told = |(kind, body): (u16, &[u8])| kind == NEW_ADDRESS && body[3] == 254;
            assert!(
                messages(&addresses).any(told),
                "127.0.0.1 has the scope of its host"
            );
            let links = dump(GET_LINKS).unwrap();
            let first = messages(&links).next().unwrap();
            assert_eq!((first.0, u32_at(first.1, 4)), (NEW_LINK, Some(1)));
        }
    }
}
