//! The waiting room: who waits, and who lets them in.
//!
//! People who wait hear two things only: whether somebody is there who may let them in, and whether they are let in. They
//! get no other event of the room. The only command that they can send is to leave.
//!
//! Letting in uses the same function as joining, so that no rule is skipped. The actor keeps the outboxes of waiting
//! people in a separate map, so that broadcasts cannot reach them.

use super::command::Join;
use super::effect::{CloseReason, Effect, Reply};
use super::permissions::Action;
use super::room::{Answer, Room};
use super::state::lobby::Visitor;
use super::state::roster::Person;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{
    Event, LobbyDenial, LobbyDenied, LobbyLeaveReason, LobbyLeft, LobbyUpdated, LobbyWaiting,
    SessionReplaced,
};
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::{Ban, BanLength, Connection, Waiting};
use crate::protocol::request::Targets;
use crate::protocol::time::Timestamp;

impl Room {
    /// Puts a newcomer into the waiting room. All other checks were done before.
    pub(super) fn wait(&mut self, join: Join, now: Timestamp, out: &mut Vec<Effect>) -> Reply {
        let rank = self.rank_of_newcomer(&join);
        let may_rename = super::permissions::allows(rank, Action::Rename, &self.facts.permissions);
        let name = match may_rename {
            true => &join.display_name,
            false => &join.user.display_name,
        };
        let waiting = Waiting {
            id: join.participant.clone(),
            user: join.user.clone(),
            display_name: name.clone(),
            since: now,
        };
        let event = Event::LobbyWaiting(LobbyWaiting {
            participant: waiting.clone(),
        });
        if self.roster.is_empty() {
            self.plan(now);
        }
        let id = waiting.id.clone();
        self.lobby.add(Visitor { waiting, join });
        self.tell_those_who_may(Action::Admit, event, out);
        out.push(self.hosted_for(vec![id]));
        Reply::Waiting
    }

    /// Whether a participant is there who may let people in. Somebody whose connection is lost sees nobody who waits.
    pub(super) fn attended(&self) -> LobbyUpdated {
        let people = self.roster.iter();
        let may_admit = people.filter(|person| self.may(person, Action::Admit));
        let (mut hosted, mut reconnecting) = (false, false);
        for person in may_admit {
            match person.seen.connection {
                Connection::Online => hosted = true,
                Connection::Reconnecting => reconnecting = true,
            }
        }
        LobbyUpdated {
            hosted,
            reconnecting: reconnecting && !hosted,
        }
    }

    /// Tells the people who wait whether somebody is there who may let them in.
    pub(super) fn tell_those_who_wait(&self, out: &mut Vec<Effect>) {
        let waiting = self.lobby.ids();
        if !waiting.is_empty() {
            out.push(self.hosted_for(waiting));
        }
    }

    pub(super) fn hosted_for(&self, to: Vec<ParticipantId>) -> Effect {
        Effect::TellWaiting {
            to,
            event: Box::new(Event::LobbyUpdated(self.attended())),
        }
    }

    /// Sends the waiting people away whom the room does not take any more.
    pub(super) fn send_guests_away(&mut self, out: &mut Vec<Effect>) {
        for id in self.lobby.ids() {
            let Some(visitor) = self.lobby.find(&id) else {
                continue;
            };
            let rank = self.rank_of_newcomer(&visitor.join);
            if !self.takes(&visitor.waiting.user, rank) {
                self.send_away(&id, LobbyDenial::AccountsOnly, out);
            }
        }
    }

    /// The people who wait. Empty for participants who may not let people in.
    pub(super) fn lobby_for(&self, person: &Person) -> Vec<Waiting> {
        if !self.may(person, Action::Admit) {
            return Vec::new();
        }
        let visitors = self.lobby.iter();
        visitors.map(|visitor| visitor.waiting.clone()).collect()
    }

    /// The waiting people that `who` names.
    fn waiting(&self, who: &Targets) -> Result<Vec<ParticipantId>, ErrorCode> {
        let ids = self.lobby.resolve(who);
        ids.ok_or(ErrorCode::ParticipantNotFound)
    }

    pub(super) fn admit(
        &mut self,
        by: &ParticipantId,
        who: &Targets,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.allowed(by, Action::Admit)?;
        let mut ids = self.waiting(who)?;
        if ids.is_empty() {
            return Ok(Reply::Done);
        }
        if self.facts.locked {
            return Err(ErrorCode::RoomLocked);
        }
        let free = self.free_places();
        let is_refused = match who {
            // As many people as there is room for, in order.
            Targets::Everyone(_) => free == 0,
            Targets::These(_) => ids.len() > free,
        };
        if is_refused {
            return Err(ErrorCode::RoomFull);
        }
        ids.truncate(free);
        for id in ids {
            self.let_one_in(&id, now, out);
        }
        Ok(Reply::Done)
    }

    pub(super) fn deny(
        &mut self,
        by: &ParticipantId,
        who: &Targets,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let by = self.allowed(by, Action::Admit)?.seen.user.id.clone();
        for id in self.waiting(who)? {
            self.turn_down(&id, &by, now, out);
        }
        Ok(Reply::Done)
    }

    /// Turns a waiting person away. They may not knock again in this meeting, unless the refusal is lifted.
    pub(super) fn turn_down(
        &mut self,
        id: &ParticipantId,
        by: &UserId,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        if let Some(visitor) = self.lobby.find(id) {
            let Waiting {
                user, display_name, ..
            } = visitor.waiting.clone();
            self.bans.deny(Ban {
                user,
                display_name,
                until: BanLength::Meeting,
                since: now,
                by: by.clone(),
            });
            self.send_away(id, LobbyDenial::Denied, out);
        }
    }

    /// Lets in the people who need not wait any more, as far as there is room. This happens after the waiting room was
    /// switched off, for example.
    pub(super) fn let_in(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        while !self.facts.locked && self.free_places() > 0 {
            let is_next = |visitor: &&Visitor| {
                let rank = self.rank_of_newcomer(&visitor.join);
                !self.must_wait(&visitor.join, rank) && self.is_open_for(rank, now).is_ok()
            };
            let Some(next) = self.lobby.iter().find(is_next) else {
                return;
            };
            let id = next.waiting.id.clone();
            self.let_one_in(&id, now, out);
        }
    }

    fn let_one_in(&mut self, id: &ParticipantId, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(visitor) = self.lobby.remove(id) else {
            return;
        };
        self.tell_of_leaving(id, LobbyLeaveReason::Admitted, out);
        self.enter(visitor.join, now, out);
        if let Ok(view) = self.view(id, now) {
            out.push(Effect::Admit {
                participant: id.clone(),
                view: Box::new(view),
            });
        }
    }

    /// A waiting person leaves.
    pub(super) fn stop_waiting(&mut self, id: &ParticipantId, out: &mut Vec<Effect>) {
        self.take_away(id, None, None, LobbyLeaveReason::Left, out);
    }

    /// A newer session of the same user replaces the one that waits.
    pub(super) fn replace_waiting(&mut self, user: &UserId, out: &mut Vec<Effect>) {
        let Some(older) = self.lobby.find_user(user) else {
            return;
        };
        let id = older.waiting.id.clone();
        let event = Event::SessionReplaced(SessionReplaced {});
        let close = Some(CloseReason::Replaced);
        self.take_away(&id, Some(event), close, LobbyLeaveReason::Left, out);
    }

    /// Sends a waiting person away.
    pub(super) fn send_away(
        &mut self,
        id: &ParticipantId,
        reason: LobbyDenial,
        out: &mut Vec<Effect>,
    ) {
        let event = Event::LobbyDenied(LobbyDenied { reason });
        self.take_away(id, Some(event), None, LobbyLeaveReason::Denied, out);
    }

    /// Sends all waiting people away.
    pub(super) fn send_all_away(&mut self, reason: LobbyDenial, out: &mut Vec<Effect>) {
        for id in self.lobby.ids() {
            self.send_away(&id, reason, out);
        }
    }

    fn take_away(
        &mut self,
        id: &ParticipantId,
        event: Option<Event>,
        close: Option<CloseReason>,
        reason: LobbyLeaveReason,
        out: &mut Vec<Effect>,
    ) {
        if self.lobby.remove(id).is_none() {
            return;
        }
        out.push(Effect::SendAway {
            participant: id.clone(),
            event: event.map(Box::new),
            close,
        });
        self.tell_of_leaving(id, reason, out);
    }

    fn tell_of_leaving(&self, id: &ParticipantId, reason: LobbyLeaveReason, out: &mut Vec<Effect>) {
        let left = Event::LobbyLeft(LobbyLeft {
            participant: id.clone(),
            reason,
        });
        self.tell_those_who_may(Action::Admit, left, out);
    }
}
