//! The receivers of events of a room: the outboxes of its participants and of waiting people.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::direct::Direct;
use super::outbox::{Outbox, OutboxItem, Pushed};
use super::saving::SavedSession;
use crate::meeting::Command;
use crate::meeting::effect::{CloseReason, View};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::Event;
use crate::protocol::frame::EncodedEvent;
use crate::protocol::ids::ParticipantId;

/// The outboxes of a room. Their order is the same in every run, so that faults can be replayed.
pub(super) struct Audience {
    /// The outboxes of participants. Broadcasts go to these.
    inside: BTreeMap<ParticipantId, Outbox>,
    /// The outboxes of waiting people.
    waiting: BTreeMap<ParticipantId, Outbox>,
    /// The direct way between participants.
    direct: Arc<Direct>,
    /// New participants who are not reachable there yet.
    newcomers: Vec<ParticipantId>,
    /// Participants whose sessions were found to be gone when they were to get something.
    lost: Vec<ParticipantId>,
    /// Participants from before a restart whose sessions do not wait for them, and their deadline.
    absent: Option<(Vec<ParticipantId>, Instant)>,
}

impl Audience {
    /// For an empty room.
    pub fn new(direct: Arc<Direct>) -> Self {
        Self {
            inside: BTreeMap::new(),
            waiting: BTreeMap::new(),
            direct,
            newcomers: Vec::new(),
            lost: Vec::new(),
            absent: None,
        }
    }

    /// Somebody is in.
    pub fn enter(&mut self, participant: ParticipantId, outbox: Outbox) {
        self.newcomers.push(participant.clone());
        self.inside.insert(participant, outbox);
    }

    /// Called before events are sent. Until all are sent, messages between participants go through the room.
    pub fn hold_direct(&self) {
        self.direct.hold();
    }

    /// Called after events are sent. From now on participants are reachable on the direct way.
    pub fn open_direct(&mut self) {
        for participant in self.newcomers.drain(..) {
            if let Some(outbox) = self.inside.get(&participant) {
                self.direct.enter(participant, outbox.clone());
            }
        }
        self.direct.open();
    }

    /// Somebody waits.
    pub fn wait(&mut self, participant: ParticipantId, outbox: Outbox) {
        self.waiting.insert(participant, outbox);
    }

    /// These participants were there before a restart and have not come back yet.
    pub fn await_until(&mut self, absent: Vec<ParticipantId>, until: Instant) {
        self.absent = (!absent.is_empty()).then_some((absent, until));
    }

    /// The deadline for the awaited participants.
    pub fn awaited_until(&self) -> Option<Instant> {
        self.absent.as_ref().map(|(_, until)| *until)
    }

    /// The session of a participant is gone without notice.
    pub fn has_lost(&mut self, participant: ParticipantId) {
        self.lost.push(participant);
    }

    /// The next participant whose session is gone.
    pub fn next_lost(&mut self) -> Option<ParticipantId> {
        let participant = self.lost.pop()?;
        self.direct.leave(&participant);
        self.waiting.remove(&participant);
        self.inside.remove(&participant);
        Some(participant)
    }

    /// Looks for sessions that are gone without notice, such as failed ones, and for people who did not come back.
    pub fn look_for_the_lost(&mut self) -> bool {
        let outboxes = self.inside.iter().chain(&self.waiting);
        let lost = outboxes.filter(|(_, outbox)| outbox.is_closed());
        let lost: Vec<_> = lost.map(|(id, _)| id.clone()).collect();
        self.lost.extend(lost);
        let is_over = |(_, until): &mut (_, Instant)| *until <= Instant::now();
        if let Some((absent, _)) = self.absent.take_if(is_over) {
            self.lost.extend(absent);
        }
        !self.lost.is_empty()
    }

    /// Removes everybody. They get nothing more.
    pub fn dissolve(&mut self) -> Vec<(ParticipantId, Option<Outbox>)> {
        self.direct.leave_all();
        let inside = std::mem::take(&mut self.inside);
        let outboxes = inside.into_iter().chain(std::mem::take(&mut self.waiting));
        let there = outboxes.map(|(id, outbox)| (id, Some(outbox)));
        let absent = self.absent.take().map(|(absent, _)| absent);
        let absent = absent.into_iter().flatten().map(|id| (id, None));
        there.chain(absent).collect()
    }

    /// What is needed to restore the sessions after a restart.
    pub fn sessions(&self) -> Vec<SavedSession> {
        let outboxes = self.inside.iter().chain(&self.waiting);
        let mut sessions: Vec<SavedSession> = outboxes
            .filter_map(|(participant, outbox)| {
                Some(SavedSession {
                    participant: participant.clone(),
                    ticket: outbox.ticket()?.written()?,
                })
            })
            .collect();
        sessions.sort_by(|one, other| one.participant.cmp(&other.participant));
        sessions
    }

    /// Refuses a message to one participant if it is too much for them. The core decides whether it is allowed at all.
    pub fn refuses(&self, command: &Command) -> Option<ErrorCode> {
        let Command::Signal { from, to, signal } = command else {
            return None;
        };
        let outbox = self.inside.get(to)?;
        if !self.inside.contains_key(from) {
            return None;
        }
        self.direct.refuses(from, to, outbox, signal.bytes())
    }

    /// Sends one event to some participants.
    pub fn tell(&mut self, to: &[ParticipantId], event: &Event) {
        tell(&self.inside, to, event, &mut self.lost);
    }

    /// Sends one event to some waiting people.
    pub fn tell_waiting(&mut self, to: &[ParticipantId], event: &Event) {
        tell(&self.waiting, to, event, &mut self.lost);
    }

    /// Sends an event to all participants.
    pub fn broadcast(&mut self, except: Option<&ParticipantId>, event: &Event) {
        let event = EncodedEvent::new(event);
        let people = self.inside.iter().filter(|(id, _)| Some(*id) != except);
        for (id, outbox) in people {
            if outbox.push(OutboxItem::Event(event.clone())) == Pushed::Closed {
                self.lost.push(id.clone());
            }
        }
    }

    /// Removes a participant.
    pub fn release(&mut self, participant: ParticipantId, close: Option<CloseReason>) {
        self.direct.leave(&participant);
        if let Some(outbox) = self.inside.remove(&participant) {
            outbox.push(OutboxItem::Released { participant, close });
        }
    }

    /// Forgets the messages between these and others.
    pub fn forget_pairs(&self, gone: &HashSet<ParticipantId>) {
        if !gone.is_empty() {
            self.direct.forget_pairs(gone);
        }
    }

    /// A waiting person becomes a participant.
    pub fn admit(&mut self, participant: ParticipantId, view: Box<View>) {
        if let Some(outbox) = self.waiting.remove(&participant) {
            let id = participant.clone();
            let admitted = OutboxItem::Admitted {
                participant: id.clone(),
                view,
            };
            if outbox.push(admitted) == Pushed::Closed {
                self.lost.push(id);
            }
            self.enter(participant, outbox);
        }
    }

    /// Sends a participant the state of the room.
    pub fn show(&mut self, participant: ParticipantId, view: Box<View>) {
        if let Some(outbox) = self.inside.get(&participant) {
            let id = participant.clone();
            if outbox.push(OutboxItem::View { participant, view }) == Pushed::Closed {
                self.lost.push(id);
            }
        }
    }

    /// Removes a waiting person who was not let in.
    pub fn send_away(
        &mut self,
        participant: ParticipantId,
        event: Option<&Event>,
        close: Option<CloseReason>,
    ) {
        if let Some(outbox) = self.waiting.remove(&participant) {
            if let Some(event) = event {
                outbox.push(OutboxItem::Event(EncodedEvent::new(event)));
            }
            outbox.push(OutboxItem::Released { participant, close });
        }
    }
}

/// Sends each of `to` the event, which is rendered once for all of them.
fn tell(
    outboxes: &BTreeMap<ParticipantId, Outbox>,
    to: &[ParticipantId],
    event: &Event,
    lost: &mut Vec<ParticipantId>,
) {
    let event = EncodedEvent::new(event);
    for id in to {
        if let Some(outbox) = outboxes.get(id)
            && outbox.push(OutboxItem::Event(event.clone())) == Pushed::Closed
        {
            lost.push(id.clone());
        }
    }
}
