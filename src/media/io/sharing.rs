//! One port for several threads: the kernel gives a datagram to any of them, and that one hands it on to the thread that
//! has its connection.
//!
//! A check names the thread, and proves itself there and nowhere else. Everything else comes by a path, and the
//! [`Directory`] knows which thread has that. A packet of media by an unknown path goes to the threads that have the same
//! IP address, as its client may have got another port. Only what comes in is handed on: answers leave by the socket of
//! the thread that has the connection, from the same port.
//!
//! Between two threads datagrams go in batches, with one lock and at most one wake-up for all that was read at once.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use mio::Waker;

use crate::budgets::media::{HANDED_ON, HANDED_ON_UNPROVEN, ROAMERS};
use crate::media::io::relaying::Letterbox;
use crate::media::io::shard::{State, may_roam};
use crate::media::peer::ice;
use crate::media::peer::path::Path;
use crate::media::room::allowance::Allowance;
use crate::media::room::paths::Directory;
use crate::turn::{Parcel, Port};

/// The memory that an empty batch keeps. A flood must not leave its measure behind.
const KEPT_BYTES: usize = 256 * 1024;
/// How often the log tells of datagrams that had no place.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What the threads of one port share.
pub(in crate::media) struct Exchange {
    pub directory: Arc<Directory>,
    posts: Vec<Post>,
}

/// What others have handed on to one thread.
#[derive(Default)]
struct Post {
    waiting: Mutex<Batch>,
    /// Set when the thread begins.
    waker: OnceLock<Arc<Waker>>,
}

/// Datagrams with where they came from, their bytes one after the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// How many had no place.
    dropped: u64,
}

#[derive(Clone, Copy)]
struct Item {
    path: Path,
    length: usize,
    arrived: Instant,
    /// A connection has the path.
    is_proven: bool,
}

impl Batch {
    /// Takes a datagram if there is a place. What could be anybody's leaves places for the rest.
    fn push(&mut self, item: Item, datagram: &[u8]) {
        let places = match item.is_proven {
            true => HANDED_ON.size(),
            false => HANDED_ON_UNPROVEN.size(),
        };
        if self.items.len() >= places {
            self.dropped += 1;
            return;
        }
        self.bytes.extend_from_slice(datagram);
        self.items.push(item);
    }

    /// Takes all of another one that there are places for.
    fn append(&mut self, other: &mut Self) {
        let mut rest = &other.bytes[..];
        for item in &other.items {
            let (datagram, more) = rest.split_at(item.length);
            self.push(*item, datagram);
            rest = more;
        }
        self.dropped += other.dropped;
        other.clear();
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.items.clear();
        self.dropped = 0;
    }

    /// Its datagrams in order, to be opened where they lie.
    fn datagrams(&mut self) -> impl Iterator<Item = (&Item, &mut [u8])> {
        let mut rest = &mut self.bytes[..];
        self.items.iter().map(move |item| {
            let (datagram, more) = std::mem::take(&mut rest).split_at_mut(item.length);
            rest = more;
            (item, datagram)
        })
    }
}

impl Exchange {
    /// For so many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            directory: Arc::default(),
            posts: (0..threads).map(|_| Post::default()).collect(),
        }
    }

    /// Which thread a datagram is for: the one that a check names, or that has the path.
    fn thread_of(&self, path: Path, datagram: &[u8]) -> Option<usize> {
        told(datagram).unwrap_or_else(|| self.directory.thread_of(path))
    }
}

/// Which thread a check names, if it is a check.
fn told(datagram: &[u8]) -> Option<Option<usize>> {
    matches!(datagram.first(), Some(0..=3)).then(|| ice::thread_of(datagram))
}

impl Post {
    /// What is done under this lock cannot fail half-way.
    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a batch there, which is empty then.
    fn leave(&self, batch: &mut Batch) {
        let mut waiting = self.lock();
        let was_empty = waiting.items.is_empty();
        if was_empty {
            batch.dropped += waiting.dropped;
            std::mem::swap(&mut *waiting, batch);
            batch.clear();
        } else {
            waiting.append(batch);
        }
        drop(waiting);
        // If something was left there before, the thread that left it has already woken the receiver.
        if was_empty && let Some(waker) = self.waker.get() {
            // It fails only when the thread is gone, and then nobody is to be woken.
            let _ = waker.wake();
        }
    }
}

/// A thread's part in it.
pub(in crate::media) struct Sharing {
    exchange: Arc<Exchange>,
    thread: usize,
    /// What is to be handed on, by the number of the thread.
    leaving: Vec<Batch>,
    /// What others have handed on.
    coming: Batch,
    roamers: Allowance,
    /// How many datagrams for this thread had no place and were not told of, and when others were.
    dropped: u64,
    told_at: Option<Instant>,
}

impl Sharing {
    /// The part of the thread that is woken so.
    pub fn new(exchange: Arc<Exchange>, thread: usize, waker: Arc<Waker>, now: Instant) -> Self {
        if let Some(post) = exchange.posts.get(thread) {
            // It is set once: each thread has one part.
            let _ = post.waker.set(waker);
        }
        Self {
            thread,
            leaving: exchange.posts.iter().map(|_| Batch::default()).collect(),
            coming: Batch::default(),
            roamers: Allowance::new(&ROAMERS, now),
            dropped: 0,
            told_at: None,
            exchange,
        }
    }

    /// Takes a datagram that no connection of this thread is known to have. Whether it is another thread's. One that
    /// may be of several threads is handed to each, and is to be looked at here as well.
    fn take(&mut self, path: Path, datagram: &[u8], arrived: Instant, now: Instant) -> bool {
        let holder = self.exchange.directory.thread_of(path);
        let item = Item {
            path,
            length: datagram.len(),
            arrived,
            is_proven: holder.is_some(),
        };
        if let Some(thread) = told(datagram).unwrap_or(holder) {
            return self.put(thread, item, datagram);
        }
        if may_roam(path, datagram) {
            for thread in self.exchange.directory.around(path) {
                if thread != self.thread && self.roamers.take(now).is_ok() {
                    self.put(thread, item, datagram);
                }
            }
        }
        false
    }

    /// Whether the thread is another one, to which the datagram goes with the next batch.
    fn put(&mut self, thread: usize, item: Item, datagram: &[u8]) -> bool {
        let batch = self.leaving.get_mut(thread);
        let batch = batch.filter(|_| thread != self.thread);
        if let Some(batch) = batch {
            batch.push(item, datagram);
            return true;
        }
        false
    }

    /// Hands on what there is.
    pub fn leave(&mut self) {
        let posts = self.exchange.posts.iter();
        for (post, batch) in posts.zip(&mut self.leaving) {
            if !batch.items.is_empty() {
                post.leave(batch);
            }
        }
    }

    /// Takes what others have handed on; whether there was something.
    pub fn come(&mut self, state: &mut State, now: Instant) -> bool {
        let Some(post) = self.exchange.posts.get(self.thread) else {
            return false;
        };
        // A panic may have left something there.
        self.coming.clear();
        std::mem::swap(&mut *post.lock(), &mut self.coming);
        for (item, datagram) in self.coming.datagrams() {
            state.handle_datagram(item.path, datagram, item.arrived, now);
        }
        let is_something = !self.coming.items.is_empty();
        self.dropped += self.coming.dropped;
        self.coming.clear();
        self.tell(now);
        is_something
    }

    /// Tells the operator of what had no place, once in a while.
    fn tell(&mut self, now: Instant) {
        let is_due = self.told_at.is_none_or(|at| now >= at + TOLD_EVERY);
        if self.dropped > 0 && is_due {
            tracing::warn!(
                worker = self.thread,
                datagrams = self.dropped,
                "a media thread did not take in time what others received for it"
            );
            (self.dropped, self.told_at) = (0, Some(now));
        }
    }
}

/// Takes a datagram, here or in the thread that has its connection.
pub(in crate::media) fn handle(
    state: &mut State,
    sharing: Option<&mut Sharing>,
    path: Path,
    datagram: &mut [u8],
    (arrived, now): (Instant, Instant),
) {
    let is_done = state.handle_known(path, datagram, arrived, now)
        || sharing.is_some_and(|sharing| sharing.take(path, datagram, arrived, now));
    if !is_done {
        state.handle_stray(path, datagram, arrived, now);
    }
}

/// Where the relay's streams leave what is for media, and for clients that are reached by datagrams.
pub(in crate::media) struct Doors {
    /// None where there is one thread.
    pub exchange: Option<Arc<Exchange>>,
    /// Of each thread.
    pub letterboxes: Vec<Letterbox>,
}

impl Port for Doors {
    fn post(&self, parcel: Parcel) {
        let thread = match (&self.exchange, &parcel) {
            (None, _) => Some(0),
            (
                Some(exchange),
                Parcel::Media {
                    allocation,
                    local,
                    remote,
                    payload,
                },
            ) => {
                let through = Path::Relayed {
                    allocation: *allocation,
                    local: *local,
                    remote: *remote,
                };
                exchange.thread_of(through, payload)
            }
            // Each thread has a socket to send by. What goes to one client keeps its order.
            (Some(_), Parcel::Client { remote, .. }) => {
                Some(usize::from(remote.port()) % self.letterboxes.len().max(1))
            }
        };
        if let Some(letterbox) = thread.and_then(|thread| self.letterboxes.get(thread)) {
            letterbox.post(parcel);
        }
    }
}

#[cfg(test)]
mod tests;
