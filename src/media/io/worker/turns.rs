//! The loop of a media thread around the [`State`] machine.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use mio::{Events, Interest, Poll, Token};

use super::{Announced, locked};
use crate::media::io::frames::packets;
use crate::media::io::inbox::Inbox;
use crate::media::io::relaying::Relaying;
use crate::media::io::shard::State;
use crate::media::io::sharing::{self, Sharing};
use crate::media::io::socket::{Buffers, MediaSocket, arrival};
use crate::media::io::streams::Streams;
use crate::media::io::watch::{Watch, worked};
use crate::media::peer::arena::Arena;
use crate::media::peer::path::Path;
use crate::media::peer::reach::Reach;
use crate::media::room::negotiations::Negotiations;
use crate::turn;

/// Inputs carried out before the sockets are looked at again.
const INPUTS_PER_TURN: usize = 128;
/// Batches read from one socket before what follows from them is sent.
const BATCHES_PER_TURN: usize = 4;
/// Reads of streams that are looked at before what follows from them is sent.
const READS_PER_TURN: usize = 64;
/// A worker that failed begins anew so many times in [`FAILURES_WITHIN`]; then it is given up, and with it the server.
const MAX_FAILURES: usize = 5;
const FAILURES_WITHIN: Duration = Duration::from_secs(60);

/// How a worker's thread ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was told to.
    Stopped,
    /// It failed too often.
    GivenUp,
}

/// The loop and what it works with.
pub(super) struct Turns {
    pub(super) state: State,
    pub(super) poll: Poll,
    pub(super) sockets: Vec<MediaSocket>,
    /// None where the worker is alone at its port.
    pub(super) sharing: Option<Sharing>,
    pub(super) streams: Streams,
    pub(super) inbox: Inbox,
    pub(super) announced: Announced,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) buffers: Buffers,
    pub(super) out: Arena,
    /// None where there is no relay.
    pub(super) relaying: Option<Relaying>,
    pub(super) negotiations: Negotiations,
    pub(super) watch: Watch,
}

impl Turns {
    pub(super) fn register(&mut self) -> io::Result<()> {
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            if !socket.is_read {
                continue;
            }
            self.poll
                .registry()
                .register(&mut socket.io, Token(index), Interest::READABLE)?;
        }
        Ok(())
    }

    /// Runs until it is told to stop. After a panic it begins anew with the same sockets, and its rooms are told that
    /// their media was lost.
    pub(super) fn supervise(&mut self) -> End {
        let mut failures: Vec<Instant> = Vec::new();
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.run())) {
                Ok(Ok(())) => return End::Stopped,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a media worker cannot poll its sockets");
                }
                Err(_) => {
                    tracing::error!("a media worker panicked and begins anew");
                    self.begin_anew();
                }
            }
            let now = Instant::now();
            failures.retain(|at| now.saturating_duration_since(*at) < FAILURES_WITHIN);
            failures.push(now);
            if failures.len() > MAX_FAILURES {
                return End::GivenUp;
            }
        }
    }

    fn begin_anew(&mut self) {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let empty = State::new(Reach::new(0, &[], 0, &[]), now, wall);
        self.state = std::mem::replace(&mut self.state, empty).begin_anew(now, wall);
        self.streams.end();
        self.negotiations = Negotiations::default();
        self.out.clear();
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        // What came before a failure is told no more.
        let mut more = true;
        let mut unread = vec![true; self.sockets.len()];
        while !self.stop.load(Ordering::Acquire) {
            let wait = if more {
                Some(Duration::ZERO)
            } else {
                self.wait()
            };
            let before = Instant::now();
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let now = Instant::now();
            let idle = now.saturating_duration_since(before);
            self.watch.rested(idle, worked, &mut self.state, now);
            // Readiness is told once per arrival, so sockets are read until they are dry, over several turns if
            // need be. A look at one of which nothing was told costs a system call, and is for turns without a word.
            if events.is_empty() {
                unread.fill(true);
            }
            for event in &events {
                if let Some(unread) = unread.get_mut(event.token().0) {
                    *unread = true;
                }
            }
            more = self.take_inputs();
            let mut busy = false;
            for (index, unread) in unread.iter_mut().enumerate() {
                if *unread {
                    let heard;
                    (heard, *unread) = self.read(index);
                    busy |= heard;
                    more |= *unread;
                }
            }
            if let Some(sharing) = &mut self.sharing {
                busy |= sharing.come(&mut self.state, Instant::now());
            }
            let (heard, unread) = self.read_streams();
            busy |= heard;
            more |= unread;
            if let Some(relaying) = &mut self.relaying {
                let (heard, unread) = relaying.take_parcels(&mut self.state, Instant::now());
                busy |= heard;
                more |= unread;
            }
            self.state.handle_timeout(Instant::now());
            self.look_at_streams();
            self.send();
            self.negotiate(busy);
            // While nobody talks they need not wait for each other.
            more |= !busy && self.negotiations.due().is_some();
        }
        self.state.close_all(Instant::now());
        self.send();
        Ok(())
    }

    fn wait(&self) -> Option<Duration> {
        let due = [
            self.state.next_timeout(),
            self.negotiations.due(),
            self.streams.due(),
        ];
        let due = due.into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Carries out one negotiation of those that wait.
    fn negotiate(&mut self, busy: bool) {
        let began = Instant::now();
        if let Some(input) = self.negotiations.next(began, busy) {
            self.state.handle_input(input, began);
            self.negotiations.spent(began, Instant::now());
            self.send();
        }
    }

    /// Whether there may be more.
    fn take_inputs(&mut self) -> bool {
        let announced = locked(&self.announced).take();
        if let Some(reach) = announced {
            self.state.announce(reach);
        }
        self.state.count_streams(self.streams.count());
        self.inbox.hand_on(
            &mut self.state,
            &mut self.negotiations,
            INPUTS_PER_TURN,
            Instant::now,
        )
    }

    /// Whether there was something, and whether there may be more.
    fn read(&mut self, index: usize) -> (bool, bool) {
        for batch in 0..BATCHES_PER_TURN {
            let socket = self.sockets.get(index).filter(|socket| socket.is_read);
            let Some(socket) = socket else {
                return (false, false);
            };
            let Some(count) = self.buffers.receive(socket) else {
                return (batch > 0, false);
            };
            let (now, wall) = (Instant::now(), SystemTime::now());
            let (port, bound) = (socket.port, socket.ip);
            for (meta, buffer) in self.buffers.received(count) {
                let local = SocketAddr::new(meta.dst_ip.unwrap_or(bound), port);
                let remote = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
                let path = Path::udp(local, remote);
                let arrived = arrival(meta.timestamp, wall, now);
                for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                    let (state, times) = (&mut self.state, (arrived, now));
                    let sharing = self.sharing.as_mut();
                    match &mut self.relaying {
                        Some(relaying) if turn::is_turn(datagram) => {
                            relaying.take(state, sharing, path, datagram, times);
                        }
                        _ => sharing::handle(state, sharing, path, datagram, times),
                    }
                }
            }
            if let Some(sharing) = &mut self.sharing {
                sharing.leave();
            }
        }
        (true, true)
    }

    /// The same of all streams.
    fn read_streams(&mut self) -> (bool, bool) {
        for read in 0..READS_PER_TURN {
            let now = Instant::now();
            let state = &self.state;
            let next = self.streams.next(now, |path| state.knows(path));
            let Some((path, mut frames, at)) = next else {
                return (read > 0, false);
            };
            for packet in packets(&mut frames) {
                self.state.handle_datagram(path, packet, at, now);
            }
        }
        (true, true)
    }

    fn look_at_streams(&mut self) {
        let now = Instant::now();
        let ended = self.streams.look(now, |path| self.state.knows(path));
        for path in ended {
            self.state.forget(path, now);
        }
    }

    /// Sends what the turn has to send. Nothing else knows what a path leads through.
    fn send(&mut self) {
        self.state.take_transmits(&mut self.out);
        self.out.group();
        let now = Instant::now();
        let (out, sockets) = (&self.out, &mut self.sockets);
        let apart = &mut self.buffers.apart;
        let mut at = 0;
        while let Some((path, datagram)) = out.get(at) {
            at += match path {
                Path::Udp { remote, .. } => send_run(out, at, remote, sockets, apart, now),
                Path::Relayed {
                    allocation, local, ..
                } => {
                    if let Some(relaying) = &mut self.relaying {
                        relaying.wrap(allocation, local, datagram, now);
                    }
                    1
                }
                Path::Tcp { connection, .. } => {
                    self.streams.send(connection, out.way(at));
                    out.way(at).count()
                }
            };
        }
        self.out.clear();
        if let Some(relaying) = &mut self.relaying {
            relaying.out.group();
            let (out, mut at) = (&relaying.out, 0);
            while let Some((path, _)) = out.get(at) {
                at += send_run(out, at, path.remote(), sockets, apart, now);
            }
            relaying.out.clear();
        }
    }
}

/// Sends datagrams that the kernel cuts out of one buffer; how many.
fn send_run(
    out: &Arena,
    at: usize,
    remote: SocketAddr,
    sockets: &mut [MediaSocket],
    apart: &mut Vec<u8>,
    now: Instant,
) -> usize {
    let mut sockets = sockets.iter_mut();
    let socket = sockets.find(|socket| socket.ip.is_ipv4() == remote.is_ipv4());
    let Some(socket) = socket else {
        return 1;
    };
    let length = out.run_length(at, socket.state.max_gso_segments());
    if let Some((path, size, contents)) = out.run(at, length, apart) {
        socket.send(path, size, contents, now);
    }
    length.max(1)
}
