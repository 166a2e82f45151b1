//! Rooms, and who was in them. Rows point at each other by number without foreign keys: rows are only ever marked as
//! deleted, and the tables that this server takes over have none and other integer widths.

use sea_orm_migration::prelude::*;

use crate::columns::{add_life, drop, id, index, moment, string, string_null, switch, unique};

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
    let mut rooms = Table::create();
    rooms.table("room_basic").col(id());
    add_life(manager, &mut rooms);
    rooms
        .col(string("identity", 36))
        .col(string("name", 100))
        .col(moment(manager, "begin_at"))
        .col(moment(manager, "end_at"))
        .col(ColumnDef::new("create_id").big_integer().not_null())
        .col(ColumnDef::new("number").char_len(9).null())
        .col(string_null("password", 255))
        .col(switch("locked"))
        .col(switch("lobby"))
        .col(string("topology", 16).default("sfu"))
        .col(
            ColumnDef::new("max_participants")
                .integer()
                .not_null()
                .default(100),
        )
        .col(ColumnDef::new("permissions").text().not_null())
        .col(
            ColumnDef::new("version")
                .big_integer()
                .not_null()
                .default(1),
        )
        .col(moment(manager, "ended_at"));
    manager.create_table(rooms).await?;
    for column in ["identity", "number"] {
        unique(manager, "room_basic", column).await?;
    }
    index(manager, "room_basic", &["deleted_at"]).await?;
    index(manager, "room_basic", &["create_id"]).await
}

async fn create_stays(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut stays = Table::create();
    stays.table("room_user").col(id());
    add_life(manager, &mut stays);
    stays
        .col(ColumnDef::new("rid").big_integer().not_null())
        .col(ColumnDef::new("uid").big_integer().not_null())
        .col(string_null("participant", 64))
        .col(string("user_identity", 64).default(""))
        .col(string("display_name", 100).default(""))
        .col(string("role", 16).default("member"))
        .col(moment(manager, "joined_at"))
        .col(moment(manager, "left_at"))
        .col(string_null("leave_reason", 16));
    manager.create_table(stays).await?;
    unique(manager, "room_user", "participant").await?;
    for columns in [["deleted_at"], ["rid"], ["left_at"]] {
        index(manager, "room_user", &columns).await?;
    }
    index(manager, "room_user", &["user_identity", "rid"]).await
}
