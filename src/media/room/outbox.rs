//! Events on their way to a room, in order and bounded.

use std::collections::VecDeque;

use crate::media::EventSink;
use crate::meeting::media::MediaEvent;
use crate::protocol::object::Slot;

/// What the room has not taken yet.
///
/// While the room's inbox is full, a newer event about the same thing is merged into the one that waits, so at most
/// one of each kind waits per participant or track.
pub(in crate::media) struct Outbox {
    sink: EventSink,
    waiting: VecDeque<MediaEvent>,
}

impl Outbox {
    pub fn new(sink: EventSink) -> Self {
        Self {
            sink,
            waiting: VecDeque::new(),
        }
    }

    /// Queues an event behind those that wait, or merges it with one.
    pub fn push(&mut self, event: MediaEvent) {
        let event =
            self.waiting
                .iter_mut()
                .try_fold(event, |event, waiting| match merge(waiting, event) {
                    None => Err(()),
                    Some(event) => Ok(event),
                });
        if let Ok(event) = event {
            self.waiting.push_back(event);
        }
    }

    /// Gives the room as much as it takes.
    pub fn flush(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            if let Err(event) = (self.sink)(event) {
                self.waiting.push_front(event);
                return;
            }
        }
    }

    /// Where the room's events go, so that another part can tell of the room's end.
    pub fn into_sink(self) -> EventSink {
        self.sink
    }

    /// Forgets what waits for participants and tracks that are gone.
    pub fn retain(&mut self, keep: impl FnMut(&MediaEvent) -> bool) {
        self.waiting.retain(keep);
    }
}

/// Merges `event` into the one that waits; gives it back when they are about different things.
fn merge(waiting: &mut MediaEvent, event: MediaEvent) -> Option<MediaEvent> {
    match (waiting, event) {
        (
            MediaEvent::Slots { to, slots },
            MediaEvent::Slots {
                to: other,
                slots: newer,
            },
        ) if *to == other => {
            merge_slots(&mut slots.slots, newer.slots);
            None
        }
        (
            MediaEvent::Offer { to, offer },
            MediaEvent::Offer {
                to: other,
                offer: newer,
            },
        ) if *to == other => {
            *offer = newer;
            None
        }
        (
            MediaEvent::Format {
                track,
                codec,
                layers,
            },
            MediaEvent::Format {
                track: other,
                codec: newer,
                layers: newer_layers,
            },
        ) if *track == other => {
            *codec = newer;
            *layers = newer_layers;
            None
        }
        (
            MediaEvent::Demand { track, layers },
            MediaEvent::Demand {
                track: other,
                layers: newer,
            },
        ) if *track == other => {
            *layers = newer;
            None
        }
        (
            MediaEvent::Quality {
                participant,
                score,
                rtt_ms,
                loss,
            },
            MediaEvent::Quality {
                participant: other,
                score: newer,
                rtt_ms: newer_rtt,
                loss: newer_loss,
            },
        ) if *participant == other => {
            (*score, *rtt_ms, *loss) = (newer, newer_rtt, newer_loss);
            None
        }
        (
            MediaEvent::Speakers { participants },
            MediaEvent::Speakers {
                participants: newer,
            },
        ) => {
            *participants = newer;
            None
        }
        (MediaEvent::Broke { participant }, MediaEvent::Broke { participant: other })
            if *participant == other =>
        {
            None
        }
        (_, event) => Some(event),
    }
}

fn merge_slots(slots: &mut Vec<Slot>, newer: Vec<Slot>) {
    for slot in newer {
        match slots.iter_mut().find(|known| known.mid == slot.mid) {
            Some(known) => *known = slot,
            None => slots.push(slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::protocol::event::SlotsData;
    use crate::protocol::ids::{ParticipantId, TrackId};
    use crate::protocol::object::MediaKind;

    fn slots(to: &ParticipantId, mid: &str, reason: &str) -> MediaEvent {
        let slot = Slot {
            mid: mid.to_owned(),
            kind: MediaKind::Video,
            track: None,
            layer: None,
            reason: Some(reason.to_owned()),
        };
        MediaEvent::Slots {
            to: to.clone(),
            slots: SlotsData { slots: vec![slot] },
        }
    }

    #[test]
    fn a_full_room_loses_nothing_and_repeats_nothing() {
        let (room, taken) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (space, into) = (Arc::clone(&room), Arc::clone(&taken));
        let mut outbox = Outbox::new(Box::new(move |event| {
            let mut space = space.lock().unwrap();
            if *space == 0 {
                return Err(event);
            }
            *space -= 1;
            into.lock().unwrap().push(event);
            Ok(())
        }));
        let (ada, bo) = (ParticipantId::random(), ParticipantId::random());
        let format = MediaEvent::Format {
            track: TrackId::random(),
            codec: "VP8".to_owned(),
            layers: vec![],
        };
        for event in [
            slots(&ada, "0", "old"),
            format.clone(),
            slots(&bo, "0", "b"),
            slots(&ada, "0", "new"),
        ] {
            outbox.push(event);
            outbox.flush();
        }
        outbox.push(format.clone());
        *room.lock().unwrap() = 2;
        outbox.flush();
        assert_eq!(*taken.lock().unwrap(), [slots(&ada, "0", "new"), format]);
        *room.lock().unwrap() = 9;
        outbox.flush();
        assert_eq!(taken.lock().unwrap()[2..], [slots(&bo, "0", "b")]);
    }
}
