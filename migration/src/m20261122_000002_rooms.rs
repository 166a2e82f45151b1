//! Rooms, and who was in them. Rows point at each other by number without foreign keys: rows are only ever marked as
//! deleted, and the tables that this server takes over have none and other integer widths.

use sea_orm_migration::prelude::*;

use crate::columns::{
    LIFE, create_or_extend, drop, index, index_inherited, moment, row, string, string_null, switch,
    text_null, unique,
};
use crate::older::{Grain, Holds, fit_text, fit_times, is_inherited};

/// What the older Meeting (Go) keeps of a room.
pub const ROOM: [(&str, Holds); 9] = [
    ("id", Holds::Number),
    ("created_at", Holds::Time),
    ("updated_at", Holds::Time),
    ("deleted_at", Holds::Time),
    ("identity", Holds::Text),
    ("name", Holds::Text),
    ("begin_at", Holds::Time),
    ("end_at", Holds::Time),
    ("create_id", Holds::Number),
];

/// What it keeps of somebody in a room.
pub const STAY: [(&str, Holds); 6] = [
    ("id", Holds::Number),
    ("created_at", Holds::Time),
    ("updated_at", Holds::Time),
    ("deleted_at", Holds::Time),
    ("rid", Holds::Number),
    ("uid", Holds::Number),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_rooms(manager).await?;
        create_memberships(manager).await
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
    create_or_extend(manager, "room_basic", inherited, own_of_room(manager)).await?;
    if is_inherited(manager, "room_basic").await? {
        fit_times(manager, "room_basic", &LIFE, Grain::Any).await?;
        let plan = ["begin_at", "end_at"];
        fit_times(manager, "room_basic", &plan, Grain::Millisecond).await?;
        fit_text(manager, "room_basic", "name", 100).await?;
        fit_text(manager, "room_basic", "identity", 36).await?;
        index_inherited(manager, "room_basic", "identity").await?;
    } else {
        unique(manager, "room_basic", "identity").await?;
    }
    unique(manager, "room_basic", "number").await?;
    index(manager, "room_basic", &["deleted_at"]).await?;
    index(manager, "room_basic", &["create_id"]).await
}

async fn create_memberships(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut inherited = row(manager);
    for name in ["rid", "uid"] {
        inherited.push(ColumnDef::new(name).big_integer().not_null().take());
    }
    create_or_extend(manager, "room_user", inherited, own_of_membership(manager)).await?;
    if is_inherited(manager, "room_user").await? {
        fit_times(manager, "room_user", &LIFE, Grain::Any).await?;
    }
    unique(manager, "room_user", "participant").await?;
    for columns in [["deleted_at"], ["rid"], ["left_at"]] {
        index(manager, "room_user", &columns).await?;
    }
    index(manager, "room_user", &["user_identity", "rid"]).await
}

/// What this server keeps of a room beside it.
pub fn own_of_room(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![
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
    ]
}

/// What it keeps of a membership.
pub fn own_of_membership(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![
        string_null(manager, "participant", 64),
        string(manager, "user_identity", 64).default("").take(),
        string(manager, "display_name", 100).default("").take(),
        string(manager, "role", 16).default("member").take(),
        moment(manager, "joined_at"),
        moment(manager, "left_at"),
        string_null(manager, "leave_reason", 16),
    ]
}
