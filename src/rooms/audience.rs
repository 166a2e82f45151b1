//! Those who are told what happens in a room: the outboxes of its people, and of those who wait at its door.

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

/// The outboxes of a room, in an order that is the same in every run: whoever replays a fault finds it again.
pub(super) struct Audience {
    /// Of those who are in: what is told to everyone goes to these.
    inside: BTreeMap<ParticipantId, Outbox>,
    /// Of those who wait to be let in.
    waiting: BTreeMap<ParticipantId, Outbox>,
    /// Where those who are in find each other without the room.
    direct: Arc<Direct>,
    /// Who has come in and is not to be found there yet.
    newcomers: Vec<ParticipantId>,
    /// Whose sessions are gone, as was seen when they were to be told something.
    lost: Vec<ParticipantId>,
    /// Who was there before a restart, without a session that waits for them, and how long they have to come back.
    absent: Option<(Vec<ParticipantId>, Instant)>,
}

impl Audience {
    /// Of a room in which nobody is.
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

    /// Some are about to be told something: until all have been, what people send each other comes through the room.
    pub fn hold_direct(&self) {
        self.direct.hold();
    }

    /// All have been told: from now on those who are in are found without the room.
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

    /// These were there before a restart, and nobody is heard of them yet.
    pub fn await_until(&mut self, absent: Vec<ParticipantId>, until: Instant) {
        self.absent = (!absent.is_empty()).then_some((absent, until));
    }

    /// By when those must have come back who are awaited.
    pub fn awaited_until(&self) -> Option<Instant> {
        self.absent.as_ref().map(|(_, until)| *until)
    }

    /// Their session has ended without a word.
    pub fn has_lost(&mut self, participant: ParticipantId) {
        self.lost.push(participant);
    }

    /// The next of those whose sessions are gone.
    pub fn next_lost(&mut self) -> Option<ParticipantId> {
        let participant = self.lost.pop()?;
        self.direct.leave(&participant);
        self.waiting.remove(&participant);
        self.inside.remove(&participant);
        Some(participant)
    }

    /// Looks for sessions that ended without a word, as one does that failed, and for people who did not come back.
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

    /// Everyone, who is told nothing more.
    pub fn dissolve(&mut self) -> Vec<(ParticipantId, Option<Outbox>)> {
        self.direct.leave_all();
        let inside = std::mem::take(&mut self.inside);
        let outboxes = inside.into_iter().chain(std::mem::take(&mut self.waiting));
        let there = outboxes.map(|(id, outbox)| (id, Some(outbox)));
        let absent = self.absent.take().map(|(absent, _)| absent);
        let absent = absent.into_iter().flatten().map(|id| (id, None));
        there.chain(absent).collect()
    }

    /// What is needed to take the sessions up after a restart.
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

    /// Why something that one sends another is not relayed: it is too much for the one who gets it. Whether it may be sent
    /// at all, the core says.
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

    /// Tells some who are in the same.
    pub fn tell(&mut self, to: &[ParticipantId], event: &Event) {
        tell(&self.inside, to, event, &mut self.lost);
    }

    /// Tells some who wait the same.
    pub fn tell_waiting(&mut self, to: &[ParticipantId], event: &Event) {
        tell(&self.waiting, to, event, &mut self.lost);
    }

    /// Tells everyone who is in.
    pub fn broadcast(&mut self, except: Option<&ParticipantId>, event: &Event) {
        let event = EncodedEvent::new(event);
        let people = self.inside.iter().filter(|(id, _)| Some(*id) != except);
        for (id, outbox) in people {
            if outbox.push(OutboxItem::Event(event.clone())) == Pushed::Closed {
                self.lost.push(id.clone());
            }
        }
    }

    /// Somebody is in no more.
    pub fn release(&mut self, participant: ParticipantId, close: Option<CloseReason>) {
        self.direct.leave(&participant);
        if let Some(outbox) = self.inside.remove(&participant) {
            outbox.push(OutboxItem::Released { participant, close });
        }
    }

    /// Forgets what these sent, and were sent.
    pub fn forget_pairs(&self, gone: &HashSet<ParticipantId>) {
        if !gone.is_empty() {
            self.direct.forget_pairs(gone);
        }
    }

    /// Somebody who waited is in.
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

    /// Somebody is shown the room.
    pub fn show(&mut self, participant: ParticipantId, view: Box<View>) {
        if let Some(outbox) = self.inside.get(&participant) {
            let id = participant.clone();
            if outbox.push(OutboxItem::View { participant, view }) == Pushed::Closed {
                self.lost.push(id);
            }
        }
    }

    /// Somebody waits no more, and is not in.
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

/// Tells each of `to` what is rendered once for all of them.
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
