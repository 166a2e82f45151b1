//! The pool of connections: reads from it, and the one function through which everything is written.
//!
//! [`Db`] carries out queries. It refuses every statement that is no `SELECT`. Only [`Db::write`] writes. It runs in a
//! transaction, and has succeeded when the database has answered the `COMMIT`.
//!
//! A single statement would not be enough. SQLite commits it when it is reset. At the first row of an `INSERT …
//! RETURNING`, sqlx stops, resets the statement and ignores the result of the reset (sqlx-sqlite 0.9, the worker's
//! `Execute` with a limit). On a full disk the row is read, the commit fails, and the caller gets a success.
//!
//! What a success promises: with SQLite the write-ahead log has reached the disk (`synchronous=FULL`), so it survives a
//! power cut if the disk keeps its promises. With PostgreSQL and MariaDB it is what the server promises at `COMMIT`.
//! That is the same unless its administrator has changed it.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait as _,
};
use tokio::sync::Semaphore;

use super::StoreError;
use super::trouble::Troubles;

/// The time limit of a database server for one query or one transaction; beyond it, callers get "busy". It is also how
/// long a writer waits for its turn with SQLite, whose statements have a busy timeout of their own.
const PATIENCE: Duration = Duration::from_secs(5);

/// The transaction that the work of [`Db::write`] writes in.
pub(super) type Writing = DatabaseTransaction;

/// A pool; clones share it.
#[derive(Clone)]
pub(super) struct Db {
    pool: DatabaseConnection,
    /// SQLite has one writer. Waiting here is fair, and waiting for its lock is not.
    turn: Option<Arc<Semaphore>>,
    troubles: Arc<Troubles>,
}

impl Db {
    /// Reads and writes by the connections of `pool`.
    pub(super) fn new(pool: DatabaseConnection) -> Self {
        let has_one_writer = pool.get_database_backend() == DbBackend::Sqlite;
        Self {
            pool,
            turn: has_one_writer.then(|| Arc::new(Semaphore::new(1))),
            troubles: Arc::default(),
        }
    }

    /// Without a database: every call panics.
    #[cfg(test)]
    pub(super) fn nowhere() -> Self {
        Self {
            pool: DatabaseConnection::default(),
            turn: None,
            troubles: Arc::default(),
        }
    }

    /// The connections themselves, for the schema, which has special statements.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// The current troubles of reading and writing.
    pub(super) fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    /// Does `work` in one transaction, whole or not at all, and returns when it is committed.
    ///
    /// An error of `work` undoes all of it. So `work` must not go on after an error: PostgreSQL would refuse the rest,
    /// and SQLite may have ended the transaction. The caller interprets a conflict afterwards.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError::Unavailable`], [`StoreError::Full`] and [`StoreError::ReadOnly`] when the
    /// database cannot begin, carry out or commit. If the connection was lost at the commit, the result is unknown, so
    /// another attempt must be able to find it done already.
    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&Writing) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let written = self.in_time(self.transaction(work)).await;
        self.troubles.written(written.as_ref().err());
        written
    }

    /// The same for work on many rows that nobody waits for. It may take longer.
    pub(super) async fn write_many<T>(
        &self,
        work: impl AsyncFnOnce(&Writing) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let written = self.transaction(work).await;
        self.troubles.written(written.as_ref().err());
        written
    }

    async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Writing) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _turn = match &self.turn {
            None => None,
            Some(turn) => match tokio::time::timeout(PATIENCE, turn.acquire()).await {
                Ok(Ok(turn)) => Some(turn),
                Ok(Err(_)) | Err(_) => return Err(late().into()),
            },
        };
        // Taking the lock of SQLite first avoids upgrading a lock, which fails at once if there is another writer
        // (sqlite.org/lang_transaction.html).
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.pool.begin_with_options(options).await?;
        match work(&transaction).await {
            Ok(done) => {
                transaction.commit().await?;
                Ok(done)
            }
            Err(error) => {
                // A connection that cannot roll back is not used again (see `connect`).
                if let Err(error) = transaction.rollback().await {
                    tracing::debug!(%error, "a transaction was over before it was rolled back");
                }
                Err(error)
            }
        }
    }

    /// Waits for `answer` within the time limit of this database.
    async fn in_time<T, E: From<DbErr>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.pool.get_database_backend() == DbBackend::Sqlite {
            return answer.await;
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(late().into()),
        }
    }

    fn read<T>(&self, answer: Result<T, DbErr>) -> Result<T, DbErr> {
        self.troubles.read(answer.as_ref().err());
        answer
    }
}

fn late() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("no answer in time".to_owned()))
}

/// Refuses statements that could change something, because their commit would not be checked.
fn check_is_question(sql: &str) -> Result<(), DbErr> {
    if sql.starts_with("SELECT ") {
        return Ok(());
    }
    let refusal = "a statement that writes came past the one door for it";
    debug_assert!(false, "{refusal}: {sql}");
    Err(DbErr::Custom(refusal.to_owned()))
}

#[async_trait::async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        check_is_question(&statement.sql)?;
        self.read(self.in_time(self.pool.execute_raw(statement)).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        check_is_question(sql)?;
        self.read(self.in_time(self.pool.execute_unprepared(sql)).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        check_is_question(&statement.sql)?;
        self.read(self.in_time(self.pool.query_one_raw(statement)).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        check_is_question(&statement.sql)?;
        self.read(self.in_time(self.pool.query_all_raw(statement)).await)
    }
}
