//! What outlives the process: accounts, rooms, attendance, chat and logged-out tokens, in a SQL database.
//!
//! When a call has returned, its changes are committed. Everything is written by one function; [`db`] says what that
//! promises.
//!
//! Only this module imports the entities. Callers see plain structs of wire types. Rows, SQL and error texts of the
//! database stay in here, and [`StoreError::code`] turns an error into a wire code. Rooms, sockets, plain passwords and
//! tokens are unknown here. By subject: [`users`], [`rooms`], [`room_lists`], [`memberships`], [`attendance`],
//! [`invites`], [`bans`], [`chat`], [`tokens`], meetings for a restart in [`room_states`]; [`watch`] is for changes by
//! other processes.
//!
//! Every query is built by SeaORM with bound parameters, and uses nothing that only one database understands. A deleted
//! row is marked and not removed, and every query leaves marked rows out. The name of a deleted user and the number of
//! a deleted room can be used again. Times are UTC to the millisecond.
//!
//! Accounts, rooms and chat are written before the room is told, so a slow database slows only its caller. Attendance
//! is written afterwards by a bounded queue ([`HistoryWriter`]), in order, even if the database was away. A database
//! that is away costs its callers seconds: connections wait 3 s and statements 5 s, then the answer is `server.busy`.
//!
//! All databases behave alike. User names are compared by a key that this code makes. On MySQL, our columns ask for
//! `BINARY` comparison and name no collation. Row numbers are read signed or unsigned (`entity::row_id`), because
//! tables that were taken over have both.

pub mod adopt;
pub mod attendance;
pub mod bans;
pub mod chat;
mod connect;
mod db;
mod error;
pub mod imweb;
pub mod invites;
mod lock;
pub mod memberships;
mod names;
mod node;
mod probe;
mod retention;
pub mod room_lists;
mod room_rows;
pub mod room_settings;
mod room_states;
pub mod rooms;
mod row;
mod secret;
pub mod tokens;
mod trouble;
pub mod users;
pub mod watch;

#[cfg(test)]
mod tests;

use std::path::Path;

use migration::{MigrationStatus, Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::protocol::time::Timestamp;
use connect::Absent;
use db::Db;
use probe::Probe;
use retention::Turns;

pub use adopt::{Adoption, AdoptionMode, Remark};
pub use attendance::{
    KnownIn, MAX_MEMBERS, MAX_MEMBERSHIPS, MAX_MEMBERSHIPS_SHOWN, Member, MembershipKey,
    StoredMembership, StoredMemberships,
};
pub use bans::StoredBan;
pub use chat::{ChatAuthor, Kept, Recipient, StoredMessage, StoredPage};
pub use error::{Conflict, Limit, Missing, StoreError};
pub use imweb::{Import, ImportError, ImportMode, ImwebSource};
pub use invites::{InviteUse, NewInvite};
pub use lock::{DataLock, Locked};
pub use memberships::{Attendance, HistoryWriter, Membership};
pub use node::NodeId;
pub use room_lists::{MAX_PAGE_SIZE, RoomFilter, RoomScope, StoredRooms};
pub use room_settings::{DEFAULT_CAPACITY, DEFAULT_EARLY_MS, RoomEdit, RoomSettings};
pub use room_states::{RoomState, StateChange, StateWriter};
pub use rooms::{RoomKey, StoredRoom, is_room_number};
pub use secret::{PasswordHash, TokenHash};
pub use trouble::Ailment;
pub use users::{NewUser, StoredUser, UserKey};
pub use watch::{WatchedRoom, WatchedUser};

/// The database, behind a pool of connections. Clones share the pool.
#[derive(Clone)]
pub struct Store {
    db: Db,
    /// The node id of this server.
    node: NodeId,
    probe: Probe,
    /// Counts written messages and memberships, to delete old ones from time to time.
    turns: Turns,
}

impl Store {
    /// Opens the database for a server: like [`Store::open_beside`]. It also closes the memberships that a crash of
    /// this node left open.
    ///
    /// # Errors
    /// As [`Store::open_beside`].
    pub async fn open(url: &str, node: NodeId, max_connections: u32) -> Result<Self, StoreError> {
        let mut store = Self::open_beside(url, max_connections).await?;
        store.node = node;
        let closed = store.close_open_memberships(Timestamp::now()).await?;
        store.db.troubles().log();
        if closed > 0 {
            tracing::warn!(
                memberships = closed,
                "closed memberships that the last run left open"
            );
        }
        Ok(store)
    }

    /// Connects to `url` - `sqlite:`, `mysql://` or `postgres://` - with at most `max_connections` connections, brings
    /// the schema up to date and takes over the data of the older Meeting (Go). A server may be running on the same
    /// database.
    ///
    /// A missing SQLite file and its directory are made.
    ///
    /// # Errors
    /// [`StoreError::UnknownDatabase`] for a URL of another kind, [`StoreError::Unavailable`] when it cannot be
    /// reached, [`StoreError::Internal`] when a migration fails. The cause is in the error's source.
    pub async fn open_beside(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        // Only one connection changes the schema. Other SQLite connections would go on with the schema that they
        // remember.
        let alone = connect::connect(url, 1, Absent::Make).await?;
        let mut store = Self {
            db: alone,
            node: NodeId::UNNAMED,
            probe: Probe::default(),
            turns: Turns::default(),
        };
        let adopted = store.adopt(AdoptionMode::Apply).await?;
        if !connect::is_in_memory(url) {
            store.close().await;
            store.db = connect::connect(url, max_connections, Absent::Refuse).await?;
        }
        if adopted.users + adopted.rooms + adopted.memberships > 0 {
            tracing::info!(
                users = adopted.users,
                rooms = adopted.rooms,
                memberships = adopted.memberships,
                "took over rows of an older system"
            );
        }
        Ok(store)
    }

    /// No database, for a simulation that has its own. Every call panics.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self {
            db: Db::nowhere(),
            node: NodeId::UNNAMED,
            probe: Probe::default(),
            turns: Turns::default(),
        }
    }

    /// Connects without changing anything.
    ///
    /// # Errors
    /// As [`Store::open_beside`]; [`StoreError::File`] when there is no such SQLite file.
    pub async fn look(url: &str) -> Result<Self, StoreError> {
        let db = connect::connect(url, 1, Absent::Refuse).await?;
        Ok(Self {
            db,
            node: NodeId::UNNAMED,
            probe: Probe::default(),
            turns: Turns::default(),
        })
    }

    /// The steps of the schema in order, and whether each was taken. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>, StoreError> {
        let steps = Migrator::get_migration_with_status_read_only(self.db.pool()).await?;
        let step = |step: &migration::Migration| {
            (
                step.name().to_owned(),
                step.status() == MigrationStatus::Applied,
            )
        };
        Ok(steps.iter().map(step).collect())
    }

    /// Brings the schema up to date and takes over the data of the older Meeting (Go), or only says what would be done.
    ///
    /// # Errors
    /// When the database cannot answer or a migration fails; what was not done is done the next time.
    pub async fn adopt(&self, mode: AdoptionMode) -> Result<Adoption, StoreError> {
        adopt::adopt(&self.db, mode).await
    }

    /// Copies a SQLite database, in use or not, to a new file.
    ///
    /// # Errors
    /// [`StoreError::BackupTool`] for a database of another kind, [`StoreError::File`] when the file exists or cannot
    /// be made.
    pub async fn back_up(&self, file: &Path) -> Result<(), StoreError> {
        match self.db.get_database_backend() {
            DbBackend::Sqlite => {}
            DbBackend::Postgres => return Err(StoreError::BackupTool("pg_dump")),
            _ => return Err(StoreError::BackupTool("mysqldump --single-transaction")),
        }
        let name = file.to_str().ok_or(StoreError::File(std::io::Error::other(
            "the name is not UTF-8",
        )))?;
        connect::new_private_file(file).map_err(StoreError::File)?;
        let copy =
            Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [name.into()]);
        let copied = self.db.pool().execute_raw(copy).await;
        if copied.is_err() {
            // An incomplete copy is useless. If it cannot be removed, the error still tells enough.
            let _ = std::fs::remove_file(file);
        }
        copied?;
        Ok(())
    }

    /// Closes the pool once running queries are done. Later calls return [`StoreError::Unavailable`].
    pub async fn close(&self) {
        if let Err(error) = self.db.pool().close_by_ref().await {
            tracing::warn!(%error, "the database connections did not close in order");
        }
    }
}
