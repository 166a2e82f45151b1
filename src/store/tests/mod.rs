//! The store against real databases of every kind.

use sea_orm::{ConnectOptions, Database};
use tempfile::TempDir;

use super::*;
use crate::protocol::object::{HistoryAccess, Permissions, Topology};
use crate::protocol::text::{DisplayName, RoomName, Username};

/// Runs each of the stories on each kind of database.
macro_rules! on_each_database {
    ($($story:ident),+ $(,)?) => {
        mod sqlite { $(#[tokio::test] async fn $story() { super::$story(super::Home::sqlite()).await; })+ }
        mod mysql { $(#[tokio::test] async fn $story() { super::$story(super::Home::mysql().await).await; })+ }
        mod postgres { $(#[tokio::test] async fn $story() { super::$story(super::Home::postgres().await).await; })+ }
    };
}

mod adopt;
mod bounds;
mod chat;
mod governance;
mod history;
mod imweb;
mod older_tables;
mod rooms;
mod schema;
mod users;
mod watch;
mod writing;

/// A database of its own for one test. A file is gone with the test, a server's database with the server.
struct Home {
    url: String,
    directory: Option<TempDir>,
}

impl Home {
    fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data/meeting.db");
        Self {
            url: format!("sqlite://{}", file.display()),
            directory: Some(directory),
        }
    }

    async fn mysql() -> Self {
        Self::on_server("MEETING_TEST_MYSQL", "").await
    }

    async fn postgres() -> Self {
        Self::on_server("MEETING_TEST_POSTGRES", "postgres").await
    }

    /// A new database on the server that `variable` names; `first` is one that is there always.
    async fn on_server(variable: &str, first: &str) -> Self {
        let server = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} names no server: run the tests by `tests/databases.sh cargo test`")
        });
        let name = format!("test_{:016x}", rand::random::<u64>());
        let admin = Database::connect(format!("{server}{first}")).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        admin.execute_unprepared(&create).await.unwrap();
        admin.close().await.unwrap();
        Self {
            url: format!("{server}{name}"),
            directory: None,
        }
    }

    /// Runs statements that each end with a line, on one connection: what one of them sets holds for the next.
    async fn run(&self, statements: &str) {
        let mut alone = ConnectOptions::new(&self.url);
        alone.max_connections(1);
        let db = Database::connect(alone).await.unwrap();
        for statement in statements
            .split(";\n")
            .filter(|text| !text.trim().is_empty())
        {
            db.execute_unprepared(statement.trim_end_matches(';'))
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        db.close().await.unwrap();
    }

    fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    async fn open(&self) -> Store {
        Store::open(&self.url, NodeId::UNNAMED, 4).await.unwrap()
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
    RoomSettings::new(RoomName::parse(name).unwrap())
}

async fn room(store: &Store, owner: &StoredUser, name: &str) -> StoredRoom {
    store
        .create_room(owner.key, settings(name), at(0))
        .await
        .unwrap()
}
