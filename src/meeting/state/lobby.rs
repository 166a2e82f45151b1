//! The people in the waiting room.

use serde::{Deserialize, Serialize};

use crate::meeting::command::Join;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Waiting;
use crate::protocol::request::Targets;

/// How many people can wait at once. Further ones are told that the room is full.
pub const MAX_WAITING: usize = 100;

/// A person who waits to be let in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visitor {
    /// What the people who may let them in see of them.
    pub waiting: Waiting,
    /// The join that is carried out when they are let in.
    pub join: Join,
}

/// The people who wait, in the order in which they came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lobby {
    visitors: Vec<Visitor>,
}

impl Lobby {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.visitors.is_empty()
    }

    /// Finds one by the participant id that they would get.
    pub fn find(&self, id: &ParticipantId) -> Option<&Visitor> {
        let mut visitors = self.visitors.iter();
        visitors.find(|visitor| visitor.waiting.id == *id)
    }

    /// Finds one by their user.
    pub fn find_user(&self, user: &UserId) -> Option<&Visitor> {
        let mut visitors = self.visitors.iter();
        visitors.find(|visitor| visitor.waiting.user.id == *user)
    }

    /// Whether `user` may wait. A person who waits already keeps their place.
    pub fn has_place_for(&self, user: &UserId) -> bool {
        self.visitors.len() < MAX_WAITING || self.find_user(user).is_some()
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Visitor> {
        self.visitors.iter()
    }

    /// The ids of all of them.
    pub fn ids(&self) -> Vec<ParticipantId> {
        let ids = self.visitors.iter().map(|visitor| &visitor.waiting.id);
        ids.cloned().collect()
    }

    /// Adds the newest.
    pub fn add(&mut self, visitor: Visitor) {
        self.visitors.push(visitor);
    }

    /// Takes one away.
    pub fn remove(&mut self, id: &ParticipantId) -> Option<Visitor> {
        let mut visitors = self.visitors.iter();
        let at = visitors.position(|visitor| visitor.waiting.id == *id)?;
        Some(self.visitors.remove(at))
    }

    /// The people that `who` names, in the order in which they came. None if one of them does not wait.
    pub fn resolve(&self, who: &Targets) -> Option<Vec<ParticipantId>> {
        let mut ids = self.ids();
        if let Targets::These(wanted) = who {
            if wanted.iter().any(|id| self.find(id).is_none()) {
                return None;
            }
            ids.retain(|id| wanted.contains(id));
        }
        Some(ids)
    }
}
