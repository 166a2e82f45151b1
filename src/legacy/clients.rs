//! Which participants speak through a relay's socket.
//!
//! Between two of them a value passes as it is; to everyone else it is translated. On this node alone: a participant that
//! is not found here is spoken to as a client of `meeting.v1`, which every session is.

use std::sync::Arc;

use dashmap::{DashMap, DashSet};

use crate::protocol::ids::{ParticipantId, RoomIdentity, UserId};

/// The memberships of the relays' clients, and who is about to have one. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Clients(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    memberships: DashSet<ParticipantId>,
    /// How many want in: others hear of somebody who joins before the relay itself knows its membership.
    entering: DashMap<(UserId, String), usize>,
}

/// One membership's entry; taken out when dropped.
#[derive(Debug)]
pub struct Seat {
    clients: Clients,
    membership: ParticipantId,
}

/// The entry of somebody who wants in; taken out when dropped.
#[derive(Debug)]
pub struct Entering {
    clients: Clients,
    who: (UserId, String),
}

impl Clients {
    /// Enters somebody who wants into a room, as they call it.
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

    /// Whether this one, who is in `room`, speaks through a relay.
    pub fn contains(
        &self,
        participant: &ParticipantId,
        user: &UserId,
        room: &RoomIdentity,
    ) -> bool {
        // In this order: whoever enters has a seat before they are expected no more.
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
