//! On whose clocks meetings come again. A room without one goes on being counted in UTC.

use sea_orm_migration::prelude::*;

use crate::columns::{extend, retract, string_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        extend(manager, "room_basic", own_of_room(manager)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        retract(manager, "room_basic", "time_zone").await
    }
}

/// What is added to a room.
pub fn own_of_room(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![string_null(manager, "time_zone", 64)]
}
