//! A meeting that is empty: since when, until when it is kept, and what of it outlives the run of its room.

use serde::{Deserialize, Serialize};

use super::bans::Bans;
use super::recent::Recent;
use super::roles::Roles;
use crate::protocol::ids::UserId;
use crate::protocol::object::Timer;
use crate::protocol::time::Timestamp;

/// Since when nobody is in, and when the meeting is over unless somebody comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    since: Timestamp,
    until: Timestamp,
}

impl Pause {
    /// A pause from `since` on; the meeting is over at `until`.
    pub fn new(since: Timestamp, until: Timestamp) -> Self {
        Self { since, until }
    }

    /// When the meeting is over unless somebody comes back.
    pub fn until(self) -> Timestamp {
        self.until
    }
}

/// What outlives the run of a room while its meeting is kept. It holds no participants, only what governs the next
/// ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memory {
    pub(in crate::meeting) pause: Pause,
    pub(in crate::meeting) owner: UserId,
    pub(in crate::meeting) roles: Roles,
    pub(in crate::meeting) bans: Bans,
    pub(in crate::meeting) timer: Option<Timer>,
    pub(in crate::meeting) away: Recent<Timestamp>,
}

impl Memory {
    /// When it is to be forgotten.
    pub fn until(&self) -> Timestamp {
        self.pause.until
    }

    /// The owner of the room.
    pub fn owner(&self) -> &UserId {
        &self.owner
    }

    /// How many people it holds data of. At least one.
    pub fn weight(&self) -> usize {
        let people = self.roles.len() + self.bans.len() + self.away.len();
        people.max(1)
    }

    /// Whether the user is banned or was turned away.
    pub fn keeps_out(&self, user: &UserId) -> bool {
        self.bans.has_banned(user) || self.bans.has_denied(user)
    }

    /// Removes the ban or the refusal of a user.
    pub fn unban(&mut self, user: &UserId) {
        self.bans.remove(user);
    }

    /// Whether a stored end at `ended` has ended this meeting.
    pub fn is_ended_by(&self, ended: Timestamp) -> bool {
        ended >= self.pause.since
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        let timer = self.timer.as_ref();
        self.away.len() == 0
            && self.roles.is_empty()
            && self.bans.is_empty()
            && timer.is_none_or(|timer| timer.ends_at <= self.pause.since)
    }
}
