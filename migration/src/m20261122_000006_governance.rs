//! How meetings are governed: what else a room decides, invite links, bans, and messages that were taken back.

use sea_orm_migration::prelude::*;

use crate::columns::{
    drop, extend, id, index, moment, retract, string, string_null, switch, unique, unique_together,
};

/// What rooms decide beside what they decided before.
const DECISIONS: [&str; 6] = [
    "history",
    "hide_number",
    "early_ms",
    "ends_on_time",
    "recurrence",
    "permanent",
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        extend(manager, "room_basic", own_of_room(manager)).await?;
        extend(manager, "chat_message", own_of_message(manager)).await?;
        create_invites(manager).await?;
        create_invite_uses(manager).await?;
        create_bans(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["room_ban", "room_invite_use", "room_invite"] {
            drop(manager, table).await?;
        }
        retract(manager, "chat_message", "deleted_at").await?;
        for column in DECISIONS {
            retract(manager, "room_basic", column).await?;
        }
        Ok(())
    }
}

async fn create_invites(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.create_table(invites(manager)).await?;
    for column in ["identity", "token_hash"] {
        unique(manager, "room_invite", column).await?;
    }
    index(manager, "room_invite", &["rid"]).await
}

async fn create_invite_uses(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.create_table(invite_uses(manager)).await?;
    unique_together(manager, "room_invite_use", &["invite", "user_identity"]).await
}

async fn create_bans(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.create_table(bans(manager)).await?;
    unique_together(manager, "room_ban", &["rid", "user_identity"]).await
}

/// Invite links.
pub fn invites(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut invites = Table::create();
    invites
        .table("room_invite")
        .if_not_exists()
        .col(id())
        .col(string(manager, "identity", 64))
        .col(ColumnDef::new("rid").big_integer().not_null())
        // SHA-256 in hex.
        .col(string(manager, "token_hash", 64))
        .col(string(manager, "role", 16))
        .col(string_null(manager, "name", 100))
        .col(moment(manager, "expires_at"))
        .col(ColumnDef::new("max_uses").integer().null())
        .col(ColumnDef::new("uses").integer().not_null().default(0))
        .col(moment(manager, "created_at").not_null())
        .col(string(manager, "created_by", 64))
        .col(moment(manager, "revoked_at"));
    invites
}

/// The people who used them.
pub fn invite_uses(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut uses = Table::create();
    uses.table("room_invite_use")
        .if_not_exists()
        .col(id())
        .col(ColumnDef::new("invite").big_integer().not_null())
        .col(string(manager, "user_identity", 64))
        .col(moment(manager, "used_at").not_null());
    uses
}

/// The people who may not come in.
pub fn bans(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut bans = Table::create();
    bans.table("room_ban")
        .if_not_exists()
        .col(id())
        .col(ColumnDef::new("rid").big_integer().not_null())
        .col(string(manager, "user_identity", 64))
        .col(string(manager, "display_name", 100))
        .col(moment(manager, "since").not_null())
        .col(string(manager, "banned_by", 64));
    bans
}

/// What is kept of a room besides.
pub fn own_of_room(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![
        string(manager, "history", 16).default("all").take(),
        switch("hide_number"),
        ColumnDef::new("early_ms")
            .big_integer()
            .not_null()
            .default(600_000)
            .take(),
        switch("ends_on_time"),
        string_null(manager, "recurrence", 255),
        switch("permanent").default(true).take(),
    ]
}

/// What is kept of a message besides.
pub fn own_of_message(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![moment(manager, "deleted_at")]
}
