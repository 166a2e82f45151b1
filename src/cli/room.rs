//! `meeting room`: rooms, listed.

use serde::Serialize;

use super::output::{self, Format, Row};
use super::{Failure, user};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::text::{RoomName, Username};
use crate::protocol::time::Timestamp;
use crate::store::{MAX_PAGE_SIZE, RoomFilter, RoomScope, Store, StoredRoom, StoredUser};

/// A room as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedRoom {
    number: String,
    identity: RoomIdentity,
    owner: Username,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    name: RoomName,
}

impl From<StoredRoom> for ListedRoom {
    fn from(room: StoredRoom) -> Self {
        Self {
            number: room.number,
            identity: room.identity,
            owner: room.owner.username,
            created_at: room.created_at,
            ended_at: room.ended_at,
            name: room.settings.name,
        }
    }
}

impl Row for ListedRoom {
    const HEADINGS: &'static [&'static str] =
        &["NUMBER", "IDENTITY", "CREATED", "ENDED", "OWNER", "NAME"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.clone(),
            self.identity.to_string(),
            self.created_at.to_string(),
            self.ended_at.map_or("-".to_owned(), |at| at.to_string()),
            self.owner.to_string(),
            self.name.to_string(),
        ]
    }
}

/// Prints every room, owner by owner.
pub async fn list(store: &Store, format: Format) -> Result<(), Failure> {
    let mut rooms = Vec::new();
    for owner in user::all(store).await? {
        rooms.extend(
            rooms_of(store, &owner)
                .await?
                .into_iter()
                .map(ListedRoom::from),
        );
    }
    output::print(&output::render(&rooms, format)?)
}

async fn rooms_of(store: &Store, owner: &StoredUser) -> Result<Vec<StoredRoom>, Failure> {
    let mut rooms = Vec::new();
    for page in 1.. {
        let filter = RoomFilter {
            scope: RoomScope::OwnedBy(owner.key),
            keyword: None,
            page,
            size: MAX_PAGE_SIZE,
        };
        let found = store
            .list_rooms(&filter)
            .await
            .map_err(|error| Failure::because("cannot read the rooms", &error))?;
        if found.rooms.is_empty() {
            break;
        }
        rooms.extend(found.rooms);
    }
    Ok(rooms)
}
