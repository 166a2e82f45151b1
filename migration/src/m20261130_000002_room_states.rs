//! What is to be known of meetings after a restart: one row for each room with a meeting that is kept.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{drop, moment};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(states(manager)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "room_state").await
    }
}

/// Meetings as they were saved.
pub fn states(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut states = Table::create();
    states
        .table("room_state")
        .if_not_exists()
        .col(ColumnDef::new("rid").big_integer().not_null().primary_key())
        .col(ColumnDef::new("node").big_integer().not_null())
        .col(ColumnDef::new("version").integer().not_null())
        .col(bytes(manager, "state"))
        .col(moment(manager, "saved_at").not_null())
        .col(moment(manager, "kept_until"));
    states
}

/// Bytes of any number. MySQL's plain `blob` ends at 64 KiB.
fn bytes(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DbBackend::MySql => column.custom("longblob"),
        _ => column.binary(),
    };
    column.not_null().take()
}
