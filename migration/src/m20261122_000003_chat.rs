//! What was written in rooms.

use sea_orm_migration::prelude::*;

use crate::columns::{drop, id, index, moment, string, string_null, text_null, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(messages(manager)).await?;
        unique(manager, "chat_message", "identity").await?;
        index(manager, "chat_message", &["rid", "id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "chat_message").await
    }
}

/// What was written.
pub fn messages(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut messages = Table::create();
    messages
        .table("chat_message")
        .if_not_exists()
        .col(id())
        .col(string(manager, "identity", 64))
        .col(ColumnDef::new("rid").big_integer().not_null())
        .col(string(manager, "participant", 64))
        .col(string(manager, "user_identity", 64))
        .col(string(manager, "user_kind", 16))
        .col(string_null(manager, "username", 100))
        .col(string(manager, "user_display_name", 100))
        .col(string(manager, "display_name", 100))
        .col(string_null(manager, "to_participant", 64))
        .col(string_null(manager, "to_user_identity", 64))
        .col(text_null(manager, "text").not_null())
        .col(string_null(manager, "client_id", 64))
        .col(moment(manager, "sent_at").not_null());
    messages
}
