//! What the server and those who run it tell each other: who ended a meeting, and when the server was last at work.

use sea_orm_migration::prelude::*;

use crate::columns::{drop, extend, moment, retract, string_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        extend(manager, "room_basic", own_of_room(manager)).await?;
        manager.create_table(beats(manager)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "server_beat").await?;
        retract(manager, "room_basic", "ended_by").await
    }
}

/// When the server was last at work.
pub fn beats(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut beats = Table::create();
    beats
        .table("server_beat")
        .if_not_exists()
        .col(ColumnDef::new("id").big_integer().not_null().primary_key())
        .col(moment(manager, "beat_at").not_null());
    beats
}

/// What is kept of a room besides.
pub fn own_of_room(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![string_null(manager, "ended_by", 16)]
}
