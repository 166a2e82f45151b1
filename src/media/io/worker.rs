//! A media worker: one thread with its sockets and its loop around the [`State`] machine.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::{oneshot, watch};

use crate::media::io::frames::packets;
use crate::media::io::inbox::Inbox;
use crate::media::io::relaying::{Letterbox, Relaying};
use crate::media::io::shard::{Input, Opening, State};
use crate::media::io::socket::{Buffers, MediaSocket, arrival, bind_all};
use crate::media::io::streams::Streams;
use crate::media::io::tcp::Entry;
use crate::media::io::watch::{Gauge, Watch, worked};
use crate::media::peer::arena::Arena;
use crate::media::peer::path::Path;
use crate::media::peer::reach::Reach;
use crate::media::room::negotiations::Negotiations;
use crate::media::{Census, MediaConfig, MediaIp, MediaStartError};
use crate::turn::{Port, Relay};

/// Inputs on their way to a worker. When it is full a command comes back to the room, which tries again, and a
/// request is answered `server.busy`.
const INBOX: usize = 1024;
/// Inputs carried out before the sockets are looked at again.
const INPUTS_PER_TURN: usize = 128;
/// Batches read from one socket before what follows from them is sent.
const BATCHES_PER_TURN: usize = 4;
/// Reads of streams that are looked at before what follows from them is sent.
const READS_PER_TURN: usize = 64;
/// A worker that failed begins anew so many times in [`FAILURES_WITHIN`]; then it is given up, and with it the server.
const MAX_FAILURES: usize = 5;
const FAILURES_WITHIN: Duration = Duration::from_secs(60);
const WAKE: Token = Token(usize::MAX);

/// What became of an input.
pub(in crate::media) enum Sending {
    /// It waits to be carried out.
    Queued,
    /// The inbox is full; here it is back.
    Full(Input),
    /// The worker has ended.
    Gone,
}

/// What the handles leave for the thread; the last one counts.
type Announced = Arc<Mutex<Option<Reach>>>;

/// What is done under these locks cannot fail half-way.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running worker, as the handles see it.
pub(in crate::media) struct Worker {
    /// Where clients reach it.
    reach: Mutex<Reach>,
    /// Other addresses, until the thread takes them up.
    announced: Announced,
    port: u16,
    listeners: Vec<SocketAddr>,
    /// Where its streams come in.
    entry: Entry,
    inbox: SyncSender<Input>,
    openings: Arc<Mutex<Vec<Opening>>>,
    stop: Arc<AtomicBool>,
    alive: Arc<AtomicBool>,
    gauge: Arc<Gauge>,
    waker: Arc<Waker>,
    /// Where the relay leaves what is for this worker, until it has taken it.
    letterbox: Mutex<Option<Letterbox>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Binds its port, or any where that is 0, and starts the thread. `given_up` is told when it cannot go on.
    pub fn start(
        config: &MediaConfig,
        index: usize,
        given_up: watch::Sender<bool>,
        relay: Option<Arc<Relay>>,
    ) -> Result<Self, MediaStartError> {
        let port = match config.port {
            0 => 0,
            first => first + index as u16,
        };
        let sockets = bind_all(&config.ips, port)?;
        let port = sockets.first().map_or(port, |socket| socket.port);
        let reach = Reach::new(index, &config.ips, port, &config.listeners);
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (inbox, inputs) = sync_channel(INBOX);
        let (entry, arrivals) = Entry::new(Arc::clone(&waker));
        let (relaying, letterbox) = relay
            .map(|relay| Relaying::new(relay, port, Arc::clone(&waker)))
            .unzip();
        let openings = Arc::new(Mutex::new(Vec::new()));
        let announced = Announced::default();
        let stop = Arc::new(AtomicBool::new(false));
        let alive = Arc::new(AtomicBool::new(true));
        let gauge = Arc::new(Gauge::default());
        let mut turns = Turns {
            state: State::new(reach.clone(), Instant::now(), SystemTime::now()),
            poll,
            sockets,
            streams: Streams::new(arrivals, Instant::now()),
            inbox: Inbox {
                inputs,
                openings: Arc::clone(&openings),
            },
            announced: Arc::clone(&announced),
            stop: Arc::clone(&stop),
            buffers: Buffers::new(),
            out: Arena::default(),
            relaying,
            negotiations: Negotiations::default(),
            watch: Watch::new(Arc::clone(&gauge), Instant::now()),
        };
        turns.register()?;
        let name = format!("media-{index}");
        let lives = Arc::clone(&alive);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let end = turns.supervise();
            lives.store(false, Ordering::Release);
            if end == End::GivenUp {
                tracing::error!(
                    worker = index,
                    "a media worker failed again and again and is given up"
                );
                given_up.send_replace(true);
            }
        })?;
        Ok(Self {
            reach: Mutex::new(reach),
            announced,
            port,
            listeners: config.listeners.clone(),
            entry,
            inbox,
            openings,
            stop,
            alive,
            gauge,
            waker,
            letterbox: Mutex::new(letterbox),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// One without sockets and without a thread: a test takes what it is sent.
    #[cfg(test)]
    pub fn by_hand() -> (Self, Inbox) {
        let poll = Poll::new().unwrap();
        let (inbox, inputs) = sync_channel(INBOX);
        let openings = Arc::new(Mutex::new(Vec::new()));
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).unwrap());
        let worker = Self {
            reach: Mutex::new(Reach::new(0, &[], 0, &[])),
            announced: Announced::default(),
            port: 0,
            listeners: Vec::new(),
            entry: Entry::new(Arc::clone(&waker)).0,
            inbox,
            openings: Arc::clone(&openings),
            stop: Arc::default(),
            alive: Arc::new(AtomicBool::new(true)),
            gauge: Arc::default(),
            waker,
            letterbox: Mutex::default(),
            thread: Mutex::new(None),
        };
        (worker, Inbox { inputs, openings })
    }

    /// Whether it takes anything.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Its port, and where the relay leaves what is for it; once, and only where there is a relay.
    pub fn letterbox(&self) -> Option<(u16, Box<dyn Port>)> {
        let letterbox = locked(&self.letterbox).take()?;
        Some((self.port, Box::new(letterbox)))
    }

    /// How busy it is.
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }

    /// Where clients reach it.
    pub fn reach(&self) -> Reach {
        locked(&self.reach).clone()
    }

    /// Where its streams come in.
    pub fn entry(&self) -> Entry {
        self.entry.clone()
    }

    /// Tells new connections of other addresses.
    pub fn announce(&self, ips: &[MediaIp]) {
        let mut reach = locked(&self.reach);
        *reach = Reach::new(reach.thread, ips, self.port, &self.listeners);
        *locked(&self.announced) = Some(reach.clone());
        self.wake();
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

    /// Asks what it holds; none when its inbox is full or it is gone.
    pub fn census(&self) -> Option<oneshot::Receiver<Census>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.try_send(Input::Census(reply));
        matches!(sent, Sending::Queued).then_some(answer)
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

/// How a worker's thread ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was told to.
    Stopped,
    /// It failed too often.
    GivenUp,
}

/// The loop and what it works with.
struct Turns {
    state: State,
    poll: Poll,
    sockets: Vec<MediaSocket>,
    streams: Streams,
    inbox: Inbox,
    announced: Announced,
    stop: Arc<AtomicBool>,
    buffers: Buffers,
    out: Arena,
    /// None where there is no relay.
    relaying: Option<Relaying>,
    negotiations: Negotiations,
    watch: Watch,
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

    /// Runs until it is told to stop. After a panic it begins anew with the same sockets, and its rooms are told that
    /// their media was lost.
    fn supervise(&mut self) -> End {
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
            // need be; an extra look costs one system call.
            more = self.take_inputs();
            let mut busy = false;
            for index in 0..self.sockets.len() {
                let (heard, unread) = self.read(index);
                busy |= heard;
                more |= unread;
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
            let Some(socket) = self.sockets.get_mut(index) else {
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
                    let state = &mut self.state;
                    let relaying = self.relaying.as_mut();
                    let is_relays = relaying
                        .is_some_and(|relaying| relaying.take(state, path, datagram, arrived, now));
                    if !is_relays {
                        state.handle_datagram(path, datagram, arrived, now);
                    }
                }
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

    /// Sends what the turn has to send. Nothing else knows what a way leads through.
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
