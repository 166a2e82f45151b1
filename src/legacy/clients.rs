//! Knows which participants use a relay socket.
//!
//! Between two of them a value passes unchanged. For everybody else it is translated. Only this node is known: a
//! participant who is not found here is treated as a client of `meeting.v1`, which every session is.

use std::sync::Arc;

use dashmap::{DashMap, DashSet};

use crate::protocol::ids::{ParticipantId, RoomIdentity, UserId};

/// The memberships of relay clients, and the clients that are joining. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Clients(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    memberships: DashSet<ParticipantId>,
    /// How many clients are joining: others hear of a newcomer before the relay itself knows the membership.
    entering: DashMap<(UserId, String), usize>,
}

/// The entry of one membership. It is removed when dropped.
#[derive(Debug)]
pub struct Seat {
    clients: Clients,
    membership: ParticipantId,
}

/// The entry of a joining client. It is removed when dropped.
#[derive(Debug)]
pub struct Entering {
    clients: Clients,
    who: (UserId, String),
}

impl Clients {
    /// Adds a user who is joining a room, by the name that they use for the room.
    pub fn expect(&self, user: UserId, room: &str) -> Entering {
        let who = (user, room.to_owned());
        *self.0.entering.entry(who.clone()).or_default() += 1;
        Entering {
            clients: self.clone(),
            who,
        }
    }

    /// Enters a membership.
    pub fn enter(&self, membership: ParticipantId) -> Seat {
        self.0.memberships.insert(membership.clone());
        Seat {
            clients: self.clone(),
            membership,
        }
    }

    /// Whether this participant of `room` uses a relay.
    pub fn contains(
        &self,
        participant: &ParticipantId,
        user: &UserId,
        room: &RoomIdentity,
    ) -> bool {
        // The order matters: a joining client gets a seat before its entry as joining is removed.
        let who = (user.clone(), room.as_str().to_owned());
        self.0.entering.contains_key(&who) || self.0.memberships.contains(participant)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.clients.0.memberships.remove(&self.membership);
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        let entering = &self.clients.0.entering;
        if let Some(mut count) = entering.get_mut(&self.who) {
            *count -= 1;
        }
        entering.remove_if(&self.who, |_, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_known_from_when_they_want_in_until_they_are_gone() {
        let clients = Clients::default();
        let (membership, user) = (ParticipantId::random(), UserId::random());
        let room = RoomIdentity::random();
        let is_known = || clients.contains(&membership, &user, &room);
        let entering = [(); 2].map(|()| clients.expect(user.clone(), room.as_str()));
        assert!(!clients.contains(&membership, &user, &RoomIdentity::random()));
        let [first, second] = entering;
        drop(first);
        assert!(is_known());
        let seat = clients.clone().enter(membership.clone());
        drop(second);
        assert!(is_known());
        drop(seat);
        assert!(!is_known());
        assert!(clients.0.entering.is_empty());
    }
}
