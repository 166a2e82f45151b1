//! A media worker: one thread with its sockets and its loop around the [`State`] machine.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::MediaStartError;
use super::connection::Transmit;
use super::state::{Input, Opening, State};

/// Inputs on their way to a worker. When it is full a command comes back to the room, which tries again, and a
/// request is answered `server.busy`.
const INBOX: usize = 1024;
/// Inputs carried out before the sockets are looked at again.
const INPUTS_PER_TURN: usize = 128;
/// Batches read from one socket before what follows from them is sent.
const BATCHES_PER_TURN: usize = 4;
/// Kernel buffers; the system may allow less. They ride out a burst of keyframes.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// One receive buffer: the kernel may hand several datagrams of one sender over at once.
const RECEIVE_BUFFER: usize = 64 * 1024;
const WAKE: Token = Token(usize::MAX);

/// What became of an input.
pub(super) enum Sending {
    /// It waits to be carried out.
    Queued,
    /// The inbox is full; here it is back.
    Full(Input),
    /// The worker has ended.
    Gone,
}

/// A running worker, as the handles see it.
pub(super) struct Worker {
    /// Where clients reach it.
    pub addresses: Arc<[SocketAddr]>,
    inbox: SyncSender<Input>,
    openings: Arc<Mutex<Vec<Opening>>>,
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Binds this port, or any for 0, and starts the thread.
    pub fn start(ips: &[IpAddr], port: u16, index: usize) -> Result<Self, MediaStartError> {
        let sockets = bind_all(ips, port)?;
        let port = sockets.first().map_or(port, |socket| socket.port);
        let addresses: Arc<[SocketAddr]> =
            ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (inbox, inputs) = sync_channel(INBOX);
        let openings = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let mut turns = Turns {
            state: State::new(Arc::clone(&addresses), Instant::now(), SystemTime::now()),
            poll,
            sockets,
            inputs,
            openings: Arc::clone(&openings),
            stop: Arc::clone(&stop),
            buffers: Buffers::new(),
            out: Vec::new(),
        };
        turns.register()?;
        let name = format!("media-{index}");
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || turns.run())?;
        Ok(Self {
            addresses,
            inbox,
            openings,
            stop,
            waker,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Opens a room, before whatever is told it after this.
    pub fn open(&self, opening: Opening) {
        self.openings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(opening);
        self.wake();
    }

    /// Queues an input; gives it back when the inbox is full or the worker is gone.
    pub fn try_send(&self, input: Input) -> Sending {
        match self.inbox.try_send(input) {
            Ok(()) => {
                self.wake();
                Sending::Queued
            }
            Err(TrySendError::Full(input)) => Sending::Full(input),
            Err(TrySendError::Disconnected(_)) => Sending::Gone,
        }
    }

    /// Lets it look at its inbox and its rooms.
    pub fn wake(&self) {
        // It fails only when the worker is gone, and then nobody is to be woken.
        let _ = self.waker.wake();
    }

    /// Tells it to end; gives its thread to be joined, once.
    pub fn stop(&self) -> Option<JoinHandle<()>> {
        self.stop.store(true, Ordering::Release);
        self.wake();
        self.thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }
}

/// The loop and what it works with.
struct Turns {
    state: State,
    poll: Poll,
    sockets: Vec<MediaSocket>,
    inputs: Receiver<Input>,
    openings: Arc<Mutex<Vec<Opening>>>,
    stop: Arc<AtomicBool>,
    buffers: Buffers,
    out: Vec<Transmit>,
}

impl Turns {
    fn register(&mut self) -> io::Result<()> {
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            self.poll
                .registry()
                .register(&mut socket.io, Token(index), Interest::READABLE)?;
        }
        Ok(())
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(64);
        let mut more = false;
        while !self.stop.load(Ordering::Acquire) {
            let wait = if more {
                Some(Duration::ZERO)
            } else {
                self.wait()
            };
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a media worker cannot poll its sockets and ends");
                break;
            }
            // Readiness is told once per arrival, so sockets are read until they are dry, over several turns if
            // need be; an extra look costs one system call.
            more = self.take_inputs();
            for index in 0..self.sockets.len() {
                more |= self.read(index);
            }
            self.state.handle_timeout(Instant::now());
            self.send();
        }
        self.state.close_all(Instant::now());
        self.send();
    }

    fn wait(&self) -> Option<Duration> {
        let due = self.state.next_timeout()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Whether there may be more.
    fn take_inputs(&mut self) -> bool {
        for _ in 0..INPUTS_PER_TURN {
            let input = self.inputs.try_recv();
            // Looked at after the inbox: whoever opened a room did so before they told it anything.
            let openings =
                std::mem::take(&mut *self.openings.lock().unwrap_or_else(PoisonError::into_inner));
            let now = Instant::now();
            for opening in openings {
                self.state.open(opening, now);
            }
            match input {
                Ok(input) => self.state.handle_input(input, now),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// Whether there may be more.
    fn read(&mut self, index: usize) -> bool {
        for _ in 0..BATCHES_PER_TURN {
            let Some(socket) = self.sockets.get_mut(index) else {
                return false;
            };
            let Some(count) = self.buffers.receive(socket) else {
                return false;
            };
            let now = Instant::now();
            for (meta, buffer) in self.buffers.received(count) {
                let to = SocketAddr::new(meta.dst_ip.unwrap_or(socket.ip), socket.port);
                let from = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
                for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    self.state.handle_datagram(from, to, datagram, now);
                }
            }
        }
        true
    }

    fn send(&mut self) {
        self.state.take_transmits(&mut self.out);
        if self.out.is_empty() {
            return;
        }
        // Stable: what goes to one client keeps its order.
        self.out.sort_by_key(|transmit| transmit.to);
        let mut rest = self.out.as_slice();
        while let Some(first) = rest.first() {
            let socket = self
                .sockets
                .iter_mut()
                .find(|socket| socket.ip.is_ipv4() == first.to.is_ipv4());
            let Some(socket) = socket else {
                rest = &rest[1..];
                continue;
            };
            let run = run_length(rest, socket.state.max_gso_segments());
            socket.send(&rest[..run], &mut self.buffers.segments);
            rest = &rest[run..];
        }
        self.out.clear();
    }
}

/// How many datagrams the kernel can cut out of one buffer (generic segmentation offload): to one client, of one
/// size, but for the last, which may be shorter.
fn run_length(transmits: &[Transmit], most: usize) -> usize {
    let Some(first) = transmits.first() else {
        return 0;
    };
    let (size, mut bytes) = (first.bytes.len(), 0);
    let mut run = 0;
    for transmit in transmits.iter().take(most.max(1)) {
        let length = transmit.bytes.len();
        bytes += length;
        let fits = transmit.to == first.to
            && transmit.from == first.from
            && length <= size
            && bytes <= 60_000;
        if run > 0 && !fits {
            break;
        }
        run += 1;
        if length < size {
            break;
        }
    }
    run
}

/// One address family's socket.
struct MediaSocket {
    io: UdpSocket,
    state: UdpSocketState,
    /// The address it is bound to, or the first that clients know it by.
    ip: IpAddr,
    port: u16,
    /// Bound to every address: then the source has to be said.
    wildcard: bool,
}

impl MediaSocket {
    fn send(&mut self, run: &[Transmit], segments: &mut Vec<u8>) {
        let Some(first) = run.first() else { return };
        segments.clear();
        for transmit in run {
            segments.extend_from_slice(&transmit.bytes);
        }
        // Behind a NAT the address that clients know is not one of ours to send from; the kernel then refuses, and
        // it may choose.
        let sources = if self.wildcard {
            [Some(first.from.ip()), None]
        } else {
            [None, None]
        };
        for src_ip in sources {
            let transmit = quinn_udp::Transmit {
                destination: first.to,
                ecn: None,
                contents: segments,
                segment_size: (run.len() > 1).then_some(first.bytes.len()),
                src_ip,
            };
            match self.state.try_send(UdpSockRef::from(&self.io), &transmit) {
                Err(error) if src_ip.is_some() && error.kind() == io::ErrorKind::InvalidInput => {
                    // Not tried again: one refused system call, not one per packet.
                    self.wildcard = false;
                }
                // A full socket drops, as a full network would; repair and keyframes make up for it.
                _ => return,
            }
        }
    }
}

/// What datagrams are read into and sent from.
struct Buffers {
    bytes: Vec<u8>,
    metas: Vec<RecvMeta>,
    segments: Vec<u8>,
}

impl Buffers {
    fn new() -> Self {
        Self {
            bytes: vec![0; BATCH_SIZE * RECEIVE_BUFFER],
            metas: vec![RecvMeta::default(); BATCH_SIZE],
            segments: Vec::with_capacity(RECEIVE_BUFFER),
        }
    }

    /// How many were received; `None` when the socket is dry.
    fn receive(&mut self, socket: &MediaSocket) -> Option<usize> {
        let mut slices: Vec<IoSliceMut<'_>> = self
            .bytes
            .chunks_mut(RECEIVE_BUFFER)
            .map(IoSliceMut::new)
            .collect();
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

    fn received(&self, count: usize) -> impl Iterator<Item = (&RecvMeta, &[u8])> {
        self.metas
            .iter()
            .zip(self.bytes.chunks(RECEIVE_BUFFER))
            .take(count)
    }
}

/// One socket per address family, all on one port.
fn bind_all(ips: &[IpAddr], port: u16) -> Result<Vec<MediaSocket>, MediaStartError> {
    let families = [
        ips.iter().any(IpAddr::is_ipv4),
        ips.iter().any(IpAddr::is_ipv6),
    ];
    // With any port the second family may find the first one's port taken: then begin again.
    let tries = if port == 0 { 16 } else { 1 };
    let mut last = Err(MediaStartError::NoAddress);
    for _ in 0..tries {
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
    let exact = if only {
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
    use bytes::BytesMut;

    use super::*;

    fn transmit(to: u16, size: usize) -> Transmit {
        let from = SocketAddr::from(([127, 0, 0, 1], 1));
        Transmit {
            from,
            to: SocketAddr::from(([127, 0, 0, 1], to)),
            bytes: BytesMut::zeroed(size),
        }
    }

    #[test]
    fn a_run_goes_to_one_client_in_one_size() {
        let run = |transmits: &[Transmit]| run_length(transmits, 64);
        assert_eq!(run(&[]), 0);
        assert_eq!(run(&[transmit(1, 100)]), 1);
        assert_eq!(
            run(&[transmit(1, 100), transmit(1, 100), transmit(2, 100)]),
            2
        );
        assert_eq!(
            run(&[transmit(1, 100), transmit(1, 60), transmit(1, 60)]),
            2
        );
        assert_eq!(run(&[transmit(1, 60), transmit(1, 100)]), 1);
        let long: Vec<Transmit> = (0..100).map(|_| transmit(1, 1200)).collect();
        assert_eq!(run(&long), 50);
        assert_eq!(run_length(&long, 8), 8);
        assert_eq!(run_length(&long, 0), 1);
    }
}
