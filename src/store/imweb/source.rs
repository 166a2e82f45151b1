//! The tables of imweb in its MySQL or MariaDB.
//!
//! Everything is read as text, because types, character sets and absent values differ between installations.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, DbErr, Statement,
    TransactionTrait as _,
};

use super::ImportError;

/// How long a connection to the other database may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A column's text, if there is one.
type Text = Option<String>;

/// The rows of the three tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) logins: Vec<Login>,
    pub(super) joins: Vec<Join>,
    pub(super) statuses: Vec<Status>,
}

/// A row of a created meeting.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) person: Text,
    pub(super) meeting: Text,
    pub(super) name: Text,
    pub(super) created: Text,
}

/// A row of a joined meeting.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) person: Text,
    pub(super) meeting: Text,
    pub(super) name: Text,
    pub(super) joined: Text,
}

/// The role of a person in a meeting that they joined.
#[derive(Debug)]
pub(super) struct Status {
    pub(super) row: Text,
    pub(super) person: Text,
    pub(super) kind: Text,
}

const LOGIN: (&str, [&str; 4]) = (
    "imweb_login",
    [
        "log_onlyId",
        "log_meetingId",
        "log_username",
        "log_createTime",
    ],
);
const JOIN: (&str, [&str; 4]) = (
    "imweb_join",
    [
        "join_onlyId",
        "join_meetingId",
        "join_username",
        "join_time",
    ],
);
const STATUS: (&str, [&str; 3]) = (
    "imweb_status",
    ["status_onlyId", "status_userId", "status_type"],
);

/// Reads all three tables in one consistent snapshot.
pub(super) async fn read(url: &str) -> Result<Tables, ImportError> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .sqlx_logging(false);
    let pool = Database::connect(options)
        .await
        .map_err(ImportError::Source)?;
    let snapshot = pool.begin().await.map_err(ImportError::Source)?;
    check(&snapshot).await?;
    let tables = read_all(&snapshot).await.map_err(ImportError::Source)?;
    snapshot.rollback().await.map_err(ImportError::Source)?;
    pool.close().await.map_err(ImportError::Source)?;
    Ok(tables)
}

/// Reports the first missing table or column.
async fn check(snapshot: &DatabaseTransaction) -> Result<(), ImportError> {
    let query = "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR) FROM information_schema.columns \
                 WHERE table_schema = DATABASE()";
    let rows: Vec<[Text; 2]> = texts(snapshot, query).await.map_err(ImportError::Source)?;
    let has = |table: &str, column: Option<&str>| {
        rows.iter().any(|[known_table, known_column]| {
            let is = |known: &Text, wanted: &str| {
                known
                    .as_deref()
                    .is_some_and(|known| known.eq_ignore_ascii_case(wanted))
            };
            is(known_table, table) && column.is_none_or(|column| is(known_column, column))
        })
    };
    let wanted = [
        (LOGIN.0, LOGIN.1.as_slice()),
        (JOIN.0, JOIN.1.as_slice()),
        (STATUS.0, STATUS.1.as_slice()),
    ];
    for (table, columns) in wanted {
        if !has(table, None) {
            return Err(ImportError::Missing(format!("table {table}")));
        }
        for column in columns {
            if !has(table, Some(column)) {
                return Err(ImportError::Missing(format!("column {table}.{column}")));
            }
        }
    }
    Ok(())
}

async fn read_all(snapshot: &DatabaseTransaction) -> Result<Tables, DbErr> {
    let logins = texts(snapshot, &select(LOGIN)).await?.into_iter();
    let joins = texts(snapshot, &select(JOIN)).await?.into_iter();
    let statuses = texts(snapshot, &select(STATUS)).await?.into_iter();
    Ok(Tables {
        logins: logins
            .map(|[person, meeting, name, created]| Login {
                person,
                meeting,
                name,
                created,
            })
            .collect(),
        joins: joins
            .map(|[person, meeting, name, joined]| Join {
                person,
                meeting,
                name,
                joined,
            })
            .collect(),
        statuses: statuses
            .map(|[row, person, kind]| Status { row, person, kind })
            .collect(),
    })
}

fn select<const N: usize>((table, columns): (&str, [&str; N])) -> String {
    let columns = columns.map(|column| format!("CAST(`{column}` AS CHAR)"));
    format!("SELECT {} FROM `{table}`", columns.join(", "))
}

async fn texts<const N: usize>(
    snapshot: &DatabaseTransaction,
    query: &str,
) -> Result<Vec<[Text; N]>, DbErr> {
    let query = Statement::from_string(snapshot.get_database_backend(), query);
    let rows = snapshot.query_all_raw(query).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let mut texts = [const { None }; N];
        for (column, text) in texts.iter_mut().enumerate() {
            *text = row.try_get_by_index(column)?;
        }
        all.push(texts);
    }
    Ok(all)
}
