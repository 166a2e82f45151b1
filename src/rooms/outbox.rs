//! What is to be written to one session: bounded, and never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};

use crate::meeting::effect::{CloseReason, View};
use crate::protocol::event::Delivery;
use crate::protocol::frame::EncodedEvent;
use crate::protocol::ids::ParticipantId;

/// A session this far behind is closed as 4408 and may resume.
pub const OUTBOX_CAPACITY: usize = 256;

/// The same for what waits in bytes: descriptions that others send are large.
pub const OUTBOX_BYTES: usize = 2 * 1024 * 1024;

/// About what the view of a room weighs; there is one in an outbox at most.
const ADMITTED_BYTES: usize = 64 * 1024;

/// Below this much room, events that may be dropped are dropped, so that they never push a session over the edge.
const LOSSY_RESERVE: usize = OUTBOX_CAPACITY / 2;

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
    /// The session's stay in its room is over, or its waiting at the door.
    Released {
        /// Which stay.
        participant: ParticipantId,
        /// Why the socket is to be closed; none when it stays.
        close: Option<CloseReason>,
    },
}

/// The writing end, held by the room.
#[derive(Debug, Clone)]
pub struct Outbox {
    items: mpsc::Sender<OutboxItem>,
    overflow: Arc<Overflow>,
}

/// The reading end, held by the session.
#[derive(Debug)]
pub struct OutboxReader {
    items: mpsc::Receiver<OutboxItem>,
    overflow: Arc<Overflow>,
}

/// Tells when something found no room in an outbox.
#[derive(Debug, Default)]
pub struct Overflow {
    happened: AtomicBool,
    /// How many bytes wait.
    bytes: AtomicUsize,
    told: Notify,
}

/// A new outbox of [`OUTBOX_CAPACITY`].
pub fn outbox() -> (Outbox, OutboxReader) {
    let (sender, receiver) = mpsc::channel(OUTBOX_CAPACITY);
    let overflow = Arc::new(Overflow::default());
    (
        Outbox {
            items: sender,
            overflow: overflow.clone(),
        },
        OutboxReader {
            items: receiver,
            overflow,
        },
    )
}

impl Outbox {
    /// Puts an item in. What must not be lost and finds no room makes the session's socket be closed instead.
    pub fn push(&self, item: OutboxItem) {
        if self.overflow.happened.load(Ordering::Relaxed) {
            return;
        }
        let may_drop =
            matches!(&item, OutboxItem::Event(event) if event.delivery() == Delivery::Lossy);
        if may_drop && self.items.capacity() < LOSSY_RESERVE {
            return;
        }
        let bytes = weight(&item);
        let waiting = self.overflow.bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_full = waiting + bytes > OUTBOX_BYTES
            || matches!(
                self.items.try_send(item),
                Err(mpsc::error::TrySendError::Full(_))
            );
        if is_full {
            self.overflow.happened.store(true, Ordering::Relaxed);
            self.overflow.told.notify_one();
        }
    }
}

impl OutboxReader {
    /// The next item; waits for it. Never ends while the session holds the writing end too.
    pub async fn next(&mut self) -> Option<OutboxItem> {
        let item = self.items.recv().await?;
        self.overflow
            .bytes
            .fetch_sub(weight(&item), Ordering::Relaxed);
        Some(item)
    }

    /// What tells when something found no room.
    pub fn overflow(&self) -> Arc<Overflow> {
        self.overflow.clone()
    }
}

/// How much of memory an item keeps, in bytes.
fn weight(item: &OutboxItem) -> usize {
    match item {
        OutboxItem::Event(event) => event.bytes(),
        OutboxItem::Admitted { .. } => ADMITTED_BYTES,
        OutboxItem::Released { .. } => 0,
    }
}

impl Overflow {
    /// Waits until something found no room.
    pub async fn happened(&self) {
        while !self.happened.load(Ordering::Relaxed) {
            self.told.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::{Event, SessionReplaced, SignalSdp, SpeakerActive};

    fn sure() -> OutboxItem {
        OutboxItem::Event(EncodedEvent::new(&Event::SessionReplaced(
            SessionReplaced {},
        )))
    }

    fn lossy() -> OutboxItem {
        OutboxItem::Event(EncodedEvent::new(&Event::SpeakerActive(SpeakerActive {
            participants: vec![],
        })))
    }

    #[tokio::test]
    async fn large_events_overflow_by_their_bytes() {
        let (outbox, mut reader) = outbox();
        let large = || {
            OutboxItem::Event(EncodedEvent::new(&Event::SignalOffer(SignalSdp {
                from: ParticipantId::random(),
                connection: None,
                sdp: "x".repeat(OUTBOX_BYTES / 4),
            })))
        };
        for _ in 0..20 {
            outbox.push(large());
            assert!(
                reader.next().await.is_some(),
                "what is read makes room again"
            );
        }
        for _ in 0..4 {
            outbox.push(large());
        }
        reader.overflow().happened().await;
    }

    #[tokio::test]
    async fn what_must_not_be_lost_overflows_and_what_may_be_is_dropped() {
        let (outbox, mut reader) = outbox();
        for _ in 0..OUTBOX_CAPACITY * 2 {
            outbox.push(lossy());
        }
        for _ in 0..LOSSY_RESERVE - 1 {
            outbox.push(sure());
        }
        let mut waiting = 0;
        while reader.items.try_recv().is_ok() {
            waiting += 1;
        }
        assert_eq!(
            waiting, OUTBOX_CAPACITY,
            "lossy events leave half of the room free"
        );
        for _ in 0..=OUTBOX_CAPACITY {
            outbox.push(sure());
        }
        reader.overflow().happened().await;
    }
}
