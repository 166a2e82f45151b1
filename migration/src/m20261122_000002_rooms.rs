//! Rooms, and who was in them. Rows point at each other by number without foreign keys: rows are only ever marked as
//! deleted, and the tables that this server takes over have none and other integer widths.

use sea_orm_migration::prelude::*;

use crate::columns::{
    LIFE, admit_every_letter, create_or_extend, drop, forget_impossible_times, index, is_inherited,
    moment, row, string, string_null, switch, text_null, unique, widen,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_rooms(manager).await?;
        create_stays(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "room_user").await?;
        drop(manager, "room_basic").await
    }
}

async fn create_rooms(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut inherited = row(manager);
    inherited.extend([
        string(manager, "identity", 36),
        string(manager, "name", 100),
        moment(manager, "begin_at"),
        moment(manager, "end_at"),
        ColumnDef::new("create_id").big_integer().not_null().take(),
    ]);
    let own = vec![
        string_null(manager, "number", 9),
        string_null(manager, "password", 255),
        switch("locked"),
        switch("lobby"),
        string(manager, "topology", 16).default("sfu").take(),
        ColumnDef::new("max_participants")
            .integer()
            .not_null()
            .default(100)
            .take(),
        text_null(manager, "permissions").not_null().take(),
        ColumnDef::new("version")
            .big_integer()
            .not_null()
            .default(1)
            .take(),
        moment(manager, "ended_at"),
    ];
    create_or_extend(manager, "room_basic", inherited, own).await?;
    if is_inherited(manager, "room_basic").await? {
        admit_every_letter(manager, "room_basic", "name", 100).await?;
        forget_impossible_times(manager, "room_basic", &LIFE).await?;
        for name in ["begin_at", "end_at"] {
            forget_impossible_times(manager, "room_basic", &[name]).await?;
            // A plain `datetime` would round to whole seconds.
            widen(manager, "room_basic", moment(manager, name)).await?;
        }
    }
    for column in ["identity", "number"] {
        unique(manager, "room_basic", column).await?;
    }
    index(manager, "room_basic", &["deleted_at"]).await?;
    index(manager, "room_basic", &["create_id"]).await
}

async fn create_stays(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut inherited = row(manager);
    for name in ["rid", "uid"] {
        inherited.push(ColumnDef::new(name).big_integer().not_null().take());
    }
    let own = vec![
        string_null(manager, "participant", 64),
        string(manager, "user_identity", 64).default("").take(),
        string(manager, "display_name", 100).default("").take(),
        string(manager, "role", 16).default("member").take(),
        moment(manager, "joined_at"),
        moment(manager, "left_at"),
        string_null(manager, "leave_reason", 16),
    ];
    create_or_extend(manager, "room_user", inherited, own).await?;
    if is_inherited(manager, "room_user").await? {
        forget_impossible_times(manager, "room_user", &LIFE).await?;
    }
    unique(manager, "room_user", "participant").await?;
    for columns in [["deleted_at"], ["rid"], ["left_at"]] {
        index(manager, "room_user", &columns).await?;
    }
    index(manager, "room_user", &["user_identity", "rid"]).await
}
