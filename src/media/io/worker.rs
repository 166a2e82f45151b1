//! A media worker as the handles see it: one thread with its sockets, and what is sent to it. [`turns`] is its loop.

mod turns;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use mio::{Poll, Token, Waker};
use tokio::sync::{oneshot, watch};

use crate::media::io::inbox::Inbox;
use crate::media::io::relaying::{Letterbox, Relaying};
use crate::media::io::shard::{Input, Opening, State};
use crate::media::io::sharing::{Exchange, Sharing};
use crate::media::io::socket::{Buffers, MediaSocket};
use crate::media::io::streams::Streams;
use crate::media::io::tcp::Entry;
use crate::media::io::watch::{Gauge, Watch};
use crate::media::peer::arena::Arena;
use crate::media::peer::reach::Reach;
use crate::media::room::negotiations::Negotiations;
use crate::media::{Census, MediaConfig, MediaIp, MediaStartError};
use crate::turn::Relay;
use turns::{End, Turns};

/// Inputs on their way to a worker. When it is full a command comes back to the room, which tries again, and a
/// request is answered `server.busy`.
const INBOX: usize = 1024;
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

/// What a worker begins with.
pub(in crate::media) struct Outfit {
    pub sockets: Vec<MediaSocket>,
    /// None where it is alone at its port.
    pub exchange: Option<Arc<Exchange>>,
    pub relay: Option<Arc<Relay>>,
    /// Is told when it cannot go on.
    pub given_up: watch::Sender<bool>,
}

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
    /// Starts the thread.
    pub fn start(
        config: &MediaConfig,
        index: usize,
        outfit: Outfit,
    ) -> Result<Self, MediaStartError> {
        let Outfit {
            sockets,
            exchange,
            relay,
            given_up,
        } = outfit;
        let port = sockets.first().map_or(config.port, |socket| socket.port);
        let reach = Reach::new(index, &config.ips, port, &config.listeners);
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (inbox, inputs) = sync_channel(INBOX);
        let (entry, arrivals) = Entry::new(Arc::clone(&waker));
        let (relaying, letterbox) = relay
            .map(|relay| Relaying::new(relay, Arc::clone(&waker)))
            .unzip();
        let openings = Arc::new(Mutex::new(Vec::new()));
        let announced = Announced::default();
        let stop = Arc::new(AtomicBool::new(false));
        let alive = Arc::new(AtomicBool::new(true));
        let gauge = Arc::new(Gauge::default());
        let now = Instant::now();
        let mut state = State::new(reach.clone(), now, SystemTime::now());
        let sharing = exchange.map(|exchange| {
            state.list(Arc::clone(&exchange.directory));
            Sharing::new(exchange, index, Arc::clone(&waker), now)
        });
        let mut turns = Turns {
            state,
            poll,
            sockets,
            sharing,
            streams: Streams::new(arrivals, now),
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
            watch: Watch::new(Arc::clone(&gauge), now),
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

    /// Where the relay leaves what is for it; once, and only where there is a relay.
    pub fn letterbox(&self) -> Option<Letterbox> {
        locked(&self.letterbox).take()
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

    /// Opens a room, before all that it is told after this.
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
