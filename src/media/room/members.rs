//! The members of a room. A key leads to its member without a search, as every packet needs one for each subscriber.

use crate::media::room::{Key, Member};

/// The low bits of a key are a place, those above count the members that there ever were.
const PLACE_BITS: u32 = 20;

/// The members of a room.
#[derive(Default)]
pub(in crate::media) struct Members {
    places: Vec<Option<(Key, Box<Member>)>>,
    free: Vec<usize>,
    count: Key,
}

fn place(key: Key) -> usize {
    (key & ((1 << PLACE_BITS) - 1)) as usize
}

impl Members {
    /// Takes one in; gives its key, which no other ever had or will have.
    pub fn insert(&mut self, member: Member) -> Key {
        let place = self.free.pop().unwrap_or(self.places.len());
        self.count += 1;
        let key = self.count << PLACE_BITS | place as Key;
        let entry = Some((key, Box::new(member)));
        match self.places.get_mut(place) {
            Some(empty) => *empty = entry,
            None => self.places.push(entry),
        }
        key
    }

    /// The member of this key.
    pub fn get(&self, key: &Key) -> Option<&Member> {
        let (of, member) = self.places.get(place(*key))?.as_ref()?;
        (of == key).then_some(member)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Member> {
        let (of, member) = self.places.get_mut(place(*key))?.as_mut()?;
        (of == key).then_some(member)
    }

    /// Lets one go.
    pub fn remove(&mut self, key: &Key) -> Option<Member> {
        self.get(key)?;
        let (_, member) = self.places.get_mut(place(*key))?.take()?;
        self.free.push(place(*key));
        Some(*member)
    }

    /// Lets all go.
    pub fn clear(&mut self) {
        self.places.clear();
        self.free.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.places.iter().flatten().map(|(key, _)| *key)
    }

    /// All of them.
    pub fn values(&self) -> impl Iterator<Item = &Member> {
        self.places.iter().flatten().map(|(_, member)| &**member)
    }

    /// All of them, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.iter_mut().map(|(_, member)| member)
    }

    /// All of them with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Member)> {
        let members = self.places.iter().flatten();
        members.map(|(key, member)| (*key, &**member))
    }

    /// All of them with their keys, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Member)> {
        let members = self.places.iter_mut().flatten();
        members.map(|(key, member)| (*key, &mut **member))
    }
}
