//! Who governs a meeting: roles that are given, and what happens when nobody governs it.

use std::collections::HashMap;

use super::effect::{Effect, Reply};
use super::permissions::{Action, Rank, actions_of, effective, may_send};
use super::room::{Answer, Room, tell, updated};
use super::roster::Person;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, PermissionsChanged};
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::{Permissions, Role, Source, UserKind};

/// The roles that were given in this meeting, by person, so that they last when their sessions change.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles {
    given: HashMap<UserId, Role>,
    /// What goes back when the owner returns: whom the rule for meetings without a host made one, and to whom those in
    /// turn gave roles.
    standing_in: HashMap<UserId, StandIn>,
}

#[derive(Debug, Clone, Copy)]
struct StandIn {
    before: Role,
    now: Role,
}

impl Roles {
    pub(super) fn find(&self, user: &UserId) -> Option<Role> {
        let stand_in = self.standing_in.get(user).map(|stand_in| stand_in.now);
        stand_in.or_else(|| self.given.get(user).copied())
    }

    /// A role that an invite or the store gives, unless the meeting gave another before.
    pub(super) fn bring(&mut self, user: &UserId, role: Role) {
        self.given.entry(user.clone()).or_insert(role);
    }

    fn give(&mut self, user: &UserId, role: Role) {
        self.standing_in.remove(user);
        self.given.insert(user.clone(), role);
    }

    fn lend(&mut self, user: &UserId, before: Role, now: Role) {
        let entry = self.standing_in.entry(user.clone());
        entry.or_insert(StandIn { before, now }).now = now;
    }

    fn is_lent(&self, user: &UserId) -> bool {
        self.standing_in.contains_key(user)
    }

    /// Everyone has left, `last` the last of them. Whoever stood in as host before somebody else did will not again, or
    /// a meeting that ends by and by would have made hosts of all its people.
    pub(super) fn pause(&mut self, last: &UserId) {
        let memberships = |user: &UserId, lent: &StandIn| user == last || lent.now != Role::Host;
        self.standing_in
            .retain(|user, lent| memberships(user, lent));
    }

    pub(super) fn len(&self) -> usize {
        self.given.len() + self.standing_in.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What somebody may do, as far as they are told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    role: Role,
    permissions: Permissions,
    actions: Vec<Action>,
}

/// What everybody may do.
pub(super) type Standings = HashMap<ParticipantId, Standing>;

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
        // Handing over: there is one host less for each that is made, but the owner stays what they are.
        if role == Role::Host && rank != Rank::Owner {
            self.assign(by, Role::Cohost, lent, out);
        }
        self.settle(&before, out);
        Ok(Reply::Done)
    }

    /// Everyone but the owner may become less than they are.
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

    /// Gives somebody who is in a role, or lends it until the owner returns.
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

    /// After a host is gone: when there is none left, the co-host who has been in the longest becomes one, or else the
    /// member who has. Guests never do, as nobody knows who they are; when nobody else is in, the meeting goes on
    /// without a host. `but` has just stepped down.
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

    /// The owner is back: whoever stood in for them gets back what they were.
    pub(super) fn restore_roles(&mut self, out: &mut Vec<Effect>) {
        let standing_in = std::mem::take(&mut self.meeting.roles.standing_in);
        if standing_in.is_empty() {
            return;
        }
        let before = self.standings();
        let people: Vec<(ParticipantId, Role)> = self
            .roster
            .iter()
            .filter_map(|person| {
                let stand_in = standing_in.get(&person.seen.user.id)?;
                (stand_in.before != person.seen.role)
                    .then(|| (person.seen.id.clone(), stand_in.before))
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

    /// What everybody may do now.
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

    /// After what people may do has changed: what they may send no more is stopped, and everyone whom it concerns is
    /// told.
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
