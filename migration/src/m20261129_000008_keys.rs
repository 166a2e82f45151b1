//! Keys that the database compares: how a room's name is searched, and a message by the name that its sender gave it.

use sea_orm_migration::prelude::*;

use crate::columns::{extend, index, retract, text_null, unique_together};

/// What a message is found by that is sent again.
const CLIENT_ID: [&str; 3] = ["rid", "user_identity", "client_id"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        extend(manager, "room_basic", own_of_room(manager)).await?;
        index(manager, "room_basic", &["create_id", "created_at"]).await?;
        forget_repeated_client_ids(manager).await?;
        unique_together(manager, "chat_message", &CLIENT_ID).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in [
            (
                "chat_message",
                "idx_chat_message_rid_user_identity_client_id",
            ),
            ("room_basic", "idx_room_basic_create_id_created_at"),
        ] {
            manager
                .drop_index(Index::drop().name(name).table(table).to_owned())
                .await?;
        }
        retract(manager, "room_basic", "name_key").await
    }
}

/// What is kept of a room besides. A name may become many times as long.
pub fn own_of_room(manager: &SchemaManager<'_>) -> Vec<ColumnDef> {
    vec![text_null(manager, "name_key")]
}

/// Of messages that were sent again under one client id the first keeps it.
async fn forget_repeated_client_ids(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let first = Query::select()
        .expr_as(Expr::col("id").min(), "id")
        .from("chat_message")
        .and_where(Expr::col("client_id").is_not_null())
        .group_by_columns(CLIENT_ID)
        .to_owned();
    // MySQL changes no table that it reads in the same statement, unless by way of a derived one.
    let kept = Query::select()
        .column("id")
        .from_subquery(first, "kept")
        .to_owned();
    let update = Query::update()
        .table("chat_message")
        .value("client_id", None::<String>)
        .and_where(Expr::col("client_id").is_not_null())
        .and_where(Expr::col("id").not_in_subquery(kept))
        .to_owned();
    manager.execute(update).await
}
