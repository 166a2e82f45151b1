//! The roles that were given in a meeting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::ids::UserId;
use crate::protocol::object::Role;

/// The roles that were given in this meeting, by user, so that they outlive sessions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Roles {
    given: BTreeMap<UserId, Role>,
    /// Roles that end when the owner returns: those of stand-in hosts, and those that stand-in hosts gave to others.
    lent: BTreeMap<UserId, LentRole>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct LentRole {
    before: Role,
    now: Role,
}

impl Roles {
    /// The role of a user, if the meeting gave them one.
    pub fn find(&self, user: &UserId) -> Option<Role> {
        let lent = self.lent.get(user).map(|lent| lent.now);
        lent.or_else(|| self.given.get(user).copied())
    }

    /// Takes a role from an invite or the store, unless the meeting gave one before.
    pub fn bring(&mut self, user: &UserId, role: Role) {
        self.given.entry(user.clone()).or_insert(role);
    }

    /// Gives a role until the meeting ends.
    pub fn give(&mut self, user: &UserId, role: Role) {
        self.lent.remove(user);
        self.given.insert(user.clone(), role);
    }

    /// Lends a role until the owner returns. `before` is the role that the user has otherwise.
    pub fn lend(&mut self, user: &UserId, before: Role, now: Role) {
        let entry = self.lent.entry(user.clone());
        entry.or_insert(LentRole { before, now }).now = now;
    }

    /// Whether the role of a user is only lent.
    pub fn is_lent(&self, user: &UserId) -> bool {
        self.lent.contains_key(user)
    }

    /// Ends all lent roles, and returns the roles from before.
    pub fn take_back(&mut self) -> BTreeMap<UserId, Role> {
        let lent = std::mem::take(&mut self.lent);
        let before = lent.into_iter().map(|(user, lent)| (user, lent.before));
        before.collect()
    }

    /// Everybody has left, and `last` was the last of them. Earlier stand-in hosts lose that role. Otherwise a meeting
    /// that empties slowly would make hosts of all its people.
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
