//! Who is kept out of a room: banned, or turned away at the waiting room. Both are in one list, and one request lifts
//! either.

use serde::{Deserialize, Serialize};

use crate::network::Network;
use crate::protocol::ids::UserId;
use crate::protocol::object::{Ban, BanLength, UserKind};

/// How many refusals a meeting remembers. Beyond that the earliest is forgotten, and that person may knock again.
const MAX_DENIALS: usize = 1_000;

/// The bans and the refusals of a room, in the order in which they were made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bans(Vec<Entry>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    ban: Ban,
    kind: Kind,
    /// The network of a banned guest. Guests from there must wait to be let in, because a guest can take another name.
    address: Option<Network>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// Kept out in any case.
    Ban,
    /// Turned away at the waiting room, and not let in again.
    Denial,
}

impl Bans {
    /// Starts with the stored bans.
    pub fn new(stored: Vec<Ban>) -> Self {
        let entry = |ban| Entry {
            ban,
            kind: Kind::Ban,
            address: None,
        };
        Self(stored.into_iter().map(entry).collect())
    }

    /// Adds a ban. It replaces an earlier entry of the same person.
    pub fn add(&mut self, ban: Ban, address: Network) {
        self.remove(&ban.user.id);
        let address = (ban.user.kind == UserKind::Guest).then_some(address);
        self.0.push(Entry {
            ban,
            kind: Kind::Ban,
            address,
        });
    }

    /// Notes that a person was turned away. A banned person stays banned.
    pub fn deny(&mut self, denial: Ban) {
        if self.has_banned(&denial.user.id) {
            return;
        }
        self.remove(&denial.user.id);
        self.0.push(Entry {
            ban: denial,
            kind: Kind::Denial,
            address: None,
        });
        let is_denial = |entry: &Entry| entry.kind == Kind::Denial;
        if self.0.iter().filter(|entry| is_denial(entry)).count() > MAX_DENIALS
            && let Some(earliest) = self.0.iter().position(is_denial)
        {
            self.0.remove(earliest);
        }
    }

    /// Removes the ban or the refusal of a user.
    pub fn remove(&mut self, user: &UserId) {
        self.0.retain(|entry| entry.ban.user.id != *user);
    }

    /// Whether `user` is banned.
    pub fn has_banned(&self, user: &UserId) -> bool {
        self.has(user, Kind::Ban)
    }

    /// Whether `user` was turned away at the waiting room.
    pub fn has_denied(&self, user: &UserId) -> bool {
        self.has(user, Kind::Denial)
    }

    fn has(&self, user: &UserId, kind: Kind) -> bool {
        let mut entries = self.0.iter();
        entries.any(|entry| entry.kind == kind && entry.ban.user.id == *user)
    }

    /// Whether a banned guest came from `address`.
    pub fn has_banned_guest_of(&self, address: Network) -> bool {
        self.0.iter().any(|entry| entry.address == Some(address))
    }

    /// The part that only the meeting knows: who is kept out until its end, and the networks of banned guests.
    pub fn of_meeting(&self) -> Self {
        let entries = self.0.iter();
        let of_meeting = entries
            .filter(|entry| entry.ban.until == BanLength::Meeting || entry.address.is_some());
        Self(of_meeting.cloned().collect())
    }

    /// Restores what the meeting knew beside the database. Permanent bans come from the database only.
    pub fn recall(&mut self, of_meeting: Self) {
        for known in of_meeting.0 {
            let mut entries = self.0.iter_mut();
            match entries.find(|entry| entry.ban.user.id == known.ban.user.id) {
                Some(stored) => stored.address = known.address,
                None if known.ban.until == BanLength::Meeting => self.0.push(known),
                None => {}
            }
        }
        self.0.sort_by_key(|entry| entry.ban.since);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The meeting is over. Its own bans and refusals and all networks are forgotten.
    pub fn end_meeting(&mut self) {
        self.0.retain(|entry| entry.ban.until == BanLength::Forever);
        self.0.iter_mut().for_each(|entry| entry.address = None);
    }

    /// All of them, the newest first.
    pub fn list(&self) -> Vec<Ban> {
        self.0.iter().rev().map(|entry| entry.ban.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_refusals_the_earliest_is_forgotten_and_no_ban_is() {
        use crate::meeting::stories::{at, user};
        let ban = |name: &str| Ban {
            user: user(name),
            display_name: user(name).display_name,
            until: BanLength::Meeting,
            since: at(0),
            by: user("ada").id,
        };
        let mut bans = Bans::default();
        let address = Network::of(std::net::Ipv4Addr::LOCALHOST.into());
        bans.add(ban("bad"), address);
        bans.deny(ban("bad"));
        for number in 0..=MAX_DENIALS {
            bans.deny(ban(&format!("n{number}")));
        }
        let id = |name: &str| user(name).id;
        assert_eq!(bans.len(), 1 + MAX_DENIALS);
        assert!(bans.has_banned(&id("bad")) && !bans.has_denied(&id("bad")));
        assert!(!bans.has_denied(&id("n0")) && bans.has_denied(&id("n1")));
    }
}
