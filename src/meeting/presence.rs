//! How people leave, how meetings end, and what an edit of the room does to its participants.

use super::command::PasswordEdit;
use super::effect::{CloseReason, Effect, History, Reply};
use super::media::MediaCommand;
use super::permissions::Action;
use super::room::{Answer, Room, broadcast, media};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{
    EndReason, Event, LeaveReason, LobbyDenial, ParticipantLeft, RoomData, RoomDeleted, RoomEnded,
};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{self, Role};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

impl Room {
    pub(super) fn leave(
        &mut self,
        id: &ParticipantId,
        reason: LeaveReason,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        if self.lobby.find(id).is_some() {
            self.stop_waiting(id, out);
            return Ok(Reply::Done);
        }
        let was_host = self.person(id)?.seen.role == Role::Host;
        self.depart(id, reason, None, now, out);
        if was_host {
            self.keep_governed(None, out);
        }
        Ok(Reply::Done)
    }

    /// A participant is gone and may be back in a moment.
    pub(super) fn away(
        &mut self,
        id: &ParticipantId,
        reason: LeaveReason,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        if let Some(person) = self.roster.find(id) {
            self.meeting.away.put(person.seen.user.id.clone(), now);
        }
        self.leave(id, reason, now, out)
    }

    /// Takes a participant out of the room and tells the others.
    pub(super) fn depart(
        &mut self,
        id: &ParticipantId,
        reason: LeaveReason,
        close: Option<CloseReason>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        let Some(person) = self.roster.remove(id) else {
            return;
        };
        let last_seen = person.was_there_until(now);
        if !self.may(&person, Action::Rename) {
            let (user, name) = (person.seen.user.id, person.seen.display_name);
            self.meeting.names.put(user, name);
        }
        out.push(Effect::Release {
            participant: id.clone(),
            close,
        });
        out.push(media(MediaCommand::Dismiss {
            participant: id.clone(),
        }));
        let left = ParticipantLeft {
            participant: id.clone(),
            reason,
        };
        out.push(broadcast(None, Event::ParticipantLeft(left)));
        // In the other cases the person was there until now. A person who replaces their own session has come back.
        let at = match reason {
            LeaveReason::Lost => last_seen,
            _ => now,
        };
        out.push(Effect::History(History::Left {
            participant: id.clone(),
            reason,
            at,
        }));
        self.leave_spotlight(id, out);
    }

    pub(super) fn end(
        &mut self,
        by: &ParticipantId,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.allowed(by, Action::End)?;
        self.over(EndReason::Host, Some(by), now, out)
    }

    /// The meeting is over. An end by plan is not noted, because the plan itself says it.
    pub(super) fn over(
        &mut self,
        reason: EndReason,
        by: Option<&ParticipantId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        match reason {
            EndReason::Host | EndReason::Operator => self.ended = Some(now),
            EndReason::Time => {}
        }
        let ended = RoomEnded {
            identity: self.facts.identity.clone(),
            reason,
        };
        self.empty(Event::RoomEnded(ended), by, now, out);
        Ok(Reply::Done)
    }

    pub(super) fn delete(
        &mut self,
        by: Option<&ParticipantId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let deleted = RoomDeleted {
            identity: self.facts.identity.clone(),
        };
        self.empty(Event::RoomDeleted(deleted), by, now, out);
        Ok(Reply::Done)
    }

    /// Tells everybody the reason and takes everybody out, waiting people too. Two kinds of sockets stay open: that of
    /// the participant who did it, and those of people who wait.
    fn empty(
        &mut self,
        why: Event,
        by: Option<&ParticipantId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        out.push(broadcast(None, why));
        for person in self.roster.clear() {
            let participant = person.seen.id;
            let close = (by != Some(&participant)).then_some(CloseReason::Ended);
            out.push(Effect::Release {
                participant: participant.clone(),
                close,
            });
            out.push(Effect::History(History::Left {
                participant,
                reason: LeaveReason::Ended,
                at: now,
            }));
        }
        self.send_all_away(LobbyDenial::Ended, out);
        self.forget(now);
        out.push(media(MediaCommand::Close));
    }

    pub(super) fn edited(
        &mut self,
        facts: object::Room,
        password: PasswordEdit,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        if password == PasswordEdit::Changed {
            self.send_all_away(LobbyDenial::Password, out);
        }
        if facts.version <= self.facts.version {
            // Edits can arrive out of order. An older one must not undo a newer one.
            return Ok(Reply::Done);
        }
        let before = self.standings();
        let is_replanned = plan(&facts) != plan(&self.facts);
        let planned_end = self.planned_end();
        // The topology cannot change while people are connected.
        let topology = if self.is_empty() {
            facts.topology
        } else {
            self.facts.topology
        };
        self.facts = object::Room { topology, ..facts };
        if is_replanned {
            self.plan(now);
        }
        out.push(broadcast(
            None,
            Event::RoomUpdated(RoomData {
                room: self.seen(now),
            }),
        ));
        self.settle(&before, out);
        self.send_guests_away(out);
        let end = self.planned_end();
        let is_past = end != planned_end && end.is_some_and(|end| end <= now);
        if is_past && self.facts.ends_on_time && !self.roster.is_empty() {
            return self.over(EndReason::Time, None, now, out);
        }
        Ok(Reply::Done)
    }

    /// Finds the participant that a command acts on. The one who acts gets another error.
    pub(super) fn found(
        &self,
        id: &ParticipantId,
    ) -> Result<&super::state::roster::Person, ErrorCode> {
        self.roster.find(id).ok_or(ErrorCode::ParticipantNotFound)
    }
}

/// The fields that say when the meetings of a room are.
fn plan(
    facts: &object::Room,
) -> (
    Option<Timestamp>,
    Option<Timestamp>,
    Option<&str>,
    Option<TimeZone>,
) {
    let rule = facts.recurrence.as_deref();
    (facts.begin_at, facts.end_at, rule, facts.time_zone)
}
