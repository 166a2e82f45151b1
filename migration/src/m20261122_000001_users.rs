//! Accounts, and the tokens that were logged out.

use sea_orm_migration::prelude::*;

use crate::columns::{add_life, drop, id, index, moment, string, switch, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut users = Table::create();
        users.table("user_basic").col(id());
        add_life(manager, &mut users);
        users
            .col(string("username", 100))
            .col(string("password", 255))
            .col(ColumnDef::new("sdp").text().null())
            .col(string("identity", 64))
            // Lower case can be longer than the name: 'İ' becomes two characters.
            .col(string("username_key", 191))
            .col(string("display_name", 100))
            .col(switch("password_legacy"))
            .col(moment(manager, "tokens_valid_after"))
            .col(moment(manager, "disabled_at"));
        manager.create_table(users).await?;
        for column in ["username", "username_key", "identity"] {
            unique(manager, "user_basic", column).await?;
        }
        index(manager, "user_basic", &["deleted_at"]).await?;

        let mut tokens = Table::create();
        tokens
            .table("revoked_token")
            .col(string("jti", 64).primary_key())
            .col(moment(manager, "expires_at").not_null());
        manager.create_table(tokens).await?;
        index(manager, "revoked_token", &["expires_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "revoked_token").await?;
        drop(manager, "user_basic").await
    }
}
