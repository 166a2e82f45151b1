//! Columns that several tables share.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::older::{is_inherited, is_long_text};

/// A point in time in UTC, to the millisecond, that may be missing. Plain `datetime` would round on MySQL.
pub fn moment(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DbBackend::MySql => column.custom("datetime(3)"),
        DbBackend::Postgres => column.custom("timestamp(3)"),
        // SQLite keeps the text as it is written.
        _ => column.date_time(),
    };
    column.null().take()
}

/// When a row was made, changed and deleted.
pub const LIFE: [&str; 3] = ["created_at", "updated_at", "deleted_at"];

/// The row's number, `created_at`, `updated_at` and `deleted_at`.
pub fn row(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    std::iter::once(id())
        .chain(LIFE.map(|name| moment(manager, name)))
        .collect()
}

/// The row's own number.
pub fn id() -> ColumnDef {
    ColumnDef::new("id")
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key()
        .take()
}

/// A text of at most `length` characters.
pub fn string(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    exact(manager, name, length).not_null().take()
}

/// The same, or nothing.
pub fn string_null(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    exact(manager, name, length).null().take()
}

/// A text of any length, or nothing.
pub fn text_null(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DbBackend::MySql => column.custom("text CHARACTER SET utf8mb4 BINARY"),
        _ => column.text(),
    };
    column.null().take()
}

/// Letters are equal when they are the same letters, as PostgreSQL and SQLite have it. MySQL's own rules would take é
/// for e and every emoji for every other; `BINARY` asks for the plain rules of the character set, whatever the
/// database's defaults are.
fn exact(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DbBackend::MySql => {
            column.custom(format!("varchar({length}) CHARACTER SET utf8mb4 BINARY"))
        }
        _ => column.string_len(length),
    };
    column.take()
}

/// A switch that is off unless set.
pub fn switch(name: &'static str) -> ColumnDef {
    ColumnDef::new(name)
        .boolean()
        .not_null()
        .default(false)
        .take()
}

/// Makes a table of `inherited` and `own` columns. Where the older Meeting (Go) has made it already, only what it lacks
/// is added, and so that its programs can still insert rows: what has no default may be absent there.
pub async fn create_or_extend(
    manager: &SchemaManager<'_>,
    name: &'static str,
    inherited: Vec<ColumnDef>,
    own: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    if !manager.has_table(name).await? {
        let mut table = Table::create();
        table.table(name);
        for column in inherited.into_iter().chain(own) {
            table.col(column);
        }
        return manager.create_table(table).await;
    }
    let absent_at_times = |column: &ColumnDef| column.get_column_spec().nullable == Some(true);
    let inherited = inherited.into_iter().filter(absent_at_times).collect();
    extend(manager, name, inherited).await?;
    let relaxed = |mut column: ColumnDef| {
        if column.get_column_spec().default.is_none() {
            column.null();
        }
        column
    };
    extend(manager, name, own.into_iter().map(relaxed).collect()).await
}

/// Adds columns to a table where they are not there yet.
pub async fn extend(
    manager: &SchemaManager<'_>,
    name: &'static str,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    for column in columns {
        if manager.has_column(name, column.get_column_name()).await? {
            continue;
        }
        let mut addition = Table::alter();
        addition.table(name).add_column(column);
        manager.alter_table(addition).await?;
    }
    Ok(())
}

/// Takes out a column that this server has added.
pub async fn retract(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    let mut change = Table::alter();
    change.table(table).drop_column(column);
    manager.alter_table(change).await
}

/// Makes the index `idx_<table>_<columns>` if it is not there.
pub async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    create_index(manager, table, columns, false).await
}

/// The same, unique.
pub async fn unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    create_index(manager, table, &[column], true).await
}

/// An index over a column of a table that the older Meeting (Go) has made, over its beginning alone where the column has
/// no length. It is not unique: where its programs have made no such index, two rows may hold the same.
pub async fn index_inherited(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    /// As long as the identities that this server makes.
    const BEGINNING: u32 = 36;
    let name = format!("idx_{table}_{column}");
    if manager.has_index(table, name.as_str()).await? {
        return Ok(());
    }
    let mut index = Index::create();
    index.name(name).table(table);
    if is_long_text(manager, table, column).await? {
        index.col((column, BEGINNING));
    } else {
        index.col(column);
    }
    manager.create_index(index).await
}

/// Makes the unique index over several columns together.
pub async fn unique_together(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    create_index(manager, table, columns, true).await
}

async fn create_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    is_unique: bool,
) -> Result<(), DbErr> {
    let name = format!("idx_{table}_{}", columns.join("_"));
    if manager.has_index(table, name.as_str()).await? {
        return Ok(());
    }
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    if is_unique {
        index.unique();
    }
    manager.create_index(index).await
}

/// Drops a table that this server has made. One that it has taken over is never dropped.
pub async fn drop(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    if is_inherited(manager, table).await? {
        return Err(DbErr::Migration(format!(
            "the table {table} was taken over from another program and is not dropped"
        )));
    }
    manager
        .drop_table(Table::drop().table(table).to_owned())
        .await
}
