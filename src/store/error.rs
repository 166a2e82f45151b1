//! What can go wrong in the store, and what clients are told of it.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use crate::meeting::schedule::BadRule;
use crate::protocol::error::{ErrorCode, WireError};

/// After how long a client may try again when the database was busy.
const RETRY_AFTER_MS: u64 = 1_000;

/// What a change ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The user name is taken.
    #[error("the user name is taken")]
    Username,
    /// The room was edited since.
    #[error("the room was changed meanwhile")]
    Version,
    /// No free room number was found in several tries.
    #[error("no free room number was found")]
    Number,
    /// Something is there already under the same id.
    #[error("the id is taken")]
    Identity,
}

/// What a change was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// An account.
    #[error("user")]
    User,
    /// A room.
    #[error("room")]
    Room,
}

/// Why the store could not do it. Only sources carry the database's own words; they are for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, locked or full: later it may work.
    #[error("the database cannot be reached or is too busy")]
    Unavailable(#[source] DbErr),
    /// Somebody else was first.
    #[error("{0}")]
    Conflict(Conflict),
    /// What should be changed does not exist, or no more.
    #[error("there is no such {0}")]
    NotFound(Missing),
    /// A room would end before it begins.
    #[error("end_at must be after begin_at")]
    EndsBeforeBegin,
    /// A room would come again by a rule that is none, or is none of its.
    #[error("recurrence {0}")]
    Recurrence(#[from] BadRule),
    /// A row holds what this server never writes.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// Tables of another program stand in the way of this server's; nothing was changed.
    #[error("{0}")]
    Clash(String),
    /// The URL names a database that this server was not built for.
    #[error("the database URL must begin with sqlite:, mysql:// or postgres://")]
    UnknownDatabase,
    /// A file or its directory is absent, in the way, or cannot be made.
    #[error("the file cannot be used")]
    File(#[source] std::io::Error),
    /// A SQLite file that is damaged, or something else altogether.
    #[error("the file is damaged or no database")]
    Damaged(#[source] DbErr),
    /// Only the database's own tool can copy it while it is in use.
    #[error("copy this kind of database with its own tool, {0}")]
    BackupTool(&'static str),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Internal(#[source] DbErr),
}

impl StoreError {
    /// What clients are told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) | Self::Conflict(Conflict::Number) => ErrorCode::ServerBusy,
            Self::Conflict(Conflict::Username) => ErrorCode::UsernameTaken,
            Self::Conflict(Conflict::Version) => ErrorCode::RoomConflict,
            Self::NotFound(Missing::Room) => ErrorCode::RoomNotFound,
            // Only a session whose account was deleted meanwhile gets here.
            Self::NotFound(Missing::User) => ErrorCode::AuthRequired,
            Self::EndsBeforeBegin | Self::Recurrence(_) => ErrorCode::BadField,
            Self::Conflict(Conflict::Identity)
            | Self::Corrupt(_)
            | Self::Clash(_)
            | Self::UnknownDatabase
            | Self::File(_)
            | Self::Damaged(_)
            | Self::BackupTool(_)
            | Self::Internal(_) => ErrorCode::ServerInternal,
        }
    }

    /// The same as an error object, with a time to try again where that makes sense.
    pub fn wire(&self) -> WireError {
        match (self, self.code()) {
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

    /// Whether the same call may work later without any change.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if is_damage(&error) {
            Self::Damaged(error)
        } else if is_passing(&error) {
            Self::Unavailable(error)
        } else {
            Self::Internal(error)
        }
    }
}

/// Gives a violated unique index its meaning; everything else stays as it is.
pub(super) fn taken(conflict: Conflict) -> impl Fn(DbErr) -> StoreError {
    move |error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict(conflict),
        _ => error.into(),
    }
}

/// MySQL has no SQLSTATE of its own for it.
const LOCK_WAIT_TIMEOUT: u16 = 1205;

fn is_passing(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match &**error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(error) => {
                    let mysql = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
                    mysql.is_some_and(|error| error.number() == LOCK_WAIT_TIMEOUT)
                        || error.code().is_some_and(|code| is_passing_code(&code))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether SQLite cannot make sense of its file.
fn is_damage(error: &DbErr) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let Some(error) = error.as_database_error() else {
        return false;
    };
    let is_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>();
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    is_sqlite.is_some() && code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}

/// SQLite's result codes are short numbers (sqlite.org/rescode.html), everyone else's are five characters (SQLSTATE).
fn is_passing_code(code: &str) -> bool {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const IO: u32 = 10;
    const FULL: u32 = 13;
    const CANNOT_OPEN: u32 = 14;
    if code.len() == 5 {
        // Connection, rollback (deadlock), resources, operator intervention.
        return ["08", "40", "53", "57"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    // An extended code carries the primary one in its low byte.
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, BUSY | LOCKED | IO | FULL | CANNOT_OPEN))
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
        for (code, passing) in [
            ("5", true),      // SQLITE_BUSY
            ("517", true),    // SQLITE_BUSY_SNAPSHOT
            ("13", true),     // SQLITE_FULL
            ("2067", false),  // SQLITE_CONSTRAINT_UNIQUE
            ("1", false),     // SQLITE_ERROR
            ("40001", true),  // serialization failure
            ("08006", true),  // connection failure
            ("23505", false), // unique violation
            ("42P01", false), // undefined table
        ] {
            assert_eq!(is_passing_code(code), passing, "{code}");
        }
    }
}
