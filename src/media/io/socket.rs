//! The media workers' sockets: one for each worker and address family, all on one port.
//!
//! Where the kernel spreads datagrams over sockets of one port (`SO_REUSEPORT`), each worker has sockets of its own.
//! It spreads them by both addresses, so that all datagrams of one path come to one socket, but seldom to the worker
//! that has their connection: [`sharing`](super::sharing) hands them on. Elsewhere the first worker reads for all, and
//! the others only send.

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
    /// Whether this worker reads from it. Where several share one socket only the first does.
    pub is_read: bool,
    /// Bound to every address: then the source has to be said.
    wildcard: bool,
    /// Sources that the kernel refused, and when.
    refused: Vec<(IpAddr, Instant)>,
}

impl MediaSocket {
    fn new(socket: std::net::UdpSocket, ip: IpAddr, wildcard: bool) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let io = UdpSocket::from_std(socket);
        let port = io.local_addr()?.port();
        Ok(Self {
            io,
            state,
            ip,
            port,
            is_read: true,
            wildcard,
            refused: Vec::new(),
        })
    }

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

/// How several workers come to receive at one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// The kernel spreads what comes over a socket for each of them.
    ByKernel,
    /// One of them reads for all.
    ByOne,
}

impl Spread {
    /// What this system can. Others know the option too, and give all datagrams to one socket.
    const fn here() -> Self {
        if cfg!(target_os = "linux") {
            Self::ByKernel
        } else {
            Self::ByOne
        }
    }
}

/// The sockets of so many workers, all on one port: for each worker one per address family.
pub(in crate::media) fn bind_all(
    ips: &[MediaIp],
    wildcards: &[IpAddr],
    port: u16,
    workers: usize,
) -> Result<Vec<Vec<MediaSocket>>, MediaStartError> {
    spread(
        bind_families(ips, wildcards, port)?,
        workers,
        Spread::here(),
    )
}

/// Gives each further worker sockets at the same addresses as the first one's.
fn spread(
    first: Vec<MediaSocket>,
    workers: usize,
    how: Spread,
) -> Result<Vec<Vec<MediaSocket>>, MediaStartError> {
    let mut all = vec![first];
    for _ in 1..workers {
        let more = all[0].iter().map(|first| match how {
            // A system that has the option may still refuse it.
            Spread::ByKernel => beside(first).or_else(|_| copy_of(first)),
            Spread::ByOne => copy_of(first),
        });
        let more = more.collect::<io::Result<Vec<_>>>()?;
        all.push(more);
    }
    Ok(all)
}

/// A further socket at the address of the first one, and the kernel spreads what comes over both.
///
/// The first one was bound without the option, and gets it only now. So it was refused where another program has the
/// port, such as a second server that was started by mistake, which would else get a share of the datagrams.
#[cfg(target_os = "linux")]
fn beside(first: &MediaSocket) -> io::Result<MediaSocket> {
    socket2::SockRef::from(&first.io).set_reuse_port(true)?;
    let socket = open(first.io.local_addr()?, |socket| socket.set_reuse_port(true))?;
    MediaSocket::new(socket, first.ip, first.wildcard)
}

#[cfg(not(target_os = "linux"))]
fn beside(_: &MediaSocket) -> io::Result<MediaSocket> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The same socket once more, only to send by.
fn copy_of(first: &MediaSocket) -> io::Result<MediaSocket> {
    let socket = socket2::SockRef::from(&first.io).try_clone()?;
    let mut copy = MediaSocket::new(socket.into(), first.ip, first.wildcard)?;
    copy.is_read = false;
    Ok(copy)
}

/// One socket per address family, all on one port, which no other program has.
fn bind_families(
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
        open(SocketAddr::new(known, port), |_| Ok(()))
    } else {
        Err(io::ErrorKind::AddrNotAvailable.into())
    };
    let (socket, wildcard) = match exact {
        Ok(socket) => (socket, false),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            let address = SocketAddr::new(any, port);
            (
                open(address, |_| Ok(()))
                    .map_err(|source| MediaStartError::Bind { address, source })?,
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
    Ok(MediaSocket::new(socket, known, wildcard)?)
}

/// A socket at this address; `with` is done to it before it is bound.
fn open(
    address: SocketAddr,
    with: impl FnOnce(&Socket) -> io::Result<()>,
) -> io::Result<std::net::UdpSocket> {
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
    with(&socket)?;
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests;
