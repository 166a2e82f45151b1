//! Who waits at the door.

use crate::meeting::command::Join;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Waiting;
use crate::protocol::request::Targets;

/// How many can wait at once; more are told that the room is full.
pub const MAX_WAITING: usize = 100;

/// Somebody who waits to be let in.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// What those see of them who may let them in.
    pub waiting: Waiting,
    /// How they come in once they are let in.
    pub join: Join,
}

/// Those who wait, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Lobby {
    visitors: Vec<Visitor>,
}

impl Lobby {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.visitors.is_empty()
    }

    /// Finds one by the id of the membership that would begin.
    pub fn find(&self, id: &ParticipantId) -> Option<&Visitor> {
        let mut visitors = self.visitors.iter();
        visitors.find(|visitor| visitor.waiting.id == *id)
    }

    /// Finds one by who they are.
    pub fn find_user(&self, user: &UserId) -> Option<&Visitor> {
        let mut visitors = self.visitors.iter();
        visitors.find(|visitor| visitor.waiting.user.id == *user)
    }

    /// Whether `user` may wait; whoever waits already keeps their place.
    pub fn has_place_for(&self, user: &UserId) -> bool {
        self.visitors.len() < MAX_WAITING || self.find_user(user).is_some()
    }

    /// Everyone, in the order in which they came.
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

    /// Those who are meant, in the order in which they came; none when one of them does not wait.
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
