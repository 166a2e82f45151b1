//! The direct way from one participant to another. A message that needs no rule of the room is put into the outbox of
//! the receiver by the session of the sender, without waking the task of the room.
//!
//! The result must be as if the room had done it. While the room sends events, the direct way is held: a participant
//! who has an event cannot send to one who does not have it yet. A newcomer becomes reachable only after everybody was
//! told of them. A participant who leaves becomes unreachable before anybody is told. All other messages go through the
//! room, in turn.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::outbox::{Outbox, OutboxItem};
use crate::budgets::{Buckets, rooms as budgets};
use crate::meeting::command::Signal;
use crate::protocol::error::ErrorCode;
use crate::protocol::frame::EncodedEvent;
use crate::protocol::ids::ParticipantId;

/// The reachable participants, and what they recently sent each other.
pub(super) struct Direct(Mutex<Inner>);

struct Inner {
    /// The room is sending events.
    is_held: bool,
    inside: HashMap<ParticipantId, Outbox>,
    /// By sender and receiver.
    pairs: Buckets<(ParticipantId, ParticipantId)>,
}

impl Direct {
    /// Nobody yet.
    pub fn new() -> Self {
        Self(Mutex::new(Inner {
            is_held: false,
            inside: HashMap::new(),
            pairs: Buckets::new(&budgets::PAIR_BURST, &budgets::PAIR),
        }))
    }

    /// The room is about to send events.
    pub fn hold(&self) {
        self.lock().is_held = true;
    }

    /// All have been told.
    pub fn open(&self) {
        self.lock().is_held = false;
    }

    /// Somebody is in.
    pub fn enter(&self, participant: ParticipantId, outbox: Outbox) {
        self.lock().inside.insert(participant, outbox);
    }

    /// Removes a participant.
    pub fn leave(&self, participant: &ParticipantId) {
        self.lock().inside.remove(participant);
    }

    /// Nobody is.
    pub fn leave_all(&self) {
        self.lock().inside.clear();
    }

    /// Delivers a message from one participant to another. Returns the signal if the room must be asked.
    pub fn relay(
        &self,
        from: &ParticipantId,
        to: &ParticipantId,
        signal: Signal,
    ) -> Result<Result<(), ErrorCode>, Signal> {
        // Stays locked until it is delivered, so that the room sends nothing meanwhile.
        let mut inner = self.lock();
        if inner.is_held || from == to || !inner.inside.contains_key(from) {
            return Err(signal);
        }
        let Some(outbox) = inner.inside.get(to).cloned() else {
            return Err(signal);
        };
        // Leaves it to the room to find out that they are gone.
        if outbox.is_closed() {
            return Err(signal);
        }
        if let Some(code) = inner.refuses(from, to, &outbox, signal.bytes()) {
            return Ok(Err(code));
        }
        let event = EncodedEvent::new(&signal.told_by(from.clone()));
        outbox.push(OutboxItem::Event(event));
        Ok(Ok(()))
    }

    /// Refuses a message to one participant if it is too much for them.
    pub fn refuses(
        &self,
        from: &ParticipantId,
        to: &ParticipantId,
        outbox: &Outbox,
        bytes: usize,
    ) -> Option<ErrorCode> {
        self.lock().refuses(from, to, outbox, bytes)
    }

    /// Forgets the messages between these and others.
    pub fn forget_pairs(&self, gone: &HashSet<ParticipantId>) {
        let is_here = |(from, to): &(ParticipantId, ParticipantId)| {
            !gone.contains(from) && !gone.contains(to)
        };
        self.lock().pairs.retain(is_here);
    }

    /// No panic can leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn refuses(
        &mut self,
        from: &ParticipantId,
        to: &ParticipantId,
        outbox: &Outbox,
        bytes: usize,
    ) -> Option<ErrorCode> {
        if !outbox.has_place_for_relayed(bytes) {
            return Some(ErrorCode::RateLimited);
        }
        let pair = (from.clone(), to.clone());
        let spent = self.pairs.spend(pair, bytes as u64, Instant::now());
        spent.is_err().then_some(ErrorCode::RateLimited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::passed_on::JsonString;
    use crate::rooms::outbox;

    fn offer(bytes: usize) -> Signal {
        Signal::Offer {
            connection: None,
            sdp: JsonString::new(&"x".repeat(bytes)),
        }
    }

    #[tokio::test]
    async fn who_is_not_found_is_asked_of_the_room() {
        let direct = Direct::new();
        let [ada, bo] = std::array::from_fn(|_| ParticipantId::random());
        let (outbox_of_ada, _) = outbox();
        let (outbox_of_bo, mut reader) = outbox();
        direct.enter(bo.clone(), outbox_of_bo);
        assert!(direct.relay(&ada, &bo, offer(1)).is_err(), "who sends");
        assert!(direct.relay(&bo, &ada, offer(1)).is_err(), "who gets it");
        direct.enter(ada.clone(), outbox_of_ada);
        assert!(direct.relay(&bo, &bo, offer(1)).is_err(), "oneself");
        assert!(
            direct.relay(&bo, &ada, offer(1)).is_err(),
            "whose session is gone"
        );
        assert_eq!(direct.relay(&ada, &bo, offer(1)), Ok(Ok(())));
        let OutboxItem::Event(event) = reader.next().await else {
            panic!("an event was sent")
        };
        assert_eq!(event.kind(), "signal.offer");
        direct.leave(&bo);
        assert!(direct.relay(&ada, &bo, offer(1)).is_err());
    }

    #[test]
    fn what_is_too_much_for_one_is_refused_on_either_way() {
        let direct = Direct::new();
        let [ada, bo] = std::array::from_fn(|_| ParticipantId::random());
        let ends = [&ada, &bo].map(|id| {
            let (writer, reader) = outbox();
            direct.enter(id.clone(), writer.clone());
            (writer, reader)
        });
        let most = budgets::PAIR_BURST.size() / 2;
        assert_eq!(direct.relay(&ada, &bo, offer(most)), Ok(Ok(())));
        assert_eq!(direct.refuses(&ada, &bo, &ends[1].0, most), None);
        let refused = Ok(Err(ErrorCode::RateLimited));
        assert_eq!(direct.relay(&ada, &bo, offer(most)), refused);
        direct.forget_pairs(&HashSet::from([ada.clone()]));
        assert_eq!(direct.refuses(&ada, &bo, &ends[1].0, 1), None);
    }
}
