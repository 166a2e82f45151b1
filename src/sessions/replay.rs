//! The last events of a session, for a client that resumes it: numbered without gaps, and bounded.

use std::collections::VecDeque;

use crate::budgets::ws as budgets;
use crate::protocol::frame::EncodedEvent;

/// What a place in the ring takes beside the event's data, about.
const EVENT_BYTES: usize = 64;

/// The events after some number. Most are shared with everybody who got them.
#[derive(Debug)]
pub struct Replay {
    /// The number of the last event that is not here; none when events were lost that never had a number.
    base: Option<u64>,
    events: VecDeque<EncodedEvent>,
    bytes: usize,
}

impl Replay {
    /// The replay of a session that has told nothing yet.
    pub fn new() -> Self {
        Self {
            base: Some(0),
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Keeps an event under the next number. The oldest go where it is too much.
    pub fn keep(&mut self, event: EncodedEvent) {
        let Some(base) = &mut self.base else { return };
        self.bytes += weight(&event);
        self.events.push_back(event);
        while self.events.len() > budgets::REPLAY_EVENTS.in_force()
            || self.bytes > budgets::REPLAY_BYTES.size()
        {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= weight(&oldest);
            *base += 1;
        }
    }

    /// Whether all events after number `last` are here.
    pub fn reaches(&self, last: u64) -> bool {
        self.base.is_some_and(|base| {
            let newest = base + self.events.len() as u64;
            (base..=newest).contains(&last)
        })
    }

    /// The events after number `last`, with their numbers, as far as they are here.
    pub fn after(&self, last: u64) -> impl Iterator<Item = (u64, &EncodedEvent)> {
        let first = self.base.unwrap_or(0) + 1;
        (first..)
            .zip(&self.events)
            .filter(move |(seq, _)| *seq > last)
    }

    /// Events are lost from here on: nothing can be replayed until a view has taken their place.
    pub fn forget(&mut self) {
        *self = Self {
            base: None,
            events: VecDeque::new(),
            bytes: 0,
        };
    }

    /// The number of the last event that is not here; none when events were lost that never had one.
    pub fn base(&self) -> Option<u64> {
        self.base
    }

    /// Whether events were lost that never had a number.
    pub fn is_broken(&self) -> bool {
        self.base.is_none()
    }

    /// Begins anew after number `base`: what was told before is in a view.
    pub fn begin_after(&mut self, base: u64) {
        self.forget();
        self.base = Some(base);
    }
}

fn weight(event: &EncodedEvent) -> usize {
    EVENT_BYTES + event.bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::{Event, SessionReplaced, SignalSdp};
    use crate::protocol::ids::ParticipantId;
    use crate::protocol::passed_on::JsonString;

    fn small() -> EncodedEvent {
        EncodedEvent::new(&Event::SessionReplaced(SessionReplaced {}))
    }

    fn large(bytes: usize) -> EncodedEvent {
        EncodedEvent::new(&Event::SignalOffer(SignalSdp {
            from: ParticipantId::random(),
            connection: None,
            sdp: JsonString::new(&"x".repeat(bytes)),
        }))
    }

    fn numbers(replay: &Replay, last: u64) -> Vec<u64> {
        replay.after(last).map(|(seq, _)| seq).collect()
    }

    #[test]
    fn events_after_a_number_are_replayed_in_order() {
        let mut replay = Replay::new();
        assert!(replay.reaches(0) && !replay.reaches(1));
        for _ in 0..5 {
            replay.keep(small());
        }
        assert_eq!(numbers(&replay, 0), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&replay, 3), [4, 5]);
        assert!(replay.reaches(5) && numbers(&replay, 5).is_empty());
        assert!(!replay.reaches(6), "no such event was told");
    }

    #[test]
    fn the_oldest_events_go_first_by_number_and_by_bytes() {
        let most = budgets::REPLAY_EVENTS.most;
        let mut replay = Replay::new();
        for _ in 0..most + 3 {
            replay.keep(small());
        }
        assert!(!replay.reaches(2) && replay.reaches(3));
        assert_eq!(numbers(&replay, 3).len() as u64, most);
        let half = budgets::REPLAY_BYTES.size() / 2;
        for _ in 0..2 {
            replay.keep(large(half));
        }
        let last = most + 5;
        assert_eq!(numbers(&replay, 0), [last], "two halves are too much");
        // One that is larger than all that may be kept is not kept, and everything before it is gone.
        replay.keep(large(3 * half));
        assert!(!replay.reaches(last) && replay.reaches(last + 1));
    }

    #[test]
    fn what_was_lost_without_a_number_is_made_up_for_by_a_view_alone() {
        let mut replay = Replay::new();
        replay.keep(small());
        replay.forget();
        replay.keep(small());
        assert!(replay.is_broken() && !replay.reaches(0) && !replay.reaches(1));
        replay.begin_after(2);
        replay.keep(small());
        assert!(!replay.reaches(1) && replay.reaches(2));
        assert_eq!(numbers(&replay, 2), [3]);
    }
}
