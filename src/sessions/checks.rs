//! The rooms in which users try their connection. Only this process knows them. Each is for one user and for two
//! minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::time::Timestamp;

/// How long one lasts, in milliseconds.
const LIFETIME_MS: i64 = 120_000;
/// How many there are at once; one more is answered `server.busy`.
const MAX_ROOMS: usize = 500;

/// A room in which a user tries their own connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRoom {
    /// What it is joined by.
    pub identity: RoomIdentity,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends, also with somebody in it.
    pub until: Timestamp,
}

/// The check rooms of this process, one per person. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CheckRooms(Arc<Mutex<HashMap<UserId, CheckRoom>>>);

impl CheckRooms {
    /// A new room for `user`, in place of an earlier one. Nobody can join the earlier one any more. Those who are in it
    /// may stay until it ends.
    ///
    /// # Errors
    /// `server.busy` when there are too many.
    pub fn begin(&self, user: &UserId, now: Timestamp) -> Result<CheckRoom, WireError> {
        let mut rooms = self.lock();
        rooms.retain(|_, room| room.until > now);
        rooms.remove(user);
        if rooms.len() >= MAX_ROOMS {
            return Err(WireError::from(ErrorCode::ServerBusy).retry_after(5_000));
        }
        let room = CheckRoom {
            identity: RoomIdentity::random(),
            since: now,
            until: now.plus_millis(LIFETIME_MS),
        };
        rooms.insert(user.clone(), room.clone());
        Ok(room)
    }

    /// The room of this identity, for the user who began it and as long as it lasts.
    pub fn find(&self, identity: &str, user: &UserId, now: Timestamp) -> Option<CheckRoom> {
        let rooms = self.lock();
        let room = rooms.get(user)?;
        (room.identity.as_str() == identity && room.until > now).then(|| room.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, CheckRoom>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_room_is_for_one_person_and_for_two_minutes() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let (rooms, ada) = (CheckRooms::default(), UserId::random());
        let room = rooms.begin(&ada, at(0)).unwrap();
        let identity = room.identity.as_str();
        assert_eq!(rooms.find(identity, &ada, at(119_999)), Some(room.clone()));
        assert_eq!(rooms.find(identity, &ada, at(120_000)), None);
        assert_eq!(rooms.find(identity, &UserId::random(), at(0)), None);
        let second = rooms.begin(&ada, at(1)).unwrap();
        assert_eq!(rooms.find(identity, &ada, at(1)), None);
        assert!(rooms.find(second.identity.as_str(), &ada, at(1)).is_some());
    }

    #[test]
    fn their_number_is_bounded_and_those_that_are_over_make_room() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let rooms = CheckRooms::default();
        for _ in 0..MAX_ROOMS {
            rooms.begin(&UserId::random(), at(0)).unwrap();
        }
        let refused = rooms.begin(&UserId::random(), at(119_999)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ServerBusy);
        assert!(rooms.begin(&UserId::random(), at(120_000)).is_ok());
    }
}
