//! The pool of connections, with an end to waiting: a server that hangs must not hang its callers.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement,
};

/// How long a database server has to answer one statement before its caller is told that the server is busy. SQLite
/// is bounded by its own busy timeout.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pool; clones share it.
#[derive(Clone)]
pub(super) struct Db {
    pub(super) pool: DatabaseConnection,
}

impl Db {
    /// Waits for `answer` as long as this database may take for one.
    pub(super) async fn in_time<T, E: From<DbErr>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.get_database_backend() == DbBackend::Sqlite {
            return answer.await;
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer,
            Err(_) => {
                let late = RuntimeErr::Internal("no answer in time".to_owned());
                Err(DbErr::Conn(late).into())
            }
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.in_time(self.pool.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.in_time(self.pool.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.in_time(self.pool.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.in_time(self.pool.query_all_raw(statement)).await
    }
}
