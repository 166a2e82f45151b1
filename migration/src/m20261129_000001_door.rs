//! How people come in: who waits, whether guests may come at all, and what members start with. Where everyone waited
//! everyone goes on waiting.

use sea_orm_migration::prelude::*;

use crate::columns::{extend, retract, string, switch};

/// What rooms decide of their doors beside what they decided before.
const DECISIONS: [&str; 4] = ["waiting", "guests", "start_muted", "start_camera_off"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        extend(manager, "room_basic", own_of_room(manager)).await?;
        let keep_waiting = Query::update()
            .table("room_basic")
            .value("waiting", "everyone")
            .and_where(Expr::col("lobby").eq(true))
            .take();
        manager.execute(keep_waiting).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in DECISIONS {
            retract(manager, "room_basic", column).await?;
        }
        Ok(())
    }
}

/// What is added to a room.
pub fn own_of_room(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![
        string(manager, "waiting", 16).default("nobody").take(),
        switch("guests").default(true).take(),
        switch("start_muted"),
        switch("start_camera_off"),
    ]
}
