//! The errors of the store, and their codes for clients.

use std::borrow::Cow;
use std::path::PathBuf;

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use crate::meeting::schedule::BadRule;
use crate::protocol::error::{ErrorCode, WireError};

/// When a client may try again after the database was busy.
const RETRY_AFTER_MS: u64 = 1_000;
/// The same if somebody must free space or make the disk writable.
const STORAGE_RETRY_AFTER_MS: u64 = 10_000;

/// What a change conflicts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The user name is taken.
    #[error("the user name is taken")]
    Username,
    /// The room was edited since.
    #[error("the room was changed meanwhile")]
    Version,
    /// No free room number was found in several attempts.
    #[error("no free room number was found")]
    Number,
    /// The author has sent another message under the same client id.
    #[error("the client id names another message")]
    ClientId,
    /// Something is there already under the same id.
    #[error("the id is taken")]
    Identity,
}

/// The missing object of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// An account.
    #[error("user")]
    User,
    /// A room.
    #[error("room")]
    Room,
    /// A valid invite link.
    #[error("invite")]
    Invite,
}

/// What the limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Rooms of one account at a time.
    #[error("You have as many rooms as one account may have; delete some first.")]
    Rooms,
    /// Rooms that one account makes in a day, including deleted ones.
    #[error("You have made as many rooms as one account may make in a day.")]
    RoomsMade,
    /// Invite links of one room.
    #[error("This room has as many invite links as it may have; revoke some first.")]
    Invites,
}

/// Why the store failed. Only the sources contain the words of the database, and they are for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away or locked. A later call may succeed.
    #[error("the database cannot be reached or is too busy")]
    Unavailable(#[source] DbErr),
    /// The database has no space to write to.
    #[error("there is no space left for the database")]
    Full(#[source] DbErr),
    /// The database is read-only: its file, its file system or its server.
    #[error("the database is read-only")]
    ReadOnly(#[source] DbErr),
    /// The folder of the database file is read-only.
    #[error("the folder {} is read-only for this process", path.display())]
    ReadOnlyFolder {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Something that is bounded has reached its bound.
    #[error("{0}")]
    Limit(Limit),
    /// Another change was first.
    #[error("{0}")]
    Conflict(Conflict),
    /// The record to change does not exist (any more).
    #[error("there is no such {0}")]
    NotFound(Missing),
    /// A room would end before it begins.
    #[error("end_at must be after begin_at")]
    EndsBeforeBegin,
    /// The recurrence rule is invalid or does not fit the room.
    #[error("recurrence {0}")]
    Recurrence(#[from] BadRule),
    /// A row contains something that this server never writes.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// Tables of another program have the names of ours. Nothing was changed.
    #[error("{0}")]
    Clash(String),
    /// The URL names a database that this server was not built for.
    #[error("the database URL must begin with sqlite:, mysql:// or postgres://")]
    UnknownDatabase,
    /// A file or its directory is missing, in the way, or cannot be made.
    #[error("the file cannot be used")]
    File(#[source] std::io::Error),
    /// A SQLite file that is damaged, or another kind of file.
    #[error("the file is damaged or no database")]
    Damaged(#[source] DbErr),
    /// Only the tool of the database can copy it while it is in use.
    #[error("copy this kind of database with its own tool, {0}")]
    BackupTool(&'static str),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Internal(#[source] DbErr),
}

impl StoreError {
    /// The code for clients.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_)
            | Self::Full(_)
            | Self::ReadOnly(_)
            | Self::Conflict(Conflict::Number) => ErrorCode::ServerBusy,
            Self::Conflict(Conflict::ClientId) => ErrorCode::BadField,
            Self::Limit(Limit::Rooms | Limit::Invites) => ErrorCode::PermDenied,
            Self::Limit(Limit::RoomsMade) => ErrorCode::RateLimited,
            Self::Conflict(Conflict::Username) => ErrorCode::UsernameTaken,
            Self::Conflict(Conflict::Version) => ErrorCode::RoomConflict,
            Self::NotFound(Missing::Room) => ErrorCode::RoomNotFound,
            Self::NotFound(Missing::Invite) => ErrorCode::RoomDenied,
            // Only a session whose account was deleted meanwhile gets this.
            Self::NotFound(Missing::User) => ErrorCode::AuthRequired,
            Self::EndsBeforeBegin | Self::Recurrence(_) => ErrorCode::BadField,
            Self::Conflict(Conflict::Identity)
            | Self::Corrupt(_)
            | Self::Clash(_)
            | Self::UnknownDatabase
            | Self::File(_)
            | Self::ReadOnlyFolder { .. }
            | Self::Damaged(_)
            | Self::BackupTool(_)
            | Self::Internal(_) => ErrorCode::ServerInternal,
        }
    }

    /// The error object, with a time to try again if that makes sense.
    pub fn wire(&self) -> WireError {
        match (self, self.code()) {
            (Self::Full(_) | Self::ReadOnly(_), code) => {
                let why = "The server cannot store anything at the moment; try again later.";
                WireError::with_message(code, why).retry_after(STORAGE_RETRY_AFTER_MS)
            }
            (Self::Limit(limit @ Limit::RoomsMade), code) => {
                let hour = 3_600_000;
                WireError::with_message(code, limit.to_string()).retry_after(hour)
            }
            (Self::Limit(limit), code) => WireError::with_message(code, limit.to_string()),
            (Self::Conflict(Conflict::ClientId), _) => WireError::bad_field(
                "data.client_id",
                "names another message of yours in this room already",
            ),
            (_, ErrorCode::ServerBusy) => {
                WireError::from(ErrorCode::ServerBusy).retry_after(RETRY_AFTER_MS)
            }
            (Self::EndsBeforeBegin, _) => {
                WireError::bad_field("data.end_at", "must be after begin_at")
            }
            (Self::Recurrence(bad), _) => WireError::bad_field("data.recurrence", bad),
            (_, code) => code.into(),
        }
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Full(_) | Self::ReadOnly(_)
        )
    }

    /// The error of an absent database in a simulation.
    #[cfg(test)]
    pub(crate) fn away() -> Self {
        Self::Unavailable(DbErr::Custom("away".to_owned()))
    }

    /// A copy of the error for code that only looks at it.
    pub(super) fn seen(error: &DbErr) -> Self {
        error.clone().into()
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if is_damage(&error) {
            Self::Damaged(error)
        } else if is_full(&error) {
            Self::Full(error)
        } else if is_read_only(&error) {
            Self::ReadOnly(error)
        } else if is_passing(&error) {
            Self::Unavailable(error)
        } else {
            Self::Internal(error)
        }
    }
}

/// Turns the violation of a unique index into `conflict`. Other errors stay as they are.
pub(super) fn taken(conflict: Conflict) -> impl Fn(DbErr) -> StoreError {
    move |error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict(conflict),
        _ => error.into(),
    }
}

/// The error code of a database server or of SQLite.
enum Code<'a> {
    /// SQLite's result code (sqlite.org/rescode.html): an extended one, with the primary one in its low byte.
    Sqlite(u32),
    /// MySQL's error number (dev.mysql.com, "Server Error Message Reference"), and an SQLSTATE that may say less.
    MySql(u16, Cow<'a, str>),
    /// An SQLSTATE.
    State(Cow<'a, str>),
}

fn code(error: &DbErr) -> Option<Code<'_>> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let error = error.as_database_error()?;
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        let state = error.code().unwrap_or_default();
        return Some(Code::MySql(error.number(), state.into()));
    }
    let code = error.code()?;
    match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        Some(_) => code.parse().ok().map(Code::Sqlite),
        None => Some(Code::State(code)),
    }
}

fn is_passing(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(sqlx)) | DbErr::Query(RuntimeErr::SqlxError(sqlx)) => {
            match &**sqlx {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::BeginFailed
                | sqlx::Error::InvalidSavePointStatement
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(_) => code(error).is_some_and(|code| code.is_passing()),
                _ => false,
            }
        }
        _ => false,
    }
}

fn is_full(error: &DbErr) -> bool {
    code(error).is_some_and(|code| code.is_full())
}

fn is_read_only(error: &DbErr) -> bool {
    code(error).is_some_and(|code| code.is_read_only())
}

/// The bits of the primary result code in an extended one of SQLite.
const PRIMARY: u32 = 0xff;

/// Whether SQLite cannot make sense of its file.
fn is_damage(error: &DbErr) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let Some(Code::Sqlite(code)) = code(error) else {
        return false;
    };
    matches!(code & PRIMARY, CORRUPT | NOT_A_DATABASE)
}

impl Code<'_> {
    /// Whether the same may work later.
    fn is_passing(&self) -> bool {
        match self {
            // Busy, locked, I/O, cannot open.
            Self::Sqlite(code) => matches!(code & PRIMARY, 5 | 6 | 10 | 14),
            // An error in writing a file, one of the storage engine, and a lock that took too long. They have no
            // SQLSTATE of their own.
            Self::MySql(1026 | 1030 | 1205, _) => true,
            // Connection, rollback (deadlock), resources, operator intervention.
            Self::MySql(_, state) | Self::State(state) => ["08", "40", "53", "57"]
                .iter()
                .any(|class| state.starts_with(class)),
        }
    }

    /// Whether there is no space left.
    fn is_full(&self) -> bool {
        match self {
            // The second is of the index of the log, which cannot grow (SQLITE_IOERR_SHMSIZE).
            Self::Sqlite(code) => code & PRIMARY == 13 || *code == 4_874,
            // Disk full, table full.
            Self::MySql(number, _) => matches!(number, 1021 | 1114),
            Self::State(state) => state == "53100",
        }
    }

    /// Whether nothing may be written.
    fn is_read_only(&self) -> bool {
        match self {
            Self::Sqlite(code) => code & PRIMARY == 8,
            // A read-only server, transaction, storage engine or table.
            Self::MySql(number, _) => matches!(number, 1036 | 1290 | 1792 | 1836 | 1874),
            Self::State(state) => state == "25006",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_read_the_databases_words() {
        let secret = || DbErr::Custom("near SELECT: user_basic".to_owned());
        for error in [
            StoreError::Internal(secret()),
            StoreError::Unavailable(secret()),
        ] {
            let wire = error.wire();
            assert!(!wire.message.contains("user_basic"), "{wire:?}");
            assert!(!error.to_string().contains("user_basic"), "{error}");
        }
    }

    #[test]
    fn a_busy_database_names_a_time_to_try_again() {
        let error = StoreError::from(DbErr::Conn(RuntimeErr::Internal("away".to_owned())));
        assert_eq!(
            (error.wire().code, error.wire().retry_after_ms),
            (ErrorCode::ServerBusy, Some(RETRY_AFTER_MS))
        );
    }

    #[test]
    fn passing_troubles_are_told_from_lasting_ones() {
        let state = |state: &'static str| Code::State(state.into());
        let mysql = |number, state: &'static str| Code::MySql(number, state.into());
        for (code, passing) in [
            (Code::Sqlite(5), true),       // SQLITE_BUSY
            (Code::Sqlite(10), true),      // SQLITE_IOERR
            (Code::Sqlite(778), true),     // SQLITE_IOERR_WRITE
            (Code::Sqlite(2_067), false),  // SQLITE_CONSTRAINT_UNIQUE
            (Code::Sqlite(19), false),     // SQLITE_CONSTRAINT
            (Code::Sqlite(1), false),      // SQLITE_ERROR
            (mysql(1213, "40001"), true),  // deadlock
            (mysql(1205, "HY000"), true),  // lock wait timeout
            (mysql(1062, "23000"), false), // duplicate entry
            (state("40001"), true),        // serialization failure
            (state("08006"), true),        // connection failure
            (state("23505"), false),       // unique violation
            (state("42P01"), false),       // undefined table
        ] {
            assert_eq!(code.is_passing(), passing);
        }
        for full in [
            Code::Sqlite(13),
            Code::Sqlite(4_874), // SQLITE_IOERR_SHMSIZE
            mysql(1114, "HY000"),
            state("53100"),
        ] {
            assert!(full.is_full() && !full.is_read_only());
        }
        let directory = Code::Sqlite(1_544); // SQLITE_READONLY_DIRECTORY
        for read_only in [
            Code::Sqlite(8),
            directory,
            mysql(1290, "HY000"),
            state("25006"),
        ] {
            assert!(read_only.is_read_only() && !read_only.is_full());
        }
    }

    #[test]
    fn what_cannot_be_stored_is_told_as_such_with_a_time_to_try_again() {
        for error in [
            StoreError::Full(DbErr::Custom("full".to_owned())),
            StoreError::ReadOnly(DbErr::Custom("read-only".to_owned())),
        ] {
            let wire = error.wire();
            assert_eq!(wire.code, ErrorCode::ServerBusy);
            assert!(wire.message.contains("store"), "{}", wire.message);
            assert_eq!(wire.retry_after_ms, Some(STORAGE_RETRY_AFTER_MS));
            assert!(error.is_passing());
        }
    }
}
