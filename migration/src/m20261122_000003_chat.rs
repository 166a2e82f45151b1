//! What was written in rooms.

use sea_orm_migration::prelude::*;

use crate::columns::{drop, id, index, moment, string, string_null, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut messages = Table::create();
        messages
            .table("chat_message")
            .col(id())
            .col(string("identity", 64))
            .col(ColumnDef::new("rid").big_integer().not_null())
            .col(string("participant", 64))
            .col(string("user_identity", 64))
            .col(string("user_kind", 16))
            .col(string_null("username", 100))
            .col(string("user_display_name", 100))
            .col(string("display_name", 100))
            .col(string_null("to_participant", 64))
            .col(string_null("to_user_identity", 64))
            .col(ColumnDef::new("text").text().not_null())
            .col(string_null("client_id", 64))
            .col(moment(manager, "sent_at").not_null());
        manager.create_table(messages).await?;
        unique(manager, "chat_message", "identity").await?;
        index(manager, "chat_message", &["rid", "id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "chat_message").await
    }
}
