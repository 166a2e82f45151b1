//! A thread of the load: it owns the sockets of some connections, sends at their beat and counts what comes.

use std::io::{self, IoSliceMut};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use mio::{Events, Interest, Poll, Token, Waker};
use quinn_udp::{RecvMeta, UdpSockRef};
use tokio::sync::oneshot;

use super::BenchError;
use super::link::{Link, Role, Sending, Who};
use super::packets::{Arrivals, Clock};

/// The most commands that wait for a thread. Beyond that the caller waits.
const COMMANDS: usize = 64;
/// Checks, handshakes and reports are looked after so often.
const TICK: Duration = Duration::from_millis(20);
/// The kernel may hand several datagrams of one sender over at once.
const RECEIVE_BUFFER: usize = 64 * 1024;
const RECEIVE_BUFFERS: usize = 8;
const EVENTS: usize = 256;
const WAKE: Token = Token(usize::MAX);

/// What a thread is told.
pub(super) enum Command {
    Add(Box<Link>),
    /// Sends one picture of this person's, so that the server knows of the stream.
    Announce(Who),
    /// Begins to send.
    Send,
    /// Stops sending.
    Pause,
    /// Forgets what was counted.
    Forget(oneshot::Sender<()>),
    /// Tells how many packets went and came.
    Total(oneshot::Sender<u64>),
    /// Tells what was counted.
    Count(oneshot::Sender<Vec<Count>>),
}

/// What was counted at one connection.
#[derive(Debug, Clone)]
pub(super) struct Count {
    pub who: Who,
    pub port: u16,
    pub what: Counted,
}

#[derive(Debug, Clone)]
pub(super) enum Counted {
    Sent(u64),
    Received {
        received: u64,
        lost: u64,
        refused: u64,
        /// How old opened packets were, in microseconds.
        ages: Vec<u32>,
    },
}

/// A running thread; it ends with this.
pub(super) struct LoadThread {
    commands: Option<SyncSender<Command>>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl LoadThread {
    pub fn start(index: usize, clock: Clock) -> Result<Self, BenchError> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let (commands, inbox) = sync_channel(COMMANDS);
        let turns = Turns {
            poll,
            inbox,
            clock,
            links: Vec::new(),
            sends: false,
            next_send: None,
            buffers: vec![0; RECEIVE_BUFFER * RECEIVE_BUFFERS],
        };
        let thread = std::thread::Builder::new()
            .name(format!("load-{index}"))
            .spawn(move || turns.run())?;
        Ok(Self {
            commands: Some(commands),
            waker,
            thread: Some(thread),
        })
    }

    /// Tells it something; a thread that has ended hears nothing.
    pub fn tell(&self, command: Command) {
        if let Some(commands) = &self.commands {
            let _ = commands.send(command);
            let _ = self.waker.wake();
        }
    }

    pub async fn forget(&self) {
        let (done, when_done) = oneshot::channel();
        self.tell(Command::Forget(done));
        let _ = when_done.await;
    }

    pub async fn total(&self) -> u64 {
        let (counted, total) = oneshot::channel();
        self.tell(Command::Total(counted));
        total.await.unwrap_or_default()
    }

    pub async fn count(&self) -> Vec<Count> {
        let (counted, counts) = oneshot::channel();
        self.tell(Command::Count(counted));
        counts.await.unwrap_or_default()
    }
}

impl Drop for LoadThread {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Turns {
    poll: Poll,
    inbox: Receiver<Command>,
    clock: Clock,
    links: Vec<Link>,
    sends: bool,
    /// When the next picture of any sender is due.
    next_send: Option<Instant>,
    buffers: Vec<u8>,
}

impl Turns {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut next_tick = Instant::now();
        loop {
            let due = self.next_send.map_or(next_tick, |at| at.min(next_tick));
            let wait = due.saturating_duration_since(Instant::now());
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return;
            }
            if !self.obey() {
                return;
            }
            for event in &events {
                if event.token() != WAKE {
                    self.receive(event.token().0);
                }
                self.send_due();
            }
            self.send_due();
            let now = Instant::now();
            if now >= next_tick {
                next_tick = now + TICK;
                let time = SystemTime::now();
                for link in &mut self.links {
                    link.tick(now, time);
                }
            }
        }
    }

    /// Whether to go on.
    fn obey(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Add(link)) => self.add(*link),
                Ok(Command::Announce(who)) => self.announce(who),
                Ok(Command::Send) => self.begin(),
                Ok(Command::Pause) => {
                    self.sends = false;
                    self.next_send = None;
                }
                Ok(Command::Forget(done)) => {
                    self.links.iter_mut().for_each(forget);
                    let _ = done.send(());
                }
                Ok(Command::Total(counted)) => {
                    let _ = counted.send(self.links.iter().map(total).sum());
                }
                Ok(Command::Count(counted)) => {
                    let _ = counted.send(self.links.iter_mut().map(count).collect());
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn add(&mut self, mut link: Link) {
        let token = Token(self.links.len());
        let registry = self.poll.registry();
        // A socket that cannot be watched never gets ready, and its person gives up in time.
        let _ = registry.register(&mut link.socket.io, token, Interest::READABLE);
        link.tick(Instant::now(), SystemTime::now());
        self.links.push(link);
    }

    fn announce(&mut self, who: Who) {
        let now = Instant::now();
        for link in self.links.iter_mut().filter(|link| link.who == who) {
            if let Role::Sends(sending) = &mut link.role {
                sending.next_at = now;
            }
            let _ = link.send_due(self.clock, now);
        }
    }

    /// Senders begin one after the other, spread over their interval.
    fn begin(&mut self) {
        let now = Instant::now();
        let all = self.links.iter_mut().filter_map(sending).count().max(1) as u32;
        for (index, sending) in (0..).zip(self.links.iter_mut().filter_map(sending)) {
            sending.next_at = now + sending.interval * index / all;
        }
        self.sends = true;
        self.next_send = Some(now);
    }

    fn send_due(&mut self) {
        let now = Instant::now();
        if !self.sends || self.next_send.is_none_or(|at| at > now) {
            return;
        }
        let clock = self.clock;
        let next = self
            .links
            .iter_mut()
            .filter_map(|link| link.send_due(clock, now));
        self.next_send = next.min();
    }

    /// Reads a socket until it is empty, as edges are told once.
    fn receive(&mut self, index: usize) {
        let Some(link) = self.links.get_mut(index) else {
            return;
        };
        loop {
            let mut chunks = self.buffers.chunks_exact_mut(RECEIVE_BUFFER);
            let mut slices: [IoSliceMut<'_>; RECEIVE_BUFFERS] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            let mut metas = [RecvMeta::default(); RECEIVE_BUFFERS];
            let socket = UdpSockRef::from(&link.socket.io);
            let Ok(count) = link.socket.state.recv(socket, &mut slices, &mut metas) else {
                // Empty, or refused by the server's machine, which it will tell again.
                return;
            };
            let now = Instant::now();
            for (meta, bytes) in metas.iter().zip(&slices).take(count) {
                let bytes = bytes.get(..meta.len).unwrap_or_default();
                for datagram in bytes.chunks(meta.stride.max(1)) {
                    link.take(datagram, meta.addr, self.clock, now);
                }
            }
        }
    }
}

fn sending(link: &mut Link) -> Option<&mut Sending> {
    match &mut link.role {
        Role::Sends(sending) => Some(sending),
        Role::Receives(_) => None,
    }
}

fn forget(link: &mut Link) {
    match &mut link.role {
        Role::Sends(sending) => sending.counted_from = sending.stream.sent,
        Role::Receives(receiving) => {
            receiving.streams.clear();
            receiving.ages.clear();
            receiving.refused = 0;
        }
    }
}

fn total(link: &Link) -> u64 {
    match &link.role {
        Role::Sends(sending) => u64::from(sending.stream.sent),
        Role::Receives(receiving) => receiving.streams.iter().map(Arrivals::received).sum(),
    }
}

fn count(link: &mut Link) -> Count {
    let what = match &mut link.role {
        Role::Sends(sending) => {
            let sent = sending.stream.sent.wrapping_sub(sending.counted_from);
            Counted::Sent(u64::from(sent))
        }
        Role::Receives(receiving) => Counted::Received {
            received: receiving.streams.iter().map(Arrivals::received).sum(),
            lost: receiving.streams.iter().map(Arrivals::lost).sum(),
            refused: receiving.refused,
            ages: std::mem::take(&mut receiving.ages),
        },
    };
    Count {
        who: link.who,
        port: link.socket.address.port(),
        what,
    }
}
