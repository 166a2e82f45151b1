//! Columns that several tables share.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// A point in time in UTC, to the millisecond, that may be missing. Plain `datetime` would round on MySQL.
pub fn moment(manager: &SchemaManager<'_>, name: impl IntoIden) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DbBackend::MySql => column.custom("datetime(3)"),
        DbBackend::Postgres => column.custom("timestamp(3)"),
        // SQLite keeps the text as it is written.
        _ => column.date_time(),
    };
    column.null().take()
}

/// `created_at`, `updated_at` and `deleted_at`.
pub fn add_life(manager: &SchemaManager<'_>, table: &mut TableCreateStatement) {
    for name in ["created_at", "updated_at", "deleted_at"] {
        table.col(moment(manager, name));
    }
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
pub fn string(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().take()
}

/// The same, or nothing.
pub fn string_null(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).null().take()
}

/// A switch that is off unless set.
pub fn switch(name: &'static str) -> ColumnDef {
    ColumnDef::new(name)
        .boolean()
        .not_null()
        .default(false)
        .take()
}

/// Makes the index `idx_<table>_<columns>`.
pub async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    manager.create_index(named_index(table, columns)).await
}

/// Makes the same index, unique.
pub async fn unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    manager
        .create_index(named_index(table, &[column]).unique().take())
        .await
}

fn named_index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("idx_{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// Drops a table.
pub async fn drop(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(table).to_owned())
        .await
}
