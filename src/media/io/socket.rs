//! A media worker's sockets: one for each address family, all on one port.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::media::peer::path::Path;
use crate::media::{MediaIp, MediaStartError};

/// Kernel buffers; the system may allow less. They ride out a burst of keyframes.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// One receive buffer: the kernel may hand several datagrams of one sender over at once.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// The longest time that a datagram can have waited to be read. A longer one means that the wall clock was set.
const LONGEST_UNREAD: Duration = Duration::from_millis(500);
/// A source that the kernel refused is not tried again for so long: it may be added to the machine.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// Sources that are remembered as refused. The oldest make room. There are as many as the server has addresses.
const MAX_REFUSED: usize = 16;

/// One address family's socket.
pub(in crate::media) struct MediaSocket {
    pub io: UdpSocket,
    pub state: UdpSocketState,
    /// The address it is bound to, or the first at which what clients send arrives.
    pub ip: IpAddr,
    pub port: u16,
    /// Bound to every address: then the source has to be said.
    wildcard: bool,
    /// Sources that the kernel refused, and when.
    refused: Vec<(IpAddr, Instant)>,
}

impl MediaSocket {
    /// Sends a run of datagrams of this size, see [`Arena::run_length`].
    ///
    /// [`Arena::run_length`]: crate::media::peer::arena::Arena::run_length
    pub fn send(&mut self, path: Path, size: usize, contents: &[u8], now: Instant) {
        // Behind a NAT the address that clients know is not one of ours to send from; the kernel then refuses, and
        // it may choose.
        let source =
            Some(path.local().ip()).filter(|ip| self.wildcard && !self.is_refused(*ip, now));
        let sources = match source {
            Some(_) => [source, None],
            None => [None, None],
        };
        for src_ip in sources {
            let transmit = quinn_udp::Transmit {
                destination: path.remote(),
                ecn: None,
                contents,
                segment_size: (contents.len() > size).then_some(size),
                src_ip,
            };
            match (
                src_ip,
                self.state.try_send(UdpSockRef::from(&self.io), &transmit),
            ) {
                (Some(refused), Err(error)) if is_about_source(&error) => {
                    self.refuse(refused, now);
                }
                // A full socket drops, as a full network would; repair and keyframes make up for it.
                _ => return,
            }
        }
    }

    fn is_refused(&self, source: IpAddr, now: Instant) -> bool {
        self.refused
            .iter()
            .any(|(ip, at)| *ip == source && now.saturating_duration_since(*at) < REFUSED_FOR)
    }

    /// Other sources are asked for as before: a machine of several addresses would else answer from the wrong one.
    fn refuse(&mut self, source: IpAddr, now: Instant) {
        self.refused.retain(|(ip, _)| *ip != source);
        if self.refused.len() >= MAX_REFUSED {
            self.refused.remove(0);
        }
        self.refused.push((source, now));
    }
}

/// Whether the kernel may have refused a datagram for its source: an address that the machine does not have, or a
/// family that is switched off.
fn is_about_source(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
    )
}

/// What datagrams are read into and sent from.
pub(in crate::media) struct Buffers {
    bytes: Vec<u8>,
    metas: Vec<RecvMeta>,
    /// Where a run is brought together.
    pub apart: Vec<u8>,
}

impl Buffers {
    pub fn new() -> Self {
        Self {
            bytes: vec![0; BATCH_SIZE * RECEIVE_BUFFER],
            metas: vec![RecvMeta::default(); BATCH_SIZE],
            apart: Vec::with_capacity(RECEIVE_BUFFER),
        }
    }

    /// How many were received; `None` when the socket is dry.
    pub fn receive(&mut self, socket: &MediaSocket) -> Option<usize> {
        let mut places = self.bytes.chunks_mut(RECEIVE_BUFFER);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(places.next().unwrap_or_default()));
        // An error of a datagram sent earlier may be told here; it says nothing about those that wait.
        for _ in 0..3 {
            match socket
                .state
                .recv(UdpSockRef::from(&socket.io), &mut slices, &mut self.metas)
            {
                Ok(count) => return Some(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => {}
            }
        }
        None
    }

    /// What was received, each with where it came from and went to. It is opened where it lies.
    pub fn received(&mut self, count: usize) -> impl Iterator<Item = (&RecvMeta, &mut [u8])> {
        self.metas
            .iter()
            .zip(self.bytes.chunks_mut(RECEIVE_BUFFER))
            .take(count)
    }
}

/// When a datagram arrived, by the kernel's stamp of the wall clock, which shows `wall` at `now`. While this thread is
/// busy several datagrams wait, and read at once they would seem to have come at once. An impossible stamp is left
/// aside.
pub(in crate::media) fn arrival(
    stamp: Option<Duration>,
    wall: SystemTime,
    now: Instant,
) -> Instant {
    let wall = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = stamp.and_then(|stamp| wall.checked_sub(stamp));
    let age = age.filter(|age| *age <= LONGEST_UNREAD);
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

/// One socket per address family, all on one port.
pub(in crate::media) fn bind_all(
    ips: &[MediaIp],
    wildcards: &[IpAddr],
    port: u16,
) -> Result<Vec<MediaSocket>, MediaStartError> {
    let mut here: Vec<IpAddr> = Vec::new();
    for ip in ips
        .iter()
        .map(|ip| ip.here())
        .chain(wildcards.iter().copied())
    {
        if !here.contains(&ip) {
            here.push(ip);
        }
    }
    let ips = &here;
    let families = [
        ips.iter().any(IpAddr::is_ipv4),
        ips.iter().any(IpAddr::is_ipv6),
    ];
    // With any port the second family may find the first one's port taken: then begin again.
    let attempts = if port == 0 { 16 } else { 1 };
    let mut last = Err(MediaStartError::NoAddress);
    for _ in 0..attempts {
        let mut port = port;
        let mut sockets = Vec::new();
        last = Ok(());
        for (is_ipv4, wanted) in [true, false].into_iter().zip(families) {
            if !wanted {
                continue;
            }
            match bind(ips, is_ipv4, port) {
                Ok(socket) => {
                    port = socket.port;
                    sockets.push(socket);
                }
                Err(error) => last = Err(error),
            }
        }
        if last.is_ok() {
            return Ok(sockets);
        }
    }
    last.map(|()| Vec::new())
}

/// A single address is bound itself where it is one of this machine's; else the socket takes what comes to any.
fn bind(ips: &[IpAddr], is_ipv4: bool, port: u16) -> Result<MediaSocket, MediaStartError> {
    let mut of_family = ips.iter().copied().filter(|ip| ip.is_ipv4() == is_ipv4);
    let (first, only) = (of_family.next(), of_family.next().is_none());
    let any = if is_ipv4 {
        IpAddr::from(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::from(Ipv6Addr::UNSPECIFIED)
    };
    let known = first.unwrap_or(any);
    let exact = if only && !known.is_unspecified() {
        open(SocketAddr::new(known, port))
    } else {
        Err(io::ErrorKind::AddrNotAvailable.into())
    };
    let (socket, wildcard) = match exact {
        Ok(socket) => (socket, false),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            let address = SocketAddr::new(any, port);
            (
                open(address).map_err(|source| MediaStartError::Bind { address, source })?,
                true,
            )
        }
        Err(source) => {
            return Err(MediaStartError::Bind {
                address: SocketAddr::new(known, port),
                source,
            });
        }
    };
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    let io = UdpSocket::from_std(socket);
    let port = io.local_addr()?.port();
    Ok(MediaSocket {
        io,
        state,
        ip: known,
        port,
        wildcard,
        refused: Vec::new(),
    })
}

fn open(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // As much as the system allows; less only means more loss in bursts.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_refused_is_refused_alone_and_not_for_ever() {
        let ips = ["127.0.0.1", "127.0.0.2"].map(|ip| ip.parse().unwrap());
        let mut socket = bind(&ips, true, 0).unwrap();
        assert!(socket.wildcard);
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = client.local_addr().unwrap();
        let now = Instant::now();
        let sent_from = |socket: &mut MediaSocket, source: &str| {
            let from = SocketAddr::new(source.parse().unwrap(), 1);
            socket.send(Path::udp(from, to), 1, b"x", now);
            client.recv_from(&mut [0; 8]).unwrap().1.ip().to_string()
        };
        assert_eq!(sent_from(&mut socket, "127.0.0.2"), "127.0.0.2");
        // None of this machine's (RFC 5737): the kernel chooses.
        assert_eq!(sent_from(&mut socket, "192.0.2.1"), "127.0.0.1");
        let strange: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(socket.is_refused(strange, now));
        assert_eq!(sent_from(&mut socket, "192.0.2.1"), "127.0.0.1");
        assert_eq!(sent_from(&mut socket, "127.0.0.2"), "127.0.0.2");
        assert!(!socket.is_refused(strange, now + REFUSED_FOR));
        for last in 0..100 {
            sent_from(&mut socket, &format!("198.51.100.{last}"));
        }
        assert_eq!(socket.refused.len(), MAX_REFUSED);
    }

    #[test]
    fn what_a_nat_leads_here_is_taken_at_the_private_address() {
        let at = |public: &str, private: Option<&str>| MediaIp {
            public: public.parse().unwrap(),
            private: private.map(|private| private.parse().unwrap()),
        };
        // Given the one address twice, it is bound itself; given two, all are, and each is answered from.
        let alone = [at("192.0.2.1", Some("127.0.0.2")), at("127.0.0.2", None)];
        let two = [at("192.0.2.1", Some("127.0.0.2")), at("127.0.0.3", None)];
        for (ips, is_bound_to_all) in [(alone, false), (two, true)] {
            let mut sockets = bind_all(&ips, &[], 0).unwrap();
            assert_eq!(sockets.len(), 1);
            let socket = &mut sockets[0];
            assert_eq!(socket.wildcard, is_bound_to_all);
            assert_eq!(socket.ip.to_string(), "127.0.0.2");
            let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let local = SocketAddr::new(socket.ip, socket.port);
            let to = client.local_addr().unwrap();
            socket.send(Path::udp(local, to), 1, b"x", Instant::now());
            assert_eq!(client.recv_from(&mut [0; 8]).unwrap().1, local);
        }
    }

    #[test]
    fn with_wildcards_an_address_that_the_machine_gets_later_is_answered_from() {
        let wildcards = ["0.0.0.0", "::"].map(|ip| ip.parse().unwrap());
        let known = [MediaIp::from(IpAddr::from([127, 0, 0, 1]))];
        for ips in [&known[..], &[]] {
            let mut sockets = bind_all(ips, &wildcards, 0).unwrap();
            assert_eq!(sockets.len(), 2);
            assert!(sockets.iter().all(|socket| socket.wildcard));
            for (socket, later) in sockets.iter_mut().zip(["127.0.0.9", "::1"]) {
                let later = SocketAddr::new(later.parse().unwrap(), socket.port);
                let client = std::net::UdpSocket::bind((later.ip(), 0)).unwrap();
                client.send_to(b"x", later).unwrap();
                let to = client.local_addr().unwrap();
                socket.send(Path::udp(later, to), 1, b"x", Instant::now());
                assert_eq!(client.recv_from(&mut [0; 8]).unwrap().1, later);
            }
        }
    }

    #[test]
    fn the_kernel_tells_when_a_datagram_came() {
        let socket = bind(&["127.0.0.1".parse().unwrap()], true, 0).unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"x", ("127.0.0.1", socket.port)).unwrap();
        let mut buffers = Buffers::new();
        let mut events = mio::Events::with_capacity(1);
        let (mut poll, mut io) = (mio::Poll::new().unwrap(), socket);
        poll.registry()
            .register(&mut io.io, mio::Token(0), mio::Interest::READABLE)
            .unwrap();
        poll.poll(&mut events, None).unwrap();
        assert_eq!(buffers.receive(&io), Some(1));
        let stamp = buffers.received(1).next().unwrap().0.timestamp;
        assert!(stamp.is_some());
        let (now, wall) = (Instant::now(), SystemTime::now());
        let later = |ms| {
            (
                now + Duration::from_millis(ms),
                wall + Duration::from_millis(ms),
            )
        };
        let (then, then_wall) = later(20);
        let came = arrival(stamp, then_wall, then);
        assert!(came <= now && came + LONGEST_UNREAD > now);
        for (ms, stamp) in [(5_000, stamp), (20, None), (20, Some(Duration::MAX))] {
            let (then, then_wall) = later(ms);
            assert_eq!(arrival(stamp, then_wall, then), then);
        }
    }
}
