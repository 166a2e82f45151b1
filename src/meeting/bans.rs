//! Who is kept out of a room.

use std::net::IpAddr;

use crate::protocol::ids::UserId;
use crate::protocol::object::{Ban, BanLength, UserKind};

/// Where a session comes from, only to be compared: it is never told and never logged. Addresses of one household are
/// alike: of IPv6 the first 64 bits count (RFC 6177 §2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKey(IpAddr);

impl AddressKey {
    /// The key of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = v6.to_bits() & !u128::from(u64::MAX);
                Self(IpAddr::V6(network.into()))
            }
            v4 => Self(v4),
        }
    }
}

impl std::fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressKey")
    }
}

/// The bans of a room, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub struct Bans(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    ban: Ban,
    /// Where a banned guest came from: guests from there wait to be let in, as another name is free.
    address: Option<AddressKey>,
}

impl Bans {
    /// Takes up what is stored.
    pub fn new(stored: Vec<Ban>) -> Self {
        let entry = |ban| Entry { ban, address: None };
        Self(stored.into_iter().map(entry).collect())
    }

    /// Adds one, in place of an earlier one of the same person.
    pub fn add(&mut self, ban: Ban, address: AddressKey) {
        self.remove(&ban.user.id);
        let address = (ban.user.kind == UserKind::Guest).then_some(address);
        self.0.push(Entry { ban, address });
    }

    /// Lets somebody in again.
    pub fn remove(&mut self, user: &UserId) {
        self.0.retain(|entry| entry.ban.user.id != *user);
    }

    /// Whether `user` is kept out.
    pub fn hold(&self, user: &UserId) -> bool {
        self.0.iter().any(|entry| entry.ban.user.id == *user)
    }

    /// Whether a banned guest came from `address`.
    pub fn suspect(&self, address: AddressKey) -> bool {
        self.0.iter().any(|entry| entry.address == Some(address))
    }

    /// What only the meeting knows: who is kept out until its end, and where banned guests came from.
    pub fn of_meeting(&self) -> Self {
        let entries = self.0.iter();
        let of_meeting = entries
            .filter(|entry| entry.ban.until == BanLength::Meeting || entry.address.is_some());
        Self(of_meeting.cloned().collect())
    }

    /// Takes up what the meeting knew beside what is stored, which says alone who is kept out for good.
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

    /// Whether nobody is kept out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The meeting is over: what was for the meeting alone is forgotten, and so are all addresses.
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
    fn a_household_counts_as_one_address_and_is_not_shown() {
        let key = |address: &str| AddressKey::of(address.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("192.0.2.7"), key("::ffff:192.0.2.7"));
        assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
        assert_eq!(format!("{:?}", key("192.0.2.7")), "AddressKey");
    }
}
