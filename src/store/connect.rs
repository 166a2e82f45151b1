//! Opening the database.
//!
//! Only one connection changes the schema. Other SQLite connections would go on with the schema that they remember.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sea_orm::{ConnectOptions, Database};

use super::StoreError;
use super::db::Db;

/// How long a statement waits for the one writer of SQLite.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a query waits for a free connection before its caller is told that the server is busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for database servers, where a new connection may have to be made.
const SERVER_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// What to do about a SQLite file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Make it, and its directory.
    Make,
    /// Say so.
    Refuse,
}

pub(super) async fn connect(
    url: &str,
    max_connections: u32,
    absent: Absent,
) -> Result<Db, StoreError> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections.max(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false);
    match url.split_once(':') {
        Some(("sqlite", _)) => prepare_sqlite(url, &mut options, absent)?,
        // Every connection speaks UTF-8 and UTC; sqlx tells the server so.
        Some(("mysql" | "postgres" | "postgresql", _)) => {
            options
                .acquire_timeout(SERVER_ACQUIRE_TIMEOUT)
                .connect_timeout(SERVER_ACQUIRE_TIMEOUT);
        }
        _ => return Err(StoreError::UnknownDatabase),
    }
    match Database::connect(options).await {
        Ok(pool) => Ok(Db::new(pool)),
        Err(error) => Err(read_only_folder(url).unwrap_or_else(|| error.into())),
    }
}

fn prepare_sqlite(
    url: &str,
    options: &mut ConnectOptions,
    absent: Absent,
) -> Result<(), StoreError> {
    match (sqlite_file(url)?, absent) {
        (Some(file), Absent::Make) => {
            make_private(&file).map_err(|error| unusable(&file, error))?
        }
        (Some(file), Absent::Refuse) => {
            std::fs::metadata(file).map_err(StoreError::File)?;
        }
        // The database lives in its one connection.
        (None, _) => drop(
            options
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None),
        ),
    }
    if !is_in_memory(url) {
        options.map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(is_out_of_transactions(connection)))
        });
    }
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL, a killed process loses no commit. FULL writes the log to the disk at each commit, so a power
            // cut loses none either (sqlite.org/pragma.html#pragma_synchronous).
            .synchronous(SqliteSynchronous::Full)
    });
    Ok(())
}

/// Whether a connection may be used again. When a commit finds the disk full, SQLite ends the transaction by itself
/// (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"). sqlx still rolls back, is refused,
/// and counts one transaction too many from then on: the next one would become a savepoint. Such a connection is
/// closed.
async fn is_out_of_transactions(
    connection: &mut SqliteConnection,
) -> Result<bool, sea_orm::sqlx::Error> {
    // Pending rollbacks run first.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// The error if nothing can be written beside the file of `url`.
fn read_only_folder(url: &str) -> Option<StoreError> {
    if !url.starts_with("sqlite:") {
        return None;
    }
    let file = sqlite_file(url).ok()??;
    let folder = folder_of(&file);
    let probe = folder.join(format!(".meeting-check-{}", std::process::id()));
    match std::fs::create_dir(&probe).and_then(|()| std::fs::remove_dir(&probe)) {
        Ok(()) => None,
        Err(error) => match unusable(&file, error) {
            read_only @ StoreError::ReadOnlyFolder { .. } => Some(read_only),
            _ => None,
        },
    }
}

/// The error of a file that cannot be made or opened for writing.
pub(super) fn unusable(file: &Path, error: std::io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreError::ReadOnlyFolder {
            path: folder_of(file).to_owned(),
            source: error,
        },
        _ => StoreError::File(error),
    }
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether `url` names a SQLite database in memory, which lives in one connection.
pub(super) fn is_in_memory(url: &str) -> bool {
    url.starts_with("sqlite:") && (url.contains(":memory:") || url.contains("mode=memory"))
}

/// The file that `url` names. None for a database in memory.
pub(super) fn sqlite_file(url: &str) -> Result<Option<PathBuf>, StoreError> {
    if is_in_memory(url) {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|_| StoreError::UnknownDatabase)?;
    Ok(Some(options.get_filename().to_owned()))
}

/// Makes the file and its directory if they are missing. Only their owner may use them, because they contain hashes and
/// chat. SQLite gives its side files the mode of the file.
fn make_private(file: &Path) -> std::io::Result<()> {
    make_private_folder(folder_of(file))?;
    match new_private_file(file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder for its owner only, and missing folders above it.
pub(super) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file for its owner only. Fails if it exists.
pub(super) fn new_private_file(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}
