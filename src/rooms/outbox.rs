//! What is to be written to one session: bounded, and never waited for.
//!
//! A slow reader is not closed for what others do, as far as that can be helped. Of events about one topic only the newest
//! waits. Reactions and the like are dropped when much waits. What single people send each other has a share of its own.
//! The rest is bounded where it is caused.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::saving::Ticket;
use crate::bell::Bell;
use crate::budgets::rooms as budgets;
use crate::meeting::effect::{CloseReason, View};
use crate::protocol::event::Delivery;
use crate::protocol::frame::EncodedEvent;
use crate::protocol::ids::ParticipantId;
use crate::protocol::topic::Topic;

/// A session this far behind is closed as 4408 and may resume.
pub const OUTBOX_CAPACITY: usize = budgets::OUTBOX_ITEMS.size();

/// The same for what waits in bytes.
pub const OUTBOX_BYTES: usize = budgets::OUTBOX_BYTES.size();

/// About what the view of a room weighs; there is one in an outbox at most.
const ADMITTED_BYTES: usize = 64 * 1024;

/// What an item takes beside its data, about.
const ITEM_BYTES: usize = 128;

/// With so much waiting, events that may be dropped are, so that they never push a session over the edge.
const LOSSY_LIMIT: usize = OUTBOX_CAPACITY / 2;

/// Something for a session's socket, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum OutboxItem {
    /// An event to be numbered and written.
    Event(EncodedEvent),
    /// The session waited and is in from here on.
    Admitted {
        /// As whom.
        participant: ParticipantId,
        /// The room as it was then.
        view: Box<View>,
    },
    /// The session asked for a view: the room is so at this point of what it tells.
    View {
        /// As whom.
        participant: ParticipantId,
        /// The room.
        view: Box<View>,
    },
    /// The session's membership in its room is over, or its waiting at the door.
    Released {
        /// Which membership.
        participant: ParticipantId,
        /// Why the socket is to be closed; none when it stays.
        close: Option<CloseReason>,
    },
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits, or need not be told.
    Kept,
    /// It found no room: the session is closed.
    Overflowed,
    /// Nobody reads any more: the session is gone.
    Closed,
}

/// The writing end, held by a room: for one membership of the session.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
    /// The session has left this membership: what still comes of it is not for it.
    left: Arc<AtomicBool>,
    /// Tells what takes the session up after a restart.
    ticket: Option<Arc<dyn Ticket>>,
}

/// The reading end, held by the session. With it goes all that waits.
#[derive(Debug)]
pub struct OutboxReader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something waits.
    filled: Bell,
    overflow: Arc<Overflow>,
}

/// Tells when something found no room in an outbox.
#[derive(Debug, Default)]
pub struct Overflow {
    happened: AtomicBool,
    noticed: Bell,
}

#[derive(Debug, Default)]
struct Queue {
    /// What waits, oldest first; none where a newer one made an item needless.
    items: VecDeque<Option<Waiting>>,
    /// The number of the first of `items`.
    first: u64,
    /// Where the event about each topic waits.
    topics: HashMap<Topic, u64>,
    count: usize,
    bytes: usize,
    /// Of these, what single people sent.
    relayed: usize,
    relayed_bytes: usize,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    item: OutboxItem,
    left: Arc<AtomicBool>,
}

/// A new outbox of [`OUTBOX_CAPACITY`].
pub fn outbox() -> (Outbox, OutboxReader) {
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        filled: Bell::default(),
        overflow: Arc::default(),
    });
    let writer = Outbox {
        shared: shared.clone(),
        left: Arc::default(),
        ticket: None,
    };
    (writer, OutboxReader { shared })
}

impl Outbox {
    /// The same outbox for a membership that begins.
    pub fn for_membership(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            left: Arc::default(),
            ticket: self.ticket.clone(),
        }
    }

    /// The same outbox, of a session that can be taken up after a restart.
    pub fn with_ticket(self, ticket: Arc<dyn Ticket>) -> Self {
        Self {
            ticket: Some(ticket),
            ..self
        }
    }

    /// What tells how the session is taken up after a restart.
    pub fn ticket(&self) -> Option<&Arc<dyn Ticket>> {
        self.ticket.as_ref()
    }

    /// The session has left the membership that this is for: what waits of it, and what still comes, is not told.
    pub fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// Puts an item in. What must not be lost and finds no room makes the session's socket be closed instead.
    pub fn push(&self, item: OutboxItem) -> Pushed {
        let mut queue = self.shared.lock();
        if queue.closed {
            return Pushed::Closed;
        }
        if self.left.load(Ordering::Relaxed) {
            return Pushed::Kept;
        }
        if let OutboxItem::Event(event) = &item {
            if self.shared.overflow.happened.load(Ordering::Relaxed) {
                return Pushed::Overflowed;
            }
            if let Some(topic) = event.topic() {
                queue.forget(topic);
            }
            let may_drop = event.delivery() == Delivery::Lossy || event.is_passing();
            if may_drop && queue.count >= LOSSY_LIMIT {
                return Pushed::Kept;
            }
        }
        // What a room does with the session is told even to one that has missed events: there is little of it, and a view
        // does not say it.
        let is_event = matches!(item, OutboxItem::Event(_));
        let capacity = budgets::OUTBOX_ITEMS.in_force();
        let is_full = queue.count >= capacity || queue.bytes + weight(&item) > OUTBOX_BYTES;
        if is_event && is_full {
            drop(queue);
            self.shared.overflow.tell();
            return Pushed::Overflowed;
        }
        queue.add(Waiting {
            item,
            left: self.left.clone(),
        });
        drop(queue);
        self.shared.filled.ring();
        Pushed::Kept
    }

    /// Whether so many bytes that somebody sends this session alone have a place in the share that is for such.
    pub fn has_place_for_relayed(&self, bytes: usize) -> bool {
        let queue = self.shared.lock();
        queue.relayed < budgets::RELAYED_ITEMS.size()
            && queue.relayed_bytes + bytes <= budgets::RELAYED_BYTES.size()
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }
}

impl OutboxReader {
    /// The next item; waits for it.
    pub async fn next(&mut self) -> OutboxItem {
        loop {
            if let Some(item) = self.shared.lock().take() {
                return item;
            }
            self.shared.filled.heard().await;
        }
    }

    /// Forgets the events that wait, and takes in new ones after something found no room.
    pub fn reopen(&self) {
        let mut queue = self.shared.lock();
        let before = std::mem::take(&mut queue.items);
        queue.topics.clear();
        (queue.count, queue.bytes) = (0, 0);
        (queue.relayed, queue.relayed_bytes) = (0, 0);
        for waiting in before.into_iter().flatten() {
            if !matches!(waiting.item, OutboxItem::Event(_)) {
                queue.add(waiting);
            }
        }
        self.shared
            .overflow
            .happened
            .store(false, Ordering::Relaxed);
    }

    /// What tells when something found no room.
    pub fn overflow(&self) -> Arc<Overflow> {
        self.shared.overflow.clone()
    }
}

impl Drop for OutboxReader {
    fn drop(&mut self) {
        let closed = Queue {
            closed: true,
            ..Queue::default()
        };
        *self.shared.lock() = closed;
    }
}

impl Shared {
    /// Each change of the queue is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn add(&mut self, waiting: Waiting) {
        if self.items.len() >= 2 * OUTBOX_CAPACITY {
            self.close_ranks();
        }
        self.count(&waiting.item, 1);
        if let OutboxItem::Event(event) = &waiting.item
            && let Some(topic) = event.topic()
        {
            let at = self.first + self.items.len() as u64;
            self.topics.insert(topic.clone(), at);
        }
        self.items.push_back(Some(waiting));
    }

    /// The oldest that is still to be told.
    fn take(&mut self) -> Option<OutboxItem> {
        while let Some(place) = self.items.pop_front() {
            let at = self.first;
            self.first += 1;
            let Some(waiting) = place else { continue };
            self.count(&waiting.item, -1);
            if let OutboxItem::Event(event) = &waiting.item
                && let Some(topic) = event.topic()
                && self.topics.get(topic) == Some(&at)
            {
                self.topics.remove(topic);
            }
            if !waiting.left.load(Ordering::Relaxed) {
                return Some(waiting.item);
            }
        }
        None
    }

    /// Takes out what waits about a topic.
    fn forget(&mut self, topic: &Topic) {
        let Some(at) = self.topics.remove(topic) else {
            return;
        };
        let index = usize::try_from(at - self.first).unwrap_or(usize::MAX);
        let older = self.items.get_mut(index).and_then(Option::take);
        if let Some(older) = older {
            self.count(&older.item, -1);
        }
    }

    /// Takes out the places that stand empty: they must not pile up before a reader that takes nothing.
    fn close_ranks(&mut self) {
        self.items.retain(Option::is_some);
        for (at, waiting) in (self.first..).zip(self.items.iter().flatten()) {
            if let OutboxItem::Event(event) = &waiting.item
                && let Some(topic) = event.topic()
            {
                self.topics.insert(topic.clone(), at);
            }
        }
    }

    fn count(&mut self, item: &OutboxItem, by: isize) {
        let bytes = weight(item).cast_signed() * by;
        self.count = self.count.saturating_add_signed(by);
        self.bytes = self.bytes.saturating_add_signed(bytes);
        if matches!(item, OutboxItem::Event(event) if event.is_relayed()) {
            self.relayed = self.relayed.saturating_add_signed(by);
            self.relayed_bytes = self.relayed_bytes.saturating_add_signed(bytes);
        }
    }
}

/// How much of memory an item keeps, in bytes.
fn weight(item: &OutboxItem) -> usize {
    ITEM_BYTES
        + match item {
            OutboxItem::Event(event) => event.bytes(),
            OutboxItem::Admitted { .. } | OutboxItem::View { .. } => ADMITTED_BYTES,
            OutboxItem::Released { .. } => 0,
        }
}

impl Overflow {
    fn tell(&self) {
        self.happened.store(true, Ordering::Relaxed);
        self.noticed.ring();
    }

    /// Waits until something found no room.
    pub async fn happened(&self) {
        while !self.happened.load(Ordering::Relaxed) {
            self.noticed.heard().await;
        }
    }
}

#[cfg(test)]
mod tests;
