//! Opening the database.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use super::StoreError;

/// How long a statement waits for SQLite's one writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a query waits for a free connection before its caller is told that the server is busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn connect(url: &str, max_connections: u32) -> Result<DatabaseConnection, StoreError> {
    let Some(file) = url.strip_prefix("sqlite:") else {
        return Err(StoreError::UnknownDatabase);
    };
    let file = file.strip_prefix("//").unwrap_or(file);
    let file = file.split('?').next().unwrap_or_default();
    let mut options = ConnectOptions::new(url);
    options.max_connections(max_connections.max(1)).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
    if file == ":memory:" {
        // The database lives in its one connection.
        options.max_connections(1).idle_timeout(None).max_lifetime(None);
    } else {
        make_directory(Path::new(file)).map_err(StoreError::Directory)?;
    }
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL a killed process loses nothing; a power cut may cost the last commits, never the file
            // (sqlite.org/pragma.html#pragma_synchronous).
            .synchronous(SqliteSynchronous::Normal)
    });
    Ok(Database::connect(options).await?)
}

/// Makes the file's directory, for its owner alone, if it is not there.
fn make_directory(file: &Path) -> std::io::Result<()> {
    let Some(directory) = file.parent().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
