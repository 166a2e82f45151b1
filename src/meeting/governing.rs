//! What hosts and co-hosts do with others: mute, ask, rename, remove, ban.

use super::effect::{CloseReason, Effect, Reply};
use super::permissions::Action;
use super::room::{Answer, Room, tell, updated};
use super::sources::set_muted;
use super::state::roster::Person;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{AskUnmute, Event, LeaveReason, LobbyDenial};
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::{Ban, BanLength, Role, Source};
use crate::protocol::request::Target;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

impl Room {
    /// Finds the participant if `by` may do `action` to them: to themselves, or to a lower rank.
    fn target(
        &self,
        by: &ParticipantId,
        whom: &ParticipantId,
        action: Action,
    ) -> Result<&Person, ErrorCode> {
        let actor = self.allowed(by, action)?;
        let target = self.found(whom)?;
        let is_below = self.rank_of(actor).outranks(self.rank_of(target));
        if is_below || by == whom {
            Ok(target)
        } else {
            Err(ErrorCode::PermDenied)
        }
    }

    /// The same for one participant, or for all of a lower rank in order of joining.
    fn targets(
        &self,
        by: &ParticipantId,
        whom: &Target,
        action: Action,
    ) -> Result<Vec<ParticipantId>, ErrorCode> {
        match whom {
            Target::One(one) => Ok(vec![self.target(by, one, action)?.seen.id.clone()]),
            Target::Everyone(_) => {
                let rank = self.rank_of(self.allowed(by, action)?);
                let below = self.roster.iter();
                let below = below.filter(|person| rank.outranks(self.rank_of(person)));
                Ok(below.map(|person| person.seen.id.clone()).collect())
            }
        }
    }

    pub(super) fn mute(
        &mut self,
        by: &ParticipantId,
        whom: &Target,
        source: Source,
        out: &mut Vec<Effect>,
    ) -> Answer {
        for id in self.targets(by, whom, Action::Mute)? {
            match source {
                Source::Microphone | Source::Camera => self.silence(&id, source, by, out),
                Source::Screen => {
                    self.stop(&id, Source::Screen, out);
                    self.stop(&id, Source::ScreenAudio, out);
                }
                Source::ScreenAudio => self.stop(&id, Source::ScreenAudio, out),
            }
        }
        Ok(Reply::Done)
    }

    /// Mutes `source` until its owner switches it on again.
    fn silence(
        &mut self,
        id: &ParticipantId,
        source: Source,
        by: &ParticipantId,
        out: &mut Vec<Effect>,
    ) {
        let Some(person) = self.roster.find_mut(id) else {
            return;
        };
        if source == Source::Microphone {
            person.set_may_unmute_once(false);
        }
        set_muted(person, source, true, Some(by), out);
        super::sources::follow_source(person, source, false, out);
    }

    pub(super) fn ask_unmute(
        &mut self,
        by: &ParticipantId,
        whom: &ParticipantId,
        source: Source,
        out: &mut Vec<Effect>,
    ) -> Answer {
        // A request forces nothing, so the rank of the other does not matter.
        self.allowed(by, Action::AskUnmute)?;
        let person = self.roster.find_mut(whom);
        let person = person.ok_or(ErrorCode::ParticipantNotFound)?;
        if source == Source::Microphone {
            person.set_may_unmute_once(true);
        }
        let by = by.clone();
        out.push(tell(whom, Event::AskUnmute(AskUnmute { by, source })));
        Ok(Reply::Done)
    }

    pub(super) fn lower_hand(
        &mut self,
        by: &ParticipantId,
        whom: &Target,
        out: &mut Vec<Effect>,
    ) -> Answer {
        for id in self.targets(by, whom, Action::LowerHand)? {
            if let Some(person) = self.roster.find_mut(&id)
                && person.seen.hand_raised_at.take().is_some()
            {
                out.push(updated(person.seen.clone()));
            }
        }
        Ok(Reply::Done)
    }

    pub(super) fn rename(
        &mut self,
        by: &ParticipantId,
        whom: &ParticipantId,
        display_name: DisplayName,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.target(by, whom, Action::RenameOthers)?;
        if let Some(person) = self.roster.find_mut(whom)
            && person.seen.display_name != display_name
        {
            person.seen.display_name = display_name;
            out.push(updated(person.seen.clone()));
        }
        Ok(Reply::Done)
    }

    pub(super) fn consider_ban(
        &self,
        by: &ParticipantId,
        whom: &ParticipantId,
        until: BanLength,
        now: Timestamp,
    ) -> Answer {
        self.may_remove(by, whom)?;
        let ban = self.ban(by, whom, until, now)?;
        Ok(Reply::Ban(Box::new(ban)))
    }

    pub(super) fn remove(
        &mut self,
        by: &ParticipantId,
        whom: &ParticipantId,
        ban: Option<BanLength>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> Answer {
        self.may_remove(by, whom)?;
        let remover = self.person(by)?.seen.user.id.clone();
        if let Some(until) = ban {
            let ban = self.ban(by, whom, until, now)?;
            let inside = self.roster.find(whom).map(Person::address);
            let waiting = || self.lobby.find(whom).map(|visitor| visitor.join.address);
            if let Some(address) = inside.or_else(waiting) {
                self.bans.add(ban, address);
            }
        }
        if self.lobby.find(whom).is_some() {
            match ban {
                Some(_) => self.send_away(whom, LobbyDenial::Banned, out),
                None => self.turn_down(whom, &remover, now, out),
            }
            return Ok(Reply::Done);
        }
        let was_host = self.found(whom)?.seen.role == Role::Host;
        let close = Some(CloseReason::Removed);
        self.depart(whom, LeaveReason::Removed, close, now, out);
        if was_host {
            self.keep_governed(None, out);
        }
        Ok(Reply::Done)
    }

    /// Whether `by` may remove `whom`, who is in or waits. Nobody removes themselves.
    fn may_remove(&self, by: &ParticipantId, whom: &ParticipantId) -> Result<(), ErrorCode> {
        if self.lobby.find(whom).is_some() {
            self.allowed(by, Action::Remove)?;
            return Ok(());
        }
        self.target(by, whom, Action::Remove)?;
        if by == whom {
            return Err(ErrorCode::PermDenied);
        }
        Ok(())
    }

    /// The ban of a participant or a waiting person, if `by` may ban.
    fn ban(
        &self,
        by: &ParticipantId,
        whom: &ParticipantId,
        until: BanLength,
        now: Timestamp,
    ) -> Result<Ban, ErrorCode> {
        let by = self.allowed(by, Action::Ban)?.seen.user.id.clone();
        let (user, display_name) = match self.lobby.find(whom) {
            Some(visitor) => {
                let waiting = &visitor.waiting;
                (waiting.user.clone(), waiting.display_name.clone())
            }
            None => {
                let person = &self.found(whom)?.seen;
                (person.user.clone(), person.display_name.clone())
            }
        };
        Ok(Ban {
            user,
            display_name,
            until,
            since: now,
            by,
        })
    }

    pub(super) fn unban(&mut self, user: &UserId) -> Answer {
        self.bans.remove(user);
        Ok(Reply::Done)
    }
}
