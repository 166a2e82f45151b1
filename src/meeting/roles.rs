//! Roles: how they are given, and what happens when no host is left.

use std::collections::BTreeMap;

use super::effect::{Effect, Reply};
use super::permissions::{Action, Rank, actions_of, effective, may_send};
use super::room::{Answer, Room, tell, updated};
use super::state::roster::Person;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, PermissionsChanged};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{Permissions, Role, Source, UserKind};

/// What a participant may do, as far as the client is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    role: Role,
    permissions: Permissions,
    actions: Vec<Action>,
}

/// The standings of all participants.
pub(super) type Standings = BTreeMap<ParticipantId, Standing>;

impl Room {
    pub(super) fn set_role(
        &mut self,
        by: &ParticipantId,
        whom: &ParticipantId,
        role: Role,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let giver = self.person(by)?;
        let (rank, lent) = (self.rank_of(giver), self.is_lent(giver));
        if by == whom {
            return self.step_down(by, rank, role, out);
        }
        let action = match role {
            Role::Host => Action::MakeHost,
            Role::Cohost | Role::Member => Action::MakeCohost,
        };
        self.allowed(by, action)?;
        let target = self.found(whom)?;
        if !rank.outranks(self.rank_of(target)) {
            return Err(ErrorCode::PermDenied);
        }
        if target.seen.role == role {
            return Ok(Reply::Done);
        }
        let before = self.standings();
        self.assign(whom, role, lent, out);
        // A host who makes another host becomes a co-host. The owner stays what they are.
        if role == Role::Host && rank != Rank::Owner {
            self.assign(by, Role::Cohost, lent, out);
        }
        self.settle(&before, out);
        Ok(Reply::Done)
    }

    /// Lowers the own role. Everybody but the owner may do that.
    fn step_down(
        &mut self,
        who: &ParticipantId,
        rank: Rank,
        role: Role,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let to = Rank::of(role, false);
        if rank == to {
            return Ok(Reply::Done);
        }
        if rank == Rank::Owner || !rank.outranks(to) {
            return Err(ErrorCode::PermDenied);
        }
        let before = self.standings();
        self.assign(who, role, false, out);
        self.settle(&before, out);
        self.keep_governed(Some(who), out);
        Ok(Reply::Done)
    }

    fn is_lent(&self, person: &Person) -> bool {
        self.meeting.roles.is_lent(&person.seen.user.id)
    }

    /// Gives a participant a role, or lends it until the owner returns.
    fn assign(&mut self, id: &ParticipantId, role: Role, lent: bool, out: &mut Vec<Effect>) {
        let Some(person) = self.roster.find_mut(id) else {
            return;
        };
        let user = &person.seen.user.id;
        if lent {
            self.meeting.roles.lend(user, person.seen.role, role);
        } else {
            self.meeting.roles.give(user, role);
        }
        person.seen.role = role;
        out.push(updated(person.seen.clone()));
    }

    /// Called after a host is gone. If no host is left, the co-host who has been in the longest becomes host, or else
    /// the member with an account who has been in the longest. Guests never do, as nobody knows who they are. If only
    /// guests are in, the meeting goes on without a host. `but` has just stepped down and is skipped.
    pub(super) fn keep_governed(&mut self, but: Option<&ParticipantId>, out: &mut Vec<Effect>) {
        if self.roster.has_host() {
            return;
        }
        let may_follow = |person: &&Person| {
            person.seen.user.kind == UserKind::Account && Some(&person.seen.id) != but
        };
        let candidates = || self.roster.iter().filter(may_follow);
        let cohost = candidates().find(|person| person.seen.role == Role::Cohost);
        let Some(next) = cohost.or_else(|| candidates().next()) else {
            return;
        };
        let id = next.seen.id.clone();
        let before = self.standings();
        self.assign(&id, Role::Host, true, out);
        self.settle(&before, out);
    }

    /// The owner is back. The people who stood in for them get back the roles that they had.
    pub(super) fn restore_roles(&mut self, out: &mut Vec<Effect>) {
        let before_lending = self.meeting.roles.take_back();
        if before_lending.is_empty() {
            return;
        }
        let before = self.standings();
        let people: Vec<(ParticipantId, Role)> = self
            .roster
            .iter()
            .filter_map(|person| {
                let role = *before_lending.get(&person.seen.user.id)?;
                (role != person.seen.role).then(|| (person.seen.id.clone(), role))
            })
            .collect();
        for (id, role) in people {
            if let Some(person) = self.roster.find_mut(&id) {
                person.seen.role = role;
                out.push(updated(person.seen.clone()));
            }
        }
        self.settle(&before, out);
    }

    /// The current standings of all participants.
    pub(super) fn standings(&self) -> Standings {
        let people = self.roster.iter();
        people
            .map(|person| (person.seen.id.clone(), self.standing(person)))
            .collect()
    }

    fn standing(&self, person: &Person) -> Standing {
        Standing {
            role: person.seen.role,
            permissions: effective(person.seen.role, &self.facts.permissions),
            actions: actions_of(self.rank_of(person), &self.facts.permissions),
        }
    }

    /// Called after permissions have changed. Stops the sources that are not allowed any more, and tells every
    /// participant whose permissions changed.
    pub(super) fn settle(&mut self, before: &Standings, out: &mut Vec<Effect>) {
        let changed: Vec<(ParticipantId, Standing)> = self
            .standings()
            .into_iter()
            .filter(|(id, standing)| before.get(id).is_some_and(|before| before != standing))
            .collect();
        for (id, standing) in changed {
            let Some(person) = self.roster.find(&id) else {
                continue;
            };
            let rank = self.rank_of(person);
            for source in Source::ALL {
                if !may_send(rank, source, &self.facts.permissions) {
                    self.stop(&id, source, out);
                }
            }
            let Some(person) = self.roster.find(&id) else {
                continue;
            };
            let changed = PermissionsChanged {
                role: standing.role,
                permissions: standing.permissions,
                actions: standing.actions,
                lobby: self.lobby_for(person),
            };
            out.push(tell(&id, Event::PermissionsChanged(changed)));
        }
    }
}
