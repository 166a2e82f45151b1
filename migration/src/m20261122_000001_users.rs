//! Accounts, and the tokens that were logged out.

use sea_orm_migration::prelude::*;

use crate::columns::{
    LIFE, admit_every_letter, create_or_extend, drop, forget_impossible_times, index, is_inherited,
    moment, row, string, switch, text_null, unique, widen,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut inherited = row(manager);
        inherited.extend([
            string(manager, "username", 100),
            string(manager, "password", 255),
            text_null(manager, "sdp"),
        ]);
        let own = vec![
            string(manager, "identity", 64),
            // Lower case can be longer than the name: 'İ' becomes two characters.
            string(manager, "username_key", 191),
            string(manager, "display_name", 100).default("").take(),
            switch("password_legacy"),
            moment(manager, "tokens_valid_after"),
            moment(manager, "disabled_at"),
        ];
        create_or_extend(manager, "user_basic", inherited, own).await?;
        if is_inherited(manager, "user_basic").await? {
            // MD5 in hex fits into 36 characters, a better hash does not.
            let password = ColumnDef::new("password").string_len(255).not_null().take();
            forget_impossible_times(manager, "user_basic", &LIFE).await?;
            widen(manager, "user_basic", password).await?;
            admit_every_letter(manager, "user_basic", "username", 100).await?;
        }
        for column in ["username", "username_key", "identity"] {
            unique(manager, "user_basic", column).await?;
        }
        index(manager, "user_basic", &["deleted_at"]).await?;

        let mut tokens = Table::create();
        tokens
            .table("revoked_token")
            .if_not_exists()
            .col(string(manager, "jti", 64).primary_key())
            .col(moment(manager, "expires_at").not_null());
        manager.create_table(tokens).await?;
        index(manager, "revoked_token", &["expires_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "revoked_token").await?;
        drop(manager, "user_basic").await
    }
}
