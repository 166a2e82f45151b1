//! What outlives the process: accounts, rooms, attendance, chat and logged-out tokens, in a SQL database.
//!
//! The only importer of the entities. Callers see plain structs of wire types; rows, SQL and the database's error
//! texts stay in here, and an error becomes a wire code by [`StoreError::code`]. Rooms, sockets, passwords in the
//! clear and tokens are unknown here. By subject: [`users`], [`rooms`], [`room_lists`], [`memberships`], [`chat`], [`tokens`].
//!
//! Every query is built by SeaORM with bound parameters and says nothing that only one database understands. A
//! deleted row is marked, not removed; every query leaves marked rows out, and a deleted user's name or room's number
//! can be taken again. Times are UTC to the millisecond.

pub mod chat;
mod connect;
mod error;
pub mod memberships;
pub mod room_lists;
mod room_rows;
pub mod rooms;
mod row;
mod secret;
pub mod tokens;
pub mod users;

#[cfg(test)]
mod tests;

use migration::{Migrator, MigratorTrait as _};
use sea_orm::DatabaseConnection;

use crate::protocol::time::Timestamp;

pub use chat::{ChatAuthor, Recipient, StoredMessage, StoredPage};
pub use error::{Conflict, Missing, StoreError};
pub use memberships::{Attendance, HistoryWriter, Stay, StoredStay};
pub use room_lists::{MAX_PAGE_SIZE, RoomFilter, RoomScope, StoredRooms};
pub use rooms::{RoomEdit, RoomKey, RoomSettings, StoredRoom, is_room_number};
pub use secret::PasswordHash;
pub use users::{NewUser, StoredUser, UserKey};

/// The database, behind a pool of connections. Clones share the pool.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
}

impl Store {
    /// Connects to `url`, such as `sqlite://data/meeting.db`, with at most `max_connections` connections, brings its
    /// schema up to date and closes the stays that a crash left open.
    ///
    /// A SQLite file and its directory are made when they are missing.
    ///
    /// # Errors
    /// [`StoreError::UnknownDatabase`] for a URL of another kind, [`StoreError::Unavailable`] when it cannot be
    /// reached, [`StoreError::Internal`] when a migration fails. The cause is in the error's source.
    pub async fn open(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let db = connect::connect(url, max_connections).await?;
        Migrator::up(&db, None).await?;
        let store = Self { db };
        let closed = store.close_open_stays(Timestamp::now()).await?;
        if closed > 0 {
            tracing::warn!(stays = closed, "closed stays that the last run left open");
        }
        Ok(store)
    }

    /// Whether the database answers: cheap enough for every health check.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db.ping().await.map_err(StoreError::Unavailable)
    }

    /// Closes the pool once running queries are done; later calls answer [`StoreError::Unavailable`].
    pub async fn close(&self) {
        if let Err(error) = self.db.close_by_ref().await {
            tracing::warn!(%error, "the database connections did not close in order");
        }
    }
}
