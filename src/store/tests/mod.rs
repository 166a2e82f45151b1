//! The store against real SQLite files.

use tempfile::TempDir;

use super::*;
use crate::protocol::object::{Permissions, Topology};
use crate::protocol::text::{DisplayName, RoomName, Username};

mod chat;
mod history;
mod rooms;
mod schema;
mod users;

/// A database file, gone with the test.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn url(&self) -> String {
        format!(
            "sqlite://{}",
            self.0.path().join("data/meeting.db").display()
        )
    }

    async fn open(&self) -> Store {
        Store::open(&self.url(), 4).await.unwrap()
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_800_000_000_000 + millis).unwrap()
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        username: Username::parse(name).unwrap(),
        display_name: DisplayName::parse(name).unwrap(),
        password: PasswordHash::new("$argon2id$…".to_owned()),
    }
}

async fn user(store: &Store, name: &str) -> StoredUser {
    store.create_user(new_user(name), at(0)).await.unwrap()
}

fn settings(name: &str) -> RoomSettings {
    RoomSettings {
        name: RoomName::parse(name).unwrap(),
        begin_at: None,
        end_at: None,
        password: None,
        locked: false,
        lobby: false,
        topology: Topology::Sfu,
        max_participants: 100,
        permissions: Permissions::default(),
    }
}

async fn room(store: &Store, owner: &StoredUser, name: &str) -> StoredRoom {
    store
        .create_room(owner.key, settings(name), at(0))
        .await
        .unwrap()
}
