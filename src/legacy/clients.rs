//! Which participants speak through a relay's socket.
//!
//! Between two of them a value passes as it is; to everyone else it is translated. On this node alone: a participant that
//! is not found here is spoken to as a client of `meeting.v1`, which every session is.

use std::sync::Arc;

use dashmap::DashSet;

use crate::protocol::ids::ParticipantId;

/// The stays of the relays' clients. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Clients(Arc<DashSet<ParticipantId>>);

/// One stay's entry; taken out when dropped.
#[derive(Debug)]
pub struct Seat {
    clients: Clients,
    stay: ParticipantId,
}

impl Clients {
    /// Enters a stay.
    pub fn enter(&self, stay: ParticipantId) -> Seat {
        self.0.insert(stay.clone());
        Seat {
            clients: self.clone(),
            stay,
        }
    }

    /// Whether this one speaks through a relay.
    pub fn contains(&self, participant: &ParticipantId) -> bool {
        self.0.contains(participant)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.clients.0.remove(&self.stay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stay_is_known_as_long_as_it_lasts() {
        let clients = Clients::default();
        let stay = ParticipantId::random();
        let seat = clients.clone().enter(stay.clone());
        assert!(clients.contains(&stay));
        drop(seat);
        assert!(!clients.contains(&stay));
    }
}
