//! The roles that were given in a meeting.

use std::collections::BTreeMap;

use crate::protocol::ids::UserId;
use crate::protocol::object::Role;

/// The roles that were given in this meeting, by person, so that they last when their sessions change.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    given: BTreeMap<UserId, Role>,
    /// What goes back when the owner returns: whom the rule for meetings without a host made one, and to whom those in
    /// turn gave roles.
    lent: BTreeMap<UserId, LentRole>,
}

#[derive(Debug, Clone, Copy)]
struct LentRole {
    before: Role,
    now: Role,
}

impl Roles {
    /// The role of somebody, if the meeting gave them one.
    pub fn find(&self, user: &UserId) -> Option<Role> {
        let lent = self.lent.get(user).map(|lent| lent.now);
        lent.or_else(|| self.given.get(user).copied())
    }

    /// Takes a role that an invite or the store gives, unless the meeting gave another before.
    pub fn bring(&mut self, user: &UserId, role: Role) {
        self.given.entry(user.clone()).or_insert(role);
    }

    /// Gives a role until the meeting ends.
    pub fn give(&mut self, user: &UserId, role: Role) {
        self.lent.remove(user);
        self.given.insert(user.clone(), role);
    }

    /// Lends a role until the owner returns, to somebody who is `before` otherwise.
    pub fn lend(&mut self, user: &UserId, before: Role, now: Role) {
        let entry = self.lent.entry(user.clone());
        entry.or_insert(LentRole { before, now }).now = now;
    }

    /// Whether the role of somebody is only lent.
    pub fn is_lent(&self, user: &UserId) -> bool {
        self.lent.contains_key(user)
    }

    /// Takes back what was lent, and says what everybody was before who was lent something.
    pub fn take_back(&mut self) -> BTreeMap<UserId, Role> {
        let lent = std::mem::take(&mut self.lent);
        let before = lent.into_iter().map(|(user, lent)| (user, lent.before));
        before.collect()
    }

    /// Everyone has left, `last` the last of them. Whoever stood in as host before somebody else did will not again, or
    /// a meeting that ends by and by would have made hosts of all its people.
    pub fn pause(&mut self, last: &UserId) {
        self.lent
            .retain(|user, lent| user == last || lent.now != Role::Host);
    }

    /// How many roles it holds.
    pub fn len(&self) -> usize {
        self.given.len() + self.lent.len()
    }

    /// Whether no role was given.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
