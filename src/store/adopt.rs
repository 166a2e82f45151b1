//! Taking over the rows of the older Meeting (Go).
//!
//! The migrations add the missing columns to its tables. This module fills those columns. Nothing is removed. A row
//! that cannot be taken over stays as it is, and every query leaves it out. Rows that the older programs write later
//! are taken over when the store is opened the next time, or by `meeting db adopt`. The rules:
//!
//! - A user name that this server would refuse stays good for logging in; others see
//!   [`Username::adopted`](crate::protocol::text::Username::adopted) of it.
//! - Of user names that differ in case alone the oldest row keeps it, each other becomes `name-ROW`.
//! - A deleted user's name becomes `name#ROW`, as after any deletion here, so that it is free again.
//! - A room without an owner, or with an identity that no link could carry, that reads as a number or that an older room
//!   has too, is left as it is; so is a row whose number is beyond what signed numbers hold.
//! - What is absent where something must be is made up: a name from the row's number or a mark, a password that nobody
//!   has. A deletion in year, month or day 0 is none.
//! - A table with a column of ours that is of another type is not touched, nor any other table:
//!   [`StoreError::Clash`] names it.
//! - How long somebody was in a room was never written: such a membership ends when it begins.

mod memberships;
mod rooms;
mod users;

use std::collections::HashSet;

use entity::row_id::RowId;
use migration::{Migrator, MigratorTrait as _, SchemaManager};
use sea_orm::prelude::{DateTime, DateTimeUtc};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ColIdx, ConnectionTrait as _, DbBackend, DbErr, FromQueryResult, QueryResult, TryGetError,
    TryGetable,
};
use serde::Serialize;

use super::StoreError;
use super::db::Db;

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptionMode {
    /// Only report what would be done.
    DryRun,
    /// Do it.
    Apply,
}

/// The result of taking over, or what it would be.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Adoption {
    /// Steps of the schema.
    pub migrations: Vec<String>,
    /// Accounts.
    pub users: usize,
    /// Those of them with an MD5 hash, which is replaced at their next log-in.
    pub legacy_passwords: usize,
    /// Rooms.
    pub rooms: usize,
    /// Memberships in rooms.
    pub memberships: usize,
    /// What is unusual, row by row.
    pub remarks: Vec<Remark>,
}

/// A remark about one row for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The row's table.
    pub table: &'static str,
    /// The number of the row. Older systems have some that exceed signed numbers.
    pub row: i128,
    /// What is wrong, and what is done about it.
    pub remark: String,
}

/// Brings the schema up to date and takes over the waiting rows, or says what would be done.
pub(super) async fn adopt(db: &Db, mode: AdoptionMode) -> Result<Adoption, StoreError> {
    let pool = db.pool();
    let clashes: Vec<String> = migration::clashes(pool)
        .await?
        .iter()
        .map(ToString::to_string)
        .collect();
    if !clashes.is_empty() {
        return Err(StoreError::Clash(clashes.join("; ")));
    }
    let pending = Migrator::get_pending_migrations_read_only(pool).await?;
    let mut report = Adoption {
        migrations: pending.iter().map(|step| step.name().to_owned()).collect(),
        ..Adoption::default()
    };
    if mode == AdoptionMode::Apply && !pending.is_empty() {
        Migrator::up(pool, None).await?;
        // The migration crate inserts the note of a step, and nobody checks that this was committed.
        if let Some(step) = Migrator::get_pending_migrations_read_only(pool)
            .await?
            .first()
        {
            let lost = format!("the step {} was taken and not recorded", step.name());
            return Err(DbErr::Migration(lost).into());
        }
    }
    let schema = SchemaManager::new(pool);
    if schema.has_table("user_basic").await? {
        users::adopt(db, mode, &mut report).await?;
        if schema.has_table("room_basic").await? {
            rooms::adopt(db, mode, &mut report).await?;
            super::names::adopt(db, mode).await?;
            if schema.has_table("room_user").await? {
                memberships::adopt(db, mode, &mut report).await?;
            }
        }
    }
    Ok(report)
}

impl Adoption {
    fn remark(&mut self, table: &'static str, row: OldNumber, remark: impl Into<String>) {
        self.remarks.push(Remark {
            table,
            row: row.0.unwrap_or_default(),
            remark: remark.into(),
        });
    }
}

/// The condition under which a row waits to be taken over. None if the schema has no column for it yet.
async fn waiting(
    db: &Db,
    table: &'static str,
    column: &'static str,
    condition: Expr,
) -> Result<Option<Expr>, StoreError> {
    let known = SchemaManager::new(db.pool())
        .has_column(table, column)
        .await?;
    Ok(known.then_some(condition))
}

fn select(
    table: &'static str,
    columns: &[&'static str],
    condition: Option<Expr>,
) -> SelectStatement {
    let mut query = Query::select();
    query.from(table);
    for column in columns {
        query.column(*column);
    }
    if let Some(condition) = condition {
        query.and_where(condition);
    }
    query.order_by("id", sea_orm::Order::Asc);
    query
}

async fn read<R: FromQueryResult>(db: &Db, query: &SelectStatement) -> Result<Vec<R>, StoreError> {
    let rows = db.query_all(query).await?;
    let rows = rows.iter().map(|row| R::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A time that may be absent. A value that MySQL stores and nobody can read counts as absent.
#[derive(Clone, Copy)]
struct OldTime(Option<DateTime>);

impl TryGetable for OldTime {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        // The second reading is for `timestamp`, which has a zone.
        let zoned = || DateTimeUtc::try_get_by(row, column).map(|time| time.naive_utc());
        Ok(Self(
            DateTime::try_get_by(row, column).or_else(|_| zoned()).ok(),
        ))
    }
}

/// The number of a row or of a reference to one: signed or unsigned, or absent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct OldNumber(Option<i128>);

impl OldNumber {
    /// The row, if this server supports that number.
    fn row(self) -> Option<RowId> {
        self.0.and_then(|number| number.try_into().ok()).map(RowId)
    }
}

impl std::fmt::Display for OldNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(number) => write!(f, "{number}"),
            None => f.write_str("without a number"),
        }
    }
}

impl TryGetable for OldNumber {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        let signed = Option::<i64>::try_get_by(row, column);
        if signed.is_ok() || row.try_as_mysql_row().is_none() {
            return signed.map(|number| Self(number.map(i128::from)));
        }
        Option::<u64>::try_get_by(row, column).map(|number| Self(number.map(i128::from)))
    }
}

/// The columns of a row that others refer to.
#[derive(FromQueryResult)]
struct IdRow {
    id: OldNumber,
    deleted_at: OldTime,
}

/// The rows of a table that are not deleted and whose number this server supports.
async fn living(db: &Db, table: &'static str) -> Result<HashSet<OldNumber>, StoreError> {
    let rows: Vec<IdRow> = read(db, &select(table, &["id", "deleted_at"], None)).await?;
    let rows = rows.into_iter();
    let living = rows.filter(|row| row.deleted_at.0.is_none() && row.id.row().is_some());
    Ok(living.map(|row| row.id).collect())
}

/// Makes the times of waiting rows readable, as the first migration did for the rows that it found.
async fn forget_impossible_times(
    db: &Db,
    mode: AdoptionMode,
    table: &'static str,
    columns: &[&'static str],
    waiting: &Option<Expr>,
) -> Result<(), StoreError> {
    if mode == AdoptionMode::DryRun || db.get_database_backend() != DbBackend::MySql {
        return Ok(());
    }
    let schema = SchemaManager::new(db.pool());
    let forgotten =
        migration::forget_impossible_times(&schema, table, columns, waiting.as_ref()).await;
    Ok(forgotten?)
}
