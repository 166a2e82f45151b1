//! The items to be written to one session. It is bounded, and never waited for.
//!
//! As far as possible, a slow reader is not closed because of what others do. Of events about one topic only the newest
//! waits. Reactions and similar events are dropped when much waits. Messages of single participants have a share of
//! their own. The rest is bounded where it is caused.

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

/// The same limit in bytes.
pub const OUTBOX_BYTES: usize = budgets::OUTBOX_BYTES.size();

/// The approximate size of the view of a room. An outbox contains at most one.
const ADMITTED_BYTES: usize = 64 * 1024;

/// The approximate overhead of an item.
const ITEM_BYTES: usize = 128;

/// An empty queue with places for more gives its memory back: most of the time nothing waits.
const PLACES_KEPT: usize = 16;

/// When this much waits, droppable events are dropped, so that they never make a session overflow.
const LOSSY_LIMIT: usize = OUTBOX_CAPACITY / 2;

/// An item for the socket of a session, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum OutboxItem {
    /// An event to be numbered and written.
    Event(EncodedEvent),
    /// The session waited, and is in from here on.
    Admitted {
        /// As whom.
        participant: ParticipantId,
        /// The room as it was then.
        view: Box<View>,
    },
    /// The session asked for a view. This is the room at this point of the events.
    View {
        /// As whom.
        participant: ParticipantId,
        /// The room.
        view: Box<View>,
    },
    /// The membership or the waiting of the session is over.
    Released {
        /// Which membership.
        participant: ParticipantId,
        /// Why the socket must be closed. None if it stays open.
        close: Option<CloseReason>,
    },
}

/// The fate of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits, or need not be sent.
    Kept,
    /// There was no place for it, so the session is closed.
    Overflowed,
    /// The session is gone.
    Closed,
}

/// The writing end of a room, for one membership of the session.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
    /// The session has left this membership, and must not get more of it.
    left: Arc<AtomicBool>,
    /// Gives what is needed to restore the session after a restart.
    ticket: Option<Arc<dyn Ticket>>,
}

/// The reading end of the session. Dropping it drops everything that waits.
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

/// Signals that an item found no place in an outbox.
#[derive(Debug, Default)]
pub struct Overflow {
    happened: AtomicBool,
    noticed: Bell,
}

#[derive(Debug, Default)]
struct Queue {
    /// The waiting items, the oldest first. None where a newer item replaced one.
    items: VecDeque<Option<Waiting>>,
    /// The number of the first of `items`.
    first: u64,
    /// The number of the waiting event about each topic.
    topics: HashMap<Topic, u64>,
    count: usize,
    bytes: usize,
    /// How much of this was sent by single participants.
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
    /// The same outbox, for a new membership.
    pub fn for_membership(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            left: Arc::default(),
            ticket: self.ticket.clone(),
        }
    }

    /// The same outbox, of a session that can be restored after a restart.
    pub fn with_ticket(self, ticket: Arc<dyn Ticket>) -> Self {
        Self {
            ticket: Some(ticket),
            ..self
        }
    }

    /// Gives how the session is restored after a restart.
    pub fn ticket(&self) -> Option<&Arc<dyn Ticket>> {
        self.ticket.as_ref()
    }

    /// The session has left this membership. Waiting and later items of it are not sent.
    pub fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// Adds an item. If an item that must not be lost finds no place, the socket of the session is closed.
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
        // Items about the membership itself are sent even to a session that has missed events: they are few, and a view
        // does not contain them.
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

    /// Whether a message of this size from a single participant fits into the share of such messages.
    pub fn has_place_for_relayed(&self, bytes: usize) -> bool {
        let queue = self.shared.lock();
        queue.relayed < budgets::RELAYED_ITEMS.size()
            && queue.relayed_bytes + bytes <= budgets::RELAYED_BYTES.size()
    }

    /// Whether the session is gone.
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

    /// Drops the waiting events, and accepts new ones after an overflow.
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

    /// The signal of an overflow.
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
    /// No panic can leave the queue half changed.
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

    /// Takes the oldest item that must still be sent.
    fn take(&mut self) -> Option<OutboxItem> {
        let oldest = self.take_oldest();
        if self.items.is_empty() && self.items.capacity() > PLACES_KEPT {
            // So much waits seldom, and the allocator is not noticed beside it.
            (self.items, self.topics) = Default::default();
        }
        oldest
    }

    fn take_oldest(&mut self) -> Option<OutboxItem> {
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

    /// Removes the waiting event about a topic.
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

    /// Removes empty places. Otherwise they would pile up for a reader that takes nothing.
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

/// The memory of an item, in bytes.
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

    /// Waits for an overflow.
    pub async fn happened(&self) {
        while !self.happened.load(Ordering::Relaxed) {
            self.noticed.heard().await;
        }
    }
}

#[cfg(test)]
mod tests;
