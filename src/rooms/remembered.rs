//! The memories of empty meetings whose rooms do not run. They are bounded, and forgotten in time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handle::CallError;
use super::saving::{Safe, Saved};
use crate::meeting::state::pause::Memory;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::time::Timestamp;

/// The most people that data is kept of, in all rooms together. Beyond that the meeting that ends first is forgotten at
/// once.
const MAX_WEIGHT: usize = 100_000;
/// The same for all rooms of one owner, so that nobody fills the memory alone.
const MAX_WEIGHT_OF_OWNER: usize = 5_000;

/// The memories of rooms that do not run.
#[derive(Default)]
pub(super) struct Remembered(Mutex<HashMap<RoomIdentity, Resting>>);

/// The memory of a meeting, and where it is saved.
#[derive(Clone)]
struct Resting {
    memory: Memory,
    safe: Option<Arc<dyn Safe>>,
}

impl Remembered {
    /// Keeps a memory until it is taken, or its meeting is over.
    pub fn keep(
        &self,
        identity: RoomIdentity,
        memory: Memory,
        safe: Option<Arc<dyn Safe>>,
        now: Timestamp,
    ) {
        let mut rooms = self.lock();
        rooms.retain(|_, resting| resting.memory.until() > now);
        let owner = memory.owner().clone();
        rooms.insert(identity, Resting { memory, safe });
        shrink(&mut rooms, MAX_WEIGHT_OF_OWNER, |memory| {
            *memory.owner() == owner
        });
        shrink(&mut rooms, MAX_WEIGHT, |_| true);
    }

    /// Takes the memory of a room, for its next run.
    pub fn take(&self, identity: &RoomIdentity) -> Option<Memory> {
        self.lock().remove(identity).map(|resting| resting.memory)
    }

    /// A copy of it, for a look at a room that does not run.
    pub fn look(&self, identity: &RoomIdentity) -> Option<Memory> {
        self.lock()
            .get(identity)
            .map(|resting| resting.memory.clone())
    }

    /// Whether a user is not banned or refused, as far as is known here.
    pub fn admits(&self, identity: &RoomIdentity, user: &UserId) -> bool {
        let rooms = self.lock();
        rooms
            .get(identity)
            .is_none_or(|resting| !resting.memory.keeps_out(user))
    }

    /// Lifts a ban or a refusal. Returns when that is saved.
    ///
    /// # Errors
    /// `server.busy`: then nothing has changed.
    pub async fn unban(&self, identity: &RoomIdentity, user: &UserId) -> Result<(), WireError> {
        let Some(mut resting) = self.lock().get(identity).cloned() else {
            return Ok(());
        };
        resting.memory.unban(user);
        if let Some(safe) = &resting.safe {
            let saved = Saved::of_memory(&resting.memory, Timestamp::now());
            let saved = saved.map_err(|_| ErrorCode::ServerInternal)?;
            if let Err(code) = safe.keep_surely(saved).await {
                // It may still be committed.
                if let Some(resting) = self.lock().get(identity) {
                    save(&resting.memory, Some(&**safe), Timestamp::now());
                }
                return Err(CallError::Refused(code).into());
            }
        }
        if let Some(known) = self.lock().get_mut(identity) {
            known.memory.unban(user);
        }
        Ok(())
    }

    /// Forgets a meeting that was over at `ended`.
    pub fn end(&self, identity: &RoomIdentity, ended: Timestamp) {
        let mut rooms = self.lock();
        let is_over = |resting: &Resting| resting.memory.is_ended_by(ended);
        if rooms.get(identity).is_some_and(is_over)
            && let Some(Resting {
                safe: Some(safe), ..
            }) = rooms.remove(identity)
        {
            safe.keep(None);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomIdentity, Resting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saves a memory in the background.
pub(super) fn save(memory: &Memory, safe: Option<&dyn Safe>, now: Timestamp) {
    let Some(safe) = safe else { return };
    match Saved::of_memory(memory, now) {
        Ok(saved) => safe.keep(Some(saved)),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "a meeting could not be written down: this is a fault in the server"
        ),
    }
}

/// Forgets the memories that end first, among those that `counts` accepts, until their weight is at most `most`.
fn shrink(
    rooms: &mut HashMap<RoomIdentity, Resting>,
    most: usize,
    counts: impl Fn(&Memory) -> bool,
) {
    let counted = || {
        let memories = rooms.iter().map(|(room, resting)| (room, &resting.memory));
        memories.filter(|(_, memory)| counts(memory))
    };
    let mut weight: usize = counted().map(|(_, memory)| memory.weight()).sum();
    if weight <= most {
        return;
    }
    let mut oldest: Vec<(Timestamp, usize, RoomIdentity)> = counted()
        .map(|(identity, memory)| (memory.until(), memory.weight(), identity.clone()))
        .collect();
    oldest.sort_by_key(|(until, ..)| *until);
    for (_, less, identity) in oldest {
        if weight <= most {
            return;
        }
        rooms.remove(&identity);
        weight -= less;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::state::chat::Chat;
    use crate::meeting::stories::{facts, membership, newcomer, user};
    use crate::meeting::{Command, Room};
    use crate::protocol::object::{self, BanLength};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000 + minutes * 60_000).unwrap()
    }

    fn room(number: usize) -> RoomIdentity {
        RoomIdentity::try_from(format!("room-{number}")).unwrap()
    }

    /// A meeting of `owner` that was left at `minutes`, in which so many were banned.
    fn memory(owner: &str, banned: usize, minutes: i64) -> Memory {
        let facts = object::Room {
            owner: user(owner),
            ..facts()
        };
        let mut room = Room::new(facts, None, Chat::default(), Vec::new());
        let mut act = |command| room.handle(command, at(minutes)).reply.unwrap();
        act(Command::Join(newcomer(owner, "host")));
        for number in 0..banned {
            let name = format!("bad{number}");
            act(Command::Join(newcomer(&name, &name)));
            act(Command::Remove {
                by: membership("host"),
                whom: membership(&name),
                ban: Some(BanLength::Meeting),
            });
        }
        act(Command::Leave {
            participant: membership("host"),
        });
        room.memory().unwrap()
    }

    fn held(remembered: &Remembered) -> usize {
        remembered.lock().len()
    }

    #[tokio::test]
    async fn a_memory_is_taken_once_and_looked_at_often() {
        let remembered = Remembered::default();
        remembered.keep(room(1), memory("ada", 2, 0), None, at(0));
        for _ in 0..2 {
            assert_eq!(
                remembered.look(&room(1)).map(|memory| memory.weight()),
                Some(2)
            );
        }
        let bad = user("bad0").id;
        assert!(!remembered.admits(&room(1), &bad));
        remembered.unban(&room(1), &bad).await.unwrap();
        assert!(remembered.admits(&room(1), &bad));
        assert_eq!(
            remembered.take(&room(1)).map(|memory| memory.weight()),
            Some(1)
        );
        assert!(remembered.take(&room(1)).is_none() && held(&remembered) == 0);
    }

    #[test]
    fn what_is_over_is_not_held_any_longer() {
        let remembered = Remembered::default();
        remembered.keep(room(1), memory("ada", 1, 0), None, at(0));
        remembered.keep(room(2), memory("bo", 1, 20), None, at(20));
        assert_eq!(held(&remembered), 2);
        remembered.keep(room(3), memory("cy", 1, 30), None, at(30));
        assert!(remembered.look(&room(1)).is_none());
        assert_eq!(held(&remembered), 2);
    }

    #[test]
    fn a_meeting_that_was_ended_is_forgotten_and_a_later_one_is_not() {
        let remembered = Remembered::default();
        remembered.keep(room(1), memory("ada", 1, 10), None, at(10));
        remembered.end(&room(1), at(9));
        assert_eq!(held(&remembered), 1);
        remembered.end(&room(1), at(11));
        assert_eq!(held(&remembered), 0);
    }

    #[test]
    fn an_owner_who_fills_the_memory_loses_what_is_theirs_alone() {
        let remembered = Remembered::default();
        remembered.keep(room(0), memory("bo", 1, 0), None, at(0));
        let large = memory("ada", 50, 1);
        for number in 1..=MAX_WEIGHT_OF_OWNER / 50 + 5 {
            remembered.keep(room(number), large.clone(), None, at(1));
        }
        assert_eq!(held(&remembered), 1 + MAX_WEIGHT_OF_OWNER / 50);
        assert!(remembered.look(&room(0)).is_some(), "Bo's is as it was");
    }

    #[test]
    fn beyond_the_bound_the_one_that_is_over_first_goes() {
        let mut rooms = HashMap::new();
        for (number, minutes) in [5, 3, 4].into_iter().enumerate() {
            let memory = memory("ada", 10, minutes);
            rooms.insert(room(number), Resting { memory, safe: None });
        }
        shrink(&mut rooms, 30, |_| true);
        assert_eq!(rooms.len(), 3);
        shrink(&mut rooms, 29, |_| true);
        assert!(rooms.len() == 2 && !rooms.contains_key(&room(1)));
    }
}
