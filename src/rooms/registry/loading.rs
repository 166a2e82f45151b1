//! Rooms that are being loaded, and whether what is stored of them changes meanwhile.

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::protocol::ids::RoomIdentity;

/// A room that is being loaded, by one or by several at once.
#[derive(Debug, Default)]
pub(super) struct Loading {
    loaders: usize,
    /// How often what is stored of it was changed meanwhile.
    pub changes: u64,
}

/// Takes note of changes as long as it lives.
pub(super) struct Watch<'a> {
    loading: &'a DashMap<RoomIdentity, Loading>,
    identity: &'a RoomIdentity,
}

impl<'a> Watch<'a> {
    pub fn new(loading: &'a DashMap<RoomIdentity, Loading>, identity: &'a RoomIdentity) -> Self {
        loading.entry(identity.clone()).or_default().loaders += 1;
        Self { loading, identity }
    }

    pub fn changes(&self) -> u64 {
        let entry = self.loading.get(self.identity);
        entry.map_or(0, |entry| entry.changes)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.loading.entry(self.identity.clone()) {
            entry.get_mut().loaders -= 1;
            if entry.get().loaders == 0 {
                entry.remove();
            }
        }
    }
}
